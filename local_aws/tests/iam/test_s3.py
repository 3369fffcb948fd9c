"""S3: what is answered to who may not know more, and conditional writes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


@pytest.fixture
def versioned(aws: LocalAws, bucket: str) -> str:
    aws.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def refusal(act: Callable[[], Any]) -> tuple[int, str]:
    """Status and code of the refusal of a call."""
    with pytest.raises(ClientError) as caught:
        act()
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_what_exists_is_not_created_again(aws: LocalAws, versioned: str) -> None:
    s3, at = aws.client("s3"), {"Bucket": versioned, "Key": "running.json"}
    # GIVEN an object that was created
    s3.put_object(**at, Body=b"first", IfNoneMatch="*")
    # WHEN somebody creates it again, THEN this is 412, and the object is as it was
    assert refusal(lambda: s3.put_object(**at, Body=b"second", IfNoneMatch="*")) == (412, "PreconditionFailed")
    assert s3.get_object(**at)["Body"].read() == b"first"


def test_one_of_many_creates_an_object(aws: LocalAws, versioned: str) -> None:
    s3, at = aws.client("s3"), {"Bucket": versioned, "Key": "running.json"}

    def create(n: int) -> int:
        try:
            answer = s3.put_object(**at, Body=str(n).encode(), IfNoneMatch="*")
        except ClientError as error:
            answer = error.response
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])

    # WHEN sixteen create one object at once
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(create, range(16)))
    # THEN one succeeds, and the object is that one's
    assert sorted(answers) == [200] + [412] * 15
    assert s3.get_object(**at)["Body"].read() == str(answers.index(200)).encode()


def test_an_object_is_replaced_by_who_knows_its_etag(aws: LocalAws, versioned: str) -> None:
    s3, at = aws.client("s3"), {"Bucket": versioned, "Key": "running.json"}
    # GIVEN an object, of which one version was read
    read = s3.put_object(**at, Body=b"first")["ETag"]
    # WHEN it is replaced with that ETag, THEN S3 does so
    s3.put_object(**at, Body=b"second", IfMatch=read)
    # WHEN it is replaced with that ETag again, THEN this is 412, and the object is as it was
    assert refusal(lambda: s3.put_object(**at, Body=b"third", IfMatch=read)) == (412, "PreconditionFailed")
    assert s3.get_object(**at)["Body"].read() == b"second"


def test_what_is_absent_is_not_replaced(aws: LocalAws, versioned: str) -> None:
    s3, at = aws.client("s3"), {"Bucket": versioned, "Key": "running.json"}
    # GIVEN no object WHEN it is replaced THEN this is 404
    assert refusal(lambda: s3.put_object(**at, Body=b"first", IfMatch='"0"')) == (404, "NoSuchKey")
    # GIVEN a deleted one, WHEN it is replaced, THEN this is 404 as well
    etag = s3.put_object(**at, Body=b"first")["ETag"]
    s3.delete_object(**at)
    assert refusal(lambda: s3.put_object(**at, Body=b"second", IfMatch=etag)) == (404, "NoSuchKey")
    # AND it can be created
    s3.put_object(**at, Body=b"second", IfNoneMatch="*")


def test_old_versions_are_kept(aws: LocalAws, versioned: str) -> None:
    s3, at = aws.client("s3"), {"Bucket": versioned, "Key": "running.json"}
    # GIVEN an object
    old = s3.put_object(**at, Body=b"first", IfNoneMatch="*")
    # WHEN it is replaced and deleted
    new = s3.put_object(**at, Body=b"second", IfMatch=old["ETag"])
    marker = s3.delete_object(**at)
    # THEN its versions are listed, the newest first, and can be read
    listed = s3.list_object_versions(Bucket=versioned, Prefix="running.json")
    assert [each["VersionId"] for each in listed["Versions"]] == [new["VersionId"], old["VersionId"]]
    assert [each["VersionId"] for each in listed["DeleteMarkers"]] == [marker["VersionId"]]
    assert s3.get_object(**at, VersionId=old["VersionId"])["Body"].read() == b"first"


def test_to_replace_an_object_one_has_to_be_allowed_to_read_it(aws: LocalAws, as_role: As, versioned: str) -> None:
    at = {"Bucket": versioned, "Key": "targets/a b.json"}
    etag, arn = aws.client("s3").put_object(**at, Body=b"first")["ETag"], f"arn:aws:s3:::{versioned}"
    put, listing = allow("s3:PutObject", f"{arn}/*"), allow("s3:ListBucket", arn)
    # GIVEN a role that may write, but read other keys alone
    s3 = as_role(put, listing, allow("s3:GetObject", f"{arn}/work/*"))("s3")
    # WHEN it replaces the object, THEN this is denied, and the refusal is among the calls
    before = len(aws.control("calls?since=0"))
    assert refusal(lambda: s3.put_object(**at, Body=b"second", IfMatch=etag)) == (403, "AccessDenied")
    assert ["s3:GetObject", "denied"] in [each[3:] for each in aws.control(f"calls?since={before}")]
    # AND neither an unconditional write is denied, nor a creation
    s3.put_object(Bucket=versioned, Key="targets/new.json", Body=b"first", IfNoneMatch="*")
    etag = s3.put_object(**at, Body=b"second")["ETag"]
    # GIVEN the right to read it, WHEN it is replaced, THEN S3 does so
    as_role(put, listing, allow("s3:GetObject", f"{arn}/targets/*"))("s3").put_object(**at, Body=b"3", IfMatch=etag)


def test_without_the_right_to_write_a_condition_is_not_evaluated(as_role: As, versioned: str) -> None:
    arn = f"arn:aws:s3:::{versioned}"
    # GIVEN a role that may only read
    s3 = as_role(allow("s3:GetObject", f"{arn}/*"), allow("s3:ListBucket", arn))("s3")
    # WHEN it writes what exists and what does not, THEN each is denied
    for key in ("settings/instance.json", "running.json"):
        at = {"Bucket": versioned, "Key": key}
        assert refusal(lambda at=at: s3.put_object(**at, Body=b"", IfNoneMatch="*")) == (403, "AccessDenied")
        assert refusal(lambda at=at: s3.put_object(**at, Body=b"", IfMatch='"0"')) == (403, "AccessDenied")
