"""Hooks: a one-off task with the new task definition, before or after the rollout, that must exit with 0. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from ecs_gitops.ecs.task_definition import arn, find_container
from ecs_gitops.ecs.task_placement import advice, is_temporary, placement_failure
from ecs_gitops.model.names import started_by
from ecs_gitops.verdict import rollout
from ecs_gitops.verdict.evidence import TOLD_TO_STOP, stop_reasons

if TYPE_CHECKING:
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
TIMED_OUT = "TIMED_OUT"
UNPLACED = "UNPLACED"

# ECS's reads are eventually consistent, for some seconds.
_SHOWN_WITHIN = 60.0
# Seconds until a task that found no place is tried again, at least.
_SHORTEST_PAUSE = 10.0
# A try writes almost twice the events of a look into the execution's history, see :mod:`ecs_gitops.flow.event_budget`.
_LOOKS_OF_A_TRY = 2.0
# The task was told to stop before its containers had ended: by somebody, by ourselves or by AWS.
_STOPPED = ("UserInitiated", "SpotInterruption", "TerminationNotice", "ServiceSchedulerInitiated")


@dataclass(frozen=True, slots=True)
class HookVerdict:
    """``status`` is RUNNING, SUCCEEDED, FAILED or TIMED_OUT; UNPLACED where the task may find a place later."""

    status: str
    reason: str = ""


def named(item: Item) -> str:
    """The name, in the manifest, of the hook that the item is at."""
    return str(item.progress.step.hook)


def request(batch: Batch, item: Item, service: Service, definition: Json, release: Release) -> Json:
    """What RunTask takes: the new revision, where the service's tasks run, with the hook's command.

    The same release gives the same ``clientToken``, so that the hook runs once however often it is asked for. Only a
    task that is known to have found no place is asked for with another one: ECS remembers the answer of each."""
    hook = item.hook
    container = find_container(definition, hook.get("container") or item.desired.container).name
    told = "|".join((release.mark, batch.account, batch.region, item.cluster, item.name, named(item)))
    told += f"|{attempts(item)}" if attempts(item) else ""
    return {
        "cluster": item.cluster,
        "taskDefinition": arn(definition),
        "count": 1,
        **service.placement,
        "overrides": {"containerOverrides": [{"name": container, "command": list(hook["command"])}]},
        "startedBy": started_by(release.execution_name),
        "clientToken": hashlib.sha256(told.encode()).hexdigest()[:64],
    }


def run(task: Json, asked: Json, definition: Json, item: Item) -> dict[str, str]:
    """What is kept of a hook that was started: task (its id), container and, where it is known, log; and what was kept
    of the times that it found no place."""
    container = asked["overrides"]["containerOverrides"][0]["name"]
    task_id = str(task["taskArn"]).rsplit("/", 1)[-1]
    kept = item.progress.hook
    known = {name: kept[name] for name in ("attempts", "since") if name in kept}
    known |= {"task": task_id, "container": container}
    stream = _log_stream(definition, container, task_id)
    return known | ({"log": stream} if stream else {})


def _log_stream(definition: Json, container: str, task_id: str) -> str | None:
    """Where the container's log is, as ``GROUP/STREAM``; None where it is not in CloudWatch Logs, or has no prefix."""
    defined: Json = next((c for c in definition.get("containerDefinitions", []) if c["name"] == container), {})
    options = (defined.get("logConfiguration") or {}).get("options") or {}
    if options.get("awslogs-group") and options.get("awslogs-stream-prefix"):
        return f"{options['awslogs-group']}/{options['awslogs-stream-prefix']}/{container}/{task_id}"
    return None


# --- a task that finds no place --------------------------------------------------------------------------------------


def attempts(item: Item) -> int:
    """How often the hook's task found no place."""
    return int(_number(item, "attempts") or 0)


def due(item: Item) -> float | None:
    """When a hook's task that found no place is tried again (epoch seconds); None for a hook that runs."""
    return None if "task" in item.progress.hook else _number(item, "due")


def _number(item: Item, member: str) -> float | None:
    """A number of ``hookRun``, whose members are texts; None where there is none."""
    try:
        found = float(item.progress.hook[member])
    except (KeyError, ValueError):
        return None
    return found if isfinite(found) else None


def queued(item: Item, why: str, now: float, stretch: float = 1.0) -> dict[str, str] | None:
    """What is kept of a hook whose task found no place, until it is tried again; None where its time is over, or where
    waiting does not help. ``stretch``: as of :func:`ecs_gitops.verdict.rollout.wait_seconds`."""
    ran = item.progress.hook
    since = _number(item, "since") or (item.progress.since if "task" in ran else None) or now
    deadline = since + timeout_seconds(item)
    if not is_temporary(why) or now >= deadline:
        return None
    pause = max(_SHORTEST_PAUSE, _LOOKS_OF_A_TRY * rollout.wait_seconds([since], [deadline], now, stretch))
    return {
        "attempts": str(attempts(item) + 1),
        "since": str(since),
        "due": str(min(now + pause, deadline)),
        "container": str(ran.get("container", "")),
    }


def could_not_run(item: Item, why: str, now: float) -> str:
    """What is said of a hook whose task found no place in its time."""
    parts = [f"hook {named(item)}: ECS could not run its task: {why}"]
    if attempts(item):
        waited = now - (_number(item, "since") or now)
        parts.append(f"tried {attempts(item) + 1} times in {rollout.minutes(waited)}")
    return "; ".join(filter(None, (*parts, advice(why))))


# --- how it goes -----------------------------------------------------------------------------------------------------


def timeout_seconds(item: Item) -> float:
    """How long the item's hook may take."""
    return float(item.hook.get("timeoutMinutes", item.timeout_minutes)) * 60


def judge(task: Json | None, item: Item, now: float) -> HookVerdict:
    """Whether the hook has come to its end, and how. ``task`` is None when ECS does not show it."""
    ran, hook = item.progress.hook, named(item)
    where = f" (task {ran.get('task')}, log {ran.get('log', 'not known')})"
    taken = now - (item.progress.since or now)
    if task is None:
        if taken < _SHOWN_WITHIN:
            return HookVerdict(RUNNING)
        return HookVerdict(FAILED, f"hook {hook}: ECS no longer shows its task, so how it ended is unknown{where}")
    if task.get("lastStatus") != "STOPPED":
        status = str(task.get("lastStatus", "")).lower()
        if taken >= timeout_seconds(item):
            return HookVerdict(
                TIMED_OUT, f"hook {hook}: still {status} after {rollout.minutes(timeout_seconds(item))}{where}"
            )
        return HookVerdict(RUNNING, f"hook {hook}: {status}")
    container = _container(task, ran.get("container"))
    # A command that handles SIGTERM may exit with 0 too, its work half done.
    if container.get("exitCode") == 0 and task.get("stopCode") not in _STOPPED:
        return HookVerdict(SUCCEEDED)
    if (why := placement_failure(task)) is not None:
        return HookVerdict(UNPLACED, why)
    return HookVerdict(FAILED, f"hook {hook}: {', '.join(_reasons(task, container))}{where}")


def _reasons(task: Json, container: Json) -> list[str]:
    """Why a hook's task ended, the container of the hook first, and who ended it where that was another one."""
    others = stop_reasons(task, but=str(container.get("name")))
    own = str(container.get("reason") or "")
    code = container.get("exitCode")
    to_do = advice(f"{task.get('stopCode') or ''} {task.get('stoppedReason') or ''}")
    if code is None:
        first = f"did not run: {own or others[0]}"
        return [first, *(each for each in others if each != others[0] or own), *filter(None, [to_do])]
    found = [f"container {container.get('name')} exited with {code}{' when it was told to stop' if code == 0 else ''}"]
    if own and own not in others[0]:
        found.append(own)
    return [*found, *others, *filter(None, [to_do])]


def of_others(task: Json, item: Item, definition: Json) -> str:
    """Which other container ended the task with exit code 0, and where the logs are of those that did not end well;
    empty where that is not known."""
    ran = item.progress.hook
    found = _ended_well(task, str(ran.get("container")), definition)
    for container in task.get("containers") or []:
        is_other = container.get("name") != ran.get("container")
        is_suspect = container.get("reason") or container.get("exitCode") not in (None, *TOLD_TO_STOP)
        stream = _log_stream(definition, str(container.get("name")), str(ran.get("task")))
        if is_other and is_suspect and stream:
            found.append(f"log of {container['name']}: {stream}")
    return "; ".join(found)


def _ended_well(task: Json, hook: str, definition: Json) -> list[str]:
    """What is told of an essential container that exited with 0, where all others were only ended with it."""
    containers = task.get("containers") or []
    optional = {each["name"] for each in definition.get("containerDefinitions", []) if each.get("essential") is False}
    at_fault = [each for each in containers if each.get("reason") or each.get("exitCode") not in (0, *TOLD_TO_STOP)]
    if task.get("stopCode") in _STOPPED or _container(task, hook).get("exitCode") not in TOLD_TO_STOP:
        return []
    return [
        f"container {each.get('name')} exited with 0 and ended the task"
        for each in containers
        if not at_fault and each.get("exitCode") == 0 and each.get("name") not in optional
    ]


def _container(task: Json, called: object) -> Json:
    return next((each for each in task.get("containers") or [] if each.get("name") == called), {})
