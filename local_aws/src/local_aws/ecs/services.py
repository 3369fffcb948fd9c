"""ECS as AWS answers: nothing of a task definition lost, deployments told apart, controllers respected."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import ecs

from local_aws.ecs.engine import Engine
from local_aws.stores.images import digest_of, pull_error

Answer = Any


def mend() -> None:
    """Apply every mend of this module."""
    engine = Engine()
    ecs._get_docker = lambda: engine
    # AWS starts a deployment's tasks together; ministack holds the others until the first one has resolved the digests.
    ecs._deployment_needs_first_task = lambda *_: False
    _wrap("RegisterTaskDefinition", _keeping_every_member)
    _wrap("DescribeTaskDefinition", _with_tags_on_request)
    _wrap("UpdateService", _respecting_controllers)
    _wrap("DeleteService", _leaving_it_inactive)
    _wrap("TagResource", _tagging_what_is_active)
    run_task, reconcile, prepare = ecs._run_task, ecs._reconcile_service_tasks, ecs._prepare_service_images
    ecs._run_task = lambda data: run_task(_started_by_deployment(data))
    ecs._reconcile_service_tasks = lambda cluster, key: _keeping_old_tasks(reconcile, cluster, key)
    ecs._prepare_service_images = lambda task, td, docker: _with_digests(prepare(task, td, docker), td)


def _wrap(action: str, around: Callable[[Callable[[Any], Answer], Any], Answer]) -> None:
    inner = ecs._ACTION_MAP[action]
    ecs._ACTION_MAP[action] = lambda data: around(inner, data)


def _payload(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer[2]))


def _keeping_every_member(inner: Callable[[Any], Answer], data: dict[str, Any]) -> Answer:
    """RegisterTaskDefinition keeps what it is given; ministack keeps the members that it knows, and adds empty ones."""
    given = copy.deepcopy(data)
    answer = inner(data)
    if answer[0] != 200:
        return answer
    stored = ecs._task_defs[_payload(answer)["taskDefinition"]["taskDefinitionArn"].rsplit("/", 1)[-1]]
    for name in [name for name, value in stored.items() if value in (None, "") and name not in given]:
        del stored[name]
    stored.update({name: value for name, value in given.items() if name not in ("tags", "containerDefinitions")})
    return json_response({"taskDefinition": stored, "tags": given.get("tags", [])})


def _with_tags_on_request(inner: Callable[[Any], Answer], data: dict[str, Any]) -> Answer:
    """DescribeTaskDefinition gives tags with ``include: [TAGS]`` alone, beside the definition."""
    answer = inner(data)
    if answer[0] != 200:
        return answer
    payload = _payload(answer)
    payload.pop("tags", None)
    if "TAGS" in data.get("include", []):
        payload["tags"] = ecs._tags.get(payload["taskDefinition"]["taskDefinitionArn"], [])
    return json_response(payload)


def _tagging_what_is_active(inner: Callable[[Any], Answer], data: dict[str, Any]) -> Answer:
    """A deregistered task definition and a deleted service take no tags."""
    arn = str(data.get("resourceArn", ""))
    found = [each for each in ecs._task_defs.values() if each["taskDefinitionArn"] == arn]
    found += [each for each in ecs._services.values() if each["serviceArn"] == arn]
    if found and found[0]["status"] != "ACTIVE":
        message = "The specified resource is inactive. Specify an active resource and try again."
        return error_response_json("InvalidParameterException", message, 400)
    return inner(data)


def _with_digests(deployment: dict[str, Any] | None, definition: dict[str, Any]) -> dict[str, Any] | None:
    """A deployment resolves an image's tag once: all its tasks run that digest, wherever the tag points later."""
    if deployment is not None:
        digests = deployment.setdefault("_image_digests", {})
        for container in definition["containerDefinitions"]:
            is_consistent = container.get("versionConsistency", "enabled") != "disabled"
            if is_consistent and container["name"] not in digests and not pull_error(container["image"]):
                digests[container["name"]] = digest_of(container["image"])
    return deployment


def _respecting_controllers(inner: Callable[[Any], Answer], data: dict[str, Any]) -> Answer:
    """UpdateService takes no task definition for services that CodeDeploy or another tool deploys."""
    service = _service(data)
    kind = ((service or {}).get("deploymentController") or {}).get("type", "ECS")
    if kind != "ECS" and "taskDefinition" in data:
        return error_response_json(
            "InvalidParameterException",
            f"Unable to update task definition on services with a {kind} deployment controller.",
            400,
        )
    if service is not None and service.get("status") != "ACTIVE":
        return error_response_json("ServiceNotActiveException", "Service was not ACTIVE.", 400)
    return inner(data)


def _leaving_it_inactive(inner: Callable[[Any], Answer], data: dict[str, Any]) -> Answer:
    """A deleted service is still described for a while, as INACTIVE and without tasks."""
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    service = _service(data)
    answer = inner(data)
    if answer[0] == 200 and service is not None:
        gone = {**service, "status": "INACTIVE", "desiredCount": 0, "runningCount": 0, "pendingCount": 0}
        ecs._services[f"{cluster}/{service['serviceName']}"] = gone
    return answer


def _keeping_old_tasks(reconcile: Callable[[str, str], None], cluster: str, key: str) -> None:
    """A deployment that the circuit breaker gave up, and did not roll back, leaves the old tasks running."""
    service = ecs._services.get(key)
    primary = ecs._primary_deployment(service) if service else None
    if primary is not None and primary.get("rolloutState") == "FAILED":
        ecs._refresh_service_state(cluster, f"service:{key.split('/', 1)[1]}")
        return
    reconcile(cluster, key)


def _started_by_deployment(data: dict[str, Any]) -> dict[str, Any]:
    """A service's tasks are started by its deployment: ``startedBy`` is the deployment's id."""
    return {**data, "startedBy": data["_deploymentId"]} if data.get("_deploymentId") else data


def _service(data: dict[str, Any]) -> dict[str, Any] | None:
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    name = str(data.get("service", "")).rsplit("/", 1)[-1]
    found = ecs._services.get(f"{cluster}/{name}")
    return dict(found) if found else None
