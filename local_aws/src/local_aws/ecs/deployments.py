"""ECS's service-deployment calls, service events and reasons, from the records of the deployments.

ListServiceDeployments, DescribeServiceDeployments, StopServiceDeployment and DescribeServiceRevisions are empty or
missing in ministack, and so is ContinueServiceDeployment (:mod:`local_aws.ecs.pause_hooks`); its rollout reasons and
service events have other words than AWS's.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""

from __future__ import annotations

import json
import math
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import ecs

from local_aws.ecs import (
    defaults,
    deployment_configuration,
    pause_hooks,
    records,
    standalone_tasks,
    state_changes,
    stopped_tasks,
    task_definitions,
    task_index,
    task_watch,
    traffic,
    validation,
)
from local_aws.ecs.record_shape import full
from local_aws.ecs.records import FAILED_REASON, Record

Answer = Any
Data = dict[str, Any]


def mend() -> None:
    """Apply the mends of this module and of those that complete it, after :func:`services.mend`."""
    ecs._ACTION_MAP.update(
        ListServiceDeployments=_list,
        DescribeServiceDeployments=_describe,
        StopServiceDeployment=_stop,
        DescribeServiceRevisions=_revisions,
        ContinueServiceDeployment=_continue,
    )
    for action in ("CreateService", "UpdateService", "DescribeServices", "DeleteService"):
        ecs._ACTION_MAP[action] = _shown_as_aws(action, ecs._ACTION_MAP[action])
    make, fail, healthy = ecs._make_deployment, ecs._record_service_task_failure, ecs._record_service_task_healthy

    def make_deployment(*arguments: Any, **options: Any) -> Any:
        """The first deployment of a service is a rollout, too."""
        return {**make(*arguments, **options), "rolloutState": "IN_PROGRESS"}

    def record_failure(task: Data, **options: Any) -> None:
        """failedTasks counts, with and without the circuit breaker, the tasks that did not come up; one that ran and
        ended later is replaced, and the breaker does not see it."""
        cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
        key = f"{cluster}/{task.get('group', '').removeprefix('service:')}"
        service = ecs._services.get(key)
        if service and task.get("_startup_stable"):
            ecs._reconcile_service_tasks(cluster, key)
            return
        deployment = ecs._deployment_for_task(service, task) if service else None
        if service and deployment and not _breaker_of(service).get("enable"):
            deployment["failedTasks"] = deployment.get("failedTasks", 0) + 1
        fail(task, **options)

    def record_healthy(key: str, task: Data) -> None:
        """A task that came up sets failedTasks back, with and without the circuit breaker; one that has ended in the
        meantime did not come up."""
        ecs._maybe_mark_stopped(task)
        healthy(key, task)
        service = ecs._services.get(key)
        deployment = ecs._deployment_for_task(service, task) if service else None
        if service and deployment and task.get("_startup_stable") and not _breaker_of(service).get("enable"):
            deployment["failedTasks"] = 0

    ecs._make_deployment, ecs._record_service_task_failure = make_deployment, record_failure
    ecs._record_service_task_healthy = record_healthy
    # Images are pulled while a task is PENDING, and pendingCount counts it.
    ecs._mark_task_activating = ecs._task_is_active
    for part in (
        traffic,
        stopped_tasks,
        standalone_tasks,
        deployment_configuration,
        defaults,
        task_definitions,
        validation,
        task_watch,
    ):
        part.mend()
    state_changes.mend()
    task_index.mend()


def _breaker_of(service: Data) -> Data:
    return dict((service.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {})


def _observed(arn: str) -> Record | None:
    """The record of a service deployment or revision, up to date."""
    record = records.by_arn(arn)
    kept = _stored(record.service_arn) if record else None
    if kept:
        records.observe(kept)
    return record


def _stored(service_arn: str) -> Data | None:
    """A service as ministack stores it."""
    _, _, _, region, account, resource = service_arn.split(":", 5)
    found: Data | None = ecs._services.get_scoped(account, region, resource.removeprefix("service/"))
    return found if found and found["serviceArn"] == service_arn else None


def _shown_as_aws(action: str, inner: Any) -> Any:
    def shown(data: Data) -> Answer:
        answer = inner(data)
        if answer[0] != 200:
            return answer
        payload = json.loads(answer[2])
        for service in [payload["service"]] if "service" in payload else payload.get("services", []):
            _show(service)
            if action == "DescribeServices" and "TAGS" not in data.get("include", []):
                service.pop("tags", None)
        return json_response(payload)

    return shown


def _show(shown: Data) -> None:
    """Put AWS's words for what goes on into a service of an answer, and leave out members that have no value."""
    for name in [name for name, value in shown.items() if value == "" or (name, value) == ("networkConfiguration", {})]:
        del shown[name]
    kept = _stored(shown["serviceArn"])
    if kept is None:
        return
    records.observe(kept)
    observed = records.of_service(shown["serviceArn"])
    targets = {record.rolls_back_to: record for record in observed if record.status == "ROLLBACK_IN_PROGRESS"}
    shown["events"] = state_changes.of_service(shown["serviceArn"])
    current = next((record for record in observed if record.is_going_on), None)
    if current:
        shown["currentServiceDeployment"] = current.arn
    shown["currentServiceRevisions"] = []
    for deployment in shown.get("deployments", []):
        record = records.by_deployment(deployment["id"])
        if record:
            shown["currentServiceRevisions"].append(_summary(record, deployment))
        if record and record.strategy != "ROLLING":
            # AWS tells a rollout state of rolling deployments alone.
            deployment.pop("rolloutState", None)
            deployment.pop("rolloutStateReason", None)
        else:
            deployment["rolloutStateReason"] = _reason(deployment, record, targets.get(deployment["id"]))


def _summary(record: Record, deployment: Data) -> Data:
    return {
        "arn": record.revision_arn,
        "requestedTaskCount": deployment["desiredCount"],
        "runningTaskCount": deployment["runningCount"],
        "pendingTaskCount": deployment["pendingCount"],
    }


def _reason(deployment: Data, record: Record | None, rolled_back: Record | None) -> str:
    number = deployment["id"]
    if deployment["rolloutState"] == "FAILED":
        return (record.reason if record else "") or FAILED_REASON
    if rolled_back:
        what, is_cause, _ = rolled_back.rollback_reason.partition(":")
        return f"{what if is_cause else 'ECS deployment'}: rolling back to deploymentId {number}."
    return f"ECS deployment {number} {'completed' if deployment['rolloutState'] == 'COMPLETED' else 'in progress'}."


def _list(data: Data) -> Answer:
    cluster, name = data.get("cluster", "default").split("/")[-1], data.get("service", "").split("/")[-1]
    service = ecs._services.get(f"{cluster}/{name}")
    if service is None:
        return error_response_json("ServiceNotFoundException", "Service not found.", 400)
    records.observe(service)
    members = ("serviceDeploymentArn", "serviceArn", "clusterArn", "createdAt", "startedAt", "finishedAt")
    found = []
    created = data.get("createdAt") or {}
    after, before = float(created.get("after") or 0), float(created.get("before") or math.inf)
    for record in records.of_service(service["serviceArn"]):
        if (not data.get("status") or record.status in data["status"]) and after <= record.created <= before:
            shown = full(record)
            brief = {member: shown[member] for member in (*members, "status", "statusReason") if member in shown}
            found.append({**brief, "targetServiceRevisionArn": record.revision_arn})
    return json_response({"serviceDeployments": found})


def _describe(data: Data) -> Answer:
    wanted = data.get("serviceDeploymentArns", [])
    if len(wanted) > 20:
        return error_response_json("InvalidParameterException", "At most 20 service deployments can be described.", 400)
    observed = {arn: record for arn in wanted if ":service-deployment/" in arn and (record := _observed(arn))}
    missing = [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in observed]
    found = [full(observed[arn]) for arn in wanted if arn in observed]
    return json_response({"serviceDeployments": found, "failures": missing})


def _stop(data: Data) -> Answer:
    arn, kind = data.get("serviceDeploymentArn", ""), data.get("stopType", "ROLLBACK")
    record = _observed(arn)
    if record is None or record.arn != arn:
        return error_response_json("ServiceDeploymentNotFoundException", "Service deployment not found.", 400)
    if not record.is_going_on:
        message = f"The service deployment is in status {record.status} and cannot be stopped."
        return error_response_json("ConflictException", message, 400)
    if record.status != "IN_PROGRESS":
        # What is stopping or rolling back already goes on with that.
        return json_response({"serviceDeploymentArn": arn})
    key = record.service_arn.rsplit(":service/", 1)[-1]
    if kind == "ABORT":
        traffic.stop(key, record)
    elif not traffic.roll_back(
        key, record, "Service deployment rolled back because of a StopServiceDeployment request."
    ):
        record.change("ROLLBACK_FAILED", "No rollback candidate was found to run the rollback.")
    return json_response({"serviceDeploymentArn": arn})


def _continue(data: Data) -> Answer:
    record = _observed(str(data.get("serviceDeploymentArn", "")))
    return pause_hooks.answer(record, data)


def _revisions(data: Data) -> Answer:
    wanted = data.get("serviceRevisionArns", [])
    observed = {arn: record for arn in wanted if ":service-revision/" in arn and (record := _observed(arn))}
    found = []
    for record in observed.values():
        definition = ecs._task_defs.get(record.task_definition.rsplit("/", 1)[-1]) or {}
        images = [
            {"containerName": container["name"], "image": container["image"]}
            | ({"imageDigest": record.digests[container["name"]]} if container["name"] in record.digests else {})
            for container in definition.get("containerDefinitions", [])
        ]
        found.append(
            {
                "serviceRevisionArn": record.revision_arn,
                "serviceArn": record.service_arn,
                "clusterArn": record.cluster_arn,
                "taskDefinition": record.task_definition,
                "containerImages": images,
                "createdAt": record.created,
            }
        )
    missing = [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in observed]
    return json_response({"serviceRevisions": found, "failures": missing})
