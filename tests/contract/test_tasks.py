"""Tasks of RunTask, as a release's hooks run them."""

from __future__ import annotations

from typing import Any

import pytest

from contract.accounts import Account, Json
from contract.deployments import refused
from unit.fake_aws import CLUSTER


@pytest.fixture
def request_of(account: Account, name: str) -> Any:
    """`request_of(*command, **more)`: a RunTask request for a new revision with a sidecar."""
    containers = [
        {"name": "app", "image": "app:1", "memory": 64, "essential": True},
        {"name": "sidecar", "image": "envoy:1", "memory": 64, "essential": False},
    ]
    revision = account.aws.register_task_definition({"family": name, "containerDefinitions": containers}, {})

    def make(*command: str, **more: Any) -> Json:
        overrides = {"containerOverrides": [{"name": "app", "command": list(command)}]}
        return {
            "cluster": CLUSTER,
            "taskDefinition": revision,
            "clientToken": name,
            "startedBy": "contract",
            "overrides": overrides,
            **more,
        }

    return make


def _task(account: Account, arn: str) -> Json:
    (found,) = account.aws.describe_tasks(CLUSTER, [arn])
    return dict(found)


@pytest.mark.parametrize("command", ["migrate", "fail"])
def test_a_task_ends_with_the_exit_code_of_its_command(account: Account, request_of: Any, command: str) -> None:
    task, why = account.aws.run_task(request_of(command))
    assert (why, task["lastStatus"] != "STOPPED") == ("", True)
    ended = account.until(lambda: _task(account, task["taskArn"]), lambda each: each["lastStatus"] == "STOPPED")
    assert (ended["stopCode"], ended["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    exits = {each["name"]: each["exitCode"] for each in ended["containers"]}
    assert set(exits) == {"app", "sidecar"}
    assert (exits["app"] == 0) is (command == "migrate")


def test_a_task_runs_until_it_is_stopped(account: Account, request_of: Any) -> None:
    task, _ = account.aws.run_task(request_of("hang"))
    account.until(lambda: _task(account, task["taskArn"]), lambda each: each["lastStatus"] == "RUNNING")
    account.aws.stop_task(CLUSTER, task["taskArn"], "too long")
    ended = account.until(lambda: _task(account, task["taskArn"]), lambda each: each["lastStatus"] == "STOPPED")
    assert (ended["stopCode"], ended["stoppedReason"]) == ("UserInitiated", "too long")
    # Stopping it once more changes nothing.
    account.aws.stop_task(CLUSTER, task["taskArn"], "again")
    assert _task(account, task["taskArn"])["stoppedReason"] == "too long"


def test_a_token_runs_one_task(account: Account, request_of: Any, name: str) -> None:
    first, _ = account.aws.run_task(request_of("hang"))
    assert account.aws.run_task(request_of("hang"))[0]["taskArn"] == first["taskArn"]
    # With other parameters ECS refuses the token, and says which task it has run: the package takes that one.
    assert account.aws.run_task(request_of("fail"))[0]["taskArn"] == first["taskArn"]
    other, _ = account.aws.run_task(request_of("hang", clientToken=f"{name}-2"))
    assert other["taskArn"] != first["taskArn"]
    found = account.aws.describe_tasks(CLUSTER, [first["taskArn"], other["taskArn"], f"{first['taskArn']}0"])
    assert {each["taskArn"] for each in found} == {first["taskArn"], other["taskArn"]}
    for each in (first, other):
        account.aws.stop_task(CLUSTER, each["taskArn"], "over")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"cluster": "nowhere"}, "ClusterNotFoundException"),
        ({"taskDefinition": "nothing:1"}, "ClientException"),
        ({"propagateTags": "SERVICE"}, "InvalidParameterException"),
        (
            {"launchType": "EC2", "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
            "InvalidParameterException",
        ),
        ({"overrides": {"containerOverrides": [{"name": "web"}]}}, "InvalidParameterException"),
        ({"startedBy": "a release (4.0)"}, "InvalidParameterException"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_what_does_not_fit_is_refused(account: Account, request_of: Any, more: Json, code: str) -> None:
    assert refused(lambda: account.aws.run_task(request_of("migrate", **more))) == code


def test_a_task_that_is_not_there_cannot_be_stopped(account: Account, request_of: Any) -> None:
    arn = f"arn:aws:ecs:us-west-2:111111111111:task/{CLUSTER}/{'0' * 32}"
    assert refused(lambda: account.aws.stop_task(CLUSTER, arn, "over")) == "InvalidParameterException"
