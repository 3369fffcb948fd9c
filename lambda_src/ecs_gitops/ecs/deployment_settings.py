"""Deployment strategies of ECS: how long one bakes, and what a service's configuration becomes. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecs_gitops.model.types import Json

ROLLING = "ROLLING"
BLUE_GREEN = "BLUE_GREEN"
LINEAR = "LINEAR"
CANARY = "CANARY"

# What ECS takes when a configuration leaves it out (API reference of CanaryConfiguration and LinearConfiguration).
CANARY_PERCENT = 5.0
CANARY_BAKE_MINUTES = 10
LINEAR_STEP_PERCENT = 10.0
LINEAR_BAKE_MINUTES = 6
# Of a lifecycle hook (DeploymentLifecycleHookTimeoutConfiguration).
HOOK_MINUTES = 1_440
PAUSE = "PAUSE"
# ECS comes to this stage before every step of the traffic, to the others once.
_BEFORE_EVERY_STEP = "PRE_PRODUCTION_TRAFFIC_SHIFT"

# Members that belong to one strategy alone; ECS refuses them beside another one.
_ONLY_WITH = {
    "canaryConfiguration": (CANARY,),
    "linearConfiguration": (LINEAR,),
    "earlySuccessCriteria": (ROLLING,),
    "bakeTimeInMinutes": (BLUE_GREEN, LINEAR, CANARY),
    "lifecycleHooks": (BLUE_GREEN, LINEAR, CANARY),
}


def strategy(configuration: Mapping[str, Any]) -> str:
    """The strategy of a deployment configuration; one without is rolling."""
    return str(configuration.get("strategy") or ROLLING)


def bake_minutes(configuration: Mapping[str, Any]) -> int:
    """Minutes that a rollout with this configuration may wait on purpose, however fast its tasks start: it bakes, and
    a PAUSE hook waits for a person, at most until its timeout."""
    kind = strategy(configuration)
    if kind == ROLLING:
        return 0
    total = float(configuration.get("bakeTimeInMinutes") or 0)
    if kind == CANARY:
        canary = configuration.get("canaryConfiguration") or {}
        total += float(canary.get("canaryBakeTimeInMinutes", CANARY_BAKE_MINUTES))
    if kind == LINEAR:
        linear = configuration.get("linearConfiguration") or {}
        total += (_steps(configuration) - 1) * float(linear.get("stepBakeTimeInMinutes", LINEAR_BAKE_MINUTES))
    return ceil(total) + pause_minutes(configuration)


def pause_minutes(configuration: Mapping[str, Any]) -> int:
    """Minutes that the PAUSE hooks of a configuration wait for a person at most, all of them together."""
    if strategy(configuration) == ROLLING:
        return 0
    total = 0.0
    for hook in configuration.get("lifecycleHooks") or ():
        if hook.get("targetType") != PAUSE:
            continue
        minutes = float((hook.get("timeoutConfiguration") or {}).get("timeoutInMinutes") or HOOK_MINUTES)
        stages = hook.get("lifecycleStages") or ()
        total += minutes * sum(_steps(configuration) if stage == _BEFORE_EVERY_STEP else 1 for stage in stages)
    return ceil(total)


def _steps(configuration: Mapping[str, Any]) -> int:
    """In how many steps the traffic moves."""
    kind = strategy(configuration)
    if kind == LINEAR:
        linear = configuration.get("linearConfiguration") or {}
        return ceil(100 / float(linear.get("stepPercent", LINEAR_STEP_PERCENT)))
    return 2 if kind == CANARY else 1


def merged(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Json:
    """The live configuration with the wanted members in it. What belongs to another strategy only is left out."""
    both = {**live, **wanted}
    kind = strategy(both)
    return {name: value for name, value in both.items() if value is not None and kind in _ONLY_WITH.get(name, (kind,))}


# What stands for a member that a service does not have.
_ABSENT = {
    "strategy": ROLLING,
    "minimumHealthyPercent": 100,
    "maximumPercent": 200,
    "alarms": {"alarmNames": [], "enable": False, "rollback": False},
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "earlySuccessCriteria": {"enable": False},
    "lifecycleHooks": [],
}


def before(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Json:
    """What to write so that a service with the wanted members is again as it is now: ECS keeps what is not named."""
    absent = {name: _ABSENT[name] for name in ("strategy", *wanted) if name in _ABSENT and name not in live}
    made = merged(absent, live)
    if strategy(made) == CANARY:
        canary = {"canaryPercent": CANARY_PERCENT, "canaryBakeTimeInMinutes": CANARY_BAKE_MINUTES}
        made["canaryConfiguration"] = canary | made.get("canaryConfiguration", {})
    if strategy(made) == LINEAR:
        linear = {"stepPercent": LINEAR_STEP_PERCENT, "stepBakeTimeInMinutes": LINEAR_BAKE_MINUTES}
        made["linearConfiguration"] = linear | made.get("linearConfiguration", {})
    return made


def hasty(configuration: Mapping[str, Any]) -> Json:
    """The configuration without waiting on purpose: for the way back, when the traffic is on what failed. ECS evaluates
    lifecycle hooks in every deployment, and one of them may be what said no, or wait for a person."""
    made = merged({}, configuration)
    if made.get("lifecycleHooks"):
        made["lifecycleHooks"] = []
    if strategy(made) != ROLLING:
        made["bakeTimeInMinutes"] = 0
    if strategy(made) == CANARY:
        made["canaryConfiguration"] = {**made.get("canaryConfiguration", {}), "canaryBakeTimeInMinutes": 0}
    if strategy(made) == LINEAR:
        made["linearConfiguration"] = {**made.get("linearConfiguration", {}), "stepBakeTimeInMinutes": 0}
    return made


def differs(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the service's configuration must change to be what is wanted. Members that are not named are free."""
    return any(not _has(live.get(name), value) for name, value in wanted.items())


def _has(live: Any, wanted: Any) -> bool:
    if live is None and wanted in ([], {}, ()):
        return True
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(_has(live.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list | tuple) and all(isinstance(each, str) for each in wanted):
        # Names: alarms, stages. Their order says nothing.
        return isinstance(live, list | tuple) and sorted(map(str, live)) == sorted(wanted)
    if isinstance(wanted, list | tuple):
        return (
            isinstance(live, list | tuple)
            and len(live) == len(wanted)
            and all(_has(one, other) for one, other in zip(live, wanted, strict=True))
        )
    return bool(live == wanted)
