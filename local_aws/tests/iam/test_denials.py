"""A role's policies as if they did not have an action."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_aws import LocalAws
from support.policies import allow, denied


@pytest.fixture
def deny(aws: LocalAws) -> Iterator[Callable[..., None]]:
    """`deny(role, *actions)`."""

    def take(role: str, *actions: str) -> None:
        aws.control("settings", {"deny": [{"role": role, "action": action} for action in actions]})

    yield take
    aws.control("settings", {"deny": []})


def _role_of(client: Callable[[str], Any]) -> str:
    return str(client("sts").get_caller_identity()["Arn"].split("/")[1])


def test_a_role_loses_an_action_and_gets_it_back(
    aws: LocalAws, as_role: Callable[..., Any], deny: Callable[..., None]
) -> None:
    client, other = as_role(allow(["ecs:ListClusters", "ecs:List*"], "*")), as_role(allow("ecs:*", "*"))
    deny(_role_of(client), "ecs:ListClusters")
    assert "no identity-based policy allows" in denied(lambda: client("ecs").list_clusters())
    # What the wildcard allows beside it stays, and other roles are as they were.
    client("ecs").list_task_definitions()
    other("ecs").list_clusters()
    aws.control("settings", {"deny": []})
    client("ecs").list_clusters()


def test_everything_but_something_is_lost_too(as_role: Callable[..., Any], deny: Callable[..., None]) -> None:
    client = as_role({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"})
    deny(_role_of(client), "ecs:ListClusters")
    denied(lambda: client("ecs").list_clusters())
    client("ecs").list_task_definitions()


def test_passing_a_role_is_lost(
    as_role: Callable[..., Any], make_role: Callable[..., str], name: str, deny: Callable[..., None]
) -> None:
    client = as_role(allow(["ecs:RegisterTaskDefinition", "iam:PassRole"], "*"))
    definition = {"family": name, "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64}]}
    role = make_role(f"{name}-task", "ecs-tasks.amazonaws.com")
    client("ecs").register_task_definition(**definition, taskRoleArn=role)
    deny(_role_of(client), "iam:PassRole")
    assert "iam:PassRole" in denied(lambda: client("ecs").register_task_definition(**definition, taskRoleArn=role))


def test_the_simulator_knows(
    aws: LocalAws, name: str, make_role: Callable[..., str], deny: Callable[..., None]
) -> None:
    arn = make_role(name, "111111111111", allow("ecs:*", "*"))
    deny(name, "ecs:RunTask")
    actions = ["ecs:RunTask", "ecs:StopTask"]
    told = aws.client("iam").simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions)["EvaluationResults"]
    assert [each["EvalDecision"] for each in told] == ["implicitDeny", "allowed"]


def test_a_machines_role_loses_an_action(
    aws: LocalAws,
    name: str,
    make_role: Callable[..., str],
    make_function: Callable[[str, str], str],
    deny: Callable[..., None],
) -> None:
    function = make_function(name, "def handler(event, context):\n    return {}\n")
    resource = "arn:aws:states:::lambda:invoke"
    state = {"Type": "Task", "Resource": resource, "Parameters": {"FunctionName": function}, "End": True}
    role = make_role(f"{name}-machine", "states.amazonaws.com", allow("lambda:InvokeFunction", "*"))
    states = aws.client("stepfunctions")
    definition = json.dumps({"StartAt": "Call", "States": {"Call": state}})
    arn = states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
    deny(f"{name}-machine", "lambda:InvokeFunction")
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    while (told := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.05)
    assert told["status"] == "FAILED"
    assert "lambda:InvokeFunction" in told["cause"]
