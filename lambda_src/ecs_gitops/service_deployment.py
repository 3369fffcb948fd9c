"""ECS's own record of a service deployment, which tells of every strategy: the verdict, and how far it is. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.rollout import DEPLOYED, FAILED, IN_PROGRESS, Rollout, Verdict, no_tasks, require_service
from ecs_gitops.task_definition import short

if TYPE_CHECKING:
    from ecs_gitops.service import Service
    from ecs_gitops.types import Json

GOING_ON = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
_RETURNING = frozenset({"ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})


def judge(deployment: Json, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on a service deployment that we started. A status that is not known is no success."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(FAILED)
    status, said = str(deployment.get("status", "")), _reason(deployment)
    if status == "SUCCESSFUL":
        return Verdict(DEPLOYED, no_tasks(service))
    if status == "STOPPED":
        is_lost = service.task_definition not in (rollout.revision, rollout.previous)
        told = f"superseded by {short(service.task_definition)}" if is_lost else "stopped and not rolled back"
        return Verdict(FAILED, f"{told}: {said}", is_lost=is_lost)
    if status in ("ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED") or status in _RETURNING:
        how = "could not roll back" if status == "ROLLBACK_FAILED" else "rolled back"
        told = f"ECS {how} to {short(rollout.previous)}: {said}"
        return Verdict(FAILED, told, is_returning=status != "ROLLBACK_FAILED")
    if now - rollout.started_at >= rollout.timeout:
        return Verdict(FAILED, f"not over after {rollout.timeout / 60:g} minutes: {progress(deployment)}")
    return Verdict(IN_PROGRESS, progress(deployment))


def judge_return(deployment: Json, service: Service | None, rollout: Rollout, now: float) -> Verdict:
    """The verdict on a service deployment that returns to ``rollout.previous``, or is being rolled back to it."""
    if (lost := require_service(service)) is not None or service is None:
        return lost or Verdict(FAILED)
    status, said = str(deployment.get("status", "")), _reason(deployment)
    if status in ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL") and service.task_definition == rollout.previous:
        return Verdict(DEPLOYED, no_tasks(service))
    if status in ("STOPPED", "ROLLBACK_FAILED"):
        return Verdict(FAILED, f"the service deployment ended {status}: {said}")
    if now - rollout.started_at >= rollout.timeout:
        return Verdict(FAILED, f"not over after {rollout.timeout / 60:g} minutes: {progress(deployment)}")
    return Verdict(IN_PROGRESS, f"returning: {progress(deployment)}")


def progress(deployment: Json) -> str:
    """How far it is: ``CANARY: production traffic shift, 10 % of the traffic, 3 of 3 tasks``."""
    target = deployment.get("targetServiceRevision") or {}
    kind = (deployment.get("deploymentConfiguration") or {}).get("strategy", "")
    stage = str(deployment.get("lifecycleStage") or deployment.get("status", "")).lower().replace("_", " ")
    parts = [f"{kind}: {stage}" if kind else stage]
    weight = target.get("requestedProductionTrafficWeight")
    if weight is not None:
        parts.append(f"{float(weight):g} % of the traffic")
    if target.get("requestedTaskCount") is not None:
        parts.append(f"{target.get('runningTaskCount', 0)} of {target['requestedTaskCount']} tasks")
    return ", ".join(parts)


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
