"""The ledger's bucket, read and written with the function's own role.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from ecs_gitops.aws import function_client, own_region
from ecs_gitops.aws.calls import attempt
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, LedgerRefused, LedgerUnavailable

T = TypeVar("T")

_NO_KEY = ("NoSuchKey", "404")
# The condition of a write does not hold. 409 is the answer to a write at the same moment as another one.
_NOT_SO = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409", *_NO_KEY)
# An answer that is incomplete or damaged.
_DAMAGED = ("IncompleteReadError", "FlexibleChecksumError", "ResponseStreamingError", "RequestTimeout")
_ADVICE = {
    "NoSuchBucket": "the bucket does not exist: did somebody delete it? Run `terraform apply` of the module",
    "AccessDenied": (
        "the function's role needs {action} on it (and s3:ListBucket on the bucket: without that, an absent object "
        "looks the same), and {key_action} on the bucket's key if it has one (the key's policy has to allow the "
        "account's IAM policies). Does a bucket policy, a permissions boundary or a service control policy deny it? "
        "Run `terraform apply` of the module"
    ),
    "KMS": "the bucket's KMS key has to be enabled, and the function's role has to be allowed to use it",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's content and its ETag."""

    content: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class LedgerBucket:
    """A bucket, the account that owns it, and its Region.

    Every method raises :class:`LedgerUnavailable` if S3 or KMS fails or cannot be reached until the client has no
    retries left, and :class:`LedgerRefused` for any other error."""

    bucket: str
    owner: str
    region: str

    @classmethod
    def of_environment(cls) -> LedgerBucket:
        """The bucket of this function's instance."""
        return cls(
            os.environ["ECS_GITOPS_LEDGER_BUCKET"], os.environ["ECS_GITOPS_ACCOUNT_ID"], os.environ["AWS_REGION"]
        )

    @staticmethod
    def warm_up() -> None:
        """Make the client of the function's Region, for the handlers' modules. Makes no call."""
        if (region := own_region()) is not None:
            _client(region)

    def address(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def read(self, key: str, at_most: int) -> bytes | None:
        """An object's content, cut to ``at_most`` + 1 bytes; None if there is no such object."""
        found = self.load(key, at_most)
        return None if found is None else found.content

    def load(self, key: str, at_most: int) -> Stored | None:
        """As :meth:`read`, with the object's ETag."""
        return self._called(key, "read", "get_object", lambda: self._get(key, at_most), _NO_KEY, None)

    def create(self, key: str, content: bytes) -> Stored | None:
        """Write an object that does not exist yet, and return it. None if it exists."""
        return self._put(key, content, IfNoneMatch="*")

    def replace(self, key: str, content: bytes, etag: str) -> Stored | None:
        """Write an object that still has this ETag, and return it. None if it has another one, or is gone."""
        return self._put(key, content, IfMatch=etag)

    def put(self, key: str, content: bytes) -> None:
        """Write an object, whether or not it exists."""
        self._put(key, content)

    def _put(self, key: str, content: bytes, **condition: str) -> Stored | None:
        def put() -> Stored | None:
            answer = _client(self.region).put_object(
                Bucket=self.bucket,
                Key=key,
                Body=content,
                ContentType="application/json",
                ExpectedBucketOwner=self.owner,
                **condition,
            )
            return Stored(content, str(answer.get("ETag", "")))

        return self._called(key, "written", "put_object", put, _NOT_SO if condition else (), None)

    def _called(
        self, key: str, done: str, operation: str, call: Callable[[], T], expected: tuple[str, ...], otherwise: T
    ) -> T:
        try:
            return attempt(operation, call)
        except AwsUnavailable as error:
            raise self._unavailable(key, done, error) from None
        except AwsRefused as error:
            if error.code in expected:
                return otherwise
            if error.code in _DAMAGED or "Throttl" in error.code:
                raise self._unavailable(key, done, error) from None
            advice = _advice(error, is_write=operation == "put_object")
            raise LedgerRefused(f"{self.address(key)} cannot be {done}: {error}. {advice}") from None

    def _get(self, key: str, at_most: int) -> Stored | None:
        # Anybody may take the name of a deleted bucket, so S3 has to check the owner.
        answer = _client(self.region).get_object(Bucket=self.bucket, Key=key, ExpectedBucketOwner=self.owner)
        with answer["Body"] as body:
            return Stored(bytes(body.read(at_most + 1)), str(answer.get("ETag", "")))

    def _unavailable(self, key: str, done: str, error: Exception) -> LedgerUnavailable:
        return LedgerUnavailable(
            f"{self.address(key)} could not be {done}: {error}. The release retries this for some hours; if it fails, "
            "release again when S3 is available"
        )


def _advice(error: AwsRefused, *, is_write: bool) -> str:
    kind = "KMS" if "KMS" in error.code or "kms:" in error.message else error.code
    advice = (_ADVICE.get(kind) or _ADVICE["AccessDenied"]).format(
        action="s3:PutObject" if is_write else "s3:GetObject",
        key_action="kms:GenerateDataKey" if is_write else "kms:Decrypt",
    )
    return advice[0].upper() + advice[1:]


@cache
def _client(region: str) -> Any:
    """One client per sandbox. All of its attempts fit into InitConfig's timeout."""
    return function_client("s3", region, read_timeout=8, attempts=4)
