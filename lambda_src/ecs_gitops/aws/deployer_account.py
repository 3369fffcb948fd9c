"""The calls of ValidateDeploy with its own role, in the deployer's account: executions, notices, claims of notices.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from ecs_gitops.aws import function_client
from ecs_gitops.aws.calls import answered_at, attempt
from ecs_gitops.model.errors import AwsRefused

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

_NO_EXECUTION = ("ExecutionDoesNotExist", "InvalidArn")
_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
# Longer than the time from a claim to its notice, retries included. Shorter than the minute after which Lambda runs a
# failed event again:
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
_CLAIM_SECONDS = 50.0


class DeployerAccount:
    """Calls in one Region. Every method raises :class:`AwsUnavailable` and :class:`AwsRefused`."""

    def __init__(self, region: str) -> None:
        self._region = region

    def execution(self, arn: str) -> Json | None:
        """DescribeExecution's answer; None if there is no such execution."""
        try:
            return self._call("stepfunctions", "describe_execution", executionArn=arn)
        except AwsRefused as error:
            if error.code in _NO_EXECUTION:
                return None
            raise

    def publish(self, topic: str, subject: str, message: str) -> None:
        """Publish the notice of a failed release."""
        status = {"status": {"DataType": "String", "StringValue": "FAILED"}}
        self._call("sns", "publish", TopicArn=topic, Subject=subject, Message=message, MessageAttributes=status)

    def claim(self, bucket: str, key: str) -> bool:
        """Whether this run may send the notice ``key``. Only one run gets it, and calls :meth:`mark_sent` afterwards.

        If it did not do so within :data:`_CLAIM_SECONDS`, it has failed, and the next run gets the claim."""
        try:
            self._put(bucket, key, is_sent=False, IfNoneMatch="*")
        except AwsRefused as error:
            if error.code not in _EXISTS:
                raise
            return self._take_over(bucket, key)
        return True

    def mark_sent(self, bucket: str, key: str) -> None:
        """Record that the notice ``key`` was sent."""
        self._put(bucket, key, is_sent=True)

    def _take_over(self, bucket: str, key: str) -> bool:
        claim = self._call("s3", "get_object", Bucket=bucket, Key=key)
        with claim["Body"] as body:
            is_sent = json.loads(body.read(1_000)).get("sent", True)
        if is_sent or self._age(claim) < _CLAIM_SECONDS:
            return False
        try:
            self._put(bucket, key, is_sent=False, IfMatch=claim["ETag"])
        except AwsRefused as error:
            if error.code not in _EXISTS:
                raise
            return False
        return True

    @staticmethod
    def _age(claim: Json) -> float:
        """Seconds since the claim was written. Both times are by S3's clock."""
        return float((answered_at(claim) - claim["LastModified"]).total_seconds())

    def _put(self, bucket: str, key: str, *, is_sent: bool, **condition: str) -> None:
        self._call("s3", "put_object", Bucket=bucket, Key=key, Body=json.dumps({"sent": is_sent}).encode(), **condition)

    def _call(self, service: str, method: str, /, **parameters: Any) -> Json:
        client = _client(service, self._region)
        return attempt(method, lambda: getattr(client, method)(**parameters))


@cache
def _client(service: str, region: str) -> Any:
    """One client per sandbox."""
    return function_client(service, region, read_timeout=5, attempts=3)
