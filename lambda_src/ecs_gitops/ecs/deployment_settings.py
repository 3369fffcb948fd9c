"""ECS's deploymentConfiguration: bake times of the strategies, and what a service's settings become. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ecs_gitops.model.types import Json

ROLLING = "ROLLING"
BLUE_GREEN = "BLUE_GREEN"
LINEAR = "LINEAR"
CANARY = "CANARY"

# ECS's defaults (API reference, CanaryConfiguration and LinearConfiguration).
CANARY_PERCENT = 5.0
CANARY_BAKE_MINUTES = 10
LINEAR_STEP_PERCENT = 10.0
LINEAR_BAKE_MINUTES = 6
# The default timeout of a lifecycle hook (DeploymentLifecycleHookTimeoutConfiguration).
HOOK_MINUTES = 1_440
PAUSE = "PAUSE"
# ECS runs this stage before every step of the traffic shift, the other stages once.
_BEFORE_EVERY_STEP = "PRE_PRODUCTION_TRAFFIC_SHIFT"

# Members that ECS accepts with these strategies only.
_ONLY_WITH = {
    "canaryConfiguration": (CANARY,),
    "linearConfiguration": (LINEAR,),
    "earlySuccessCriteria": (ROLLING,),
    "bakeTimeInMinutes": (BLUE_GREEN, LINEAR, CANARY),
    "lifecycleHooks": (BLUE_GREEN, LINEAR, CANARY),
}


def strategy(configuration: Mapping[str, Any]) -> str:
    """The strategy of a deployment configuration; ROLLING if it names none."""
    return str(configuration.get("strategy") or ROLLING)


def bake_minutes(configuration: Mapping[str, Any]) -> int:
    """The minutes that a rollout with this configuration may wait, however fast its tasks start: its bake times and
    the timeouts of PAUSE hooks, which wait for a person."""
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
    """The timeouts of all PAUSE hooks of a configuration together, in minutes."""
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
    """The number of steps of the traffic shift."""
    kind = strategy(configuration)
    if kind == LINEAR:
        linear = configuration.get("linearConfiguration") or {}
        return ceil(100 / float(linear.get("stepPercent", LINEAR_STEP_PERCENT)))
    return 2 if kind == CANARY else 1


def merged(live: Mapping[str, Any], desired: Mapping[str, Any]) -> Json:
    """The live configuration with the desired members. Members that ECS refuses with its strategy are left out."""
    both = {**live, **desired}
    kind = strategy(both)
    return {name: value for name, value in both.items() if value is not None and kind in _ONLY_WITH.get(name, (kind,))}


# The values that mean the same as an absent member.
_ABSENT = {
    "strategy": ROLLING,
    "minimumHealthyPercent": 100,
    "maximumPercent": 200,
    "alarms": {"alarmNames": [], "enable": False, "rollback": False},
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "earlySuccessCriteria": {"enable": False},
    "lifecycleHooks": [],
}


def original_settings(live: Mapping[str, Any], desired: Mapping[str, Any]) -> Json:
    """The settings to write later, to undo the write of the ``desired`` members. UpdateService keeps absent members, so
    what the live service does not have is written as its default."""
    absent = {name: _ABSENT[name] for name in ("strategy", *desired) if name in _ABSENT and name not in live}
    settings = merged(absent, live)
    if strategy(settings) == CANARY:
        canary = {"canaryPercent": CANARY_PERCENT, "canaryBakeTimeInMinutes": CANARY_BAKE_MINUTES}
        settings["canaryConfiguration"] = canary | settings.get("canaryConfiguration", {})
    if strategy(settings) == LINEAR:
        linear = {"stepPercent": LINEAR_STEP_PERCENT, "stepBakeTimeInMinutes": LINEAR_BAKE_MINUTES}
        settings["linearConfiguration"] = linear | settings.get("linearConfiguration", {})
    return settings


def rollback_settings(configuration: Mapping[str, Any]) -> Json:
    """The configuration for a rollback: without bake times and lifecycle hooks, because the traffic is on what failed.
    ECS runs lifecycle hooks in every deployment. One of them may have failed the rollout, or may wait for a person."""
    settings = merged({}, configuration)
    if settings.get("lifecycleHooks"):
        settings["lifecycleHooks"] = []
    if strategy(settings) != ROLLING:
        settings["bakeTimeInMinutes"] = 0
    if strategy(settings) == CANARY:
        settings["canaryConfiguration"] = {**settings.get("canaryConfiguration", {}), "canaryBakeTimeInMinutes": 0}
    if strategy(settings) == LINEAR:
        settings["linearConfiguration"] = {**settings.get("linearConfiguration", {}), "stepBakeTimeInMinutes": 0}
    return settings


def put_back(live: Mapping[str, Any], before: Mapping[str, Any], written: Iterable[Mapping[str, Any]]) -> Json:
    """The live configuration with the members from ``before`` that a release changed, and nobody since: those that are
    as in one of ``written``, or left out as in that. What a person set since stays."""
    known = [*written]
    changed = {
        name: value
        for name, value in before.items()
        if not _has(live.get(name), value) and any(_has(live.get(name), each.get(name)) for each in known)
    }
    return merged(live, changed)


def differs(live: Mapping[str, Any], desired: Mapping[str, Any]) -> bool:
    """Whether the live configuration differs from the desired members. Members that are not desired do not count."""
    return any(not _has(live.get(name), value) for name, value in desired.items())


def _has(live: Any, desired: Any) -> bool:
    if live is None and desired in ([], {}, ()):
        return True
    if isinstance(desired, dict):
        return isinstance(live, dict) and all(_has(live.get(name), value) for name, value in desired.items())
    if isinstance(desired, list | tuple) and all(isinstance(each, str) for each in desired):
        # Names of alarms or stages, whose order has no meaning.
        return isinstance(live, list | tuple) and sorted(map(str, live)) == sorted(desired)
    if isinstance(desired, list | tuple):
        return (
            isinstance(live, list | tuple)
            and len(live) == len(desired)
            and all(_has(one, other) for one, other in zip(live, desired, strict=True))
        )
    return bool(live == desired)
