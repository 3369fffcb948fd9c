"""What ECS remembers of a service's deployments, beside what DescribeServices shows.

AWS keeps a record of every deployment for 90 days, also when the service shows it no more: a replaced or rolled-back
deployment disappears there once its tasks are gone. ministack keeps none.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ministack.services import cloudwatch

from local_aws.control import clock

FAILED_REASON = "ECS deployment circuit breaker: tasks failed to start."
GOING_ON = (
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
)
Service = dict[str, Any]


@dataclass(slots=True)
class Record:
    """One service deployment. ``source``: the record of the deployment that it replaces, None for a first one."""

    id: str
    service_arn: str
    cluster_arn: str
    task_definition: str
    desired: int
    configuration: dict[str, Any]
    source: Record | None
    number: str = field(default_factory=lambda: secrets.token_urlsafe(16).replace("_", "a").replace("-", "b"))
    status: str = "IN_PROGRESS"
    reason: str = ""
    stage: str = "SCALE_UP"
    weight: float = 0.0
    rolls_back_to: str = ""
    rollback_started: float = 0.0
    rollback_reason: str = ""
    triggered_alarms: list[str] = field(default_factory=list)
    running: int = 0
    pending: int = 0
    failed: int = 0
    created: float = field(default_factory=clock.now)
    updated: float = field(default_factory=clock.now)
    state: str = ""
    may_complete: bool = False
    is_shifting: bool = False
    watches_alarms: bool = False
    digests: dict[str, str] = field(default_factory=dict)
    # The PAUSE hooks that it came to, as DescribeServiceDeployments shows them.
    hooks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return self.service_arn.replace(":service/", ":service-deployment/") + f"/{self.number}"

    @property
    def revision_arn(self) -> str:
        return self.service_arn.replace(":service/", ":service-revision/") + f"/{self.id.rsplit('/', 1)[-1]}"

    @property
    def strategy(self) -> str:
        return str(self.configuration.get("strategy") or "ROLLING")

    @property
    def is_going_on(self) -> bool:
        return self.status in GOING_ON

    def change(self, status: str, reason: str = "") -> None:
        """Enter a status; an empty reason leaves the one there was."""
        self.status, self.reason, self.updated = status, reason or self.reason, clock.now()


@dataclass(frozen=True, slots=True)
class Change:
    """A deployment entered a rollout state (IN_PROGRESS, COMPLETED, FAILED)."""

    service: Service
    record: Record
    state: str


_records: dict[str, Record] = {}
# By the ARN of the deployment and that of its revision; a service's, newest first; those whose alarms may count.
_by_arn: dict[str, Record] = {}
_by_service: dict[str, list[Record]] = {}
_alarmed: list[Record] = []
lock = threading.RLock()
listeners: list[Callable[[Change], None]] = []


def by_deployment(deployment_id: str) -> Record | None:
    """The record of ``ecs-svc/...``."""
    return _records.get(deployment_id)


def of_service(service_arn: str) -> list[Record]:
    """A service's records, newest first."""
    with lock:
        return list(_by_service.get(service_arn, ()))


def by_arn(arn: str) -> Record | None:
    """The record of a service deployment or of its revision."""
    return _by_arn.get(arn)


def with_alarms() -> list[Record]:
    """The records in progress that look at alarms."""
    with lock:
        _alarmed[:] = [record for record in _alarmed if record.is_going_on]
        return [record for record in _alarmed if record.status == "IN_PROGRESS"]


def observe(service: Service) -> None:
    """Bring the records of a service, as ministack stores it, up to date; tell the listeners what changed."""
    changes = []
    with lock:
        deployments = list(service.get("deployments", []))
        for deployment in reversed(deployments):
            record = _records.get(deployment["id"]) or _new(service, deployment)
            record.running, record.pending = deployment["runningCount"], deployment["pendingCount"]
            record.failed = deployment.get("failedTasks", 0)
            if record.running:
                record.digests = dict(deployment.get("_image_digests", {}))
            if deployment["rolloutState"] != record.state:
                record.state = deployment["rolloutState"]
                _enter(deployment, record, deployments)
                changes.append(Change(service, record, record.state))
        _settle(service, deployments)
    for change in changes:
        for listener in listeners:
            listener(change)


def _new(service: Service, deployment: dict[str, Any]) -> Record:
    settled = (record for record in of_service(service["serviceArn"]) if record.status == "SUCCESSFUL")
    record = Record(
        id=deployment["id"],
        service_arn=service["serviceArn"],
        cluster_arn=service["clusterArn"],
        task_definition=deployment["taskDefinition"],
        desired=deployment["desiredCount"],
        configuration=dict(service.get("deploymentConfiguration") or {}),
        source=next(settled, None),
    )
    record.created = datetime.fromisoformat(deployment["createdAt"]).timestamp()
    record.watches_alarms = bool((record.configuration.get("alarms") or {}).get("enable") and not ringing(record))
    if record.watches_alarms:
        _alarmed.append(record)
    _records[record.id] = _by_arn[record.arn] = _by_arn[record.revision_arn] = record
    _by_service.setdefault(record.service_arn, []).insert(0, record)
    return record


def ringing(record: Record) -> list[str]:
    """The deployment's alarms that are in ALARM. One that begins with such an alarm does not look at its alarms."""
    return [name for name, alarm in alarms(record).items() if alarm.get("StateValue") == "ALARM"]


def alarms(record: Record) -> dict[str, dict[str, Any]]:
    """The alarms of the deployment, by name; one that does not exist is empty."""
    _, _, _, region, account, _ = record.service_arn.split(":", 5)
    names = (record.configuration.get("alarms") or {}).get("alarmNames", [])
    return {name: cloudwatch._alarms.get_scoped(account, region, name) or {} for name in names}


def _enter(deployment: dict[str, Any], record: Record, deployments: list[dict[str, Any]]) -> None:
    if record.state == "COMPLETED" and record.status == "IN_PROGRESS":
        record.stage, record.weight = "CLEAN_UP", 100.0
        record.change("SUCCESSFUL")
    elif record.state == "FAILED" and record.status == "IN_PROGRESS":
        primary = next((other for other in deployments if other["status"] == "PRIMARY"), deployment)
        if primary is deployment:
            record.change("STOPPED", FAILED_REASON)
        else:
            start_rollback(record, primary["id"], FAILED_REASON)


def start_rollback(record: Record, to: str, reason: str) -> None:
    """Note that the deployment is being rolled back to deployment ``to``."""
    record.rolls_back_to, record.rollback_reason, record.rollback_started = to, reason, clock.now()
    record.change("ROLLBACK_IN_PROGRESS", reason)


def _settle(service: Service, deployments: list[dict[str, Any]]) -> None:
    """End the records of deployments that are rolled back, replaced or gone, and stop showing rolled-back ones."""
    live = {deployment["id"]: deployment for deployment in deployments}
    for record in of_service(service["serviceArn"]):
        deployment = live.get(record.id)
        if record.status == "ROLLBACK_IN_PROGRESS":
            target = live.get(record.rolls_back_to)
            if target is None or target["rolloutState"] == "COMPLETED":
                record.change("ROLLBACK_SUCCESSFUL")
        elif record.status == "IN_PROGRESS" and (deployment or {}).get("status") != "PRIMARY":
            record.change("STOPPED", "Service deployment stopped because a new service deployment was started.")
        is_over = record.status in ("ROLLBACK_SUCCESSFUL", "STOPPED") and record.state == "FAILED"
        if deployment and is_over and deployment["status"] != "PRIMARY" and not deployment["runningCount"]:
            service["deployments"] = [other for other in service["deployments"] if other is not deployment]
