"""Faults between functions and AWS, from a seed."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import botocore
import pytest

from local_aws import LocalAws
from support.policies import allow

# The function gets the packages of this interpreter, as a layer would bring them.
_SOURCE = f"""
import sys

sys.path.append({str(Path(botocore.__file__).parent.parent)!r})

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


def handler(event, context):
    config = Config(retries={{"mode": "standard", "total_max_attempts": event.get("attempts", 5)}})
    clients = {{name: boto3.client(name, config=config) for name in ("ecs", "sts", "s3", "scheduler")}}
    met = []
    for name, method, parameters in event["calls"]:
        try:
            getattr(clients[name], method)(**parameters)
        except ClientError as error:
            met.append([error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]])
        except BotoCoreError as error:
            met.append([0, type(error).__name__])
        else:
            met.append([200, ""])
    return met
"""
_LIST = ["ecs", "list_clusters", {}]


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("faulty-aws"), rollout_seconds=5, second_seconds=0.02) as running:
        yield running


@pytest.fixture
def aws(fast: LocalAws) -> Iterator[LocalAws]:
    """The fixtures beside make their things on this one."""
    yield fast
    fast.control("settings", {"faults": None})


@pytest.fixture
def function(aws: LocalAws, name: str, make_role: Callable[..., str]) -> str:
    """Name of a function that makes the calls of its event, and tells what came of each."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("app.py", _SOURCE)
    role = make_role(f"{name}-role", "lambda.amazonaws.com", allow(["ecs:*", "s3:*", "scheduler:*"], "*"))
    aws.client("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": archive.getvalue()},
        MemorySize=256,
        Timeout=300,
    )
    return name


def _invoke(aws: LocalAws, function: str, calls: list[Any], attempts: int = 5) -> Any:
    event = json.dumps({"calls": calls, "attempts": attempts})
    return json.load(aws.client("lambda").invoke(FunctionName=function, Payload=event)["Payload"])


def _faults(aws: LocalAws, function: str) -> list[dict[str, Any]]:
    return [each for each in aws.control("trace?since=0") if each["kind"] == "fault" and each["function"] == function]


def _use(aws: LocalAws, *kinds: str, rate: float = 1.0, **more: Any) -> None:
    aws.control("settings", {"faults": {"seed": 7, "rate": rate, "kinds": kinds, **more}})


def _registered(aws: LocalAws, name: str) -> int:
    return len(aws.client("ecs").list_task_definitions(familyPrefix=name)["taskDefinitionArns"])


def _register(name: str) -> list[Any]:
    definition = {"family": name, "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64}]}
    return ["ecs", "register_task_definition", definition]


def test_throttling_in_each_protocol(aws: LocalAws, function: str) -> None:
    _use(aws, "throttle")
    # With two attempts the first one meets the fault, and the second, as the last, does not.
    others = [["sts", "get_caller_identity", {}], ["s3", "list_buckets", {}], ["scheduler", "list_schedules", {}]]
    assert _invoke(aws, function, [_LIST], attempts=2) == [[200, ""]]
    assert [each["fault"] for each in _faults(aws, function)] == ["throttle"]
    assert _invoke(aws, function, others, attempts=2) == [[200, ""]] * 3
    noted = [(each["operation"], each["attempt"]) for each in _faults(aws, function)[1:]]
    assert noted == [("sts:GetCallerIdentity", 1), ("s3:GET", 1), ("scheduler:GET", 1)]


def test_calls_survive_with_five_attempts(aws: LocalAws, function: str) -> None:
    _use(aws, "throttle", "5xx", "reset", "slow")
    # What is drawn depends on the function's name: of so many calls, each kind is met.
    assert _invoke(aws, function, [_LIST] * 50) == [[200, ""]] * 50
    met = _faults(aws, function)
    assert {each["fault"] for each in met} == {"throttle", "5xx", "reset", "slow"}
    assert max(each["attempt"] for each in met) <= 3


def test_a_timeout_comes_after_the_effect(aws: LocalAws, function: str, name: str) -> None:
    _use(aws, "timeout-after", timeoutSeconds=1)
    assert _invoke(aws, function, [_register(name)]) == [[200, ""]]
    assert _registered(aws, name) == 4


def test_a_reset_comes_before_the_effect_or_after(aws: LocalAws, function: str, name: str) -> None:
    _use(aws, "reset", rate=0.5)
    assert _invoke(aws, function, [_register(name)] * 30) == [[200, ""]] * 30
    resets = len(_faults(aws, function))
    assert 30 < _registered(aws, name) < 30 + resets


def test_a_death_comes_after_the_effect(aws: LocalAws, function: str, name: str) -> None:
    _use(aws, "death")
    told = _invoke(aws, function, [_register(name)])
    assert told["errorType"] == "Runtime.ExitError"
    assert _registered(aws, name) == 1


def test_the_machines_retries_outlive_deaths(
    aws: LocalAws, function: str, name: str, make_role: Callable[..., str]
) -> None:
    _use(aws, "death")
    retry = {"ErrorEquals": ["Runtime.ExitError"], "IntervalSeconds": 1, "MaxAttempts": 6}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": {"calls": [_register(name)]}},
        "Retry": [retry],
        "End": True,
    }
    role = make_role(f"{name}-machine", "states.amazonaws.com", allow("lambda:InvokeFunction", "*"))
    states = aws.client("stepfunctions")
    definition = json.dumps({"StartAt": "Call", "States": {"Call": state}})
    arn = states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    while (told := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.05)
    assert told["status"] == "SUCCEEDED"
    assert [each["fault"] for each in _faults(aws, function)] == ["death"] * 3
    assert _registered(aws, name) == 4


def test_a_seed_tells_what_happens(aws: LocalAws, function: str) -> None:
    calls = [_LIST, ["ecs", "list_task_definitions", {}]] * 10

    def met(seed: int) -> list[tuple[Any, ...]]:
        aws.control("settings", {"faults": {"seed": seed, "rate": 0.3, "kinds": ["throttle", "5xx", "slow"]}})
        before = len(_faults(aws, function))
        _invoke(aws, function, calls)
        _invoke(aws, function, calls)
        names = ("invocation", "operation", "number", "fault")
        return [tuple(each[name] for name in names) for each in _faults(aws, function)[before:]]

    first, again, other = met(1), met(1), met(2)
    assert first == again != other
    assert {each[0] for each in first} <= {1, 2}


def test_without_faults_nothing_happens(aws: LocalAws, function: str) -> None:
    _use(aws, "throttle")
    _invoke(aws, function, [_LIST])
    aws.control("settings", {"faults": None})
    before = len(_faults(aws, function))
    assert _invoke(aws, function, [_LIST] * 3) == [[200, ""]] * 3
    assert len(_faults(aws, function)) == before


def _use_on(aws: LocalAws, kind: str, **more: Any) -> None:
    """S3 fails for what functions write below ``work/``, at every attempt."""
    aims = [{"operation": "s3:PUT", "path": "/*/work/*"}]
    _use(aws, kind, **{"only": aims, "endless": True, **more})


def _put(bucket: str, key: str, **more: Any) -> list[Any]:
    return ["s3", "put_object", {"Bucket": bucket, "Key": key, "Body": "{}", **more}]


@pytest.fixture
def bucket(aws: LocalAws, name: str) -> str:
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    aws.client("s3").put_object(Bucket=name, Key="work/first", Body=b"{}")
    return name


def test_s3_refuses_writes_below_a_prefix_and_nothing_else(aws: LocalAws, function: str, bucket: str) -> None:
    # GIVEN an S3 that is too busy to write below work/
    _use_on(aws, "throttle")
    read = ["s3", "get_object", {"Bucket": bucket, "Key": "work/first"}]
    # WHEN a function writes there, and elsewhere, and reads
    answers = _invoke(aws, function, [_put(bucket, "work/a b"), _put(bucket, "targets/a"), read, _LIST])
    # THEN only the write fails, after all attempts of the client
    assert answers == [[503, "SlowDown"], [200, ""], [200, ""], [200, ""]]
    noted = [(each["operation"], each["path"], each["attempt"]) for each in _faults(aws, function)]
    assert noted == [("s3:PUT", f"/{bucket}/work/a b", attempt) for attempt in range(1, 6)]
    # AND it was not carried out
    assert {each["Key"] for each in aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]} == {
        "targets/a",
        "work/first",
    }
    # AND another invocation meets the same, until the setting is taken back
    assert _invoke(aws, function, [_put(bucket, "work/b")]) == [[503, "SlowDown"]]
    aws.control("settings", {"faults": None})
    assert _invoke(aws, function, [_put(bucket, "work/b")]) == [[200, ""]]


def test_s3_refuses_reads_of_one_function(aws: LocalAws, function: str, bucket: str) -> None:
    read = ["s3", "get_object", {"Bucket": bucket, "Key": "work/first"}]
    # GIVEN reads that fail, but those of another function
    _use_on(aws, "5xx", only=[{"function": "another", "operation": "s3:GET"}])
    # WHEN the function reads, THEN it gets the object
    assert _invoke(aws, function, [read]) == [[200, ""]]
    # GIVEN reads of this one that fail, WHEN it reads, THEN S3 answers 5xx
    _use_on(aws, "5xx", only=[{"function": "another"}, {"function": function, "operation": "s3:GET"}])
    ((status, code),) = _invoke(aws, function, [read])
    assert (status, code) in ((500, "InternalError"), (503, "ServiceUnavailable"))


def test_the_answer_of_a_write_is_lost(aws: LocalAws, function: str, bucket: str) -> None:
    # GIVEN answers that do not arrive
    _use_on(aws, "timeout-after", timeoutSeconds=1)
    # WHEN a function writes, THEN it learns nothing, and the object is there
    assert _invoke(aws, function, [_put(bucket, "work/a")]) == [[0, "ReadTimeoutError"]]
    assert aws.client("s3").get_object(Bucket=bucket, Key="work/a")["Body"].read() == b"{}"


def test_a_retry_of_a_conditional_write_meets_its_own_object(aws: LocalAws, function: str, bucket: str) -> None:
    # GIVEN one answer that does not arrive
    _use_on(aws, "timeout-after", timeoutSeconds=1, endless=False)
    # WHEN the client tries again, THEN S3 says that the object exists
    answers = _invoke(aws, function, [_put(bucket, "work/a", IfNoneMatch="*")], attempts=2)
    assert answers == [[412, "PreconditionFailed"]]
    assert len(_faults(aws, function)) == 1


@pytest.mark.parametrize("wrong", [{"only": [{"key": "work/"}]}, {"forever": True}, {"kinds": ["never"]}])
def test_a_fault_that_is_none_is_refused(aws: LocalAws, wrong: dict[str, Any]) -> None:
    with pytest.raises(HTTPError, match="400"):
        aws.control("settings", {"faults": {"seed": 7, **wrong}})
