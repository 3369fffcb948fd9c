"""The four functions at work with nothing but the layer: the unpacked zip and the standard library.

Each invocation is an interpreter of its own (``python -I -S``), which loads the handler by its name and gives it an
event, as Lambda does. Between them go the events of the state machine; AWS is the local one, with IAM enforced.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from local_aws.samples import create_service, register_app, wait_until_steady
from playground.stack import CLUSTER, ROOT

ROLE = "arn:aws:iam::111111111111:role/deploy"
LEDGER = "ledger-of-isolated-functions"
SETTINGS = {
    "schemaVersion": 1,
    "name": "ecs-gitops",
    "account": "111111111111",
    "region": "us-west-2",
    "roleArns": {"111111111111": ROLE},
    "defaults": {"timeoutMinutes": 2},
    "guardRails": {"executionTimeoutMinutes": 240},
}
HANDLERS = re.search(r'handler\s+= "(.+)"', (ROOT / "modules" / "deployer" / "functions.tf").read_text())
# What Lambda does, and a look at where everything came from.
BOOTSTRAP = """
import importlib, json, sys, sysconfig, time
layer, handler = sys.argv[1:]
sys.path.insert(0, layer)

class Context:
    aws_request_id, function_name, memory_limit_in_mb = "1", handler, "512"
    ends = time.time() + 60
    def get_remaining_time_in_millis(self):
        return int((self.ends - time.time()) * 1000)

module, name = handler.rsplit(".", 1)
result = getattr(importlib.import_module(module), name)(json.load(sys.stdin), Context())
ours = (layer, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
files = {getattr(each, "__file__", None) or layer for each in list(sys.modules.values())}
print()
print(json.dumps({"result": result, "elsewhere": [each for each in files if not each.startswith(ours)]}))
"""

Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """An account with the deploy role and nothing else of ours."""
    with LocalAws(tmp_path_factory.mktemp("aws"), rollout_seconds=0.3) as running:
        running.client("ecs").create_cluster(clusterName=CLUSTER)
        trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam = running.client("iam")
        iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=policy(trust))
        iam.put_role_policy(RoleName="deploy", PolicyName="all", PolicyDocument=policy(allow))
        s3 = running.client("s3")
        s3.create_bucket(Bucket=LEDGER, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        s3.put_object(Bucket=LEDGER, Key="settings/instance.json", Body=json.dumps(SETTINGS).encode())
        yield running


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def invoke(aws: LocalAws, layer: Path, tmp_path_factory: pytest.TempPathFactory) -> Invoke:
    """Invoke a function by its name in Terraform."""
    folder = tmp_path_factory.mktemp("opt")
    with zipfile.ZipFile(layer) as archive:
        archive.extractall(folder)
    assert HANDLERS
    environment = {
        **aws.environment(),
        "ECS_GITOPS_LEDGER_BUCKET": LEDGER,
        "ECS_GITOPS_ACCOUNT_ID": "111111111111",
        "ECS_GITOPS_TRACING": "false",
    }

    def run(function: str, event: dict[str, Any]) -> dict[str, Any]:
        handler = HANDLERS[1].replace("${each.key}", function)
        command = [sys.executable, "-I", "-S", "-c", BOOTSTRAP, str(folder / "python"), handler]
        text = json.dumps({**event, "attempt": 0, "redrive": 0})
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, cwd=folder, env=environment, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout.splitlines()[-1])
        assert told["elsewhere"] == []
        return dict(told["result"])

    return run


def released(invoke: Invoke, deployment: dict[str, Any], name: str) -> dict[str, Any]:
    """The state machine's way through a release; what its end reports."""
    arn = f"arn:aws:states:us-west-2:111111111111:execution:ecs-gitops:{name}"
    execution = {"id": arn, "name": name, "startTime": "2026-11-24T10:00:00Z"}
    state = invoke("init_config", {"deployment": deployment, "execution": execution})
    while state.get("next") != "REPORT":
        batches = [settled(invoke, state["release"], batch) for batch in state["batches"]]
        state = invoke("validate_deploy", {"stage": {**state, "batches": batches}})
    return state


def settled(invoke: Invoke, release: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    """The batch at its end. Rollouts take a third of a second, so no pause takes as long as it says."""
    event = invoke(f"deploy_{'task' if batch['kind'] == 'task' else 'ecs'}", {"release": release, "batch": batch})
    for _ in range(20):
        if event["batch"]["next"] == "DONE":
            return dict(event["batch"])
        time.sleep(min(1.0, event["batch"]["waitSeconds"]))
        function = "deploy_ecs" if event["batch"]["next"] == "DEPLOY" else "validate_deploy"
        event = invoke(function, {"release": event["release"], "batch": event["batch"]})
    raise AssertionError("the batch does not come to an end")


def test_the_layer_alone_checks_deploys_watches_and_reports(aws: LocalAws, invoke: Invoke) -> None:
    # GIVEN a service, a rule and a schedule, each on its first revision
    ecs, events, scheduler = aws.client("ecs"), aws.client("events"), aws.client("scheduler")
    for name in ("web", "nightly", "hourly"):
        register_app(aws, name)
    create_service(aws, CLUSTER, "web", "web", 1)
    wait_until_steady(aws, CLUSTER, ("web",))
    place = "arn:aws:ecs:us-west-2:111111111111"

    def target(family: str) -> dict[str, Any]:
        revision = {"TaskDefinitionArn": f"{place}:task-definition/{family}:1"}
        return {"Arn": f"{place}:cluster/{CLUSTER}", "RoleArn": ROLE, "EcsParameters": revision}

    events.put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="nightly", Targets=[{"Id": "a", **target("nightly")}])
    window = {"Mode": "OFF"}
    scheduler.create_schedule(
        Name="hourly", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=window, Target=target("hourly")
    )

    # WHEN they get a new image, in an execution whose name no session may have
    deployment = {
        "tasks": [
            {"service": "app", "cwRuleName": "nightly", "image": "app:2"},
            {"service": "app", "scheduleName": "hourly", "image": "app:2"},
        ],
        "services": [
            {
                "service": "app",
                "clusterName": CLUSTER,
                "serviceName": "web",
                "image": "app:2",
                "hooks": {"preDeploy": {"command": ["migrate"]}},
            }
        ],
    }
    report = released(invoke, deployment, "freigabe(4.0)")

    # THEN all of it is deployed, and told
    assert report["status"] == "SUCCEEDED", report
    assert {item["name"]: item["status"] for item in report["result"]["items"]} == dict.fromkeys(
        ("web", "nightly", "hourly"), "DEPLOYED"
    )
    (service,) = ecs.describe_services(cluster=CLUSTER, services=["web"])["services"]
    assert service["taskDefinition"].endswith("web:2")
    (rule,) = events.list_targets_by_rule(Rule="nightly")["Targets"]
    assert rule["EcsParameters"]["TaskDefinitionArn"].endswith("nightly:2")
    found = scheduler.get_schedule(Name="hourly")["Target"]["EcsParameters"]["TaskDefinitionArn"]
    assert found.endswith("hourly:2")


def test_the_layer_alone_tells_what_failed(aws: LocalAws, invoke: Invoke) -> None:
    register_app(aws, "broken")
    create_service(aws, CLUSTER, "broken", "broken", 1)
    wait_until_steady(aws, CLUSTER, ("broken",))
    item = {"service": "nowhere", "clusterName": CLUSTER, "serviceName": "broken", "image": "app:2"}
    report = released(invoke, {"services": [item]}, "run-2")
    assert (report["status"], report["error"]) == ("FAILED", "CheckFailed")
    assert "nowhere" in report["result"]["items"][0]["reason"]
