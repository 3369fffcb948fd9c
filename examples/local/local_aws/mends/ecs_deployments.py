"""The history of each service's deployments, and ECS's words for it.

AWS: every deployment has a record that ListServiceDeployments and DescribeServiceDeployments show, also when
DescribeServices shows it no more (a replaced deployment without tasks disappears there, a rolled-back one too).
Service events tell what happened in sentences. ministack's service-deployment calls are empty, its sentences differ.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import json_response
from ministack.services import ecs

GOING_ON = ("IN_PROGRESS", "ROLLBACK_IN_PROGRESS")
_FAILED_REASON = "ECS deployment circuit breaker: tasks failed to start."


@dataclass
class Record:
    """What is remembered of one deployment."""

    id: str
    service_arn: str
    cluster_arn: str
    task_definition: str
    desired: int
    configuration: dict[str, Any]
    status: str = "IN_PROGRESS"
    reason: str = ""
    rolls_back_to: str = ""
    running: int = 0
    pending: int = 0
    failed: int = 0
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    seen_state: str = ""

    @property
    def arn(self) -> str:
        """The service deployment's ARN."""
        return self.service_arn.replace(":service/", ":service-deployment/") + "/" + self.id.split("/")[-1]

    @property
    def revision_arn(self) -> str:
        """The service revision's ARN."""
        return self.arn.replace(":service-deployment/", ":service-revision/")


@dataclass(frozen=True)
class Change:
    """A deployment entered another rollout state: what the events are made from."""

    service: dict[str, Any]
    record: Record
    state: str


_RECORDS: dict[str, Record] = {}
_LOCK = threading.RLock()
listeners: list[Callable[[Change], None]] = []
"""Called with each change, in the thread that saw it."""


def observe(service: dict[str, Any]) -> None:
    """Bring the records of one stored service up to date and tell the listeners what changed."""
    changes = []
    with _LOCK:
        deployments = list(service.get("deployments", []))
        for deployment in reversed(deployments):
            record = _RECORDS.setdefault(deployment["id"], _new_record(service, deployment))
            record.running, record.pending = deployment["runningCount"], deployment["pendingCount"]
            record.failed = deployment.get("failedTasks", 0)
            state = deployment["rolloutState"]
            if state != record.seen_state:
                record.seen_state, record.updated = state, time.time()
                _enter(service, deployment, record, deployments)
                changes.append(Change(service, record, state))
        _settle(service, deployments)
    for change in changes:
        for listener in listeners:
            listener(change)


def _new_record(service: dict[str, Any], deployment: dict[str, Any]) -> Record:
    return Record(
        id=deployment["id"],
        service_arn=service["serviceArn"],
        cluster_arn=service["clusterArn"],
        task_definition=deployment["taskDefinition"],
        desired=deployment["desiredCount"],
        configuration=service.get("deploymentConfiguration") or {},
    )


def _enter(service: dict[str, Any], deployment: dict[str, Any], record: Record, all_: list[dict[str, Any]]) -> None:
    name = service["serviceName"]
    if deployment["rolloutState"] == "COMPLETED":
        if record.status == "IN_PROGRESS":
            record.status = "SUCCESSFUL"
            say(service, f"(service {name}) (deployment {record.id}) deployment completed.")
        say(service, f"(service {name}) has reached a steady state.")
    elif deployment["rolloutState"] == "FAILED":
        record.reason = _FAILED_REASON
        say(service, f"(service {name}) (deployment {record.id}) deployment failed: tasks failed to start.")
        primary = next((other for other in all_ if other["status"] == "PRIMARY"), deployment)
        if primary is deployment:
            record.status = "STOPPED"
        else:
            record.status, record.rolls_back_to = "ROLLBACK_IN_PROGRESS", primary["id"]
            say(service, f"(service {name}) rolling back to deployment {primary['id']}.")


def _settle(service: dict[str, Any], deployments: list[dict[str, Any]]) -> None:
    """End records whose deployment is rolled back, replaced or gone; drop rolled-back deployments from the service."""
    live = {deployment["id"]: deployment for deployment in deployments}
    for record in [record for record in _RECORDS.values() if record.service_arn == service["serviceArn"]]:
        if record.status == "ROLLBACK_IN_PROGRESS":
            target = live.get(record.rolls_back_to)
            if target is None or target["rolloutState"] == "COMPLETED":
                record.status, record.updated = "ROLLBACK_SUCCESSFUL", time.time()
        elif record.status == "IN_PROGRESS" and live.get(record.id, {}).get("status") != "PRIMARY":
            record.status, record.updated = "STOPPED", time.time()
            record.reason = "Service deployment stopped: a new service deployment was started."
        deployment = live.get(record.id)
        if deployment and record.status == "ROLLBACK_SUCCESSFUL" and not deployment["runningCount"]:
            service["deployments"] = [other for other in service["deployments"] if other is not deployment]


def say(service: dict[str, Any], message: str) -> None:
    """Put a sentence on top of the service's events; AWS keeps a hundred."""
    said = service.setdefault("_said", [])
    said.insert(0, {"id": str(uuid.uuid4()), "createdAt": time.time(), "message": message})
    del said[100:]


def present(shown: dict[str, Any]) -> None:
    """Change an answer's service to AWS's words: reasons and events."""
    service = next((kept for _, kept in ecs._services.all_items() if kept["serviceArn"] == shown["serviceArn"]), None)
    if service is None:
        return
    observe(service)
    shown["events"] = list(service.get("_said", []))
    with _LOCK:
        targets = {record.rolls_back_to for record in _RECORDS.values() if record.status == "ROLLBACK_IN_PROGRESS"}
        for deployment in shown.get("deployments", []):
            deployment["rolloutStateReason"] = _reason(deployment, is_rollback=deployment["id"] in targets)


def _reason(deployment: dict[str, Any], *, is_rollback: bool) -> str:
    if deployment["rolloutState"] == "FAILED":
        return _FAILED_REASON
    if is_rollback:
        return f"ECS deployment circuit breaker: rolling back to deploymentId {deployment['id']}."
    word = "completed" if deployment["rolloutState"] == "COMPLETED" else "in progress"
    return f"ECS deployment {deployment['id']} {word}."


def _shown(record: Record) -> dict[str, Any]:
    counts = {
        "requestedTaskCount": record.desired,
        "runningTaskCount": record.running,
        "pendingTaskCount": record.pending,
    }
    breaker = record.configuration.get("deploymentCircuitBreaker") or {}
    is_triggered = record.reason == _FAILED_REASON
    shown: dict[str, Any] = {
        "serviceDeploymentArn": record.arn,
        "serviceArn": record.service_arn,
        "clusterArn": record.cluster_arn,
        "createdAt": record.created,
        "startedAt": record.created,
        "updatedAt": record.updated,
        "status": record.status,
        "statusReason": record.reason,
        "targetServiceRevision": {"arn": record.revision_arn, **counts},
        "deploymentConfiguration": record.configuration,
        "deploymentCircuitBreaker": {
            "status": "TRIGGERED" if is_triggered else "MONITORING" if breaker.get("enable") else "DISABLED",
            "failureCount": record.failed,
        },
    }
    if record.status not in GOING_ON:
        shown["finishedAt"] = record.updated
    return shown


def _observe_all() -> None:
    for _, service in ecs._services.all_items():
        observe(service)


def _list(data: dict[str, Any]) -> Any:
    _observe_all()
    name, cluster = data.get("service", "").split("/")[-1], data.get("cluster", "default").split("/")[-1]
    wanted = f":service/{cluster}/{name}"
    with _LOCK:
        found = [_shown(record) for record in _RECORDS.values() if record.service_arn.endswith(wanted)]
    if data.get("status"):
        found = [shown for shown in found if shown["status"] in data["status"]]
    found.sort(key=lambda shown: -shown["createdAt"])
    members = ("serviceDeploymentArn", "serviceArn", "clusterArn", "createdAt", "startedAt", "finishedAt")
    brief = [
        {member: shown[member] for member in (*members, "status", "statusReason") if member in shown}
        | {"targetServiceRevisionArn": shown["targetServiceRevision"]["arn"]}
        for shown in found
    ]
    return json_response({"serviceDeployments": brief})


def _describe(data: dict[str, Any]) -> Any:
    _observe_all()
    with _LOCK:
        by_arn = {record.arn: record for record in _RECORDS.values()}
        wanted = data.get("serviceDeploymentArns", [])
        found = [_shown(by_arn[arn]) for arn in wanted if arn in by_arn]
    missing = [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in by_arn]
    return json_response({"serviceDeployments": found, "failures": missing})


def apply() -> None:
    """Answer the service-deployment calls; count failed tasks with and without the circuit breaker."""
    ecs._ACTION_MAP["ListServiceDeployments"] = _list
    ecs._ACTION_MAP["DescribeServiceDeployments"] = _describe
    record_failure = ecs._record_service_task_failure

    def record_service_task_failure(task: dict[str, Any], **options: Any) -> None:
        cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
        service = ecs._services.get(f"{cluster}/{task.get('group', '').removeprefix('service:')}")
        deployment = ecs._deployment_for_task(service, task) if service else None
        breaker = ((service or {}).get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
        if deployment and not breaker.get("enable"):
            deployment["failedTasks"] = deployment.get("failedTasks", 0) + 1
        record_failure(task, **options)

    ecs._record_service_task_failure = record_service_task_failure
