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
from collections import defaultdict, deque
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import ecs

from local_aws.control import clock
from local_aws.ecs import records, traffic
from local_aws.ecs.records import Change, Record
from local_aws.events.bus import emit

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.1
_SWEEP_EVERY = 1.0
_KEPT = 100
_DEPLOYMENT_EVENTS = {
    "IN_PROGRESS": ("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", "in progress"),
    "COMPLETED": ("INFO", "SERVICE_DEPLOYMENT_COMPLETED", "completed"),
    "FAILED": ("ERROR", "SERVICE_DEPLOYMENT_FAILED", "failed"),
}
_said: dict[str, list[dict[str, Any]]] = defaultdict(list)
_task_states: dict[str, str] = {}
_has_news = threading.Event()
_new_tasks: deque[tuple[str, str, dict[str, Any]]] = deque()
_new_services: dict[tuple[str, str, str], None] = {}


def mend() -> None:
    """Watch services and tasks from a thread."""
    records.listeners.append(_deployment_changed)
    _note_changes()
    threading.Thread(target=_watch, daemon=True, name="local-aws-service-events").start()


def of_service(service_arn: str) -> list[dict[str, Any]]:
    """A service's events, newest first."""
    return list(_said[service_arn])


def _say(service_arn: str, text: str) -> None:
    message = f"(service {service_arn.rsplit('/', 1)[-1]}) {text}"
    _said[service_arn].insert(0, {"id": str(uuid.uuid4()), "createdAt": clock.now(), "message": message})
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
        "updatedAt": clock.iso(),
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
        why = "tasks failed to start." if record.reason == records.FAILED_REASON else record.reason
        _say(record.service_arn, f"(deployment {record.id}) deployment failed: {why}")
        if record.rolls_back_to:
            _say(record.service_arn, f"rolling back to deployment {record.rolls_back_to}.")


def _note_changes() -> None:
    """Note which tasks, and whose services, have something new to be told."""
    for name in ("_mark_task_pending", "_mark_task_running", "_mark_task_stopped"):
        setattr(ecs, name, _noted(getattr(ecs, name)))
    refresh, complete, fail = (
        ecs._refresh_service_state,
        ecs._complete_service_deployment,
        ecs._record_service_task_failure,
    )

    def refresh_service_state(cluster: str, group: str) -> None:
        refresh(cluster, group)
        if group:
            _note_service(f"{cluster}/{group.removeprefix('service:')}")

    def complete_service_deployment(cluster: str, key: str, *rest: Any, **options: Any) -> None:
        complete(cluster, key, *rest, **options)
        _note_service(key)

    def record_failure(task: dict[str, Any], **options: Any) -> None:
        fail(task, **options)
        cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
        _note_service(f"{cluster}/{task.get('group', '').removeprefix('service:')}")

    ecs._refresh_service_state, ecs._complete_service_deployment = refresh_service_state, complete_service_deployment
    ecs._record_service_task_failure = record_failure


def _noted(mark: Any) -> Any:
    def marked(arn: str, task: Any, *rest: Any, **options: Any) -> Any:
        is_marked = mark(arn, task, *rest, **options)
        if is_marked:
            _new_tasks.append((get_account_id(), get_region(), task))
            _has_news.set()
        return is_marked

    return marked


def _note_service(key: str) -> None:
    _new_services[get_account_id(), get_region(), key] = None
    _has_news.set()


def _watch() -> None:
    swept = time.monotonic()
    while True:
        is_due = time.monotonic() - swept > _SWEEP_EVERY
        _has_news.wait(_LOOK_EVERY if records.with_alarms() else _SWEEP_EVERY)
        # What happens at the same time is looked at together.
        time.sleep(clock.real(_LOOK_EVERY))
        _has_news.clear()
        try:
            _look(is_due)
        except Exception:
            log.exception("the watch over ECS stumbled")
        swept = time.monotonic() if is_due else swept


def _look(everywhere: bool) -> None:
    services = [_new_services.popitem()[0] for _ in range(len(_new_services))]
    for scope in [key for key, _ in ecs._services.all_items()] if everywhere else services:
        service = ecs._services.get_scoped(*scope)
        if service is not None:
            records.observe(service)
    traffic.look_at_alarms()
    for _ in range(len(_new_tasks)):
        _tell_of_task(*_new_tasks.popleft())


def _tell_of_task(account: str, region: str, task: dict[str, Any]) -> None:
    arn = task["taskArn"]
    state, before = task.get("lastStatus", ""), _task_states.get(arn)
    if state == before:
        return
    _task_states[arn] = state
    cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
    name = task.get("group", "").removeprefix("service:")
    service = ecs._services.get_scoped(account, region, f"{cluster}/{name}")
    if service and state == "RUNNING":
        _say(service["serviceArn"], f"has started 1 tasks: (task {arn.rsplit('/', 1)[-1]}).")
    elif service and (state, before) == ("STOPPED", "RUNNING"):
        _say(service["serviceArn"], f"has stopped 1 running tasks: (task {arn.rsplit('/', 1)[-1]}).")
    emit(account, region, "aws.ecs", "ECS Task State Change", ecs._sanitize(task), [arn])
