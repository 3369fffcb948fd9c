"""S3: what is answered to who may not know more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from support.policies import allow, denied

As = Callable[..., Callable[[str], Any]]


@pytest.fixture
def bucket(aws: LocalAws, name: str) -> str:
    s3 = aws.client("s3")
    made = name.lower().replace("_", "-")
    s3.create_bucket(Bucket=made, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket=made, Key="settings/instance.json", Body=b"{}")
    return made


def test_a_key_that_is_not_there_is_absent_only_for_who_may_list_the_bucket(as_role: As, bucket: str) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    get, prefix = allow("s3:GetObject", f"{arn}/*"), {"StringEquals": {"s3:prefix": "nothing"}}
    # A right to list one prefix is none to see what is absent, as a read has no prefix.
    for rights in ([get], [get, allow("s3:ListBucket", arn, prefix)]):
        s3 = as_role(*rights)("s3")
        denied(lambda s3=s3: s3.get_object(Bucket=bucket, Key="nothing"))
        assert s3.get_object(Bucket=bucket, Key="settings/instance.json")["Body"].read() == b"{}"
    assert s3.list_objects_v2(Bucket=bucket, Prefix="nothing")["KeyCount"] == 0
    denied(lambda: s3.list_objects_v2(Bucket=bucket))
    listing = as_role(get, allow("s3:ListBucket", arn))("s3")
    with pytest.raises(ClientError, match="NoSuchKey"):
        listing.get_object(Bucket=bucket, Key="nothing")


def test_a_bucket_of_another_account_than_expected_is_refused(as_role: As, bucket: str) -> None:
    s3 = as_role(allow("s3:*", "*"))("s3")
    at = {"Bucket": bucket, "Key": "settings/instance.json"}
    assert s3.get_object(**at, ExpectedBucketOwner="111111111111")["Body"].read() == b"{}"
    denied(lambda: s3.get_object(**at, ExpectedBucketOwner="222222222222"))
