"""Strategies, hooks, order and the way back, with the state machine, functions, layer and roles that ship."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_aws.client import LocalAws
from local_aws.registry import image_uri, push_image
from local_aws.stack import CLUSTER, Stack, create_service, wait_until_steady

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
STRATEGIES = {"rolling": ROLLING, "blue-green": BLUE_GREEN, "canary": CANARY, "linear": LINEAR}
ALARMS = {"enable": True, "rollback": True}


@pytest.fixture
def aws(stack: Stack) -> LocalAws:
    ecs = stack.aws.client("ecs")
    if CLUSTER not in "".join(ecs.list_clusters()["clusterArns"]):
        ecs.create_cluster(clusterName=CLUSTER)
    return stack.aws


@pytest.fixture
def minutes(aws: LocalAws) -> Iterator[Callable[[float], None]]:
    """Set how many seconds a minute of bake time takes."""
    yield lambda seconds: aws.control("settings", {"minuteSeconds": seconds})
    aws.control("settings", {"minuteSeconds": 1.0})


@pytest.fixture
def service(aws: LocalAws) -> Callable[..., dict[str, Any]]:
    """Make a steady service with a name of its own on image ``app:1``; its manifest item."""

    def make(image: str = "app:2", name: str = "", desired: int = 1, **more: Any) -> dict[str, Any]:
        name = name or f"r-{uuid.uuid4().hex[:8]}"
        aws.client("ecs").register_task_definition(
            family=name, containerDefinitions=[{"name": "app", "image": "app:1", "memory": 64}]
        )
        create_service(aws, CLUSTER, name, name, desired)
        wait_until_steady(aws, CLUSTER, (name,))
        return {"service": "app", "clusterName": CLUSTER, "serviceName": name, "image": image, **more}

    return make


def described(aws: LocalAws, item: dict[str, Any]) -> dict[str, Any]:
    services = aws.client("ecs").describe_services(cluster=CLUSTER, services=[item["serviceName"]])
    return dict(services["services"][0])


def live(aws: LocalAws, item: dict[str, Any]) -> str:
    """The revision that the service points to, as a number."""
    return str(described(aws, item)["taskDefinition"].rsplit(":", 1)[-1])


def result(done: Any, item: dict[str, Any]) -> str:
    """The line of the cause that is about the item."""
    lines = done.cause.splitlines()
    return next((line for line in lines if line.startswith(item["serviceName"] + ":")), "")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_strategy_comes_to_a_good_end(aws, run, service, strategy):
    item = service(deployment=STRATEGIES[strategy])
    done = run({"services": [item]})
    assert done.items[item["serviceName"]]["status"] == "DEPLOYED"
    assert live(aws, item) == "2"
    assert described(aws, item)["deploymentConfiguration"]["strategy"] == STRATEGIES[strategy]["strategy"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_strategy_returns_what_does_not_come_up(aws, run, service, strategy):
    item = service("app:never", deployment=STRATEGIES[strategy], timeoutMinutes=8)
    aws.control("settings", {"waitScale": 0.05})
    try:
        done = run({"services": [item]})
    finally:
        aws.control("settings", {"waitScale": 1.0})
    assert done.status == "FAILED"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_alarm_during_the_rollout_returns_the_service(aws, run, service, minutes, strategy):
    # GIVEN a rollout that bakes for long, and an alarm that belongs to it
    minutes(10.0)
    name = f"alarm-{uuid.uuid4().hex[:8]}"
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        MetricName="5xx",
        Namespace="shop",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
    item = service(deployment={**STRATEGIES[strategy], "alarms": {**ALARMS, "alarmNames": [name]}})

    def ring() -> None:
        while live(aws, item) != "2":
            time.sleep(0.1)
        time.sleep(2)
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")

    thread = threading.Thread(target=ring)
    thread.start()
    done = run({"services": [item]})
    thread.join()
    # THEN that is no success, the reason names the alarm, and revision and settings are those from before
    assert done.status == "FAILED"
    assert f"{item['serviceName']}: ROLLED_BACK" in result(done, item)
    assert name in result(done, item)
    after = described(aws, item)
    assert after["taskDefinition"].endswith(":1")
    assert after["deploymentConfiguration"]["strategy"] == "ROLLING"
    assert not (after["deploymentConfiguration"].get("alarms") or {}).get("enable")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_rollout_that_is_superseded_is_no_success_and_nothing_is_returned(aws, run, service, minutes, strategy):
    minutes(10.0)
    image = "app:never" if strategy == "rolling" else "app:2"
    item = service(image, deployment=STRATEGIES[strategy])

    def interfere() -> None:
        while live(aws, item) != "2":
            time.sleep(0.1)
        time.sleep(1)
        ecs = aws.client("ecs")
        ecs.register_task_definition(
            family=item["serviceName"], containerDefinitions=[{"name": "app", "image": "app:9", "memory": 64}]
        )
        minutes(0.1)
        ecs.update_service(cluster=CLUSTER, service=item["serviceName"], taskDefinition=item["serviceName"])

    thread = threading.Thread(target=interfere)
    thread.start()
    done = run({"services": [item]})
    thread.join()
    assert done.status == "FAILED"
    assert f"{item['serviceName']}: FAILED: superseded" in result(done, item)
    assert live(aws, item) == "3"


def test_a_rollout_that_hangs_is_returned_at_its_timeout(aws, run, service):
    item = service("app:never", timeoutMinutes=1)
    done = run({"services": [item]}, patience=180)
    assert "ROLLED_BACK: not steady after 1 minutes" in result(done, item)
    assert live(aws, item) == "1"


def test_a_crash_loop_that_the_circuit_breaker_does_not_see_ends_early(aws, run, service):
    item = service("app:flap", timeoutMinutes=10, desired=2)
    done = run({"services": [item]}, patience=120)
    assert done.status == "FAILED" or done.items[item["serviceName"]]["status"] == "DEPLOYED"


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
    ran = [t for t in ecs.describe_tasks(cluster=CLUSTER, tasks=tasks)["tasks"] if t["startedBy"].startswith("ecs-gitops/")]
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
        for changing in ("ResponseMetadata", "LastModificationDate", "CreationDate"):
            schedule.pop(changing)
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


def test_images_are_looked_up_in_ecr_and_a_moved_tag_is_a_change(aws, run, service):
    name = f"img-{uuid.uuid4().hex[:8]}"
    image = image_uri(f"{name}:2")
    item = service(image)
    absent = run({"services": [item]})
    assert f"there is no repository {name}" in result(absent, item)
    push_image(aws, image, "one")
    assert run({"services": [item]}).items[item["serviceName"]]["status"] == "DEPLOYED"
    assert run({"services": [item]}).items[item["serviceName"]]["status"] == "UNCHANGED"
    digest = push_image(aws, image, "two")
    moved = run({"services": [item]}).items[item["serviceName"]]
    assert (moved["status"], moved["reason"]) == ("DEPLOYED", "the tag of app names another image now")
    pinned = run({"services": [item | {"pinDigest": True}]}).items[item["serviceName"]]
    assert pinned["status"] == "DEPLOYED"
    definition = aws.client("ecs").describe_task_definition(taskDefinition=f"{item['serviceName']}:4")
    assert definition["taskDefinition"]["containerDefinitions"][0]["image"] == image_uri(f"{name}@{digest}")


def test_a_moved_tag_is_seen_in_what_ecs_resolved_where_no_release_noted_it(aws, run, service):
    # GIVEN a service that somebody else deployed from a tag in ECR
    name = f"img-{uuid.uuid4().hex[:8]}"
    image = image_uri(f"{name}:1")
    push_image(aws, image, "one")
    item = service(image)
    ecs = aws.client("ecs")
    ecs.register_task_definition(
        family=item["serviceName"], containerDefinitions=[{"name": "app", "image": image, "memory": 64}]
    )
    ecs.update_service(cluster=CLUSTER, service=item["serviceName"], taskDefinition=item["serviceName"])
    wait_until_steady(aws, CLUSTER, (item["serviceName"],))
    assert run({"services": [item]}).items[item["serviceName"]]["status"] == "UNCHANGED"
    push_image(aws, image, "two")
    assert run({"services": [item]}).items[item["serviceName"]]["status"] == "DEPLOYED"


def test_secrets_parameters_alarms_and_roles_are_found_or_missed_before_anything_changes(aws, run, service):
    item = service(deployment={"alarms": {**ALARMS, "alarmNames": ["nowhere"]}})
    ecs = aws.client("ecs")
    missing = "arn:aws:secretsmanager:us-west-2:111111111111:secret:nowhere-AbCdEf"
    ecs.register_task_definition(
        family=item["serviceName"],
        taskRoleArn="arn:aws:iam::111111111111:role/somebody-elses",
        containerDefinitions=[
            {
                "name": "app",
                "image": "app:1",
                "memory": 64,
                "secrets": [{"name": "A", "valueFrom": missing}, {"name": "B", "valueFrom": "/nowhere"}],
            }
        ],
    )
    ecs.update_service(cluster=CLUSTER, service=item["serviceName"], taskDefinition=item["serviceName"])
    wait_until_steady(aws, CLUSTER, (item["serviceName"],))
    done = run({"services": [item]})
    assert done.error == "CheckFailed"
    line = result(done, item)
    for told in (
        f"secret {missing} does not exist",
        "parameter /nowhere does not exist",
        "alarm nowhere does not exist",
        "may not pass role arn:aws:iam::111111111111:role/somebody-elses to ecs-tasks.amazonaws.com",
    ):
        assert told in line
    # AND with what is there, it is deployed
    aws.client("ssm").put_parameter(Name="/shop/there", Value="x", Type="SecureString")
    there = aws.client("secretsmanager").create_secret(Name=f"there-{uuid.uuid4().hex[:6]}", SecretString="x")["ARN"]
    good = service()
    ecs.register_task_definition(
        family=good["serviceName"],
        containerDefinitions=[
            {
                "name": "app",
                "image": "app:1",
                "memory": 64,
                "secrets": [{"name": "A", "valueFrom": f"{there}:key::"}, {"name": "B", "valueFrom": "/shop/there"}],
            }
        ],
    )
    ecs.update_service(cluster=CLUSTER, service=good["serviceName"], taskDefinition=good["serviceName"])
    wait_until_steady(aws, CLUSTER, (good["serviceName"],))
    found = run({"services": [good]}).items[good["serviceName"]]
    assert (found["status"], found["checks"]["secrets"]) == ("DEPLOYED", "OK")
