"""ECS's own record of a service deployment, which tells of every strategy: the verdict, and how far it is. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecs_gitops.ecs.deployment_settings import ROLLING, strategy
from ecs_gitops.ecs.service import seconds
from ecs_gitops.model.identity import short
from ecs_gitops.verdict import rollout as rolling
from ecs_gitops.verdict.rollout import (
    DEPLOYED,
    FAILED,
    IN_PROGRESS,
    Rollout,
    Verdict,
    deployed_again,
    minutes,
    no_tasks,
    require_service,
    rolling_back,
)

if TYPE_CHECKING:
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.types import Json

GOING_ON = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
_RETURNING = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
# Of a PAUSE hook: it waits for ContinueServiceDeployment.
AWAITING_ACTION = "AWAITING_ACTION"


def verdict(record: Json | None, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict by ECS's record of a service deployment, where there is one, else by what the service shows."""
    if record is not None:
        return judge(record, service, rollout, now)
    shown = rolling.judge(service, rollout, now)
    if shown.status == DEPLOYED and service is not None and strategy(service.configuration) != ROLLING:
        # Counts alone do not tell a rollout that shifts traffic from one that was rolled back.
        if rollout.is_late(now):
            told = f"not over after {minutes(rollout.timeout)}: ECS does not show its record of the deployment"
            return Verdict(FAILED, told)
        return Verdict(IN_PROGRESS, "ECS does not show its record yet")
    return shown


def verdict_on_return(record: Json | None, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The same, on the way back."""
    if record is not None:
        return judge_return(record, service, rollout, now)
    return rolling.judge_return(service, rollout, now)


def judge(deployment: Json, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on a service deployment that we started. A status that is not known is no success."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(FAILED)
    status, said = str(deployment.get("status", "")), _reason(deployment)
    if status == "SUCCESSFUL":
        return Verdict(DEPLOYED, no_tasks(service))
    if status == "STOPPED":
        is_lost = service.task_definition not in (rollout.revision, rollout.previous)
        told = _stopped(service.task_definition, rollout)
        # A deployment that takes its place stops it too.
        is_uncertain = not is_lost and not _is_given_up(deployment)
        return Verdict(FAILED, f"{told}: {said}", is_lost=is_lost, is_uncertain=is_uncertain)
    if status in ("ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED") or status in _RETURNING:
        how = "could not roll back" if status == "ROLLBACK_FAILED" else "rolled back"
        told = f"ECS {how} to {short(rollout.previous)}: {said}"
        return Verdict(FAILED, told, is_returning=status != "ROLLBACK_FAILED")
    if rollout.is_late(now):
        return Verdict(FAILED, f"not over after {minutes(rollout.timeout)}: {progress(deployment)}")
    return Verdict(IN_PROGRESS, progress(deployment))


def judge_return(deployment: Json, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on a service deployment that returns to ``rollout.previous``, or is being rolled back to it."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(FAILED)
    status, said = str(deployment.get("status", "")), _reason(deployment)
    if status in ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL") and service.task_definition == rollout.previous:
        return Verdict(DEPLOYED, no_tasks(service))
    if (back := deployed_again(service, rollout)) is not None:
        return back
    if status in ("STOPPED", "ROLLBACK_FAILED"):
        is_uncertain = status == "STOPPED" and not _is_given_up(deployment)
        return Verdict(FAILED, f"the service deployment ended {status}: {said}", is_uncertain=is_uncertain)
    if rollout.is_late(now):
        told = f"not over after {minutes(rollout.timeout)}: {_rolling_back(deployment, service, rollout)}"
        return Verdict(FAILED, told)
    return Verdict(IN_PROGRESS, _rolling_back(deployment, service, rollout))


def _stopped(runs: str, rollout: Rollout) -> str:
    """What a deployment that was stopped leaves behind, by what the service runs."""
    if runs == rollout.revision:
        # Still true when it has been rolled back by us.
        return "stopped and not rolled back by ECS"
    if runs == rollout.previous:
        return f"stopped, the service runs {short(runs)} as before"
    return f"superseded by {short(runs)}"


def _rolling_back(deployment: Json, service: Service, rollout: Rollout) -> str:
    """``rolling back to api:2: 1 of 2 tasks; CANARY: production traffic shift``."""
    how_far = f"{rolling_back(service, rollout, _tasks_back(deployment))}; {_stage(deployment)}"
    return "; ".join([*map(_waits, awaiting(deployment)), how_far])


def _tasks_back(deployment: Json) -> str:
    """The tasks of what a record returns to: one that ECS rolls back has that among its sources, and one of ours is
    going there itself."""
    target = deployment.get("targetServiceRevision") or {}
    if deployment.get("status") in _RETURNING:
        back = (deployment.get("rollback") or {}).get("serviceRevisionArn")
        sources = deployment.get("sourceServiceRevisions") or []
        target = next((each for each in sources if each.get("arn") == back), sources[0] if sources else {})
    return _tasks(target)


def progress(deployment: Json) -> str:
    """How far it is: ``CANARY: production traffic shift, 10 % of the traffic, 3 of 3 tasks``. Where it waits for a
    person, that comes first: ``AWAITING_ACTION: PAUSE hook ID, ROLLBACK at 2026-11-24 12:00 UTC; …``."""
    target = deployment.get("targetServiceRevision") or {}
    parts = [_stage(deployment)]
    weight = target.get("requestedProductionTrafficWeight")
    if weight is not None:
        parts.append(f"{float(weight):g} % of the traffic")
    how_far = ", ".join(filter(None, [*parts, _tasks(target)]))
    return "; ".join([*map(_waits, awaiting(deployment)), how_far])


def _stage(deployment: Json) -> str:
    kind = (deployment.get("deploymentConfiguration") or {}).get("strategy", "")
    stage = str(deployment.get("lifecycleStage") or deployment.get("status", "")).lower().replace("_", " ")
    return f"{kind}: {stage}" if kind else stage


def _tasks(revision: Json) -> str:
    """``2 of 3 tasks`` of a service revision in a record; empty where it does not say."""
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


def paused(record: Json | None, told: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the hooks that wait for a person, after those that people were told of already."""
    waiting = [str(hook["hookId"]) for hook in awaiting(record or {})]
    return (*told, *(hook for hook in waiting if hook not in told))


def _waits(hook: Json) -> str:
    until = seconds(hook.get("expiresAt"))
    then = str(hook.get("timeoutAction") or "ROLLBACK")
    at = f", {then} at {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC" if until else ""
    return f"{AWAITING_ACTION}: PAUSE hook {hook['hookId']}{at}"


def _is_given_up(deployment: Json) -> bool:
    """Whether ECS tells that it gave the deployment up itself."""
    parts = (deployment.get("deploymentCircuitBreaker") or {}, deployment.get("alarms") or {})
    return any(part.get("status") == "TRIGGERED" for part in parts)


def _reason(deployment: Json) -> str:
    """Why it ended as it did: ECS's own words, with the alarms or the circuit breaker that ended it."""
    rollback = deployment.get("rollback") or {}
    parts = [deployment.get("statusReason"), rollback.get("reason")]
    if alarms := (deployment.get("alarms") or {}).get("triggeredAlarmNames"):
        parts.append(f"alarms triggered: {', '.join(alarms)}")
    breaker = deployment.get("deploymentCircuitBreaker") or {}
    if breaker.get("status") == "TRIGGERED":
        parts.append(f"circuit breaker triggered after {breaker.get('failureCount', 0)} failed tasks")
    return "; ".join(dict.fromkeys(str(part) for part in parts if part)) or "ECS gives no reason"
