"""ECS tells EventBridge what happens to deployments, services and tasks.

AWS: "ECS Deployment State Change", "ECS Service Action" and "ECS Task State Change" on the default bus, and in the
service's own events which tasks were started and stopped. ministack sends none of them.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import ecs, eventbridge

from . import ecs_deployments

_LOG = logging.getLogger("local_aws.ecs_events")
_POLL_SECONDS = 0.1
_NAMES = {
    "IN_PROGRESS": ("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS"),
    "COMPLETED": ("INFO", "SERVICE_DEPLOYMENT_COMPLETED"),
    "FAILED": ("ERROR", "SERVICE_DEPLOYMENT_FAILED"),
}
_task_states: dict[str, str] = {}


def put_event(source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
    """Put an event of an AWS service on the default bus of the account and Region in scope."""
    entry = {"Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _deployment_changed(change: ecs_deployments.Change) -> None:
    _, _, _, region, account, _ = change.service["serviceArn"].split(":", 5)
    kind, name = _NAMES[change.state]
    detail = {
        "eventType": kind,
        "eventName": name,
        "deploymentId": change.record.id,
        "updatedAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "reason": change.record.reason
        or f"ECS deployment {change.record.id} {change.state.replace('_', ' ').lower()}.",
    }
    with request_scope(account, region):
        put_event("aws.ecs", "ECS Deployment State Change", [change.service["serviceArn"]], detail)
        if change.state == "COMPLETED":
            steady = {"eventType": "INFO", "eventName": "SERVICE_STEADY_STATE", "clusterArn": change.record.cluster_arn}
            put_event("aws.ecs", "ECS Service Action", [change.service["serviceArn"]], steady)


def _tell_of_tasks() -> None:
    services = {(kept["clusterArn"], f"service:{kept['serviceName']}"): kept for _, kept in ecs._services.all_items()}
    for (account, region, arn), task in ecs._tasks.all_items():
        state, before = task.get("lastStatus", ""), _task_states.get(arn)
        if state == before:
            continue
        _task_states[arn] = state
        service = services.get((task.get("clusterArn"), task.get("group")))
        if service and (state == "RUNNING" or (state, before) == ("STOPPED", "RUNNING")):
            word = "started 1 tasks" if state == "RUNNING" else "stopped 1 running tasks"
            name = service["serviceName"]
            ecs_deployments.say(service, f"(service {name}) has {word}: (task {arn.rsplit('/', 1)[-1]}).")
        with request_scope(account, region):
            put_event("aws.ecs", "ECS Task State Change", [arn], ecs._sanitize(task))


def _watch() -> None:
    while True:
        time.sleep(_POLL_SECONDS)
        try:
            for _, service in ecs._services.all_items():
                ecs_deployments.observe(service)
            _tell_of_tasks()
        except Exception:  # noqa: BLE001 - the watch goes on
            _LOG.exception("watching ECS failed")


def apply() -> None:
    """Watch deployments and tasks from a thread of their own."""
    ecs_deployments.listeners.append(_deployment_changed)
    threading.Thread(target=_watch, daemon=True, name="local-aws-ecs-events").start()
