"""What an account lists for an import: clusters, services, tasks, event buses, rules, schedules."""

from __future__ import annotations

from contract.accounts import ROLE, Account, Json
from contract.deployments import refused
from unit.fake_aws import CLUSTER

CLUSTER_ARN = f"arn:aws:ecs:us-west-2:111111111111:cluster/{CLUSTER}"


def _target(name: str) -> Json:
    definition = f"arn:aws:ecs:us-west-2:111111111111:task-definition/{name}:1"
    return {"Arn": CLUSTER_ARN, "RoleArn": ROLE, "EcsParameters": {"TaskDefinitionArn": definition, "TaskCount": 1}}


def test_clusters_and_their_services_are_listed(account: Account, name: str) -> None:
    account.serve(name)
    assert CLUSTER_ARN in account.aws.list_clusters()
    assert name in account.aws.list_services(CLUSTER)
    assert refused(lambda: account.aws.list_services("nowhere")) == "ClusterNotFoundException"


def test_rules_and_schedules_are_listed_and_lead_to_their_targets(account: Account, name: str) -> None:
    # GIVEN a rule of the default bus, and a schedule
    account.make_rule(name, {"Id": "a", **_target(name)})
    schedule = {"Name": name, "GroupName": "default", "ScheduleExpression": "rate(1 day)", "Target": _target(name)}
    account.make_schedule({**schedule, "FlexibleTimeWindow": {"Mode": "OFF"}})

    # WHEN they are listed THEN the bus has the rule, and the brief schedule has group, name and the target's ARN
    assert "default" in account.aws.list_event_buses()
    assert name in [rule["Name"] for rule in account.aws.list_rules("default")]
    brief = next(each for each in account.aws.list_schedules() if each["Name"] == name)
    assert (brief["GroupName"], brief["Target"]["Arn"]) == ("default", CLUSTER_ARN)
