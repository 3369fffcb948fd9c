"""Is *our* deployment done? Verdicts over what ECS says, and how long to wait before asking again. Pure.

A rollout is judged by the id of the deployment that we started. That a service is steady says nothing: it is steady
after a rollback too. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.service import is_complete
from ecs_gitops.task_definition import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ecs_gitops.service import Deployment, Service
    from ecs_gitops.types import Json

IN_PROGRESS = "IN_PROGRESS"
DEPLOYED = "DEPLOYED"
FAILED = "FAILED"

SHORTEST_WAIT = 2
LONGEST_WAIT = 30
# The share of the time gone by that is waited for more: a rollout's end is noticed at most that much late.
_WAIT_SHARE = 0.1

# ECS's reads are eventually consistent, for some seconds.
_SHOWN_WITHIN = 30.0

_EVENTS_SHOWN = 3
_REASON_AT_MOST = 1000


@dataclass(frozen=True, slots=True)
class Rollout:
    """The deployment that we started, or joined. Times are epoch seconds; ``timeout`` is in seconds."""

    deployment_id: str
    revision: str
    previous: str
    started_at: float
    timeout: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """``status`` is IN_PROGRESS, DEPLOYED or FAILED. ``superseded`` and ``rolled_back`` say in which way it failed."""

    status: str
    reason: str | None = None


def judge(service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on our deployment. ``service`` is None when ECS no longer has it."""
    if service is None:
        return Verdict(FAILED, "the service was deleted while it was being deployed")
    if service.status != "ACTIVE":
        return Verdict(FAILED, f"the service became {service.status} while it was being deployed")
    ours = service.deployment(rollout.deployment_id)
    primary = service.primary
    if ours is not None and ours.rollout_state == "FAILED":
        return Verdict(FAILED, _failed(ours, primary, rollout))
    if primary is not None and _is_another(primary, rollout):
        return Verdict(FAILED, _replaced(primary, rollout))
    if ours is not None and ours is primary and is_complete(service, ours):
        if service.desired == 0:
            return Verdict(DEPLOYED, "desired count is 0: the new revision is set, and no task runs")
        return Verdict(DEPLOYED)
    if ours is None and (gone := _gone(service, rollout, now)):
        return Verdict(FAILED, gone)
    # Neither steady nor failed.
    if now - rollout.started_at >= rollout.timeout:
        return Verdict(FAILED, _timed_out(service, ours, rollout))
    return Verdict(IN_PROGRESS, progress(ours))


def _is_another(primary: Deployment, rollout: Rollout) -> bool:
    """Whether another deployment took ours' place. ECS reads are eventually consistent: a primary that is older than
    ours, or as old and of the revision before, is an old answer."""
    if primary.id == rollout.deployment_id or primary.created_at < rollout.started_at:
        return False
    return primary.created_at > rollout.started_at or primary.task_definition != rollout.previous


def _gone(service: Service, rollout: Rollout, now: float) -> str | None:
    """Why a deployment that ECS no longer lists has failed; None when ECS may just not show it yet.

    A deployment that the circuit breaker rolled back vanishes as soon as its tasks are gone, and the deployment before
    is the primary again, as old as it ever was. The service's events tell the two apart at once."""
    events = [text for at, text in service.events if at >= rollout.started_at - 1]
    told = next((text for text in events if rollout.deployment_id in text and "deployment failed" in text), None)
    if told is None and any("rolling back to deployment" in text for text in events):
        told = "the circuit breaker or an alarm ended the deployment"
    if told is None and now - rollout.started_at >= _SHOWN_WITHIN:
        told = "ECS no longer lists the deployment"
    if told is None:
        return None
    now_runs = service.primary.task_definition if service.primary else service.task_definition
    return f"ECS rolled back to {short(now_runs)}: {told}"


def _failed(ours: Deployment, primary: Deployment | None, rollout: Rollout) -> str:
    said = ours.rollout_reason or "ECS gave the deployment up"
    if primary is not None and primary.id != ours.id:
        return f"ECS rolled back to {short(primary.task_definition)}: {said}"
    return f"{said}; not rolled back: the service still points to {short(rollout.revision)}"


def _replaced(primary: Deployment, rollout: Rollout) -> str:
    if primary.task_definition == rollout.previous and "roll" in primary.rollout_reason.lower():
        return f"ECS rolled back to {short(primary.task_definition)}: {primary.rollout_reason}"
    return (
        f"superseded by deployment {primary.id} of {short(primary.task_definition)}, "
        "which someone else started, or with which ECS rolled back"
    )


def _timed_out(service: Service, ours: Deployment | None, rollout: Rollout) -> str:
    seen = progress(ours) or f"{service.running} of {service.desired} tasks running"
    return f"not steady after {round(rollout.timeout / 60, 1):g} minutes: {seen}; the deployment is left going on"


def progress(ours: Deployment | None) -> str | None:
    """How far the deployment is: ``1 of 3 tasks running, 2 pending``."""
    if ours is None:
        return None
    parts = [f"{ours.running} of {ours.desired} tasks running"]
    if ours.pending:
        parts.append(f"{ours.pending} pending")
    if ours.failed:
        parts.append(f"{ours.failed} failed")
    return ", ".join(parts)


def wait_seconds(started: Sequence[float], deadlines: Sequence[float], now: float) -> int:
    """Seconds until the next look at rollouts that started at these times: short first, longer later, never past the
    first deadline. At least 1."""
    youngest = now - max(started)
    wait = min(max(youngest * _WAIT_SHARE, SHORTEST_WAIT), LONGEST_WAIT)
    return max(1, round(min(wait, *(deadline - now for deadline in deadlines))))


def evidence(service: Service | None, tasks: Iterable[Json], rollout: Rollout) -> str:
    """What ECS knows about why the rollout failed: stopped tasks of our deployment, grouped, and the last events."""
    stopped = Counter(_stop_reason(task) for task in tasks if task.get("startedBy") == rollout.deployment_id)
    parts = [
        f"{count} stopped task{'s' if count > 1 else ''}: {why}" for why, count in stopped.most_common(_EVENTS_SHOWN)
    ]
    if service is not None:
        events = [text for at, text in service.events if at >= rollout.started_at][:_EVENTS_SHOWN]
        parts += [f"event: {text}" for text in events]
    return "; ".join(parts)[:_REASON_AT_MOST]


def _stop_reason(task: Json) -> str:
    parts = [task.get("stoppedReason") or task.get("stopCode") or "no reason given"]
    for container in task.get("containers") or []:
        if container.get("exitCode") not in (None, 0):
            parts.append(f"container {container.get('name')} exited with {container['exitCode']}")
        if container.get("reason") and container["reason"] not in parts[0]:
            parts.append(f"container {container.get('name')}: {container['reason']}")
    return ", ".join(parts)
