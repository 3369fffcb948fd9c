"""EventBridge: what ECS tells, and who may be started or told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_aws import LocalAws
from support.services import World


def test_ecs_tells_of_deployments(aws: LocalAws, name: str, until: Callable[..., Any]) -> None:
    # GIVEN a queue that gets the deployment events of one service
    world = World(aws.client("ecs"), name)
    service_arn = world.create(desired=1)["serviceArn"]
    until(world.is_steady)
    queue = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    pattern = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Deployment State Change"],
        "resources": [service_arn],
    }
    aws.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:us-west-2:111111111111:{name}"}
    aws.client("events").put_targets(Rule=name, Targets=[target])

    # WHEN a revision is deployed
    deployment = world.update(taskDefinition=world.register("app:2"))
    until(world.is_steady)

    # THEN both its beginning and its end were told, with its id
    got: list[tuple[str, str]] = []

    def receive() -> list[tuple[str, str]]:
        for message in aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            got.append((detail["eventName"], detail["deploymentId"]))
            aws.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return got

    until(receive, lambda seen: len(seen) == 2)
    assert got == [("SERVICE_DEPLOYMENT_IN_PROGRESS", deployment), ("SERVICE_DEPLOYMENT_COMPLETED", deployment)]


def test_nobody_else_may_send_events_of_aws(aws: LocalAws) -> None:
    entry = {"Source": "aws.ecs", "DetailType": "ECS Task State Change", "Detail": "{}"}
    answer = aws.client("events").put_events(Entries=[entry])
    assert (answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"]) == (1, "NotAuthorizedForSourceException")


def test_a_rule_that_is_not_there_has_no_targets_to_list(aws: LocalAws, name: str) -> None:
    events = aws.client("events")
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.list_targets_by_rule(Rule=name)
    events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    assert events.list_targets_by_rule(Rule=name)["Targets"] == []
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.list_targets_by_rule(Rule=name, EventBusName="other")


def test_a_bus_is_named_by_its_name_or_its_arn(aws: LocalAws, name: str) -> None:
    # GIVEN a rule on a bus of its own
    events: Any = aws.client("events")
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    events.put_rule(Name=name, EventBusName=name, ScheduleExpression="rate(1 hour)")

    # WHEN a target is put by the bus's ARN, THEN it is there by both
    target = {"Id": "a", "Arn": f"arn:aws:sqs:us-west-2:111111111111:{name}"}
    assert events.put_targets(Rule=name, EventBusName=arn, Targets=[target])["FailedEntryCount"] == 0
    for bus in (arn, name):
        assert events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"] == [target]


def _invoke_by_rule(aws: LocalAws, name: str, function: str) -> None:
    """A rule of the name, and an event of ours that matches it."""
    events = aws.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [f"shop.{name}"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": function}])
    events.put_events(Entries=[{"Source": f"shop.{name}", "DetailType": "Order", "Detail": '{"item": 1}'}])


def _runs(aws: LocalAws, function: str) -> list[Any]:
    name = function.partition(":function:")[2]
    return [
        e["result"] for e in aws.control("trace?since=0") if e["kind"] == "invoked-by-rule" and e["function"] == name
    ]


def _allow_rule(aws: LocalAws, function: str, rule: str) -> None:
    aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId=rule,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:us-west-2:111111111111:rule/{rule}",
    )


def test_a_rule_invokes_a_function_whose_policy_lets_it(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str], until: Callable[..., Any]
) -> None:
    function = make_function(name, "def handler(event, context):\n    return event['detail']['item']\n")
    # GIVEN a policy for another rule, nothing is invoked
    _allow_rule(aws, function, f"{name}-other")
    _invoke_by_rule(aws, name, function)
    assert _runs(aws, function) == []
    # WHEN the policy names the rule
    _allow_rule(aws, function, name)
    _invoke_by_rule(aws, name, function)
    assert [str(run) for run in until(lambda: _runs(aws, function))] == ["1"]


def test_a_permission_is_for_the_function_or_for_one_version(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str], until: Callable[..., Any]
) -> None:
    # GIVEN a version, and a permission for the function
    function = make_function(name, "def handler(event, context):\n    return event['detail']['item']\n")
    version = aws.client("lambda").publish_version(FunctionName=name)["FunctionArn"]
    _allow_rule(aws, function, f"{name}-a")
    # WHEN a rule has the version as its target, THEN nothing is invoked
    _invoke_by_rule(aws, f"{name}-a", version)
    assert _runs(aws, version) == []
    # AND with a permission for the version, the version is
    _allow_rule(aws, version, f"{name}-b")
    _invoke_by_rule(aws, f"{name}-b", version)
    assert [str(run) for run in until(lambda: _runs(aws, version))] == ["1"]
    # AND that permission is none for the function
    _invoke_by_rule(aws, f"{name}-b", function)
    assert _runs(aws, function) == []


def test_a_function_that_fails_is_invoked_again_twice(
    aws: LocalAws, name: str, make_function: Callable[[str, str], str], until: Callable[..., Any]
) -> None:
    function = make_function(name, "def handler(event, context):\n    raise ValueError('no')\n")
    _allow_rule(aws, function, name)
    aws.control("settings", {"secondSeconds": 0.005})
    try:
        _invoke_by_rule(aws, name, function)
        assert len(until(lambda: _runs(aws, function), lambda runs: len(runs) >= 3)) == 3
    finally:
        aws.control("settings", {"secondSeconds": 1.0})
