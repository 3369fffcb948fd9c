"""Strategies, hooks, order and the way back, with the state machine, functions, layer and roles that ship."""

from __future__ import annotations

import json
import time
import uuid
from datetime import timedelta
from typing import Any

from integration.live_services import (
    described,
    live,
    meanwhile,
    quiet_alarm,
    result,
    returned,
    wait_for,
)
from local_aws.samples import wait_until_steady
from playground.stack import CLUSTER

CANARY = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 1,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 2},
}
BLUE_GREEN = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 2}
LINEAR = {
    "strategy": "LINEAR",
    "bakeTimeInMinutes": 1,
    "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 2},
}
ROLLING = {"strategy": "ROLLING", "minimumHealthyPercent": 100, "maximumPercent": 200}
STRATEGIES = (ROLLING, BLUE_GREEN, CANARY, LINEAR)


def test_each_strategy_comes_to_a_good_end(aws, run, service):
    items = [service(deployment=deployment) for deployment in STRATEGIES]
    done = run({"services": items})
    for item in items:
        assert done.items[item["serviceName"]]["status"] == "DEPLOYED"
        assert live(aws, item) == "2"
        assert described(aws, item)["deploymentConfiguration"]["strategy"] == item["deployment"]["strategy"]


def test_each_strategy_that_ecs_rolls_back_is_no_success(aws, run, service):
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    items = [service("app:broken", deployment={**deployment, **breaker}) for deployment in STRATEGIES]
    done = run({"services": items})
    assert done.cause.splitlines()[0] == "4 rolled back"
    for item in items:
        assert "ECS rolled back" in result(done, item)
        assert "CannotPullContainerError" in result(done, item)
        returned(aws, item)


def test_each_strategy_that_hangs_is_returned_at_its_timeout(aws, run, service, fast):
    # GIVEN rollouts that never come up, without bake times
    short = {
        "bakeTimeInMinutes": 0,
        "canaryConfiguration": {"canaryBakeTimeInMinutes": 0},
        "linearConfiguration": {"stepBakeTimeInMinutes": 0},
    }
    items = []
    for deployment in STRATEGIES:
        given = {name: short.get(name, value) for name, value in deployment.items()}
        items.append(service("app:never", deployment=given, timeoutMinutes=1))
    done = run({"services": items}, patience=180)
    assert done.cause.splitlines()[0] == "4 rolled back"
    for item in items:
        assert "after 1 minute" in result(done, item)
        returned(aws, item)


def test_an_alarm_during_the_rollout_returns_each_strategy(aws, run, service, minutes):
    # GIVEN rollouts that bake for long, and an alarm that belongs to them
    minutes(10.0)
    name = quiet_alarm(aws)
    alarms = {"alarms": {"enable": True, "rollback": True, "alarmNames": [name]}}
    items = [service(deployment={**deployment, **alarms}) for deployment in STRATEGIES]

    def ring() -> None:
        wait_for(lambda: all(live(aws, item) == "2" for item in items))
        time.sleep(2)
        aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")

    with meanwhile(ring):
        done = run({"services": items})
    # THEN none is a success, the reason names the alarm, and revision and settings are those from before
    assert done.cause.splitlines()[0] == "4 rolled back"
    for item in items:
        assert name in result(done, item)
        returned(aws, item)
        assert not (described(aws, item)["deploymentConfiguration"].get("alarms") or {}).get("enable")


def test_a_rollout_that_is_superseded_is_no_success_and_nothing_is_returned(aws, run, service, minutes):
    # GIVEN rollouts that are not over for a while, and someone who deploys something else meanwhile
    minutes(10.0)
    items = [service("app:never" if d["strategy"] == "ROLLING" else "app:2", deployment=d) for d in STRATEGIES]
    ecs = aws.client("ecs")

    def interfere() -> None:
        wait_for(lambda: all(live(aws, item) == "2" for item in items))
        time.sleep(1)
        minutes(0.1)
        for item in items:
            name = item["serviceName"]
            ecs.register_task_definition(
                family=name, containerDefinitions=[{"name": "app", "image": "app:9", "memory": 64}]
            )
            ecs.update_service(cluster=CLUSTER, service=name, taskDefinition=name)

    with meanwhile(interfere):
        done = run({"services": items})
    assert done.cause.splitlines()[0] == "4 failed"
    for item in items:
        assert f"{item['serviceName']}: FAILED: superseded" in result(done, item)
        assert live(aws, item) == "3"


def test_a_crash_loop_that_the_circuit_breaker_does_not_see_ends_early(aws, run, service, minutes):
    # GIVEN tasks that come up and die, and an alarm's evaluation that keeps the deployment going on meanwhile
    minutes(30.0)
    name = quiet_alarm(aws)
    alarms = {"alarms": {"enable": True, "rollback": False, "alarmNames": [name]}}
    item = service("app:flap", deployment=alarms, timeoutMinutes=10)
    done = run({"services": [item]})
    # THEN the wait ends long before the timeout, with what was seen, and the service is back
    assert "ROLLED_BACK: crash loop: " in result(done, item)
    assert "container app exited with 1" in result(done, item)
    assert done.seconds < 60
    returned(aws, item)


def test_hooks_gate_the_rollout(aws, run, service):
    # GIVEN a service whose migration goes well, and one whose migration fails
    hooks = {"preDeploy": {"command": ["migrate"]}, "postDeploy": {"command": ["smoke"]}}
    good = service(hooks=hooks)
    bad = service(hooks={"preDeploy": {"command": ["sh", "-c", "exit-7"]}})
    late = service(hooks={"postDeploy": {"command": ["fail"]}})
    before = described(aws, bad)
    done = run({"services": [good, bad, late]})
    # THEN the one is deployed, the other not touched, and what failed its test afterwards is returned
    assert live(aws, good) == "2"
    assert "FAILED: hook preDeploy: container app exited with 7" in result(done, bad)
    assert "ROLLED_BACK: hook postDeploy: container app exited with 3" in result(done, late)
    assert live(aws, late) == "1"
    after = described(aws, bad)
    assert (after["taskDefinition"], after["deployments"]) == (before["taskDefinition"], before["deployments"])
    # AND each hook ran once, with the new revision
    ecs = aws.client("ecs")
    tasks = ecs.list_tasks(cluster=CLUSTER, family=good["serviceName"], desiredStatus="STOPPED")["taskArns"]
    ran = [
        t for t in ecs.describe_tasks(cluster=CLUSTER, tasks=tasks)["tasks"] if t["startedBy"].startswith("ecs-gitops/")
    ]
    assert [task["taskDefinitionArn"].rsplit(":", 1)[-1] for task in ran] == ["2", "2"]


def test_order_and_what_is_skipped(aws, run, service):
    db, api, web = service("app:broken"), service(), service()
    api["dependsOn"], web["dependsOn"] = [db["serviceName"]], [f"{CLUSTER}/{api['serviceName']}"]
    done = run({"services": [web, api, db]})
    assert "SKIPPED: depends on" in result(done, api)
    assert "SKIPPED: depends on" in result(done, web)
    assert [live(aws, item) for item in (db, api, web)] == ["1", "1", "1"]


def test_one_bad_of_twenty_returns_all_of_the_release_with_its_schedules(aws, run, service):
    # GIVEN nineteen good services, a bad one, a rule and a schedule
    items = [service("app:broken" if number == 7 else "app:2") for number in range(20)]
    family = f"t-{uuid.uuid4().hex[:8]}"
    ecs, events, scheduler = aws.client("ecs"), aws.client("events"), aws.client("scheduler")
    arn = ecs.register_task_definition(
        family=family, containerDefinitions=[{"name": "job", "image": "job:1", "memory": 64}]
    )["taskDefinition"]["taskDefinitionArn"]
    target = {
        "Arn": f"arn:aws:ecs:us-west-2:111111111111:cluster/{CLUSTER}",
        "RoleArn": "arn:aws:iam::111111111111:role/shop-events",
        "EcsParameters": {"TaskDefinitionArn": arn},
    }
    events.put_rule(Name=family, ScheduleExpression="rate(1 day)")
    events.put_targets(Rule=family, Targets=[{"Id": "a", **target}])
    scheduler.create_schedule(
        Name=family,
        ScheduleExpression="rate(1 day)",
        ScheduleExpressionTimezone="Europe/Vienna",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 7},
        Description="keep me",
        Target={**target, "Input": "{}"},
    )

    def state() -> Any:
        def told(item: dict[str, Any]) -> Any:
            each = described(aws, item)
            kept = ("taskDefinition", "desiredCount", "runningCount", "deploymentConfiguration", "status")
            return {name: each[name] for name in kept}

        schedule = scheduler.get_schedule(Name=family)
        for changing in ("ResponseMetadata", "LastModificationDate", "CreationDate", "StartDate"):
            schedule.pop(changing, None)
        return [told(item) for item in items], events.list_targets_by_rule(Rule=family)["Targets"], schedule

    before = state()
    # WHEN they are one release that returns as a whole
    tasks = [
        {"service": "job", "cwRuleName": family, "image": "job:2"},
        {"service": "job", "scheduleName": family, "image": "job:2"},
    ]
    done = run({"services": items, "tasks": tasks, "onFailure": "rollbackRelease"}, patience=240)
    # THEN all of them were changed, and all of them are as they were
    assert done.cause.splitlines()[0] == "22 rolled back"
    wait_until_steady(aws, CLUSTER, tuple(item["serviceName"] for item in items[:10]))
    wait_until_steady(aws, CLUSTER, tuple(item["serviceName"] for item in items[10:]))
    assert json.dumps(state(), default=str) == json.dumps(before, default=str)
    # AND the schedule is due when it would have been
    schedule = scheduler.get_schedule(Name=family)
    assert abs(schedule["StartDate"] - schedule["CreationDate"] - timedelta(days=1)) < timedelta(minutes=1)
