"""Hooks: a one-off task with the new task definition, before or after the rollout, that must exit with 0. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.live import DEFAULT_CLUSTER
from ecs_gitops.names import started_by
from ecs_gitops.task_definition import arn, find_container
from ecs_gitops.work import PRE_DEPLOY

if TYPE_CHECKING:
    from ecs_gitops.batch import Batch
    from ecs_gitops.provenance import Release
    from ecs_gitops.service import Service
    from ecs_gitops.types import Json
    from ecs_gitops.work import Item

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
TIMED_OUT = "TIMED_OUT"

# ECS's reads are eventually consistent, for some seconds.
_SHOWN_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class HookVerdict:
    """``status`` is RUNNING, SUCCEEDED, FAILED or TIMED_OUT."""

    status: str
    reason: str = ""


def name(phase: str) -> str:
    """The hook's name in the manifest."""
    return "preDeploy" if phase == PRE_DEPLOY else "postDeploy"


def request(
    batch: Batch, item: Item, phase: str, hook: Json, service: Service, definition: Json, release: Release
) -> Json:
    """What RunTask takes: the new revision, where the service's tasks run, with the hook's command.

    The same release gives the same ``clientToken``, so that the hook runs once however often it is asked for."""
    container = find_container(definition, hook.get("container") or item.container).name
    told = "|".join((release.mark, batch.account, batch.region, item.cluster or DEFAULT_CLUSTER, item.name, phase))
    return {
        "cluster": item.cluster or DEFAULT_CLUSTER,
        "taskDefinition": arn(definition),
        "count": 1,
        **service.placement,
        "overrides": {"containerOverrides": [{"name": container, "command": list(hook["command"])}]},
        "startedBy": started_by(release.execution_name),
        "clientToken": hashlib.sha256(told.encode()).hexdigest()[:64],
    }


def run(task: Json, asked: Json, definition: Json) -> Json:
    """What is kept of a hook that was started: task (its id), container and, where it is known, log."""
    container = asked["overrides"]["containerOverrides"][0]["name"]
    task_id = str(task["taskArn"]).rsplit("/", 1)[-1]
    known = {"task": task_id, "container": container}
    defined = next(c for c in definition["containerDefinitions"] if c["name"] == container)
    options = (defined.get("logConfiguration") or {}).get("options") or {}
    if options.get("awslogs-group") and options.get("awslogs-stream-prefix"):
        known["log"] = f"{options['awslogs-group']}/{options['awslogs-stream-prefix']}/{container}/{task_id}"
    return known


def timeout_seconds(item: Item) -> float:
    """How long the item's hook may take."""
    hook = item.hook(item.phase or "") or {}
    return float(hook.get("timeoutMinutes", item.timeout_minutes)) * 60


def judge(task: Json | None, item: Item, now: float) -> HookVerdict:
    """Whether the hook has come to its end, and how. ``task`` is None when ECS does not show it."""
    ran, hook = item.hook_run or {}, name(item.phase or "")
    where = f" (task {ran.get('task')}, log {ran.get('log', 'not known')})"
    taken = now - (item.started_at or now)
    if task is None:
        if taken < _SHOWN_WITHIN:
            return HookVerdict(RUNNING)
        return HookVerdict(FAILED, f"hook {hook}: ECS no longer shows its task, so how it ended is unknown{where}")
    if task.get("lastStatus") != "STOPPED":
        if taken >= timeout_seconds(item):
            return HookVerdict(
                TIMED_OUT, f"hook {hook}: still running after {timeout_seconds(item) / 60:g} minutes{where}"
            )
        return HookVerdict(RUNNING, f"hook {hook}: {str(task.get('lastStatus', '')).lower()}")
    container: Json = next((c for c in task.get("containers") or [] if c.get("name") == ran.get("container")), {})
    if container.get("exitCode") == 0:
        return HookVerdict(SUCCEEDED)
    if container.get("exitCode") is None:
        told = f"did not run: {container.get('reason') or task.get('stoppedReason') or 'ECS gives no reason'}"
    else:
        told = f"container {container['name']} exited with {container['exitCode']}"
        told += f", {task['stoppedReason']}" if task.get("stoppedReason") else ""
    return HookVerdict(FAILED, f"hook {hook}: {told}{where}")
