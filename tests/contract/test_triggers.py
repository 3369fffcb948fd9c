"""Rules of EventBridge and schedules of its Scheduler."""

from __future__ import annotations

import pytest

from contract.accounts import ROLE, Account, Json
from contract.deployments import refused

CLUSTER_ARN = "arn:aws:ecs:us-west-2:111111111111:cluster/shop"


def _target(number: int = 1) -> Json:
    definition = f"arn:aws:ecs:us-west-2:111111111111:task-definition/job:{number}"
    return {"Arn": CLUSTER_ARN, "RoleArn": ROLE, "EcsParameters": {"TaskDefinitionArn": definition, "TaskCount": 1}}


def _schedule(name: str, expression: str = "rate(1 day)", **more: object) -> Json:
    return {
        "Name": name,
        "GroupName": "default",
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": _target(),
        **more,
    }


def test_targets_are_written_by_their_id(account: Account, name: str) -> None:
    # GIVEN a rule with two targets
    account.make_rule(name, {"Id": "a", **_target()}, {"Id": "b", **_target()})

    # WHEN one of them is written, and a new one
    changed = [{"Id": "b", **_target(2)}, {"Id": "c", **_target(3)}]
    assert account.aws.put_targets("default", name, changed) == []

    # THEN the other one is as it was
    found = {each["Id"]: each for each in account.aws.list_targets_by_rule("default", name)}
    assert found == {"a": {"Id": "a", **_target()}, "b": changed[0], "c": changed[1]}


def test_a_rule_that_is_not_there_is_not_found(account: Account, name: str) -> None:
    aws, target = account.aws, {"Id": "a", **_target()}
    assert refused(lambda: aws.list_targets_by_rule("default", name)) == "ResourceNotFoundException"
    assert refused(lambda: aws.put_targets("default", name, [target])) == "ResourceNotFoundException"


def test_a_schedule_is_written_whole(account: Account, name: str) -> None:
    # GIVEN a schedule
    account.make_schedule(_schedule(name, State="DISABLED", Description="nightly"))
    found = account.aws.get_schedule("default", name)
    assert {"Arn", "CreationDate", "LastModificationDate", "asOf"} < set(found)

    # WHEN it is written back with another target
    left = {key: value for key, value in found.items() if key not in ("Arn", "CreationDate", "LastModificationDate")}
    del left["asOf"]
    account.aws.update_schedule({**left, "Target": {**left["Target"], **_target(2)}})

    # THEN the rest is as it was
    after = account.aws.get_schedule("default", name)
    assert after["Target"]["EcsParameters"] == _target(2)["EcsParameters"]
    assert (after["State"], after["Description"]) == ("DISABLED", "nightly")
    assert after["ScheduleExpression"] == "rate(1 day)"


@pytest.mark.parametrize("expression", ["rate(1 day)", "cron(0 3 * * ? *)"])
def test_a_start_of_more_than_five_minutes_ago_is_refused(account: Account, name: str, expression: str) -> None:
    account.make_schedule(_schedule(name, expression))
    write, now = account.aws.update_schedule, account.now
    assert refused(lambda: write(_schedule(name, expression, StartDate=now - 400))) == "ValidationException"
    write(_schedule(name, expression, StartDate=now - 100))
    write(_schedule(name, expression, StartDate=now + 3_600, EndDate=now + 7_200))
    both = {"StartDate": now + 3_600, "EndDate": now + 3_600}
    assert refused(lambda: write(_schedule(name, expression, **both))) == "ValidationException"


def test_a_schedule_that_runs_once_ignores_its_start(account: Account, name: str) -> None:
    account.make_schedule(_schedule(name, "at(2099-01-01T00:00:00)"))
    account.aws.update_schedule(_schedule(name, "at(2099-01-01T00:00:00)", StartDate=1_000.0))


def test_a_schedule_that_is_not_there_is_not_found(account: Account, name: str) -> None:
    assert refused(lambda: account.aws.get_schedule("default", name)) == "ResourceNotFoundException"
    assert refused(lambda: account.aws.update_schedule(_schedule(name))) == "ResourceNotFoundException"
