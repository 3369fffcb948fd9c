"""Scheduled tasks: the ECS targets of a rule or schedule, and the same targets with another revision. Pure.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EcsParameters.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.ecs.start_date import written_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ecs_gitops.model.types import Json


def ecs_targets(targets: Iterable[Json]) -> list[Json]:
    """The targets that run an ECS task; a rule may have others beside them."""
    return [target for target in targets if (target.get("EcsParameters") or {}).get("TaskDefinitionArn")]


def task_definition(target: Json) -> str:
    """The task definition that an ECS target runs: an ARN with or, for the latest revision, without revision."""
    return str(target["EcsParameters"]["TaskDefinitionArn"])


def pointing_to(target: Json, revision: str) -> Json:
    """The same target, every member kept, with ``revision`` in place of its task definition."""
    return {**target, "EcsParameters": {**target["EcsParameters"], "TaskDefinitionArn": revision}}


def repointed(targets: Iterable[Json], revisions: Mapping[str, str]) -> list[Json]:
    """The targets that change when each task definition in ``revisions`` is replaced by its new revision."""
    return [
        pointing_to(target, revisions[task_definition(target)])
        for target in ecs_targets(targets)
        if task_definition(target) in revisions and revisions[task_definition(target)] != task_definition(target)
    ]


def rewritten(schedule: Json, target: Json, now: float) -> Json:
    """What is written so that the schedule stays as it is but for its target: an update resets what is left out.

    ``now`` (epoch seconds) decides which start can be written, see :mod:`ecs_gitops.ecs.start_date`."""
    kept = {name: value for name, value in schedule.items() if name not in _NOT_WRITTEN} | {"Target": target}
    start = written_start(schedule, now)
    return kept if start is None else kept | {"StartDate": start}


# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html; the start is decided apart,
# and when AWS answered is no member of a schedule.
_NOT_WRITTEN = frozenset({"Arn", "CreationDate", "LastModificationDate", "StartDate", "asOf"})
