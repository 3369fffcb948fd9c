"""What whole releases are made of in the tests: items, manifests, and an account with something to release to."""

from __future__ import annotations

from typing import Any

from unit.fake_ecs import FakeEcs

# A manifest that is good, as a file has it.
GOOD = "release: 4.0\nservices:\n  - {service: web, clusterName: shop, serviceName: web, image: 'web:1'}\n"


def item(name: str, tag: str = "2", **more: Any) -> dict[str, Any]:
    return {"service": name, "clusterName": "shop", "serviceName": name, "image": f"{name}:{tag}", **more}


def release(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"services": list(items), **more}


JOB = {"service": "job", "cwRuleName": "nightly", "image": "job:2"}


IMAGE = "111111111111.dkr.ecr.us-west-2.amazonaws.com/web:2"


BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "strategy": "ROLLING"}


CANARY = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 1,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 2},
}


def statuses(done: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["status"] for each in done["result"]["items"]}


def hooks(before: str | None = None, after: str | None = None) -> dict[str, Any]:
    made = {"preDeploy": before, "postDeploy": after}
    return {"hooks": {name: {"command": command.split()} for name, command in made.items() if command}}


def stock(ecs: FakeEcs) -> None:
    """Three services on their first images, a rule and a schedule."""
    for name in ("web", "api", "db"):
        ecs.serve(name, ecs.define(name, (name, f"{name}:1")), desired=2)
    job = ecs.define("job", ("job", "job:1"))
    target = {"Id": "a", "Arn": "cluster", "RoleArn": "role", "EcsParameters": {"TaskDefinitionArn": job}}
    ecs.rules["default", "nightly"] = [target]
    ecs.schedules["default", "hourly"] = {
        "Name": "hourly",
        "GroupName": "default",
        "ScheduleExpression": "rate(1 hour)",
        "Unheard": "of",
        "Target": {k: v for k, v in target.items() if k != "Id"},
    }
