"""What ECS refuses, and how it shows a service.

AWS: an unknown cluster is `ClusterNotFoundException` and is not made on the fly; a service that is not ACTIVE cannot
be updated; CODE_DEPLOY and EXTERNAL services take no task definition in UpdateService; a task definition must exist
and be ACTIVE; DescribeServices takes ten services, DescribeTasks a hundred tasks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import json_response
from ministack.services import ecs

from local_aws.wire import Answer, AwsError, error_reply

from . import ecs_deployments

Action = Callable[[dict[str, Any]], Answer]

_NEEDS_CLUSTER = (
    "CreateService",
    "UpdateService",
    "DeleteService",
    "DescribeServices",
    "ListServices",
    "RunTask",
    "StopTask",
    "DescribeTasks",
    "ListTasks",
    "ListServiceDeployments",
)


def _check_cluster(data: dict[str, Any]) -> None:
    name = ecs._resolve_cluster_name(data.get("cluster", "default"))
    if name is None or name not in ecs._clusters:
        raise AwsError("ClusterNotFoundException", "Cluster not found.")


def _find_service(data: dict[str, Any]) -> dict[str, Any] | None:
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    name = (ecs._resolve_service_ref(data.get("service", "")) or ("", None))[0]
    found: dict[str, Any] | None = ecs._services.get(f"{cluster}/{name}")
    return found


def _check_task_definition(data: dict[str, Any]) -> None:
    if "taskDefinition" not in data:
        return
    definition = ecs._task_defs.get(ecs._resolve_td_key(data["taskDefinition"]) or "")
    if definition is None:
        raise AwsError("ClientException", "TaskDefinition not found.")
    if definition["status"] != "ACTIVE":
        raise AwsError("ClientException", "TaskDefinition is inactive")


def _check_update(data: dict[str, Any]) -> None:
    service = _find_service(data)
    if service is None:
        raise AwsError("ServiceNotFoundException", "Service not found.")
    if service["status"] != "ACTIVE":
        raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
    controller = (service.get("deploymentController") or {}).get("type", "ECS")
    hint = "Use AWS CodeDeploy to trigger a new deployment." if controller == "CODE_DEPLOY" else "Use task sets."
    if controller != "ECS" and "taskDefinition" in data:
        raise AwsError(
            "InvalidParameterException",
            f"Unable to update task definition on services with a {controller} deployment controller. {hint}",
        )
    if controller != "ECS" and data.get("forceNewDeployment"):
        raise AwsError(
            "InvalidParameterException",
            f"Cannot force a new deployment on services with a {controller} deployment controller. {hint}",
        )
    _check_task_definition(data)


def _check_at_most(data: dict[str, Any], member: str, limit: int) -> None:
    if len(data.get(member, [])) > limit:
        raise AwsError("InvalidParameterException", f"{member.capitalize()} can have at most {limit} items.")


_CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "CreateService": _check_task_definition,
    "UpdateService": _check_update,
    "DescribeServices": lambda data: _check_at_most(data, "services", 10),
    "DescribeTasks": lambda data: _check_at_most(data, "tasks", 100),
}


def _guarded(name: str, act: Action) -> Action:
    def guarded(data: dict[str, Any]) -> Answer:
        try:
            if name in _NEEDS_CLUSTER:
                _check_cluster(data)
            if name in _CHECKS:
                _CHECKS[name](data)
        except AwsError as error:
            return error_reply(error)
        return _presented(act(data))

    return guarded


def _presented(answer: Answer) -> Answer:
    """The answer with each service in it shown as AWS shows it."""
    if answer[0] != 200:
        return answer
    shown = json.loads(answer[2])
    services = [shown["service"]] if "service" in shown else shown.get("services", [])
    if not services:
        return answer
    for service in services:
        ecs_deployments.present(service)
    presented: Answer = json_response(shown)
    return presented


def apply() -> None:
    """Check requests first, and show services as AWS does."""
    make = ecs._make_deployment

    def make_deployment(task_definition: str, desired_count: int, status: str = "PRIMARY") -> Any:
        deployment = make(task_definition, desired_count, status)
        # A new service's first deployment is a rollout too.
        deployment["rolloutState"] = "IN_PROGRESS"
        return deployment

    ecs._make_deployment = make_deployment
    for name in (*_NEEDS_CLUSTER, *_CHECKS):
        if not getattr(ecs._ACTION_MAP[name], "is_guarded", False):
            act = _guarded(name, ecs._ACTION_MAP[name])
            act.is_guarded = True  # type: ignore[attr-defined]
            ecs._ACTION_MAP[name] = act
