"""The ledger's bucket, read with the function's own role.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from ecs_gitops.aws import function_client
from ecs_gitops.aws.calls import attempt
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, LedgerRefused, LedgerUnavailable

_NO_KEY = ("NoSuchKey", "404")
# An answer that is incomplete or damaged.
_DAMAGED = ("IncompleteReadError", "FlexibleChecksumError", "ResponseStreamingError", "RequestTimeout")
_ADVICE = {
    "NoSuchBucket": "the bucket does not exist: did somebody delete it? Run `terraform apply` of the module",
    "AccessDenied": (
        "the function's role needs s3:GetObject on it, and kms:Decrypt on the bucket's key if it has one (the key's "
        "policy has to allow the account's IAM policies). Does a bucket policy, a permissions boundary or a service "
        "control policy deny it? Run `terraform apply` of the module"
    ),
    "KMS": "the bucket's KMS key has to be enabled, and the function's role has to be allowed to use it",
}


@dataclass(frozen=True, slots=True)
class LedgerBucket:
    """A bucket, the account that owns it, and its Region."""

    bucket: str
    owner: str
    region: str

    def address(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def read(self, key: str, at_most: int) -> bytes | None:
        """An object's content, cut to ``at_most`` + 1 bytes; None if there is no such object.

        Raises :class:`LedgerUnavailable` if S3 or KMS fails or cannot be reached until the client has no retries left,
        and :class:`LedgerRefused` for any other error."""
        try:
            return attempt("get_object", lambda: self._get(key, at_most))
        except AwsUnavailable as error:
            raise self._unavailable(key, error) from None
        except AwsRefused as error:
            if error.code in _NO_KEY or (error.code == "AccessDenied" and self._is_absent(key)):
                return None
            if error.code in _DAMAGED or "Throttl" in error.code:
                raise self._unavailable(key, error) from None
            raise LedgerRefused(
                f"{self.address(key)} cannot be read: {error}. Nothing was changed. {_advice(error)}"
            ) from None

    def _get(self, key: str, at_most: int) -> bytes:
        # Anybody may take the name of a deleted bucket, so S3 has to check the owner.
        answer = _client(self.region).get_object(Bucket=self.bucket, Key=key, ExpectedBucketOwner=self.owner)
        with answer["Body"] as body:
            return bytes(body.read(at_most + 1))

    def _is_absent(self, key: str) -> bool:
        """Whether there is no such object. Without the right to list the whole bucket, S3 answers AccessDenied for an
        absent object. The role may list this one key, so we list it."""
        try:
            listing = attempt(
                "list_objects_v2",
                lambda: _client(self.region).list_objects_v2(
                    Bucket=self.bucket, Prefix=key, MaxKeys=1, ExpectedBucketOwner=self.owner
                ),
            )
        except (AwsRefused, AwsUnavailable):
            return False
        return all(each["Key"] != key for each in listing.get("Contents", ()))

    def _unavailable(self, key: str, error: Exception) -> LedgerUnavailable:
        return LedgerUnavailable(
            f"{self.address(key)} could not be read: {error}. Nothing was changed. The release retries this for some "
            "minutes; if it fails, release again when S3 is available"
        )


def _advice(error: AwsRefused) -> str:
    kind = "KMS" if "KMS" in error.code or "kms:" in error.message else error.code
    advice = _ADVICE.get(kind) or _ADVICE["AccessDenied"]
    return advice[0].upper() + advice[1:]


@cache
def _client(region: str) -> Any:
    """One client per sandbox. All of its attempts fit into InitConfig's timeout, a minute."""
    return function_client("s3", region, read_timeout=8, attempts=4)
