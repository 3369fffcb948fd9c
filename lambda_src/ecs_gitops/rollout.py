"""Is *our* deployment done? Verdicts over what ECS says, and how long to wait before asking again. Pure.

A rollout is judged by the id of the deployment that we started. That a service is steady says nothing: it is steady
after a rollback too. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.service import is_complete
from ecs_gitops.task_definition import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_gitops.service import Deployment, Service

IN_PROGRESS = "IN_PROGRESS"
DEPLOYED = "DEPLOYED"
FAILED = "FAILED"

SHORTEST_WAIT = 2
LONGEST_WAIT = 30
# What bakes for hours is looked at less often: an execution's history has 25,000 events, and a look takes nine.
_LONGEST_OF_ALL = 300
_LONG_WAIT_SHARE = 1 / 60
# The share of the time gone by that is waited for more: a rollout's end is noticed at most that much late.
_WAIT_SHARE = 0.1

# ECS's reads are eventually consistent, for some seconds.
_SHOWN_WITHIN = 30.0


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
    """``status`` is IN_PROGRESS, DEPLOYED or FAILED. Of a failure ``is_returning`` says that ECS itself returns the
    service, and ``is_lost`` that the service is somebody else's or gone, so that there is nothing to return."""

    status: str
    reason: str | None = None
    is_returning: bool = False
    is_lost: bool = False


def judge(service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on our deployment. ``service`` is None when ECS no longer has it."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(FAILED)
    ours = service.deployment(rollout.deployment_id)
    primary = service.primary
    if ours is not None and ours.rollout_state == "FAILED":
        is_returning = primary is not None and primary.id != ours.id
        return Verdict(FAILED, _failed(ours, primary), is_returning)
    if primary is not None and _is_another(primary, rollout):
        is_returning = primary.task_definition == rollout.previous
        return Verdict(FAILED, _replaced(primary, rollout), is_returning, is_lost=not is_returning)
    if ours is not None and ours is primary and is_complete(service, ours):
        return Verdict(DEPLOYED, no_tasks(service))
    if ours is None and (gone := _gone(service, rollout, now)):
        return Verdict(FAILED, gone, is_returning=True)
    # Neither steady nor failed.
    if now - rollout.started_at >= rollout.timeout:
        return Verdict(FAILED, _timed_out(service, ours, rollout))
    return Verdict(IN_PROGRESS, progress(ours))


def judge_return(service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on the way back to ``rollout.previous`` from ``rollout.revision``: DEPLOYED when it is steady."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(FAILED)
    primary = service.primary
    if primary is not None and primary.task_definition not in (rollout.previous, rollout.revision):
        told = f"superseded by deployment {primary.id} of {short(primary.task_definition)}, which someone else started"
        return Verdict(FAILED, told, is_lost=True)
    if primary is not None and primary.task_definition == rollout.previous:
        if is_complete(service, primary):
            return Verdict(DEPLOYED, no_tasks(service))
        if primary.rollout_state == "FAILED":
            return Verdict(FAILED, primary.rollout_reason or "ECS gave the deployment up")
    if now - rollout.started_at >= rollout.timeout:
        told = f"not steady after {round(rollout.timeout / 60, 1):g} minutes: {rolling_back(service, rollout)}"
        return Verdict(FAILED, told)
    return Verdict(IN_PROGRESS, rolling_back(service, rollout))


def require_service(service: Service | None) -> Verdict | None:
    """The verdict when there is no service any more."""
    if service is None:
        return Verdict(FAILED, "the service was deleted while it was being deployed", is_lost=True)
    if service.status != "ACTIVE":
        return Verdict(FAILED, f"the service became {service.status} while it was being deployed", is_lost=True)
    return None


def no_tasks(service: Service) -> str | None:
    """What is told of a success in which no task runs."""
    return "desired count is 0: the new revision is set, and no task runs" if service.desired == 0 else None


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


def _failed(ours: Deployment, primary: Deployment | None) -> str:
    said = ours.rollout_reason or "ECS gave the deployment up"
    if primary is not None and primary.id != ours.id:
        return f"ECS rolled back to {short(primary.task_definition)}: {said}"
    return said.rstrip(".")


def _replaced(primary: Deployment, rollout: Rollout) -> str:
    if primary.task_definition == rollout.previous and "roll" in primary.rollout_reason.lower():
        return f"ECS rolled back to {short(primary.task_definition)}: {primary.rollout_reason}"
    return (
        f"superseded by deployment {primary.id} of {short(primary.task_definition)}, "
        "which someone else started, or with which ECS rolled back"
    )


def rolling_back(service: Service, rollout: Rollout, known: str = "") -> str:
    """How far the way back is: ``rolling back to api:2: 1 of 2 tasks``.

    Of the tasks of the revision before, whichever deployment has them: those of the failed one say nothing of what
    serves. ``known`` is told where the service does not list the revision before."""
    back = [each for each in service.deployments if each.task_definition == rollout.previous]
    told = f"{sum(each.running for each in back)} of {service.desired} tasks" if back else known
    parts = [told or "not begun yet"]
    newest = max(back, key=lambda each: each.created_at, default=None)
    if newest is not None and newest.pending:
        parts.append(f"{newest.pending} pending")
    if newest is not None and newest.failed:
        parts.append(f"{newest.failed} failed")
    return f"rolling back to {short(rollout.previous)}: {', '.join(parts)}"


def _timed_out(service: Service, ours: Deployment | None, rollout: Rollout) -> str:
    seen = progress(ours) or f"{service.running} of {service.desired} tasks running"
    return f"not steady after {round(rollout.timeout / 60, 1):g} minutes: {seen}"


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


def wait_seconds(started: Sequence[float], deadlines: Sequence[float], now: float, batches: int = 1) -> int:
    """Seconds until the next look at rollouts that started at these times: short first, longer later, never past the
    first deadline. At least 1. With many ``batches`` waiting at once, each waits longer after the first minutes."""
    youngest = now - max(started)
    longest = min(_LONGEST_OF_ALL, max(LONGEST_WAIT * max(1.0, batches / 10), youngest * _LONG_WAIT_SHARE))
    wait = min(max(youngest * _WAIT_SHARE, SHORTEST_WAIT), longest)
    return max(1, round(min(wait, *(deadline - now for deadline in deadlines))))
