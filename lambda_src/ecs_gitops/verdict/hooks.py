"""Hooks: a one-off task with the new task definition, before or after the rollout, which must exit with 0. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING

from ecs_gitops.ecs.task_definition import arn, find_container
from ecs_gitops.ecs.task_overrides import overrides
from ecs_gitops.ecs.task_placement import advice, is_temporary, placement_failure
from ecs_gitops.model.item import join_texts
from ecs_gitops.model.names import started_by
from ecs_gitops.verdict import polling, rollout
from ecs_gitops.verdict.evidence import STOP_EXIT_CODES, stop_reasons

if TYPE_CHECKING:
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


class HookStatus(StrEnum):
    """The status of a hook's task. UNPLACED: ECS could not place it, and may be able to later."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    UNPLACED = "UNPLACED"


# ECS's reads are eventually consistent, for some seconds.
_SHOWN_WITHIN = 60.0
# Seconds until a task that ECS could not place is tried again, at least.
_SHORTEST_PAUSE = 10.0
# A try writes almost twice the events of a poll into the execution's history, see
# :mod:`ecs_gitops.flow.event_budget`.
_POLLS_OF_A_TRY = 2.0
_BEFORE_IT_RUNS = ("provisioning", "pending", "activating")
# Why this release stops the task of a hook, which is a verdict. A run after it may find the task stopped.
TOOK_TOO_LONG = "ecs-gitops: the hook took too long"
# Somebody, this release or AWS stopped the task before its containers had ended.
_STOPPED = ("UserInitiated", "SpotInterruption", "TerminationNotice", "ServiceSchedulerInitiated")


@dataclass(frozen=True, slots=True)
class HookVerdict:
    """``has_run``: the hook's command ran, so that its end is a verdict on the revision."""

    status: HookStatus
    reason: str = ""
    has_run: bool = True


def hook_name(item: Item) -> str:
    """The name, in the manifest, of the hook of the item's step."""
    return str(item.progress.step.hook)


def request(batch: Batch, item: Item, service: Service, definition: Json, release: Release) -> Json:
    """The parameters of RunTask: the new revision, placed like the service's tasks, with the hook's command.

    The same release gives the same ``clientToken``, so that the hook runs once, even if RunTask is called again. A task
    that ECS could not place gets a new token, as ECS would repeat its answer to the old one."""
    hook = item.hook
    container = find_container(definition, hook.get("container") or item.desired.container).name
    token = "|".join((release.mark, batch.account, batch.region, item.cluster, item.name, hook_name(item)))
    token += f"|{attempts(item)}" if attempts(item) else ""
    return {
        "cluster": item.cluster,
        "taskDefinition": arn(definition),
        "count": 1,
        **service.placement,
        "overrides": overrides(container, hook["command"]),
        "startedBy": started_by(release.execution_name),
        "clientToken": hashlib.sha256(token.encode()).hexdigest()[:64],
    }


def run_state(task: Json, requested: Json, definition: Json, item: Item) -> dict[str, str]:
    """The stored state of a hook that was started: task (its id), container and, where it is known, log; and attempts
    and since, where ECS could not place it before. ``requested`` is :func:`request`."""
    container = requested["overrides"]["containerOverrides"][0]["name"]
    task_id = str(task["taskArn"]).rsplit("/", 1)[-1]
    kept = item.progress.hook
    known = {name: kept[name] for name in ("attempts", "since") if name in kept}
    known |= {"task": task_id, "container": container}
    stream = _log_stream(definition, container, task_id)
    return known | ({"log": stream} if stream else {})


def _log_stream(definition: Json, container: str, task_id: str) -> str | None:
    """The container's log as ``GROUP/STREAM``; None where it is not in CloudWatch Logs, or has no stream prefix."""
    defined: Json = next((c for c in definition.get("containerDefinitions", []) if c["name"] == container), {})
    options = (defined.get("logConfiguration") or {}).get("options") or {}
    if options.get("awslogs-group") and options.get("awslogs-stream-prefix"):
        return f"{options['awslogs-group']}/{options['awslogs-stream-prefix']}/{container}/{task_id}"
    return None


# --- a task that ECS cannot place ------------------------------------------------------------------------------------


def attempts(item: Item) -> int:
    """How often ECS could not place the hook's task."""
    return int(_number(item, "attempts") or 0)


def due(item: Item) -> float | None:
    """When a hook's task that ECS could not place is tried again (epoch seconds); None for a hook that runs."""
    return None if "task" in item.progress.hook else _number(item, "due")


def _number(item: Item, member: str) -> float | None:
    """A number in the stored state of the hook, whose members are texts; None where there is none."""
    try:
        found = float(item.progress.hook[member])
    except (KeyError, ValueError):
        return None
    return found if isfinite(found) else None


def queued_state(item: Item, why: str, now: float, stretch: float = 1.0) -> dict[str, str] | None:
    """The stored state of a hook whose task ECS could not place, until it is tried again; None after its timeout, and
    where waiting does not help. ``stretch``: see :func:`ecs_gitops.verdict.polling.wait_seconds`."""
    ran = item.progress.hook
    since = _number(item, "since") or (item.progress.since if "task" in ran else None) or now
    deadline = since + timeout_seconds(item)
    if not is_temporary(why) or now >= deadline:
        return None
    pause = max(_SHORTEST_PAUSE, _POLLS_OF_A_TRY * polling.wait_seconds([since], [deadline], now, stretch))
    return {
        "attempts": str(attempts(item) + 1),
        "since": str(since),
        "due": str(min(now + pause, deadline)),
        "container": str(ran.get("container", "")),
    }


def could_not_run(item: Item, why: str, now: float) -> str:
    """The message about a hook whose task ECS could not place in time."""
    parts = [f"hook {hook_name(item)}: ECS could not run its task: {why}"]
    if attempts(item):
        waited = now - (_number(item, "since") or now)
        parts.append(f"tried {attempts(item) + 1} times in {rollout.minutes(waited)}")
    return join_texts(*parts, advice(why)) or ""


# --- the verdict -----------------------------------------------------------------------------------------------------


def timeout_seconds(item: Item) -> float:
    """The timeout of the item's hook."""
    return float(item.hook.get("timeoutMinutes", item.timeout_minutes)) * 60


def judge(task: Json | None, item: Item, now: float) -> HookVerdict:
    """The verdict on the hook. ``task`` is None when ECS does not show it. ``now`` is epoch seconds."""
    ran, hook = item.progress.hook, hook_name(item)
    where = f" (task {ran.get('task')}, log {ran.get('log', 'not known')})"
    taken = now - (item.progress.since or now)
    if task is None:
        if taken < _SHOWN_WITHIN:
            return HookVerdict(HookStatus.RUNNING)
        gone = f"hook {hook}: ECS no longer shows its task, so how it ended is unknown{where}"
        return HookVerdict(HookStatus.FAILED, gone, has_run=False)
    if task.get("lastStatus") != "STOPPED":
        status = str(task.get("lastStatus", "")).lower()
        if taken >= timeout_seconds(item):
            late = f"hook {hook}: still {status} after {rollout.minutes(timeout_seconds(item))}{where}"
            return HookVerdict(HookStatus.TIMED_OUT, late, has_run=status not in _BEFORE_IT_RUNS)
        return HookVerdict(HookStatus.RUNNING, f"hook {hook}: {status}")
    container = _container(task, ran.get("container"))
    # A command that handles SIGTERM may exit with 0 too, before it is done.
    if container.get("exitCode") == 0 and task.get("stopCode") not in _STOPPED:
        return HookVerdict(HookStatus.SUCCEEDED)
    if (why := placement_failure(task)) is not None:
        return HookVerdict(HookStatus.UNPLACED, why, has_run=False)
    is_stopped = task.get("stopCode") in _STOPPED and task.get("stoppedReason") != TOOK_TOO_LONG
    has_run = container.get("exitCode") is not None and not is_stopped
    return HookVerdict(HookStatus.FAILED, f"hook {hook}: {', '.join(_reasons(task, container))}{where}", has_run)


def _reasons(task: Json, container: Json) -> list[str]:
    """Why a hook's task ended: the hook's container first, then the others."""
    others = stop_reasons(task, but=str(container.get("name")))
    own = str(container.get("reason") or "")
    code = container.get("exitCode")
    to_do = advice(f"{task.get('stopCode') or ''} {task.get('stoppedReason') or ''}")
    if code is None:
        first = f"did not run: {own or others[0]}"
        return [first, *(each for each in others if each != others[0] or own), *filter(None, [to_do])]
    found = [f"container {container.get('name')} exited with {code}{' after it was stopped' if code == 0 else ''}"]
    if own and own not in others[0]:
        found.append(own)
    return [*found, *others, *filter(None, [to_do])]


def suspects(task: Json, item: Item) -> list[Json]:
    """The task's other containers that failed."""
    return [
        each
        for each in task.get("containers") or []
        if each.get("name") != item.progress.hook.get("container")
        and (each.get("reason") or each.get("exitCode") not in (None, *STOP_EXIT_CODES, 0))
    ]


def doubt(task: Json, item: Item, definition: Json) -> str | None:
    """The warning about a hook that ended with 0, where another container may have ended its task before it was done;
    None where there is no reason to doubt."""
    optional = {each["name"] for each in definition.get("containerDefinitions", []) if each.get("essential") is False}
    found = [each for each in suspects(task, item) if each.get("name") not in optional]
    if not found:
        return None
    how = "; ".join(
        f"container {each.get('name')} exited with {each.get('exitCode')}"
        + (f", {each['reason']}" if each.get("reason") else "")
        for each in found
    )
    return f"hook {hook_name(item)} exited with 0, and {how}: if that came first, the hook was stopped before its end"


def other_containers(task: Json, item: Item, definition: Json) -> str:
    """The message about the task's other containers: which one ended the task with exit code 0, and the logs of those
    that failed. Empty where there is nothing to say."""
    ran = item.progress.hook
    found = _ended_task(task, str(ran.get("container")), definition)
    for container in task.get("containers") or []:
        is_other = container.get("name") != ran.get("container")
        is_suspect = container.get("reason") or container.get("exitCode") not in (None, *STOP_EXIT_CODES)
        stream = _log_stream(definition, str(container.get("name")), str(ran.get("task")))
        if is_other and is_suspect and stream:
            found.append(f"log of {container['name']}: {stream}")
    return "; ".join(found)


def _ended_task(task: Json, hook: str, definition: Json) -> list[str]:
    """The essential containers that exited with 0 and so ended the task, where no container failed."""
    containers = task.get("containers") or []
    optional = {each["name"] for each in definition.get("containerDefinitions", []) if each.get("essential") is False}
    at_fault = [each for each in containers if each.get("reason") or each.get("exitCode") not in (0, *STOP_EXIT_CODES)]
    if task.get("stopCode") in _STOPPED or _container(task, hook).get("exitCode") not in STOP_EXIT_CODES:
        return []
    return [
        f"container {each.get('name')} exited with 0 and ended the task"
        for each in containers
        if not at_fault and each.get("exitCode") == 0 and each.get("name") not in optional
    ]


def _container(task: Json, called: object) -> Json:
    return next((each for each in task.get("containers") or [] if each.get("name") == called), {})
