"""A cluster of two hundred services, rules and schedules is imported from a local AWS, and planned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ecs_gitops import manifest
from local_aws import LocalAws
from local_aws.samples import wait_until_steady

pytestmark = pytest.mark.slow

ACCOUNT, REGION = "111111111111", "us-west-2"
CLUSTER_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop-tasks"
SERVICES, RULES, SCHEDULES = 160, 20, 20
ROUTER = {
    "name": "log_router",
    "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable",
    "memory": 64,
    "essential": True,
    "firelensConfiguration": {"type": "fluentbit"},
}
TRUST = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": ["ecs-tasks.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com"]},
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("aws"), rollout_seconds=0.05, wait_scale=0.05) as running:
        stock(running)
        yield running


def stock(aws: LocalAws) -> None:
    """Services with one to four containers, sidecars, a few of another controller; rules of two buses; schedules."""
    ecs, events, scheduler = aws.client("ecs"), aws.client("events"), aws.client("scheduler")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    aws.client("iam").create_role(RoleName="shop-tasks", AssumeRolePolicyDocument=policy)
    ecs.create_cluster(clusterName="shop")
    events.create_event_bus(Name="orders")

    def service(number: int) -> None:
        name = f"shop-{number:03}"
        containers: list[dict[str, Any]] = [
            {"name": f"app-{n}", "image": f"example.com/{name}-{n}:1.{number}", "memory": 64}
            for n in range(1 + number % 3)
        ]
        containers += [ROUTER] if number % 4 == 0 else []
        made = ecs.register_task_definition(family=name, containerDefinitions=containers, executionRoleArn=ROLE)
        more: dict[str, Any] = {"deploymentController": {"type": "EXTERNAL" if number % 40 == 19 else "CODE_DEPLOY"}}
        arn = made["taskDefinition"]["taskDefinitionArn"]
        ecs.create_service(
            cluster="shop", serviceName=name, taskDefinition=arn, desiredCount=1, **(more if number % 20 == 19 else {})
        )

    def job(number: int) -> dict[str, Any]:
        containers = [{"name": "job", "image": f"example.com/job:{number}", "memory": 64}]
        made = ecs.register_task_definition(family=f"job-{number}", containerDefinitions=containers)
        arn = made["taskDefinition"]["taskDefinitionArn"]
        return {"Arn": CLUSTER_ARN, "RoleArn": ROLE, "EcsParameters": {"TaskDefinitionArn": arn}}

    def rule(number: int) -> None:
        bus = "orders" if number % 2 else "default"
        pattern = json.dumps({"source": ["shop"]})
        events.put_rule(Name=f"rule-{number}", EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule=f"rule-{number}", EventBusName=bus, Targets=[{"Id": "1", **job(number)}])

    def schedule(number: int) -> None:
        scheduler.create_schedule(
            Name=f"schedule-{number}",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=job(RULES + number),
        )

    with ThreadPoolExecutor(4) as pool:
        for make, count in ((service, SERVICES), (rule, RULES), (schedule, SCHEDULES)):
            list(pool.map(make, range(count)))
    ours = [f"shop-{number:03}" for number in range(SERVICES) if number % 20 != 19]
    for start in range(0, len(ours), 10):
        wait_until_steady(aws, "shop", tuple(ours[start : start + 10]))


@pytest.fixture
def command(aws: LocalAws) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `ecs-gitops` with the caller's credentials. AWS's published pace would make the test wait."""
    limits = {bucket: [1_000, 1_000] for bucket in ("definitions", "services", "tasks", "service_deployments")}
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": REGION,
        "ECS_GITOPS_ECS_LIMITS": json.dumps(limits),
    }

    def run(*options: str | Path) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "ecs_gitops", *map(str, options)]
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    return run


def test_what_is_imported_changes_nothing_and_one_new_image_is_one_update(command, tmp_path):
    # GIVEN a cluster with 200 services, rules and schedules WHEN it is imported
    file = tmp_path / "deployment.yaml"
    done = command("init", "--all-clusters", "--tasks", "-o", file)
    # THEN the file has all that a release can deploy, and its plan is no change
    left_out = SERVICES // 20
    assert done.returncode == 0, done.stderr
    assert f"0 changes, {SERVICES - left_out + RULES + SCHEDULES} unchanged" in done.stderr
    assert done.stderr.count("deployment controller") == 2
    assert 'cluster_names = ["shop"]' in done.stdout
    loaded = manifest.load(file.read_bytes(), "deployment.yaml")
    assert (len(loaded.services), len(loaded.tasks)) == (SERVICES - left_out, RULES + SCHEDULES)
    assert command("plan", file, "--exit-code").returncode == 0
    # AND WHEN one image changes THEN the plan has one update
    text = file.read_text()
    assert text.count('"example.com/shop-003-0:1.3"') == 1
    file.write_text(text.replace('"example.com/shop-003-0:1.3"', '"example.com/shop-003-0:2.0"'))
    planned = command("plan", file, "--format", "json", "--exit-code")
    assert planned.returncode == 2
    changed = [each["name"] for each in json.loads(planned.stdout)["items"] if each["action"] != "UNCHANGED"]
    assert changed == ["shop-003"]


def test_an_update_adds_the_service_that_is_missing(command, tmp_path):
    file = tmp_path / "deployment.yaml"
    command("init", "--cluster", "shop", "-o", file)
    item = '  - service: app-0\n    serviceName: shop-003\n    image: "example.com/shop-003-0:1.3"\n'
    text = file.read_text()
    assert text.count(item) == 1
    file.write_text(text.replace(item, ""))
    # WHEN a file without one of the services is updated THEN that one comes back, at the end
    done = command("init", "--cluster", "shop", "--update", file)
    assert done.returncode == 0, done.stderr
    assert "1 service and 0 scheduled tasks added" in done.stderr
    assert file.read_text() == text.replace(item, "") + item
