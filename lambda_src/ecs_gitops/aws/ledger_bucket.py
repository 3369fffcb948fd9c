"""The ledger's bucket, read as the function itself: no role is assumed for it.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from ecs_gitops.aws import own_client
from ecs_gitops.aws.calls import attempt
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, LedgerRefused, LedgerUnavailable

_NO_KEY = ("NoSuchKey", "404")
# An answer that broke off, or did not arrive as it was sent.
_BROKEN = ("IncompleteReadError", "FlexibleChecksumError", "ResponseStreamingError", "RequestTimeout")
_WHAT_TO_DO = {
    "NoSuchBucket": "the bucket does not exist: was it deleted by hand? Run `terraform apply` of the module",
    "AccessDenied": (
        "the function's role needs s3:GetObject on it, and kms:Decrypt on the bucket's key where there is one (its key "
        "policy has to allow the account's IAM policies); does a bucket policy, a permissions boundary or a service "
        "control policy deny it? Run `terraform apply` of the module"
    ),
    "KMS": "the bucket's KMS key has to be enabled, and the function's role has to be allowed to use it",
}


@dataclass(frozen=True, slots=True)
class Ledger:
    """A bucket, the account that owns it, and its Region."""

    bucket: str
    owner: str
    region: str

    def address(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def read(self, key: str, at_most: int) -> bytes | None:
        """An object's content, one byte more than ``at_most`` of it at the most; None where there is no such object.

        Raises :class:`LedgerUnavailable` when S3 or KMS fails or cannot be reached for longer than the client's own
        retries last, and :class:`LedgerRefused` for any other answer."""
        try:
            return attempt("get_object", lambda: self._get(key, at_most))
        except AwsUnavailable as error:
            raise self._unavailable(key, error) from None
        except AwsRefused as error:
            if error.code in _NO_KEY or (error.code == "AccessDenied" and self._is_absent(key)):
                return None
            if error.code in _BROKEN or "Throttl" in error.code:
                raise self._unavailable(key, error) from None
            raise LedgerRefused(
                f"{self.address(key)} cannot be read: {error}. Nothing was changed. {_advice(error)}"
            ) from None

    def _get(self, key: str, at_most: int) -> bytes:
        # The name of a bucket that was deleted may be taken by anybody: the owner is asked for by name.
        answer = _client(self.region).get_object(Bucket=self.bucket, Key=key, ExpectedBucketOwner=self.owner)
        with answer["Body"] as body:
            return bytes(body.read(at_most + 1))

    def _is_absent(self, key: str) -> bool:
        """S3 says AccessDenied of an object that is not there, unless one may list the bucket as a whole. This asks for
        the one key, which is what the role may list."""
        try:
            found = attempt(
                "list_objects_v2",
                lambda: _client(self.region).list_objects_v2(
                    Bucket=self.bucket, Prefix=key, MaxKeys=1, ExpectedBucketOwner=self.owner
                ),
            )
        except (AwsRefused, AwsUnavailable):
            return False
        return all(each["Key"] != key for each in found.get("Contents", ()))

    def _unavailable(self, key: str, error: Exception) -> LedgerUnavailable:
        return LedgerUnavailable(
            f"{self.address(key)} could not be read: {error}. Nothing was changed. It is tried again for some minutes; "
            "then release again when S3 is well"
        )


def _advice(error: AwsRefused) -> str:
    kind = "KMS" if "KMS" in error.code or "kms:" in error.message else error.code
    advice = _WHAT_TO_DO.get(kind) or _WHAT_TO_DO["AccessDenied"]
    return advice[0].upper() + advice[1:]


@cache
def _client(region: str) -> Any:
    """One for as long as the sandbox lasts. All of its attempts fit into InitConfig's minute."""
    return own_client("s3", region, read_timeout=8, attempts=4)
