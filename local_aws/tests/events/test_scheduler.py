"""EventBridge Scheduler: a schedule is kept whole, an update replaces it, and its role is passed."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local_aws import LocalAws
from support.policies import allow, denied

_PLACE = "us-west-2:111111111111"
As = Callable[..., Callable[[str], Any]]


def _target(name: str) -> dict[str, Any]:
    return {
        "Arn": f"arn:aws:ecs:{_PLACE}:cluster/{name}",
        "RoleArn": f"arn:aws:iam::111111111111:role/{name}",
        "Input": '{"containerOverrides": []}',
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{_PLACE}:{name}"},
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600},
        "EcsParameters": {
            "TaskDefinitionArn": f"arn:aws:ecs:{_PLACE}:task-definition/{name}:1",
            "TaskCount": 2,
            "LaunchType": "FARGATE",
            "Tags": [{"key": "release", "value": "1"}],
            "PlacementConstraints": [{"type": "distinctInstance"}],
            "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "DISABLED"}},
            "EnableECSManagedTags": True,
        },
    }


def _full(name: str) -> dict[str, Any]:
    return {
        "GroupName": name,
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "StartDate": 1900000000.5,
        "EndDate": 1990000000,
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        "KmsKeyArn": f"arn:aws:kms:{_PLACE}:key/11111111-2222-3333-4444-555555555555",
        "State": "DISABLED",
        "Description": "nightly",
        "ActionAfterCompletion": "DELETE",
        "Target": {**_target(name), "MemberOfTomorrow": {"A": [1]}},
        "MemberOfTomorrow": "kept",
    }


def _raw(aws: LocalAws, method: str, path: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """The API as it is on the wire: an SDK drops what its model does not know."""
    body = None if data is None else json.dumps(data).encode()
    request = AWSRequest(method=method, url=f"{aws.endpoint}{path}", data=body)
    SigV4Auth(Credentials("111111111111", "local"), "scheduler", "us-west-2").add_auth(request)
    sent = urllib.request.Request(request.url, body, dict(request.headers.items()), method=method)  # noqa: S310
    with urllib.request.urlopen(sent, timeout=10) as answer:  # noqa: S310
        return dict(json.load(answer))


def test_a_schedule_is_kept_whole(aws: LocalAws, name: str) -> None:
    # GIVEN a group and a schedule with every member, and some that no model knows
    aws.client("scheduler").create_schedule_group(Name=name)
    given = _full(name)
    arn = _raw(aws, "POST", f"/schedules/{name}", {**given, "ClientToken": "x"})["ScheduleArn"]

    # WHEN it is read
    found = _raw(aws, "GET", f"/schedules/{name}?groupName={name}")

    # THEN it is what was given, with what AWS adds, and dates are numbers
    assert arn == f"arn:aws:scheduler:{_PLACE}:schedule/{name}/{name}"
    added = {member: found.pop(member) for member in ("CreationDate", "LastModificationDate")}
    assert found == {**given, "Arn": arn, "Name": name}
    assert all(isinstance(value, float) for value in added.values())


def test_an_update_resets_what_it_leaves_out(aws: LocalAws, name: str) -> None:
    # GIVEN a schedule with every member
    scheduler = aws.client("scheduler")
    scheduler.create_schedule_group(Name=name)
    _raw(aws, "POST", f"/schedules/{name}", _full(name))
    created = _raw(aws, "GET", f"/schedules/{name}?groupName={name}")["CreationDate"]

    # WHEN it is updated with what is required alone
    few = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    target = {member: _target(name)[member] for member in ("Arn", "RoleArn")}
    scheduler.update_schedule(Name=name, GroupName=name, **few, Target=target)

    # THEN everything else is as AWS presets it
    found = _raw(aws, "GET", f"/schedules/{name}?groupName={name}")
    assert found.pop("CreationDate") == created < found.pop("LastModificationDate")
    assert found == {
        **few,
        "Target": {**target, "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}},
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "ActionAfterCompletion": "NONE",
        "Arn": f"arn:aws:scheduler:{_PLACE}:schedule/{name}/{name}",
        "Name": name,
        "GroupName": name,
    }


def test_an_unknown_schedule_is_not_found(aws: LocalAws, name: str) -> None:
    scheduler = aws.client("scheduler")
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name)
    few: dict[str, Any] = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.update_schedule(Name=name, **few, Target=_target(name))


def test_a_schedule_is_named_with_its_group_and_passes_its_role(
    aws: LocalAws, as_role: As, make_role: Callable[..., str], name: str
) -> None:
    # GIVEN a schedule in a group, and permission on it
    aws.client("scheduler").create_schedule_group(Name=name)
    role = make_role(name, "scheduler.amazonaws.com")
    _raw(aws, "POST", f"/schedules/{name}", {**_full(name), "GroupName": name})
    arn = f"arn:aws:scheduler:{_PLACE}:schedule/{name}/{name}"
    statement = allow(["scheduler:GetSchedule", "scheduler:UpdateSchedule"], arn)
    few: dict[str, Any] = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}}

    def update(scheduler: Any) -> Any:
        return scheduler.update_schedule(Name=name, GroupName=name, **few, Target=_target(name))

    # WHEN it is read, THEN it is given; the same name in another group is not
    scheduler = as_role(statement)("scheduler")
    assert scheduler.get_schedule(Name=name, GroupName=name)["Arn"] == arn
    assert "schedule/default/" in denied(lambda: scheduler.get_schedule(Name=name))

    # WHEN it is updated, THEN its role has to be passable to the scheduler
    assert f"iam:PassRole on resource: {role}" in denied(lambda: update(scheduler))
    for to, is_right in (("events.amazonaws.com", False), ("scheduler.amazonaws.com", True)):
        passing = allow("iam:PassRole", role, {"StringEquals": {"iam:PassedToService": to}})
        scheduler = as_role(statement, passing)("scheduler")
        assert update(scheduler) if is_right else denied(lambda scheduler=scheduler: update(scheduler))


_FEW: dict[str, Any] = {"FlexibleTimeWindow": {"Mode": "OFF"}}


def _refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return str(caught.value)


@pytest.mark.parametrize("expression", ["rate(1 day)", "cron(0 3 * * ? *)"])
def test_a_start_of_more_than_five_minutes_ago_is_refused(aws: LocalAws, name: str, expression: str) -> None:
    # GIVEN a schedule that begins tomorrow
    scheduler, now = aws.client("scheduler"), float(aws.control("clock")["now"])
    wanted = {"Name": name, "ScheduleExpression": expression, "Target": _target(name), **_FEW}
    scheduler.create_schedule(**wanted, StartDate=now + 86_400)

    # WHEN a past start is written, THEN it is refused, in an update as in a new schedule, from five minutes on
    assert "5 minutes ago" in _refused(lambda: scheduler.update_schedule(**wanted, StartDate=now - 400))
    wanted_too = {**wanted, "Name": f"{name}-2"}
    assert "5 minutes ago" in _refused(lambda: scheduler.create_schedule(**wanted_too, StartDate=now - 400))
    scheduler.update_schedule(**wanted, StartDate=now - 100)

    # AND a start has to come before the end
    end = now + 3_600
    assert "before the EndDate" in _refused(lambda: scheduler.update_schedule(**wanted, StartDate=end, EndDate=end))


def test_a_one_time_schedule_ignores_its_start(aws: LocalAws, name: str) -> None:
    wanted = {"Name": name, "ScheduleExpression": "at(2099-01-01T00:00:00)", "Target": _target(name), **_FEW}
    aws.client("scheduler").create_schedule(**wanted, StartDate=1_000_000_000)


def test_a_rate_counts_from_its_start_or_from_its_last_update(
    aws: LocalAws, name: str, make_role: Callable[..., str], until: Callable[..., Any], hasty: None
) -> None:
    # GIVEN two schedules of a minute that send to a queue each
    queues, scheduler = aws.client("sqs"), aws.client("scheduler")
    role = make_role(name, "scheduler.amazonaws.com")
    places = {}
    for each in ("start", "none"):
        queue = queues.create_queue(QueueName=f"{name}-{each}")["QueueUrl"]
        arn = f"arn:aws:sqs:{_PLACE}:{name}-{each}"
        places[each] = (
            queue,
            {
                "Name": f"{name}-{each}",
                "ScheduleExpression": "rate(1 minute)",
                "Target": {"Arn": arn, "RoleArn": role},
                **_FEW,
            },
        )
        scheduler.create_schedule(**places[each][1])

    def count(each: str) -> int:
        attributes = queues.get_queue_attributes(QueueUrl=places[each][0], AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])

    # WHEN both are updated half a minute later, the first with its next due time as start
    began = float(aws.control("clock")["now"])
    until(lambda: float(aws.control("clock")["now"]) >= began + 30)
    scheduler.update_schedule(**places["start"][1], StartDate=began + 60)
    scheduler.update_schedule(**places["none"][1])

    # THEN that one keeps its rhythm, and the other one begins anew
    until(lambda: count("start") == 1)
    assert float(aws.control("clock")["now"]) < began + 85
    assert count("none") == 0
    until(lambda: count("none") == 1)


@pytest.fixture
def hasty(aws: LocalAws) -> Iterator[None]:
    """Time goes twenty times as fast."""
    aws.control("settings", {"secondSeconds": 0.05})
    yield
    aws.control("settings", {"secondSeconds": 1})
