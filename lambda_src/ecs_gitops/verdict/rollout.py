"""Is *our* deployment done? The verdict by what the service shows. Pure.

A rollout is judged by the id of the deployment that we started. A steady service proves nothing: it is steady after a
rollback too. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ecs_gitops.ecs.service import is_complete
from ecs_gitops.model.identity import short
from ecs_gitops.model.status import Judgement

if TYPE_CHECKING:
    from ecs_gitops.ecs.service import Deployment, Service


class RolloutStatus(StrEnum):
    """The status of a rollout, or of a rollback. A rollback that succeeded is DEPLOYED too."""

    IN_PROGRESS = "IN_PROGRESS"
    DEPLOYED = "DEPLOYED"
    FAILED = "FAILED"


# An answer of ECS may be a minute old, and the clocks of two functions may differ by a minute and a half.
SHOWN_WITHIN = 150.0
# An answer from after the start of a deployment shows it within seconds.
_LISTED_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """The deployment that is watched: ours, or one that took its place.

    There are two clocks, and they are never compared. ``started_at`` is when ECS began the deployment, by ECS's clock,
    like all times in ECS's answers. ``since`` is when the wait for it began, by the functions' clock, like ``now`` of
    :func:`judge`; ``started_at`` is used where it is None. Epoch seconds; ``timeout`` is in seconds. ``is_followed``:
    it is not the first deployment of its revision. ``replaced`` is what ran before, where a rollback does not go back
    to that."""

    deployment_id: str
    revision: str
    previous: str
    started_at: float
    timeout: float
    since: float | None = None
    is_followed: bool = False
    replaced: str | None = None

    def is_earlier(self, task_definition: str) -> bool:
        """Whether it is what a rollback goes to, or what ran before."""
        return task_definition in (self.previous, self.replaced)

    def waited(self, now: float) -> float:
        """Seconds since the wait began."""
        return now - (self.started_at if self.since is None else self.since)

    def is_late(self, now: float) -> bool:
        """Whether its timeout is over."""
        return self.waited(now) >= self.timeout


@dataclass(frozen=True, slots=True)
class Verdict:
    """``is_rolling_back``: it failed, and ECS itself rolls the service back. ``is_lost``: it failed, and there is
    nothing to roll back, as somebody else deployed or deleted the service. ``is_uncertain``: another deployment may
    have taken the place of ours, and this answer does not show it. ``judgement`` is what is remembered of a failure:
    where somebody stopped or replaced the deployment, there is no verdict on the revision. ``is_deployed_again``:
    during the rollback, somebody deployed the failed revision again."""

    status: RolloutStatus
    reason: str | None = None
    is_rolling_back: bool = False
    is_lost: bool = False
    is_uncertain: bool = False
    is_deployed_again: bool = False
    judgement: Judgement = Judgement.FAILED


def judge(service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on our deployment. ``service`` is None when ECS no longer has it."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(RolloutStatus.FAILED)
    ours = service.deployment(rollout.deployment_id)
    primary = service.primary
    if primary is not None and _is_another(primary, rollout) and primary.task_definition == rollout.revision:
        # Somebody deployed our revision once more: that deployment is the one to be judged.
        late = Verdict(RolloutStatus.FAILED, _timed_out(service, primary, rollout))
        return late if rollout.is_late(now) else Verdict(RolloutStatus.IN_PROGRESS, progress(primary))
    if ours is not None and ours.rollout_state == "FAILED":
        is_rolling_back = primary is not None and primary.id != ours.id
        return Verdict(RolloutStatus.FAILED, _failed(ours, primary), is_rolling_back)
    if (replaced := superseded(service, rollout)) is not None:
        return replaced
    if ours is not None and ours is primary and is_complete(service, ours):
        return Verdict(RolloutStatus.DEPLOYED, no_tasks(service))
    if ours is None and (gone := _gone(service, rollout, now)) is not None:
        return gone
    # Neither steady nor failed.
    if rollout.is_late(now):
        return Verdict(RolloutStatus.FAILED, _timed_out(service, ours, rollout))
    return Verdict(RolloutStatus.IN_PROGRESS, progress(ours))


def superseded(service: Service, rollout: Rollout) -> Verdict | None:
    """The verdict when a deployment of another revision has taken the place of the one that is watched."""
    if (lost := require_service(service)) is not None:
        return lost
    primary = service.primary
    if primary is None or not _is_another(primary, rollout) or primary.task_definition == rollout.revision:
        return None
    is_rolling_back = rollout.is_earlier(primary.task_definition)
    by_ecs = is_rolling_back and "roll" in primary.rollout_reason.lower()
    return Verdict(
        RolloutStatus.FAILED,
        _replaced(primary, rollout),
        is_rolling_back,
        is_lost=not is_rolling_back,
        judgement=Judgement.FAILED if by_ecs else Judgement.OPEN,
    )


def judge_rollback(service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on a rollback from ``rollout.revision`` to ``rollout.previous``: DEPLOYED when that is steady.

    ``rollout`` is the deployment with which we roll back, or the failed one, where ECS rolls it back. Any deployment
    of the previous revision counts, also one that somebody else started."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(RolloutStatus.FAILED)
    primary = service.primary
    runs = primary.task_definition if primary is not None else rollout.revision
    is_known = runs == rollout.revision or rollout.is_earlier(runs)
    if primary is not None and not is_known and _is_another(primary, rollout):
        reason = (
            f"superseded by deployment {primary.id} of {short(primary.task_definition)}, which someone else started"
        )
        return Verdict(RolloutStatus.FAILED, reason, is_lost=True)
    if (again := deployed_again(service, rollout)) is not None:
        return again
    if primary is not None and primary.task_definition == rollout.previous and _is_proven(service, rollout, now):
        if is_complete(service, primary):
            return Verdict(RolloutStatus.DEPLOYED, no_tasks(service))
        if primary.rollout_state == "FAILED":
            return Verdict(RolloutStatus.FAILED, primary.rollout_reason or "ECS gave the deployment up")
    if rollout.is_late(now):
        reason = f"not steady after {minutes(rollout.timeout)}: {rollback_progress(service, rollout)}"
        return Verdict(RolloutStatus.FAILED, reason)
    return Verdict(RolloutStatus.IN_PROGRESS, rollback_progress(service, rollout))


def deployed_again(service: Service, rollout: Rollout) -> Verdict | None:
    """The verdict when somebody deployed the failed revision again during its rollback."""
    primary = service.primary
    if primary is None or primary.task_definition != rollout.revision or not _is_another(primary, rollout):
        return None
    reason = (
        f"someone else deployed {short(primary.task_definition)} again ({primary.id}) while it was being rolled back"
    )
    return Verdict(RolloutStatus.FAILED, reason, is_deployed_again=True)


def shows(service: Service, deployment_id: str | None, started_at: float) -> bool:
    """Whether ECS's answer is from after the start of a deployment at ``started_at``, by ECS's clock. An older answer
    proves nothing about it."""
    return (
        any(each.id == deployment_id or each.created_at > started_at for each in service.deployments)
        or any(deployment_id is not None and deployment_id in text for _, text in service.events)
        or any(at > started_at for at, _ in service.events)
    )


def _is_proven(service: Service, rollout: Rollout, now: float) -> bool:
    return shows(service, rollout.deployment_id, rollout.started_at) or rollout.waited(now) >= SHOWN_WITHIN


def require_service(service: Service | None) -> Verdict | None:
    """The verdict when the service does not exist any more."""
    if service is None:
        return Verdict(RolloutStatus.FAILED, "the service was deleted while it was being deployed", is_lost=True)
    if service.status != "ACTIVE":
        return Verdict(
            RolloutStatus.FAILED, f"the service became {service.status} while it was being deployed", is_lost=True
        )
    return None


def no_tasks(service: Service) -> str | None:
    """The message about a success where no task runs; None for all others."""
    return "desired count is 0: the new revision is set, and no task runs" if service.desired == 0 else None


def _is_another(primary: Deployment, rollout: Rollout) -> bool:
    """Whether another deployment took the place of the one that is watched. ECS's reads are eventually consistent: with
    a primary that is older, or as old and of the previous revision, the answer is out of date."""
    if primary.id == rollout.deployment_id or primary.created_at < rollout.started_at:
        return False
    return primary.created_at > rollout.started_at or primary.task_definition != rollout.previous


def _gone(service: Service, rollout: Rollout, now: float) -> Verdict | None:
    """The verdict on a deployment that ECS no longer lists; None while ECS may not show it yet.

    A deployment that the circuit breaker rolled back is no longer listed when its tasks are gone. The deployment before
    is the primary again, with its old time. The service's events show at once which of the two cases it is. What ECS
    rolls back is not named in the event of that: it may be a deployment before ours."""
    events = [text for at, text in service.events if at > rollout.started_at]
    failed = [text for text in events if "deployment failed" in text]
    reason = next((text for text in failed if rollout.deployment_id in text), None)
    if reason is None and not failed and any("rolling back to deployment" in text for text in events):
        reason = "the circuit breaker or an alarm ended the deployment"
    # Without a word of ECS, somebody may have deployed the revision before at the same moment.
    judgement = Judgement.OPEN if reason is None else Judgement.FAILED
    is_new = service.task_definition == rollout.revision and not rollout.is_followed
    is_new = is_new or shows(service, rollout.deployment_id, rollout.started_at)
    if reason is None and rollout.waited(now) >= (_LISTED_WITHIN if is_new else SHOWN_WITHIN):
        reason = "ECS no longer lists the deployment"
    if reason is None:
        return None
    text = f"ECS rolled back to {short(service.runs)}: {reason}"
    return Verdict(RolloutStatus.FAILED, text, is_rolling_back=True, judgement=judgement)


def _failed(ours: Deployment, primary: Deployment | None) -> str:
    reason = ours.rollout_reason or "ECS gave the deployment up"
    if primary is not None and primary.id != ours.id:
        return f"ECS rolled back to {short(primary.task_definition)}: {reason}"
    return reason.rstrip(".")


def _replaced(primary: Deployment, rollout: Rollout) -> str:
    if rollout.is_earlier(primary.task_definition) and "roll" in primary.rollout_reason.lower():
        return f"ECS rolled back to {short(primary.task_definition)}: {primary.rollout_reason}"
    return (
        f"superseded by deployment {primary.id} of {short(primary.task_definition)}, "
        "which someone else started, or with which ECS rolled back"
    )


def rollback_progress(service: Service, rollout: Rollout, known: str = "") -> str:
    """The progress of a rollback: ``rolling back to api:2: 1 of 2 tasks``.

    It counts the tasks of the previous revision, whichever deployment has them; those of the failed one do not matter.
    ``known`` is used where the service does not list the previous revision."""
    previous = [each for each in service.deployments if each.task_definition == rollout.previous]
    tasks = f"{sum(each.running for each in previous)} of {service.desired} tasks" if previous else known
    parts = [tasks or "not begun yet"]
    newest = max(previous, key=lambda each: each.created_at, default=None)
    if newest is not None and newest.pending:
        parts.append(f"{newest.pending} pending")
    if newest is not None and newest.failed:
        parts.append(f"{newest.failed} failed")
    return f"rolling back to {short(rollout.previous)}: {', '.join(parts)}"


def _timed_out(service: Service, ours: Deployment | None, rollout: Rollout) -> str:
    tasks = progress(ours) or f"{service.running} of {service.desired} tasks running"
    return f"not steady after {minutes(rollout.timeout)}: {tasks}"


def progress(ours: Deployment | None) -> str | None:
    """The progress of a deployment: ``1 of 3 tasks running, 2 pending``."""
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
