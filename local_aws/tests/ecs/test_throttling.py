"""ECS's token buckets."""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import LocalAws

_ONE_ATTEMPT = Config(retries={"mode": "standard", "total_max_attempts": 1})


@pytest.fixture
def buckets(aws: LocalAws) -> Iterator[Callable[[Any], None]]:
    yield lambda wanted: aws.control("settings", {"ecsBuckets": wanted})
    aws.control("settings", {"ecsBuckets": False})


def _ecs(aws: LocalAws, account: str = "111111111111", region: str = "us-west-2") -> Any:
    keys = {"aws_access_key_id": account, "aws_secret_access_key": "local"}
    return boto3.client("ecs", endpoint_url=aws.endpoint, region_name=region, config=_ONE_ATTEMPT, **keys)


def _until_throttled(call: Callable[[], Any], at_most: int = 300) -> int:
    for number in range(at_most):
        try:
            call()
        except ClientError as error:
            told = error.response
            assert told["ResponseMetadata"]["HTTPStatusCode"] == 400
            assert told["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
            return number
    return at_most


def _register(ecs: Any, name: str) -> Any:
    return ecs.register_task_definition(
        family=name, containerDefinitions=[{"name": "app", "image": "app:1", "memory": 64}]
    )


def test_without_buckets_nothing_is_throttled(aws: LocalAws, name: str) -> None:
    ecs = _ecs(aws)
    assert _until_throttled(lambda: _register(ecs, name), at_most=30) == 30


def test_a_bucket_empties_and_fills(aws: LocalAws, name: str, buckets: Callable[[Any], None]) -> None:
    ecs = _ecs(aws)
    buckets(True)
    taken = _until_throttled(lambda: _register(ecs, name))
    assert 20 <= taken <= 23
    # Not executed, and by one bucket with what it is shared with.
    revisions = ecs.list_task_definitions(familyPrefix=name)["taskDefinitionArns"]
    assert len(revisions) == taken
    assert _until_throttled(lambda: ecs.deregister_task_definition(taskDefinition=f"{name}:1")) <= 1
    time.sleep(2.1)
    assert 2 <= _until_throttled(lambda: _register(ecs, name)) <= 3
    counted = aws.control("call-counts?since=0")
    assert any(each[:3] == ["root", "ecs:RegisterTaskDefinition", "throttled"] for each in counted)


def test_buckets_are_apart_by_account_and_region(aws: LocalAws, name: str, buckets: Callable[[Any], None]) -> None:
    buckets({"registrations": [2, 0.1]})
    assert _until_throttled(lambda: _register(_ecs(aws), name)) == 2
    assert _until_throttled(lambda: _register(_ecs(aws, region="eu-west-1"), name)) == 2
    assert _until_throttled(lambda: _register(_ecs(aws, account="222222222222"), name)) == 2
    buckets({"registrations": [3, 0.1]})
    assert _until_throttled(lambda: _register(_ecs(aws), name)) == 3


def test_unknown_buckets_are_refused(buckets: Callable[[Any], None]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        buckets({"water": [1, 1]})
