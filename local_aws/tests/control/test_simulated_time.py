"""The simulated clock: ECS, Step Functions and functions ten times as fast, and in step with each other."""

from __future__ import annotations

import json
import time
import urllib.error
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from local_aws import LocalAws
from support.policies import allow
from support.services import World

_SECOND = 0.1
_SOURCE = """
import datetime
import os
import time

import boto3


def handler(event, context):
    remaining, began, real = context.get_remaining_time_in_millis(), time.time(), time.monotonic()
    time.sleep(event.get("sleep", 0))
    found = {
        "remaining": remaining,
        "left": context.get_remaining_time_in_millis(),
        "began": began,
        "ended": time.time(),
        "took": time.monotonic() - real,
        "date": datetime.datetime.now(datetime.timezone.utc).timestamp(),
    }
    if event.get("exit"):
        os._exit(3)
    return found
"""
_NO_BOTO = _SOURCE.replace("import boto3\n", "")


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("fast-aws"), rollout_seconds=10, second_seconds=_SECOND) as running:
        yield running


@pytest.fixture
def aws(fast: LocalAws) -> LocalAws:
    """The fixtures beside make their things on this one."""
    return fast


def _now(aws: LocalAws) -> float:
    return float(aws.control("clock")["now"])


def _invoke(aws: LocalAws, function: str, event: dict[str, Any]) -> Any:
    return json.load(aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))["Payload"])


def test_a_function_lives_by_the_simulated_clock(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str]
) -> None:
    make_function(name, _NO_BOTO)
    before = _now(aws)
    seen = _invoke(aws, name, {"sleep": 5})
    assert before <= seen["began"] <= seen["ended"] - 5 <= _now(aws) - 5
    assert 0.5 <= seen["took"] < 1.5
    assert 19_000 < seen["remaining"] <= 20_000
    assert seen["remaining"] - seen["left"] >= 5000
    # Signatures are made with this.
    assert abs(seen["date"] - time.time()) < 5


def test_a_function_times_out_by_the_simulated_clock(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str]
) -> None:
    make_function(name, _NO_BOTO)
    began = time.monotonic()
    told = _invoke(aws, name, {"sleep": 60})
    assert told == {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 20.00 seconds"}
    assert time.monotonic() - began < 5


def test_a_process_that_ends_is_an_exit_error(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str]
) -> None:
    make_function(name, _NO_BOTO)
    told = _invoke(aws, name, {"exit": True})
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].endswith("Error: Runtime exited with error: exit status 1")
    assert "began" in _invoke(aws, name, {})


def test_a_rollout_takes_simulated_seconds(aws: LocalAws, name: str, until: Callable[..., Any]) -> None:
    world = World(aws.client("ecs"), name)
    asked, began = _now(aws), time.monotonic()
    created = world.create()
    until(world.is_steady)
    assert 1.0 <= time.monotonic() - began < 3
    record = world.deployments()[0]
    start, end = record["startedAt"].timestamp(), record["finishedAt"].timestamp()
    # ECS's other times are in whole seconds here.
    assert int(asked) <= created["createdAt"].timestamp() <= start
    assert 10 <= end - start < 30
    service = world.service()
    assert start <= service["deployments"][0]["createdAt"].timestamp() + 5
    assert max(event["createdAt"].timestamp() for event in service["events"]) >= asked + 10
    task = world.ecs.describe_tasks(cluster=name, tasks=world.ecs.list_tasks(cluster=name)["taskArns"])["tasks"][0]
    assert 9.9 <= (task["startedAt"] - task["createdAt"]).total_seconds() < 20


def test_deployments_are_found_by_simulated_times(aws: LocalAws, name: str, until: Callable[..., Any]) -> None:
    world = World(aws.client("ecs"), name)
    world.create()
    until(world.is_steady)
    between = datetime.fromtimestamp(_now(aws), UTC)
    world.update(forceNewDeployment=True)

    def found(**created: datetime) -> int:
        listed = world.ecs.list_service_deployments(cluster=name, service=name, createdAt=created)
        return len(listed["serviceDeployments"])

    assert (found(after=between), found(before=between), found()) == (1, 1, 2)


def test_bake_times_are_minutes_of_simulated_seconds(aws: LocalAws, name: str, until: Callable[..., Any]) -> None:
    world = World(aws.client("ecs"), name)
    world.create(deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0})
    until(lambda: world.deployments()[0]["status"] == "SUCCESSFUL")
    configuration = {"strategy": "CANARY", "bakeTimeInMinutes": 0}
    canary = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1}
    aws.control("settings", {"secondSeconds": 0.02})
    try:
        world.update(
            taskDefinition=world.register("app:2"),
            deploymentConfiguration={**configuration, "canaryConfiguration": canary},
        )
        record = until(lambda: world.deployments()[0], lambda seen: seen["status"] == "SUCCESSFUL")
    finally:
        aws.control("settings", {"secondSeconds": _SECOND})
    assert 70 <= (record["finishedAt"] - record["startedAt"]).total_seconds() < 120


def test_waits_retries_and_start_times_of_executions(aws: LocalAws, name: str, make_role: Callable[..., str]) -> None:
    states = aws.client("stepfunctions")
    definition = {
        "StartAt": "Wait",
        "States": {
            "Wait": {"Type": "Wait", "Seconds": 5, "Next": "Tell"},
            "Tell": {"Type": "Pass", "Parameters": {"at.$": "$$.Execution.StartTime"}, "End": True},
        },
    }
    role = make_role(f"{name}-machine", "states.amazonaws.com")
    arn = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
    asked, began = _now(aws), time.monotonic()
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    while (told := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.02)
    assert 0.5 <= time.monotonic() - began < 1.5
    assert 5 <= (told["stopDate"] - told["startDate"]).total_seconds() < 15
    start = datetime.fromisoformat(json.loads(told["output"])["at"]).timestamp()
    assert asked - 0.01 <= start < asked + 5


def test_credentials_last_by_the_simulated_clock(aws: LocalAws, name: str, make_role: Callable[..., str]) -> None:
    arn = make_role(name, "111111111111", allow("ecs:ListClusters", "*"))
    keys = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    assert 3590 < keys["Expiration"].timestamp() - _now(aws) < 3610


@pytest.mark.parametrize(
    ("service", "action"), [("ecs", "ListClusters"), ("events", "ListRules"), ("scheduler", "ListSchedules")]
)
def test_answers_to_a_role_are_dated_by_the_simulated_clock_and_those_to_a_user_by_the_machine(
    aws: LocalAws, as_role: Callable[..., Callable[[str], Any]], until: Callable[..., Any], service: str, action: str
) -> None:
    # GIVEN a simulated clock that is ahead of the machine's
    until(lambda: _now(aws) > time.time() + 20)

    def dated(client: Any) -> float:
        headers = getattr(client, xform_name(action))()["ResponseMetadata"]["HTTPHeaders"]
        return parsedate_to_datetime(headers["date"]).timestamp()

    # WHEN a caller with a role asks, THEN the header Date is the simulated time, in whole seconds
    asked = _now(aws)
    told = dated(as_role(allow(f"{service}:{action}", "*"))(service))
    assert int(asked) <= told <= _now(aws)

    # WHEN a user does, THEN it is the machine's: an SDK corrects its signatures by it
    assert abs(dated(aws.client(service)) - time.time()) < 5


def test_the_clock_never_goes_back(aws: LocalAws) -> None:
    before = aws.control("clock")
    try:
        aws.control("settings", {"secondSeconds": 1.0})
        slow = aws.control("clock")
        assert before["now"] <= slow["now"] < before["now"] + 10
        assert slow["second"] == 1.0
        assert slow["now"] == pytest.approx(slow["simulated"] + (time.time() - slow["real"]), abs=1)
    finally:
        aws.control("settings", {"secondSeconds": _SECOND})
    assert _now(aws) >= slow["now"]


def test_settings_that_are_not_there_are_refused(aws: LocalAws) -> None:
    for wanted in ({"secondSeconds": 0}, {"secondSeconds": "soon"}, {"moonSeconds": 1}):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            aws.control("settings", wanted)


def test_one_off_tasks_end_in_simulated_time(aws: LocalAws, name: str, until: Callable[..., Any]) -> None:
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName=name)
    containers = [{"name": "app", "image": "app:1", "memory": 64, "command": ["exit-4"]}]
    ecs.register_task_definition(family=name, containerDefinitions=containers)
    began = time.monotonic()
    arn = ecs.run_task(cluster=name, taskDefinition=name)["tasks"][0]["taskArn"]

    def task() -> dict[str, Any]:
        found: dict[str, Any] = ecs.describe_tasks(cluster=name, tasks=[arn])["tasks"][0]
        return found

    ended = until(task, lambda seen: seen["lastStatus"] == "STOPPED")
    assert 1.5 <= time.monotonic() - began < 3
    assert ended["containers"][0]["exitCode"] == 4
    assert 14.9 <= (ended["stoppedAt"] - ended["createdAt"]).total_seconds() < 30
    with pytest.raises(ClientError):
        ecs.describe_tasks(cluster=f"{name}-x", tasks=[arn])
