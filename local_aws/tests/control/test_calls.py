"""Every call is noted, with who made it and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local_aws import LocalAws
from support.policies import allow, denied


@pytest.fixture
def calls(aws: LocalAws) -> Callable[..., list[tuple[str, str]]]:
    """`calls(principal)`: action and outcome of the calls that this test made as the principal."""
    begun = [*aws.control("calls?since=0")][-1:]
    first = begun[0][0] + 1 if begun else 0

    def since(principal: str) -> list[tuple[str, str]]:
        return [
            (action, outcome) for _, _, who, action, outcome in aws.control(f"calls?since={first}") if who == principal
        ]

    return since


def test_calls_are_noted_by_role_and_action(
    aws: LocalAws, name: str, as_role: Callable[..., Any], calls: Callable[..., Any]
) -> None:
    client = as_role(allow(["ecs:ListClusters", "ecs:DescribeServices", "s3:GetObject"], "*"))
    role = client("sts").get_caller_identity()["Arn"].split("/")[1]
    before = aws.control("clock")["now"]
    client("ecs").list_clusters()
    client("ecs").list_clusters()
    denied(lambda: client("ecs").list_services(cluster=name))
    denied(lambda: client("ecs").describe_clusters(clusters=[name]))
    with pytest.raises(client("ecs").exceptions.ClusterNotFoundException):
        client("ecs").describe_services(cluster=name, services=["web"])
    assert calls(role) == [
        ("sts:GetCallerIdentity", "ok"),
        ("ecs:ListClusters", "ok"),
        ("ecs:ListClusters", "ok"),
        ("ecs:ListServices", "denied"),
        ("ecs:DescribeClusters", "denied"),
        ("ecs:DescribeServices", "error"),
    ]
    noted = [each for each in aws.control("calls?since=0") if each[2] == role]
    assert [each[0] for each in noted] == sorted(each[0] for each in noted)
    assert all(before - 1 <= each[1] <= aws.control("clock")["now"] for each in noted)
    counted = [each[1:] for each in aws.control("call-counts?since=0") if each[0] == role]
    assert ["ecs:ListClusters", "ok", 2] in counted
    assert ["ecs:ListServices", "denied", 1] in counted


def test_a_refusal_of_what_a_call_needs_beside_is_noted_once(
    as_role: Callable[..., Any], name: str, calls: Callable[..., Any]
) -> None:
    client = as_role(allow("ecs:RegisterTaskDefinition", "*"))
    role = client("sts").get_caller_identity()["Arn"].split("/")[1]
    definition = {"family": name, "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64}]}
    passed = "arn:aws:iam::111111111111:role/task"
    denied(lambda: client("ecs").register_task_definition(**definition, taskRoleArn=passed))
    assert calls(role)[1:] == [("ecs:RegisterTaskDefinition", "denied")]


def test_an_administrators_calls_are_the_roots(aws: LocalAws, calls: Callable[..., Any]) -> None:
    aws.client("ecs").list_clusters()
    assert ("ecs:ListClusters", "ok") in calls("root")


def test_a_services_calls_are_its_roles(
    aws: LocalAws,
    name: str,
    make_role: Callable[..., str],
    make_function: Callable[[str, str], str],
    calls: Callable[..., Any],
) -> None:
    function = make_function(name, "def handler(event, context):\n    return {}\n")
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function},
        "End": True,
    }
    role = make_role(f"{name}-machine", "states.amazonaws.com", allow("lambda:InvokeFunction", "*"))
    states = aws.client("stepfunctions")
    definition = json.dumps({"StartAt": "Call", "States": {"Call": state}})
    arn = states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    while states.describe_execution(executionArn=execution)["status"] == "RUNNING":
        time.sleep(0.05)
    assert calls(f"{name}-machine") == [("lambda:InvokeFunction", "ok")]
