"""Through the real state machine: hooks that wait for their place, and schedules whose start is long past."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from integration.live_services import meanwhile, wait_for
from local_aws.samples import create_service, register_app
from playground.stack import CLUSTER

ROOM = 16_384


@pytest.fixture
def small(aws):
    """Instances that have no room for a task; as they were afterwards."""
    aws.control("settings", {"instanceMib": 32})
    yield
    aws.control("settings", {"instanceMib": ROOM})


def tagged(aws):
    """Make a service whose tasks have its tags; its manifest item with a hook."""
    name = f"hook-{uuid.uuid4().hex[:8]}"
    tags = [{"key": "team", "value": "shop"}]
    create_service(aws, CLUSTER, name, register_app(aws, name), 1, tags=tags, propagateTags="SERVICE")
    hooks = {"preDeploy": {"command": ["migrate"], "timeoutMinutes": 5}}
    return {"service": "app", "clusterName": CLUSTER, "serviceName": name, "image": "app:2", "hooks": hooks}


def test_a_hook_waits_across_invocations_until_there_is_room(aws, run, settings, small):
    # GIVEN instances that are full until the hook was asked for three times, and a service with tags and a hook
    settings(secondSeconds=0.1, rolloutSeconds=2.0)
    item = tagged(aws)
    seen = len(aws.control("calls?since=0"))

    def make_room():
        wait_for(lambda: sum(call[3] == "ecs:RunTask" for call in aws.control(f"calls?since={seen}")) >= 3)
        aws.control("settings", {"instanceMib": ROOM})

    # WHEN it is released
    with meanwhile(make_room):
        done = run({"services": [item]})

    # THEN the state machine has waited, one task has run, and it has the service's tags
    assert done.items[item["serviceName"]]["status"] == "DEPLOYED", done.cause
    assert done.states.count("DeployEcs") >= 4 + 3
    ecs = aws.client("ecs")
    arns = ecs.list_tasks(cluster=CLUSTER, family=item["serviceName"], desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster=CLUSTER, tasks=arns, include=["TAGS"])["tasks"]
    (hook,) = [task for task in tasks if task["startedBy"].startswith("ecs-gitops/")]
    assert hook["tags"] == [{"key": "team", "value": "shop"}]


def test_a_hook_without_room_is_told_with_what_to_do(aws, run, settings, small):
    settings(secondSeconds=0.05, rolloutSeconds=2.0)
    item = tagged(aws)
    item["hooks"]["preDeploy"]["timeoutMinutes"] = 1
    done = run({"services": [item]})
    assert done.status == "FAILED"
    assert "hook preDeploy: ECS could not run its task: RESOURCE:MEMORY (2 times); tried" in done.cause
    assert "add instances" in done.cause


def test_schedules_that_began_long_ago_are_deployed_and_a_rate_keeps_its_rhythm(aws, run, settings):
    # GIVEN a cron and a rate that began seven minutes ago
    settings(secondSeconds=0.02)
    name, scheduler = f"job-{uuid.uuid4().hex[:8]}", aws.client("scheduler")
    cluster = f"arn:aws:ecs:us-west-2:111111111111:cluster/{CLUSTER}"
    trust = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName=f"shop-{name}", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    target = {"Arn": cluster, "RoleArn": role, "EcsParameters": {"TaskDefinitionArn": register_app(aws, name)}}
    start = int(aws.control("clock")["now"]) + 5
    for each, expression in (("cron", "cron(0 3 * * ? *)"), ("rate", "rate(1 day)")):
        scheduler.create_schedule(
            Name=f"{name}-{each}",
            ScheduleExpression=expression,
            StartDate=start,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
    while float(aws.control("clock")["now"]) < start + 420:
        time.sleep(0.1)

    # WHEN both are released
    settings(secondSeconds=1)
    items = [{"service": "app", "scheduleName": f"{name}-{each}", "image": "app:2"} for each in ("cron", "rate")]
    done = run({"tasks": items})

    # THEN both are deployed; the first without its start, the second with its next due time
    assert done.status == "SUCCEEDED", done.cause
    assert "StartDate" not in scheduler.get_schedule(Name=f"{name}-cron")
    assert scheduler.get_schedule(Name=f"{name}-rate")["StartDate"].timestamp() == start + 86_400
    assert any("is left out" in text for text in done.items[f"{name}-cron"]["warnings"])
