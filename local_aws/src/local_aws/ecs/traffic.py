"""The native strategies BLUE_GREEN, CANARY and LINEAR, with their stages and bake times, played over time.

AWS brings up the new revision beside the old one, shifts production traffic in steps, bakes, and only then ends the
old tasks; an alarm of the deployment rolls it back meanwhile. ministack completes a deployment when its tasks run:
here it waits for the traffic, and at PAUSE hooks for a person (:mod:`local_aws.ecs.pause_hooks`). A rolling
deployment with alarms goes on, after its tasks run and the old ones are ended, for as long as its slowest alarm
evaluates. With an alarm in ALARM from the beginning AWS looks at none. A minute of bake time takes
``settings.minute_seconds``. Load balancers and hooks that call functions are not played, and the stages before the new
tasks run come right after that.
"""

from __future__ import annotations

import contextvars
import threading
import time
from dataclasses import dataclass
from typing import Any

from ministack.core.concurrency import resource_lock
from ministack.core.responses import request_scope
from ministack.services import ecs

from local_aws.control import clock
from local_aws.control.settings import settings
from local_aws.ecs import pause_hooks, records
from local_aws.ecs.records import Record

_TICK = 0.05
_SHIFT_SECONDS = 0.2
_FOR_HOOKS_ALONE = (
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
)


def simulated(minutes: float) -> float:
    """How many simulated seconds the bake time takes."""
    return minutes * (settings.minute_seconds or (1.0 if clock.line().second == 1.0 else 60.0))


def bake(minutes: float) -> float:
    """How many seconds of this machine the bake time takes."""
    return clock.real(simulated(minutes))


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of the deployment, the new revision's share of production traffic in percent, and minutes to stay."""

    stage: str
    weight: float
    minutes: float = 0.0


def steps(configuration: dict[str, Any]) -> list[Step]:
    """What a native strategy does after the new tasks run."""
    strategy = configuration.get("strategy")
    shift = "PRODUCTION_TRAFFIC_SHIFT"
    moves: list[Step] = []
    if strategy == "CANARY":
        canary = configuration.get("canaryConfiguration") or {}
        bake = float(canary.get("canaryBakeTimeInMinutes", 10))
        moves.append(Step(shift, float(canary.get("canaryPercent", 5)), bake))
    elif strategy == "LINEAR":
        linear = configuration.get("linearConfiguration") or {}
        percent, bake = float(linear.get("stepPercent", 10)), float(linear.get("stepBakeTimeInMinutes", 6))
        weight = percent
        while weight < 100:
            moves.append(Step(shift, weight, bake))
            weight += percent
    moves.append(Step(shift, 100.0))
    shown = [Step("PRE_SCALE_UP", 0.0), Step("POST_SCALE_UP", 0.0), Step("TEST_TRAFFIC_SHIFT", 0.0)]
    shown.append(Step("POST_TEST_TRAFFIC_SHIFT", 0.0))
    before = 0.0
    for move in moves:
        # Before every step of the traffic.
        shown += [Step("PRE_PRODUCTION_TRAFFIC_SHIFT", before), move]
        before = move.weight
    shown += [Step("POST_PRODUCTION_TRAFFIC_SHIFT", 100.0)]
    shown += [Step("BAKE_TIME", 100.0, float(configuration.get("bakeTimeInMinutes", 0)))]
    # Stages at which nothing is done take no time.
    paused = pause_hooks.stages(configuration)
    return [step for step in shown if step.stage not in _FOR_HOOKS_ALONE or step.stage in paused]


def mend() -> None:
    """Let a deployment complete only when its traffic has shifted, and its alarms have been looked at."""
    complete = ecs._complete_service_deployment

    def complete_service_deployment(cluster: str, key: str, expected_deployment_id: str | None = None) -> None:
        service = ecs._services.get(key)
        primary = ecs._primary_deployment(service) if service else None
        if service is None or primary is None:
            return
        records.observe(service)
        record = records.by_deployment(primary["id"])
        if record is None or not _has_to_shift(record):
            complete(cluster, key, expected_deployment_id)
        elif not record.is_shifting and _stable_tasks(service, primary) >= service["desiredCount"]:
            record.is_shifting = True
            act = contextvars.copy_context().run
            threading.Thread(target=act, args=(_shift, cluster, key, record, complete), daemon=True).start()

    ecs._complete_service_deployment = complete_service_deployment


def _has_to_shift(record: Record) -> bool:
    has_steps = record.strategy != "ROLLING" and record.source is not None
    return (has_steps or record.watches_alarms) and record.status == "IN_PROGRESS" and not record.may_complete


def _stable_tasks(service: dict[str, Any], deployment: dict[str, Any]) -> int:
    return sum(
        1
        for task in ecs._tasks.values()
        if task.get("_deployment_id") == deployment["id"]
        and task.get("clusterArn") == service["clusterArn"]
        and task.get("lastStatus") == "RUNNING"
        and task.get("_startup_stable")
    )


def _shift(cluster: str, key: str, record: Record, complete: Any) -> None:
    if record.strategy == "ROLLING":
        _end_other_tasks(cluster, record)
    for step in _evaluation(record) if record.strategy == "ROLLING" else steps(record.configuration):
        record.stage, record.weight, record.updated = step.stage, step.weight, clock.now()
        if not _let_through(key, record):
            return
        until = time.monotonic() + max(clock.real(_SHIFT_SECONDS), bake(step.minutes))
        while time.monotonic() < until:
            if record.status != "IN_PROGRESS":
                return
            time.sleep(min(_TICK, clock.real(_TICK * 10)))
    record.may_complete = True
    complete(cluster, key, record.id)


def _let_through(key: str, record: Record) -> bool:
    """Wait at the stage's PAUSE hooks until somebody goes on, or their time is over; False when it does not go on."""
    for hook in pause_hooks.reached(record, simulated):
        while pause_hooks.waits(record, hook):
            time.sleep(min(_TICK, clock.real(_TICK * 10)))
        if record.status != "IN_PROGRESS":
            return False
        if (why := pause_hooks.refusal(hook)) is not None:
            if not roll_back(key, record, why):
                _give_up(key, record, why)
            return False
    return True


def _evaluation(record: Record) -> list[Step]:
    alarms = records.alarms(record).values()
    seconds = [float(each.get("Period", 60)) * float(each.get("EvaluationPeriods", 1)) for each in alarms]
    return [Step("BAKE_TIME", 100.0, max(seconds, default=0.0) / 60)]


def _end_other_tasks(cluster: str, record: Record) -> None:
    group = f"service:{record.service_arn.rsplit('/', 1)[-1]}"
    for arn, task in list(ecs._tasks.items()):
        is_other = task.get("_deployment_id") not in (None, record.id) and task.get("clusterArn") == record.cluster_arn
        if is_other and task.get("group") == group and task.get("lastStatus") != "STOPPED":
            ecs._stop_task({"task": arn, "cluster": cluster, "reason": "Deployment completed"})


def roll_back(key: str, record: Record, reason: str) -> bool:
    """Return the service to the deployment before; False when there is none. The account and Region are in scope."""
    service, cluster = ecs._services.get(key), key.split("/", 1)[0]
    if service is None:
        return False
    with resource_lock("ecs-service", key):
        stopped = next((d for d in service["deployments"] if d["id"] == record.id), None)
        target = next(
            (d for d in service["deployments"] if d is not stopped and d["rolloutState"] == "COMPLETED"), None
        )
        if stopped is None or target is None:
            return False
        records.start_rollback(record, target["id"], reason)
        stopped.update(status="ACTIVE", rolloutState="FAILED", desiredCount=0)
        target.update(status="PRIMARY", rolloutState="IN_PROGRESS", desiredCount=service["desiredCount"])
        service["taskDefinition"] = target["taskDefinition"]
        surplus = [arn for arn, task in ecs._tasks.items() if task.get("_deployment_id") == record.id]
    for arn in surplus:
        ecs._stop_task({"task": arn, "cluster": cluster, "reason": "Service deployment rolled back"})
    ecs._reconcile_service_tasks(cluster, key)
    _, _, _, region, account, _ = record.service_arn.split(":", 5)
    ecs._schedule_service_deployment_completion(cluster, key, account, region)
    return True


def look_at_alarms() -> None:
    """Roll back, or fail, what is going on with an alarm of its own in ALARM."""
    for record in records.with_alarms():
        _, _, _, region, account, resource = record.service_arn.split(":", 5)
        with request_scope(account, region):
            ringing = records.ringing(record)
            if not ringing:
                continue
            record.triggered_alarms = ringing
            reason = f"ECS deployment alarm: {', '.join(ringing)} in ALARM state."
            key = resource.removeprefix("service/")
            if not (record.configuration["alarms"].get("rollback") and roll_back(key, record, reason)):
                _give_up(key, record, reason)


def _give_up(key: str, record: Record, reason: str) -> None:
    service = ecs._services.get(key) or {}
    for deployment in service.get("deployments", []):
        if deployment["id"] == record.id:
            record.change("STOPPED", reason)
            deployment.update(rolloutState="FAILED")


def stop(key: str, record: Record) -> None:
    """StopServiceDeployment with ABORT: what runs stays, nothing more is started."""
    _give_up(key, record, "Service deployment stopped by request.")
