"""What S3 answers to who may not know more, and what a conditional write needs.

AWS: GetObject and HeadObject of a key that is not there are 403 AccessDenied, unless the caller may list the bucket
(``s3:ListBucket``; a right with a condition on ``s3:prefix`` is none here, as the call has no prefix). A call with
``x-amz-expected-bucket-owner`` is 403 where another account owns the bucket. ministack answers 404, and does not look
at the header. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

A write with ``If-Match`` needs ``s3:GetObject`` beside ``s3:PutObject``, one with ``If-None-Match: *`` does not.
ministack asks for ``s3:PutObject`` alone. The conditions themselves it plays as AWS does: 412 PreconditionFailed, and
404 NoSuchKey for ``If-Match`` where there is no object.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from local_aws.control import calls

Handler = Callable[..., Awaitable[Any]]
_HEADERS = {"Content-Type": "application/xml"}
_DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'


def mend() -> None:
    """Apply the mend of this module."""
    app.SERVICE_HANDLERS["s3"] = _closed(app.SERVICE_HANDLERS["s3"])
    checks = iam_actions.s3_additional_checks

    def additional_checks(method: str, path: str, headers: Any, body: Any, query: Any) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = checks(method, path, headers, body, query)
        action = iam_actions.extract_iam_action("s3", method, path, headers, body, query)
        if action == "s3:PutObject" and headers.get("if-match"):
            found.append(
                ("s3:GetObject", iam_actions.extract_resource_arn("s3", method, path, headers, body, query, "", ""))
            )
        return found

    iam_actions.s3_additional_checks = additional_checks


def _closed(handler: Handler) -> Handler:
    async def closed(method: str, path: str, headers: Any, body: Any, query: Any, **more: Any) -> Any:
        bucket, _, key = path.lstrip("/").partition("/")
        if not _is_owner(bucket, headers):
            calls.mark(calls.DENIED)
            return 403, _HEADERS, _DENIED
        answer = await handler(method, path, headers, body, query, **more)
        if method in ("GET", "HEAD") and key and answer[0] == 404 and app.AUTH and not _may_list(bucket, headers):
            # No refused permission: a right to read the key would change nothing.
            return 403, _HEADERS, b"" if method == "HEAD" else _DENIED
        return answer

    return closed


def _is_owner(bucket: str, headers: Any) -> bool:
    expected = headers.get("x-amz-expected-bucket-owner")
    return expected is None or bucket not in s3._buckets or expected == get_account_id()


def _may_list(bucket: str, headers: Any) -> bool:
    key = re.search(r"Credential=([^/]+)/", headers.get("authorization", ""))
    if key is None:
        return True
    arn = f"arn:aws:s3:::{bucket}"
    return not iam_evaluator.enforce(key.group(1), "s3:ListBucket", "s3", get_region(), resource_arn=arn)
