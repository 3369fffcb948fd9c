"""The calls with the function's own role: executions, notices, and which run may send a notice."""

from __future__ import annotations

import io
import itertools
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecs_gitops.aws import deployer_account
from ecs_gitops.aws.deployer_account import DeployerAccount
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def answered(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


class S3:
    """A bucket with conditional writes, by a clock of its own."""

    def __init__(self) -> None:
        self.now = NOW
        self.objects: dict[str, tuple[bytes, str, datetime]] = {}
        self.numbers = itertools.count()
        self.errors: list[ClientError] = []

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "", IfMatch: str = "") -> None:  # noqa: N803 - S3's names
        if self.errors:
            raise self.errors.pop()
        known = self.objects.get(Key)
        if (IfNoneMatch and known) or (IfMatch and known and known[1] != IfMatch):
            raise answered("PreconditionFailed", 412)
        self.objects[Key] = Body, f'"{next(self.numbers)}"', self.now

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - S3's names
        body, tag, written = self.objects[Key]
        headers = {"date": format_datetime(self.now, usegmt=True)}
        return {
            "Body": io.BytesIO(body),
            "ETag": tag,
            "LastModified": written,
            "ResponseMetadata": {"HTTPHeaders": headers},
        }


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3:
    s3 = S3()
    monkeypatch.setattr(deployer_account, "_client", lambda _service, _region: s3)
    return s3


def claim() -> bool:
    return DeployerAccount("us-west-2").claim("b", "k")


def test_the_first_run_may_send_the_notice(s3):
    assert [claim(), claim(), claim()] == [True, False, False]


def test_a_notice_that_was_sent_is_never_sent_again(s3):
    claim()
    DeployerAccount("us-west-2").mark_sent("b", "k")
    s3.now += timedelta(days=30)
    assert not claim()


def test_a_run_that_has_not_sent_it_within_a_minute_has_failed_and_one_takes_over(s3):
    claim()
    s3.now += timedelta(seconds=40)
    assert not claim()
    s3.now += timedelta(seconds=20)
    assert [claim(), claim()] == [True, False]


def test_of_two_that_take_over_at_once_one_does(s3):
    # GIVEN an old claim, read by one run before another takes it
    claim()
    s3.now += timedelta(seconds=60)
    old = s3.get_object(Bucket="b", Key="k")
    assert claim()
    # WHEN the first one writes what it has read
    real = s3.get_object
    s3.get_object = lambda **_: old
    assert not claim()
    s3.get_object = real


def test_of_two_writes_at_the_same_moment_one_wins(s3):
    claim()
    s3.errors = [answered("ConditionalRequestConflict", 409)]
    assert not claim()


@pytest.mark.parametrize(
    ("code", "status", "kind"), [("AccessDenied", 403, AwsRefused), ("InternalError", 500, AwsUnavailable)]
)
def test_a_bucket_that_does_not_answer_or_refuses_is_an_error(s3, code, status, kind):
    s3.errors = [answered(code, status)]
    with pytest.raises(kind):
        claim()


class States:
    def __init__(self, error: ClientError | None = None) -> None:
        self.error = error

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - the API's name
        if self.error:
            raise self.error
        return {"executionArn": executionArn}


@pytest.mark.parametrize(
    ("error", "found"),
    [(None, {"executionArn": "x"}), (answered("ExecutionDoesNotExist"), None), (answered("InvalidArn"), None)],
)
def test_an_execution_that_is_not_there_is_none(monkeypatch, error, found):
    monkeypatch.setattr(deployer_account, "_client", lambda _service, _region: States(error))
    assert DeployerAccount("us-west-2").execution("x") == found


def test_an_execution_that_may_not_be_described_is_an_error(monkeypatch):
    monkeypatch.setattr(
        deployer_account, "_client", lambda _service, _region: States(answered("AccessDeniedException"))
    )
    with pytest.raises(AwsRefused):
        DeployerAccount("us-west-2").execution("x")
