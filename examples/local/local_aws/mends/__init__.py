"""Differences between ministack 1.5.33 and AWS, mended one concern per module."""

from . import (
    codebuild,
    ecs_deployments,
    ecs_engine,
    ecs_events,
    ecs_services,
    ecs_task_definitions,
    eventbridge,
    iam_denials,
    iam_pass_role,
    iam_resources,
    lambda_runtime,
    layers,
    notices,
    s3,
    states_limits,
    states_retry,
    states_role,
    states_trace,
)

_MENDS = (
    ecs_engine,
    ecs_task_definitions,
    ecs_services,
    ecs_deployments,
    ecs_events,
    lambda_runtime,
    layers,
    states_retry,
    states_limits,
    states_trace,
    states_role,
    iam_resources,
    iam_pass_role,
    iam_denials,
    eventbridge,
    notices,
    s3,
    codebuild,
)


def apply_all() -> None:
    """Apply every mend to the ministack modules of this process, once, before it serves."""
    for mend in _MENDS:
        mend.apply()
