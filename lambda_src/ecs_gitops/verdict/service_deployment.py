"""The verdict and the progress by ECS's service deployment, which every strategy has. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecs_gitops.ecs.deployment_settings import ROLLING, strategy
from ecs_gitops.ecs.service import seconds
from ecs_gitops.model.identity import short
from ecs_gitops.model.status import Judgement
from ecs_gitops.verdict import rollout as rolling
from ecs_gitops.verdict.rollout import (
    SHOWN_WITHIN,
    Rollout,
    RolloutStatus,
    Verdict,
    deployed_again,
    minutes,
    no_tasks,
    require_service,
    rollback_progress,
    shows,
)

if TYPE_CHECKING:
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.types import Json

GOING_ON = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
_ROLLING_BACK = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
# Of a PAUSE hook: it waits for ContinueServiceDeployment.
AWAITING_ACTION = "AWAITING_ACTION"


def rollout_verdict(record: Json | None, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on a rollout by the service deployment, where there is one, else by what the service shows."""
    if record is not None:
        return judge(record, service, rollout, now)
    shown = rolling.judge(service, rollout, now)
    if shown.status is RolloutStatus.DEPLOYED and service is not None and strategy(service.configuration) != ROLLING:
        # After a rollback, a service with traffic shifting has the same counts as after a rollout.
        if rollout.is_late(now):
            reason = f"not over after {minutes(rollout.timeout)}: ECS does not show its record of the deployment"
            return Verdict(RolloutStatus.FAILED, reason)
        return Verdict(RolloutStatus.IN_PROGRESS, "ECS does not show its record yet")
    return shown


def rollback_verdict(record: Json | None, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The same for a rollback."""
    if record is not None:
        return judge_rollback(record, service, rollout, now)
    return rolling.judge_rollback(service, rollout, now)


def judge(deployment: Json, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on a service deployment that we started. An unknown status is no success."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(RolloutStatus.FAILED)
    status, reason = str(deployment.get("status", "")), _reason(deployment)
    if status == "SUCCESSFUL":
        return Verdict(RolloutStatus.DEPLOYED, no_tasks(service))
    if status == "STOPPED":
        is_lost = service.task_definition != rollout.revision and not rollout.is_earlier(service.task_definition)
        if is_lost and _is_old(service, rollout, now):
            return Verdict(RolloutStatus.IN_PROGRESS, f"{status}: {reason}; ECS does not show yet what runs")
        stopped = _stopped(service.task_definition, rollout)
        # A deployment that takes its place stops it too.
        by_ecs = _is_given_up(deployment)
        return Verdict(
            RolloutStatus.FAILED,
            f"{stopped}: {reason}",
            is_lost=is_lost,
            is_uncertain=not is_lost and not by_ecs,
            judgement=Judgement.FAILED if by_ecs else Judgement.OPEN,
        )
    if status in ("ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED") or status in _ROLLING_BACK:
        how = "could not roll back" if status == "ROLLBACK_FAILED" else "rolled back"
        to = rollout.previous or service.task_definition
        text = f"ECS {how}: {reason}" if to == rollout.revision else f"ECS {how} to {short(to)}: {reason}"
        return Verdict(RolloutStatus.FAILED, text, is_rolling_back=status != "ROLLBACK_FAILED")
    if rollout.is_late(now):
        return Verdict(RolloutStatus.FAILED, f"not over after {minutes(rollout.timeout)}: {progress(deployment)}")
    return Verdict(RolloutStatus.IN_PROGRESS, progress(deployment))


def judge_rollback(deployment: Json, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on a service deployment of ``rollout.previous``, or on one that is being rolled back to it."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(RolloutStatus.FAILED)
    status, reason = str(deployment.get("status", "")), _reason(deployment)
    if status in ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL") and service.task_definition == rollout.previous:
        return Verdict(RolloutStatus.DEPLOYED, no_tasks(service))
    if (again := deployed_again(service, rollout)) is not None:
        return again
    if status in ("STOPPED", "ROLLBACK_FAILED"):
        is_uncertain = status == "STOPPED" and not _is_given_up(deployment)
        return Verdict(
            RolloutStatus.FAILED, f"the service deployment ended {status}: {reason}", is_uncertain=is_uncertain
        )
    if rollout.is_late(now):
        text = f"not over after {minutes(rollout.timeout)}: {_rollback_progress(deployment, service, rollout)}"
        return Verdict(RolloutStatus.FAILED, text)
    return Verdict(RolloutStatus.IN_PROGRESS, _rollback_progress(deployment, service, rollout))


def _is_old(service: Service, rollout: Rollout, now: float) -> bool:
    """Whether the answer is from before the deployment: what it shows did not take its place."""
    is_shown = service.primary is None or shows(service, rollout.deployment_id, rollout.started_at)
    return not is_shown and rollout.waited(now) < SHOWN_WITHIN


def _stopped(runs: str, rollout: Rollout) -> str:
    """What a stopped deployment leaves behind, by what the service runs."""
    if runs == rollout.revision:
        # Also true after we have rolled it back.
        return "stopped and not rolled back by ECS"
    if runs == rollout.previous:
        return f"stopped, the service runs {short(runs)} as before"
    return f"superseded by {short(runs)}"


def _rollback_progress(deployment: Json, service: Service, rollout: Rollout) -> str:
    """``rolling back to api:2: 1 of 2 tasks; CANARY: production traffic shift``."""
    how_far = f"{rollback_progress(service, rollout, _previous_tasks(deployment))}; {_stage(deployment)}"
    return "; ".join([*map(_wait_text, awaiting(deployment)), how_far])


def _previous_tasks(deployment: Json) -> str:
    """The tasks of the revision before. It is among the sources of a deployment that ECS rolls back, and the target of
    one with which we roll back."""
    target = deployment.get("targetServiceRevision") or {}
    if deployment.get("status") in _ROLLING_BACK:
        previous = (deployment.get("rollback") or {}).get("serviceRevisionArn")
        sources = deployment.get("sourceServiceRevisions") or []
        target = next((each for each in sources if each.get("arn") == previous), sources[0] if sources else {})
    return _tasks(target)


def progress(deployment: Json) -> str:
    """The progress: ``CANARY: production traffic shift, 10 % of the traffic, 3 of 3 tasks``. Where it waits for a
    person, that comes first: ``AWAITING_ACTION: PAUSE hook ID, ROLLBACK at 2026-11-24 12:00 UTC; …``."""
    target = deployment.get("targetServiceRevision") or {}
    parts = [_stage(deployment)]
    weight = target.get("requestedProductionTrafficWeight")
    if weight is not None:
        parts.append(f"{float(weight):g} % of the traffic")
    how_far = ", ".join(filter(None, [*parts, _tasks(target)]))
    return "; ".join([*map(_wait_text, awaiting(deployment)), how_far])


def _stage(deployment: Json) -> str:
    kind = (deployment.get("deploymentConfiguration") or {}).get("strategy", "")
    stage = str(deployment.get("lifecycleStage") or deployment.get("status", "")).lower().replace("_", " ")
    return f"{kind}: {stage}" if kind else stage


def _tasks(revision: Json) -> str:
    """``2 of 3 tasks`` of a service revision in a service deployment; empty where the counts are missing."""
    if revision.get("requestedTaskCount") is None:
        return ""
    return f"{revision.get('runningTaskCount', 0)} of {revision['requestedTaskCount']} tasks"


def awaiting(deployment: Json) -> list[Json]:
    """The hooks that wait for a person: hookId, expiresAt, timeoutAction.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHookDetail.html"""
    if deployment.get("status") not in GOING_ON:
        return []
    hooks = deployment.get("lifecycleHookDetails") or []
    return [hook for hook in hooks if hook.get("status") == AWAITING_ACTION and hook.get("hookId")]


def paused(record: Json | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the hooks that wait for a person, after the ``known`` ones, for which people got a message."""
    waiting = [str(hook["hookId"]) for hook in awaiting(record or {})]
    return (*known, *(hook for hook in waiting if hook not in known))


def _wait_text(hook: Json) -> str:
    until = seconds(hook.get("expiresAt"))
    then = str(hook.get("timeoutAction") or "ROLLBACK")
    at = f", {then} at {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC" if until else ""
    return f"{AWAITING_ACTION}: PAUSE hook {hook['hookId']}{at}"


def _is_given_up(deployment: Json) -> bool:
    """Whether ECS itself ended the deployment, by its circuit breaker or an alarm."""
    parts = (deployment.get("deploymentCircuitBreaker") or {}, deployment.get("alarms") or {})
    return any(part.get("status") == "TRIGGERED" for part in parts)


def _reason(deployment: Json) -> str:
    """Why it ended: ECS's own reasons, with the alarms or the circuit breaker that ended it."""
    rollback = deployment.get("rollback") or {}
    parts = [deployment.get("statusReason"), rollback.get("reason")]
    if alarms := (deployment.get("alarms") or {}).get("triggeredAlarmNames"):
        parts.append(f"alarms triggered: {', '.join(alarms)}")
    breaker = deployment.get("deploymentCircuitBreaker") or {}
    if breaker.get("status") == "TRIGGERED":
        parts.append(f"circuit breaker triggered after {breaker.get('failureCount', 0)} failed tasks")
    return "; ".join(dict.fromkeys(str(part) for part in parts if part)) or "ECS gives no reason"
