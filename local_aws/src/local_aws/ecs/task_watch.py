"""A task's containers are looked at when one of them ends, and not ten times a second.

ministack has a thread for every task that runs. Here only a task whose containers end by themselves has one, which
sleeps until then; what stops a task otherwise says so itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ministack.core.concurrency import spawn_background
from ministack.core.responses import request_scope
from ministack.services import ecs

from local_aws.control import clock

_PAUSE_SECONDS = 0.1


def mend() -> None:
    """Apply the mend of this module."""
    ecs._watch_task_lifecycle = _watch_task_lifecycle


def _watch_task_lifecycle(task: dict[str, Any], engine: Any, account: str, region: str) -> None:
    ends = [each.ends_at for each in _containers(task, engine) if each.ends_at is not None]
    if ends:
        spawn_background(_until_stopped, task, engine, min(ends), (account, region), thread_name="local-aws-task")
    cluster, group = ecs._cluster_name_from_arn(task["clusterArn"]), task.get("group", "")
    if cluster and group.startswith("service:"):
        key = f"{cluster}/{group.removeprefix('service:')}"
        ecs._schedule_service_deployment_completion(cluster, key, account, region, healthy_task=task)


def _containers(task: dict[str, Any], engine: Any) -> Iterator[Any]:
    for container_id in list(task.get("_docker_ids", [])):
        yield engine.containers.get(container_id)


def _until_stopped(task: dict[str, Any], engine: Any, first: float, scope: tuple[str, str]) -> None:
    with request_scope(*scope):
        time.sleep(max(0.0, first - time.monotonic()))
        while ecs._task_is_active(task["taskArn"], task):
            ecs._maybe_mark_stopped(task, engine)
            time.sleep(max(0.01, clock.real(_PAUSE_SECONDS)))
