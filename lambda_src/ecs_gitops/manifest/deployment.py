"""The field `deployment`: AWS's DeploymentConfiguration, and the rules between its members. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ecs_gitops.ecs.deployment_settings import BLUE_GREEN, CANARY, LINEAR, ROLLING
from ecs_gitops.manifest.field_types import (
    INVALID,
    Boolean,
    Choice,
    Field,
    Finding,
    Integer,
    ListOf,
    Number,
    Object,
    Rule,
    Values,
    has_values,
)
from ecs_gitops.manifest.text_types import ALARM, FUNCTION_ARN, ROLE_ARN

_DAY = Integer(0, 1440)
# AWS documents no limit. More is probably a typing error.
_PERCENT = Integer(0, 1000)
_ENABLE = Field("enable", Boolean(), "Whether it is enabled.", True, required=True)
_ROLLBACK = Field(
    "rollback",
    Boolean(),
    "Whether ECS rolls back to the last deployment that completed.",
    True,
    required=True,
)

LAMBDA = "AWS_LAMBDA"
PAUSE = "PAUSE"
STAGES = (
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
)
# Not for PAUSE hooks: API reference, DeploymentLifecycleHook.
_SHIFTING = ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")


def _hook_target_fits(values: Values) -> Iterable[Finding]:
    kind = values.get("targetType", LAMBDA)
    if kind == LAMBDA:
        for name in ("hookTargetArn", "roleArn"):
            if name not in values:
                yield Finding("", f"{name} is missing", "hookTargetArn and roleArn, or targetType: PAUSE")
    if kind != PAUSE:
        return
    if "hookTargetArn" in values:
        yield Finding("hookTargetArn", "a pause calls no function", "no hookTargetArn, or targetType: AWS_LAMBDA")
    stages = values.get("lifecycleStages")
    for index, stage in enumerate(stages if isinstance(stages, tuple) else ()):
        if stage in _SHIFTING:
            where = f"lifecycleStages[{index}]"
            yield Finding(where, f"ECS cannot pause at {stage}", " or ".join(s for s in STAGES if s not in _SHIFTING))


LIFECYCLE_HOOK = Object(
    (
        Field("targetType", Choice((LAMBDA, PAUSE)), "What the hook does; AWS_LAMBDA when absent.", PAUSE),
        Field(
            "hookTargetArn",
            FUNCTION_ARN,
            "Function that decides whether the deployment continues.",
            "arn:aws:lambda:us-west-2:111111111111:function:smoke-test",
        ),
        Field(
            "roleArn", ROLE_ARN, "Role with which ECS calls the function.", "arn:aws:iam::111111111111:role/ecs-hooks"
        ),
        Field(
            "lifecycleStages",
            ListOf(Choice(STAGES), min_items=1, unique_by=""),
            "When the hook runs.",
            ["POST_TEST_TRAFFIC_SHIFT"],
            required=True,
        ),
        Field(
            "timeoutConfiguration",
            Object(
                (
                    Field("timeoutInMinutes", Integer(1, 20160), "Minutes to wait; 1440 when absent.", 60),
                    Field("action", Choice(("ROLLBACK", "CONTINUE")), "What then; ROLLBACK when absent.", "ROLLBACK"),
                )
            ),
            "How long ECS waits for the hook.",
        ),
    ),
    rules=(
        Rule(
            _hook_target_fits,
            {
                "if": {**has_values("targetType"), "properties": {"targetType": {"const": PAUSE}}},
                "then": {"not": has_values("hookTargetArn")},
                "else": has_values("hookTargetArn", "roleArn"),
            },
        ),
    ),
)


def _criteria_are_complete(values: Values) -> Iterable[Finding]:
    for name in ("healthyPercent", "sourceServiceRevisionCleanup"):
        if values.get("enable") is True and name not in values:
            yield Finding("", f"{name} is missing: ECS needs it where enable is true", f"{name}, or enable: false")


EARLY_SUCCESS = Object(
    (
        _ENABLE,
        Field("healthyPercent", Integer(0, 100), "Percentage of healthy new tasks that is enough.", 80),
        Field(
            "sourceServiceRevisionCleanup",
            Choice(("BLOCKING", "DEFERRED")),
            "Whether the old tasks are stopped before the deployment completes, or after.",
            "DEFERRED",
        ),
    ),
    rules=(
        Rule(
            _criteria_are_complete,
            {
                "if": {"required": ["enable"], "properties": {"enable": {"const": True}}},
                "then": has_values("healthyPercent", "sourceServiceRevisionCleanup"),
            },
        ),
    ),
)

CIRCUIT_BREAKER = Object(
    (
        _ENABLE,
        _ROLLBACK,
        Field("resetOnHealthyTask", Boolean(), "Whether a healthy task resets the count of failures to 0.", False),
        Field(
            "thresholdConfiguration",
            Object(
                (
                    Field(
                        "type",
                        Choice(("COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT")),
                        "The unit of the value.",
                        "COUNT",
                        required=True,
                    ),
                    # AWS documents no limit.
                    Field("value", Integer(1, 100_000), "Failed tasks, or percentage of the desired count.", 3, True),
                )
            ),
            "How many failed tasks are too many.",
        ),
    )
)

ALARMS = Object(
    (
        Field(
            "alarmNames",
            ListOf(ALARM, min_items=1, unique_by=""),
            "CloudWatch alarms that fail the deployment.",
            ["web-5xx"],
            required=True,
        ),
        _ENABLE,
        _ROLLBACK,
    )
)

_CANARY = Object(
    (
        Field("canaryPercent", Number(0.1, 100.0, 0.1), "Percentage of the traffic that is shifted first.", 10.0),
        Field("canaryBakeTimeInMinutes", _DAY, "Minutes until the rest follows; 10 when absent.", 15),
    )
)
_LINEAR = Object(
    (
        Field("stepPercent", Number(3.0, 100.0, 0.1), "Percentage of the traffic in each step.", 25.0),
        Field("stepBakeTimeInMinutes", _DAY, "Minutes between two steps; 6 when absent.", 5),
    )
)


def _only_with(name: str, strategy: str) -> Rule:
    """ECS refuses ``name`` with any other strategy, and without one."""

    def check(values: Values) -> Iterable[Finding]:
        given = values.get("strategy")
        if name in values and given not in (strategy, INVALID):
            actual = f"the strategy is {given}" if given else "there is no strategy"
            yield Finding(name, f"{name} belongs to {strategy}, and {actual}", f"strategy: {strategy}, or no {name}")

    then = {"required": ["strategy"], "properties": {"strategy": {"const": strategy}}}
    return Rule(check, {"if": has_values(name), "then": then})


def _never_with(name: str, refused: tuple[str, ...], why: str) -> Rule:
    """ECS refuses ``name`` with the strategies ``refused``. Without one the live service's applies, unknown here."""
    rest = [kind for kind in _STRATEGIES if kind not in refused]

    def check(values: Values) -> Iterable[Finding]:
        given = values.get("strategy")
        if name in values and given in refused:
            yield Finding(name, f"the strategy is {given}, and {why}", f"strategy: {' or '.join(rest)}, or no {name}")

    return Rule(check, {"if": has_values(name), "then": {"properties": {"strategy": {"enum": [*rest, None]}}}})


_STRATEGIES = (ROLLING, BLUE_GREEN, LINEAR, CANARY)
_NOT_ROLLING = (BLUE_GREEN, LINEAR, CANARY)


def _blue_green_has_bake_time(values: Values) -> Iterable[Finding]:
    if values.get("strategy") == BLUE_GREEN and "bakeTimeInMinutes" not in values:
        yield Finding("", "bakeTimeInMinutes is missing: ECS needs it with BLUE_GREEN", "0 to 1440 minutes")


def _can_replace_tasks(values: Values) -> Iterable[Finding]:
    minimum, maximum = values.get("minimumHealthyPercent"), values.get("maximumPercent")
    early = values.get("earlySuccessCriteria")
    enough = early.get("healthyPercent") if isinstance(early, Mapping) else None
    if isinstance(minimum, int) and isinstance(enough, int) and enough < minimum:
        where = "earlySuccessCriteria.healthyPercent"
        yield Finding(where, f"it is less than minimumHealthyPercent, {minimum}", f"{minimum} to 100")
    if not isinstance(minimum, int) or not isinstance(maximum, int):
        return
    if minimum > maximum:
        message = f"it is more than maximumPercent, {maximum}"
        yield Finding("minimumHealthyPercent", message, "a minimumHealthyPercent that is at most maximumPercent")
    elif minimum >= 100 and maximum <= 100 and values.get("strategy", ROLLING) == ROLLING:
        message = "with maximumPercent 100 no task may stop and none may start: the rollout would never end"
        yield Finding("minimumHealthyPercent", message, "a minimumHealthyPercent below 100, or a maximumPercent above")


CONFIGURATION = Object(
    (
        Field("strategy", Choice(_STRATEGIES), "How traffic shifts to the new tasks.", CANARY),
        Field("bakeTimeInMinutes", _DAY, "Minutes that old and new tasks both run after the traffic has shifted.", 10),
        Field("canaryConfiguration", _CANARY, "Part of the traffic first, then the rest."),
        Field("linearConfiguration", _LINEAR, "Traffic in equal steps."),
        Field("alarms", ALARMS, "CloudWatch alarms that fail the deployment."),
        Field("deploymentCircuitBreaker", CIRCUIT_BREAKER, "Fails a deployment whose tasks do not start."),
        Field(
            "minimumHealthyPercent",
            _PERCENT,
            "Percentage of the desired count that stays healthy meanwhile.",
            100,
        ),
        Field("maximumPercent", _PERCENT, "Percentage of the desired count that may run meanwhile.", 200),
        Field("lifecycleHooks", ListOf(LIFECYCLE_HOOK), "Functions and pauses between the stages."),
        Field("earlySuccessCriteria", EARLY_SUCCESS, "When a rolling deployment counts as successful before its end."),
    ),
    rules=(
        _only_with("canaryConfiguration", CANARY),
        _only_with("linearConfiguration", LINEAR),
        _never_with("earlySuccessCriteria", _NOT_ROLLING, "early success is for ROLLING only"),
        _never_with("bakeTimeInMinutes", (ROLLING,), "a rolling deployment does not bake"),
        _never_with("lifecycleHooks", (ROLLING,), "a rolling deployment has no stages"),
        Rule(
            _blue_green_has_bake_time,
            {
                "if": {"required": ["strategy"], "properties": {"strategy": {"const": BLUE_GREEN}}},
                "then": has_values("bakeTimeInMinutes"),
            },
        ),
        Rule(_can_replace_tasks),
    ),
    accepted="a mapping of AWS's DeploymentConfiguration",
)
