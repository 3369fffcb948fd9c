"""What ValidateDeploy asks and tells as itself, in the deployer's own account: no role is assumed for it.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from ecs_gitops.aws import own_client
from ecs_gitops.aws.calls import attempt, sent_at
from ecs_gitops.model.errors import AwsRefused

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

_NO_EXECUTION = ("ExecutionDoesNotExist", "InvalidArn")
_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
# Longer than a run needs from its claim to its notice, with all attempts of its calls, and shorter than the pause
# before Lambda runs a failed event again, which is a minute:
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
_CLAIM_SECONDS = 50.0


class Own:
    """Calls in one Region. Every method raises :class:`AwsUnavailable` and :class:`AwsRefused`."""

    def __init__(self, region: str) -> None:
        self._region = region

    def execution(self, arn: str) -> Json | None:
        """DescribeExecution's answer; None where there is no such execution."""
        try:
            return self._call("stepfunctions", "describe_execution", executionArn=arn)
        except AwsRefused as error:
            if error.code in _NO_EXECUTION:
                return None
            raise

    def publish(self, topic: str, subject: str, message: str) -> None:
        """Send the notice of a failed release."""
        status = {"status": {"DataType": "String", "StringValue": "FAILED"}}
        self._call("sns", "publish", TopicArn=topic, Subject=subject, Message=message, MessageAttributes=status)

    def claim(self, bucket: str, key: str) -> bool:
        """Whether the notice ``key`` is ours to send: of all runs that ask, it is one's, until it says :meth:`settle`.
        One that has not said so within a minute has failed, and the next one that asks takes its place."""
        try:
            self._put(bucket, key, is_sent=False, IfNoneMatch="*")
        except AwsRefused as error:
            if error.code not in _EXISTS:
                raise
            return self._take_over(bucket, key)
        return True

    def settle(self, bucket: str, key: str) -> None:
        """The notice ``key`` is sent."""
        self._put(bucket, key, is_sent=True)

    def _take_over(self, bucket: str, key: str) -> bool:
        found = self._call("s3", "get_object", Bucket=bucket, Key=key)
        with found["Body"] as body:
            is_sent = json.loads(body.read(1_000)).get("sent", True)
        if is_sent or self._age(found) < _CLAIM_SECONDS:
            return False
        try:
            self._put(bucket, key, is_sent=False, IfMatch=found["ETag"])
        except AwsRefused as error:
            if error.code not in _EXISTS:
                raise
            return False
        return True

    @staticmethod
    def _age(found: Json) -> float:
        """Seconds since an object was written, both times by S3's clock."""
        return float((sent_at(found) - found["LastModified"]).total_seconds())

    def _put(self, bucket: str, key: str, *, is_sent: bool, **condition: str) -> None:
        self._call("s3", "put_object", Bucket=bucket, Key=key, Body=json.dumps({"sent": is_sent}).encode(), **condition)

    def _call(self, service: str, method: str, /, **parameters: Any) -> Json:
        client = _client(service, self._region)
        return attempt(method, lambda: getattr(client, method)(**parameters))


@cache
def _client(service: str, region: str) -> Any:
    """One for as long as the sandbox lasts."""
    return own_client(service, region, read_timeout=5, attempts=3)
