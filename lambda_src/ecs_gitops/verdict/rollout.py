"""Is *our* deployment done? Verdicts over what ECS says, and how long to wait before asking again. Pure.

A rollout is judged by the id of the deployment that we started. That a service is steady says nothing: it is steady
after a rollback too. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.ecs.service import is_complete
from ecs_gitops.model.identity import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_gitops.ecs.service import Deployment, Service

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

# The same where all wait for a person.
_LONGEST_PAUSE = 900
_PAUSE_SHARE = 1 / 30
# A read of ECS may be a minute old, and the clocks of two functions may differ by a minute and a half.
SHOWN_WITHIN = 150.0
# An answer that was made after the deployment began shows it within seconds.
_LISTED_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """The deployment that is watched: ours, or one that took its place.

    There are two clocks, and they are never compared. ``started_at`` is when ECS began the deployment, by ECS's clock,
    like all times in ECS's answers. ``since`` is when the wait for it began, by the functions' clock, like ``now`` of
    :func:`judge`; it is ``started_at`` where it is not known. Epoch seconds; ``timeout`` is in seconds. What
    ``is_followed`` is not the first deployment of its revision."""

    deployment_id: str
    revision: str
    previous: str
    started_at: float
    timeout: float
    since: float | None = None
    is_followed: bool = False

    def waited(self, now: float) -> float:
        """Seconds since the wait began."""
        return now - (self.started_at if self.since is None else self.since)

    def is_late(self, now: float) -> bool:
        """Whether it takes longer than it may."""
        return self.waited(now) >= self.timeout


@dataclass(frozen=True, slots=True)
class Verdict:
    """``status`` is IN_PROGRESS, DEPLOYED or FAILED. Of a failure ``is_returning`` says that ECS itself returns the
    service, and ``is_lost`` that the service is somebody else's or gone, so that there is nothing to return.
    ``is_uncertain``: another deployment may have taken the place of ours, and this answer does not show it.
    ``is_back``: on the way back, somebody deployed again what is being returned."""

    status: str
    reason: str | None = None
    is_returning: bool = False
    is_lost: bool = False
    is_uncertain: bool = False
    is_back: bool = False


def judge(service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on our deployment. ``service`` is None when ECS no longer has it."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(FAILED)
    ours = service.deployment(rollout.deployment_id)
    primary = service.primary
    if primary is not None and _is_another(primary, rollout) and primary.task_definition == rollout.revision:
        # Somebody deployed our revision once more: that deployment is the one to be judged.
        late = Verdict(FAILED, _timed_out(service, primary, rollout))
        return late if rollout.is_late(now) else Verdict(IN_PROGRESS, progress(primary))
    if ours is not None and ours.rollout_state == "FAILED":
        is_returning = primary is not None and primary.id != ours.id
        return Verdict(FAILED, _failed(ours, primary), is_returning)
    if (replaced := superseded(service, rollout)) is not None:
        return replaced
    if ours is not None and ours is primary and is_complete(service, ours):
        return Verdict(DEPLOYED, no_tasks(service))
    if ours is None and (gone := _gone(service, rollout, now)):
        return Verdict(FAILED, gone, is_returning=True)
    # Neither steady nor failed.
    if rollout.is_late(now):
        return Verdict(FAILED, _timed_out(service, ours, rollout))
    return Verdict(IN_PROGRESS, progress(ours))


def superseded(service: Service, rollout: Rollout) -> Verdict | None:
    """The verdict when a deployment of another revision has taken the place of the one that is watched."""
    if (lost := require_service(service)) is not None:
        return lost
    primary = service.primary
    if primary is None or not _is_another(primary, rollout) or primary.task_definition == rollout.revision:
        return None
    is_returning = primary.task_definition == rollout.previous
    return Verdict(FAILED, _replaced(primary, rollout), is_returning, is_lost=not is_returning)


def judge_return(service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on the way back to ``rollout.previous`` from ``rollout.revision``: DEPLOYED when it is steady.

    ``rollout`` is the deployment with which we return the service, or ours, where ECS returns it. Any deployment of
    the revision before will do, also one that somebody else started."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(FAILED)
    primary = service.primary
    is_known = primary is None or primary.task_definition in (rollout.previous, rollout.revision)
    if primary is not None and not is_known and _is_another(primary, rollout):
        told = f"superseded by deployment {primary.id} of {short(primary.task_definition)}, which someone else started"
        return Verdict(FAILED, told, is_lost=True)
    if (back := deployed_again(service, rollout)) is not None:
        return back
    if primary is not None and primary.task_definition == rollout.previous and _is_proven(service, rollout, now):
        if is_complete(service, primary):
            return Verdict(DEPLOYED, no_tasks(service))
        if primary.rollout_state == "FAILED":
            return Verdict(FAILED, primary.rollout_reason or "ECS gave the deployment up")
    if rollout.is_late(now):
        told = f"not steady after {minutes(rollout.timeout)}: {rolling_back(service, rollout)}"
        return Verdict(FAILED, told)
    return Verdict(IN_PROGRESS, rolling_back(service, rollout))


def deployed_again(service: Service, rollout: Rollout) -> Verdict | None:
    """The verdict when somebody deployed, on the way back, what is being returned."""
    primary = service.primary
    if primary is None or primary.task_definition != rollout.revision or not _is_another(primary, rollout):
        return None
    told = f"someone else deployed {short(primary.task_definition)} again ({primary.id}) while it was being rolled back"
    return Verdict(FAILED, told, is_back=True)


def shows(service: Service, deployment_id: str | None, started_at: float) -> bool:
    """Whether an answer of ECS was made after a deployment began at ``started_at``, by ECS's clock. What is as it was
    before, in an answer that may be older, proves nothing."""
    return (
        any(each.id == deployment_id or each.created_at > started_at for each in service.deployments)
        or any(deployment_id is not None and deployment_id in text for _, text in service.events)
        or any(at > started_at for at, _ in service.events)
    )


def _is_proven(service: Service, rollout: Rollout, now: float) -> bool:
    return shows(service, rollout.deployment_id, rollout.started_at) or rollout.waited(now) >= SHOWN_WITHIN


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
    """Whether another deployment took the place of the one that is watched. ECS reads are eventually consistent: a
    primary that is older, or as old and of the revision before, is an old answer."""
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
    is_new = service.task_definition == rollout.revision and not rollout.is_followed
    is_new = is_new or shows(service, rollout.deployment_id, rollout.started_at)
    if told is None and rollout.waited(now) >= (_LISTED_WITHIN if is_new else SHOWN_WITHIN):
        told = "ECS no longer lists the deployment"
    if told is None:
        return None
    return f"ECS rolled back to {short(service.runs)}: {told}"


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
    return f"not steady after {minutes(rollout.timeout)}: {seen}"


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


def minutes(seconds: float) -> str:
    """``1 minute``, ``2.5 minutes``."""
    shown = f"{round(seconds / 60, 1):g}"
    return f"{shown} minute" if shown == "1" else f"{shown} minutes"


def wait_seconds(started: Sequence[float], deadlines: Sequence[float], now: float, stretch: float = 1.0) -> int:
    """Seconds until the next look at rollouts that started at these times: short first, longer later, never past the
    first deadline. At least 1. A ``stretch`` above 1 makes looks as many times rarer, see
    :mod:`ecs_gitops.flow.event_budget`."""
    youngest = now - max(started)
    longest = min(_LONGEST_OF_ALL, max(LONGEST_WAIT * stretch, youngest * _LONG_WAIT_SHARE))
    wait = min(max(youngest * _WAIT_SHARE, SHORTEST_WAIT) * stretch, longest)
    return max(1, round(min(wait, *(deadline - now for deadline in deadlines))))


def pause_seconds(started: Sequence[float], deadlines: Sequence[float], now: float) -> int:
    """Seconds until the next look at rollouts that all wait for a person: ECS goes on by itself when somebody says so,
    and a day of looks is to leave the execution's history room."""
    youngest = now - max(started)
    wait = min(_LONGEST_PAUSE, youngest * _PAUSE_SHARE)
    return max(1, round(min(wait, *(deadline - now for deadline in deadlines))))
