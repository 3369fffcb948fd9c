"""ECS tells what happens: EventBridge events, and the sentences in a service's events.

AWS puts "ECS Deployment State Change", "ECS Service Action" and "ECS Task State Change" on the default bus, and says
in the service's own events which tasks were started and stopped and how a deployment ended. ministack does neither.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from ministack.services import ecs

from local_aws import service_records, traffic
from local_aws.events import emit
from local_aws.service_records import Change, Record

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.1
_KEPT = 100
_DEPLOYMENT_EVENTS = {
    "IN_PROGRESS": ("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", "in progress"),
    "COMPLETED": ("INFO", "SERVICE_DEPLOYMENT_COMPLETED", "completed"),
    "FAILED": ("ERROR", "SERVICE_DEPLOYMENT_FAILED", "failed"),
}
_said: dict[str, list[dict[str, Any]]] = defaultdict(list)
_task_states: dict[str, str] = {}


def mend() -> None:
    """Watch services and tasks from a thread."""
    service_records.listeners.append(_deployment_changed)
    threading.Thread(target=_watch, daemon=True, name="local-aws-service-events").start()


def of_service(service_arn: str) -> list[dict[str, Any]]:
    """A service's events, newest first."""
    return list(_said[service_arn])


def _say(service_arn: str, text: str) -> None:
    message = f"(service {service_arn.rsplit('/', 1)[-1]}) {text}"
    _said[service_arn].insert(0, {"id": str(uuid.uuid4()), "createdAt": time.time(), "message": message})
    del _said[service_arn][_KEPT:]


def _deployment_changed(change: Change) -> None:
    record, state = change.record, change.state
    _say_deployment(record, state)
    _, _, _, region, account, _ = record.service_arn.split(":", 5)
    kind, name, word = _DEPLOYMENT_EVENTS[state]
    detail = {
        "eventType": kind,
        "eventName": name,
        "deploymentId": record.id,
        "updatedAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "reason": record.reason or f"ECS deployment {record.id} {word}.",
    }
    emit(account, region, "aws.ecs", "ECS Deployment State Change", detail, [record.service_arn])
    if state == "COMPLETED":
        steady = {"eventType": "INFO", "eventName": "SERVICE_STEADY_STATE", "clusterArn": record.cluster_arn}
        emit(account, region, "aws.ecs", "ECS Service Action", steady, [record.service_arn])


def _say_deployment(record: Record, state: str) -> None:
    if state == "COMPLETED":
        if record.status == "SUCCESSFUL":
            _say(record.service_arn, f"(deployment {record.id}) deployment completed.")
        _say(record.service_arn, "has reached a steady state.")
    elif state == "FAILED":
        why = "tasks failed to start." if record.reason == service_records.FAILED_REASON else record.reason
        _say(record.service_arn, f"(deployment {record.id}) deployment failed: {why}")
        if record.rolls_back_to:
            _say(record.service_arn, f"rolling back to deployment {record.rolls_back_to}.")


def _watch() -> None:
    while True:
        time.sleep(_LOOK_EVERY)
        try:
            for _, service in ecs._services.all_items():
                service_records.observe(service)
            traffic.look_at_alarms()
            _tell_of_tasks()
        except Exception:
            log.exception("the watch over ECS stumbled")


def _tell_of_tasks() -> None:
    arns = {(s["clusterArn"], f"service:{s['serviceName']}"): s["serviceArn"] for _, s in ecs._services.all_items()}
    for (account, region, arn), task in ecs._tasks.all_items():
        state, before = task.get("lastStatus", ""), _task_states.get(arn)
        if state == before:
            continue
        _task_states[arn] = state
        service = arns.get((task.get("clusterArn"), task.get("group")))
        if service and state == "RUNNING":
            _say(service, f"has started 1 tasks: (task {arn.rsplit('/', 1)[-1]}).")
        elif service and (state, before) == ("STOPPED", "RUNNING"):
            _say(service, f"has stopped 1 running tasks: (task {arn.rsplit('/', 1)[-1]}).")
        emit(account, region, "aws.ecs", "ECS Task State Change", ecs._sanitize(task), [arn])
