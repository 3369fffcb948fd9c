"""The ECS targets of a rule or schedule, and how to change their task definitions. Pure.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EcsParameters.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.ecs.start_date import start_to_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ecs_gitops.model.types import Json


def task_targets(targets: Iterable[Json]) -> list[Json]:
    """The targets that run an ECS task. A rule may have other targets too."""
    return [target for target in targets if (target.get("EcsParameters") or {}).get("TaskDefinitionArn")]


def task_definition_of(target: Json) -> str:
    """The task definition of an ECS target: an ARN, which has no revision if the target runs the latest one."""
    return str(target["EcsParameters"]["TaskDefinitionArn"])


def with_revision(target: Json, revision: str) -> Json:
    """The same target with ``revision`` as its task definition, and all other members."""
    return {**target, "EcsParameters": {**target["EcsParameters"], "TaskDefinitionArn": revision}}


def changed_targets(targets: Iterable[Json], revisions: Mapping[str, str]) -> list[Json]:
    """The targets that ``revisions`` (task definition to new revision) changes, with their new revisions."""
    return [
        with_revision(target, revisions[task_definition_of(target)])
        for target in task_targets(targets)
        if task_definition_of(target) in revisions
        and revisions[task_definition_of(target)] != task_definition_of(target)
    ]


def schedule_update(schedule: Json, target: Json, now: float) -> Json:
    """The whole schedule with another target, for UpdateSchedule, which resets every member that is left out.

    ``now`` (epoch seconds) decides which start is written: :mod:`ecs_gitops.ecs.start_date`."""
    update = {name: value for name, value in schedule.items() if name not in _NOT_COPIED} | {"Target": target}
    start = start_to_write(schedule, now)
    return update if start is None else update | {"StartDate": start}


# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html. The start is
# decided apart, and asOf is ours.
_NOT_COPIED = frozenset({"Arn", "CreationDate", "LastModificationDate", "StartDate", "asOf"})
