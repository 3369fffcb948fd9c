"""No account answers with a member, a kind of value or a word that AWS's own model does not know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from botocore.session import get_session

from contract.accounts import Account, Json
from contract.deployments import Service
from unit.fake_aws import CLUSTER

_KINDS = {
    "boolean": bool,
    "double": int | float,
    "float": int | float,
    "integer": int,
    "list": list,
    "long": int,
    "map": dict,
    "string": str,
    "structure": dict,
    "timestamp": int | float | datetime,
}


@cache
def _model() -> Any:
    return get_session().get_service_model("ecs")


def _foreign(shape: Any, value: Any, where: str) -> Iterator[str]:
    """What of a value the shape does not know."""
    if not isinstance(value, _KINDS[shape.type_name]):
        yield f"{where}: {value!r} is no {shape.type_name}"
    elif shape.type_name == "structure":
        yield from (f"{where}.{name}" for name in value if name not in shape.members)
        for name in value.keys() & shape.members.keys():
            yield from _foreign(shape.members[name], value[name], f"{where}.{name}")
    elif shape.type_name == "list":
        for each in value:
            yield from _foreign(shape.member, each, where)
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{where}: {value}"


def _check(shape: str, *answers: Json) -> None:
    # The package notes there when AWS answered.
    shown = ({name: value for name, value in each.items() if name != "asOf"} for each in answers)
    assert [each for answer in shown for each in _foreign(_model().shape_for(shape), answer, shape)] == []


def _check_service(service: Service) -> None:
    aws = service.account.aws
    _check("Service", service.now())
    briefs = aws.service_deployments(CLUSTER, service.name)
    _check("ServiceDeploymentBrief", *briefs)
    _check("ServiceDeployment", *service.records())
    _check("ServiceRevision", *aws.describe_service_revisions([each["targetServiceRevisionArn"] for each in briefs]))


def test_of_services_and_their_deployments(service: Service) -> None:
    # GIVEN a rollout, a rollback, and a deployment with a strategy and a pause: each seen while it goes on, and after
    _check_service(service)
    service.deploy(service.account.bad, deploymentCircuitBreaker={"enable": True, "rollback": True})
    _check_service(service)
    service.until("ROLLBACK_SUCCESSFUL")
    _check_service(service)
    pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
    service.deploy("app:2", strategy="BLUE_GREEN", bakeTimeInMinutes=0, lifecycleHooks=[pause])
    service.account.until(lambda: service.newest().get("lifecycleHookDetails"))
    _check_service(service)
    service.stop(service.newest()["serviceDeploymentArn"])
    service.until("ROLLBACK_SUCCESSFUL")
    _check_service(service)


def test_of_task_definitions_and_tasks(account: Account, name: str) -> None:
    content = {"family": name, "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64}]}
    revision = account.aws.register_task_definition(content, {"team": "shop"})
    _check("TaskDefinition", account.aws.read_task_definition(revision)[0])
    overrides = {"containerOverrides": [{"name": "app", "command": ["fail"]}]}
    request = {"cluster": CLUSTER, "taskDefinition": revision, "clientToken": name, "overrides": overrides}
    task, _ = account.aws.run_task(request)
    _check("Task", task)
    arns = [task["taskArn"]]
    account.until(lambda: account.aws.describe_tasks(CLUSTER, arns)[0]["lastStatus"] == "STOPPED")
    _check("Task", *account.aws.describe_tasks(CLUSTER, arns))
