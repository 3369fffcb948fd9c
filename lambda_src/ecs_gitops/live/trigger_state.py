"""The live state of a rule or schedule beside the desired state, read by the check and by the deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import DesiredState, desired_state
from ecs_gitops.ecs.revision_tags import is_ours, previous_of
from ecs_gitops.ecs.task_definition import arn, images_of, resolve
from ecs_gitops.live.revisions import described
from ecs_gitops.live.triggers import State, Trigger
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.plan.triggers import TargetDefinition

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class LiveTrigger:
    """A trigger's state. ``task_definitions`` are those with containers of the items; ``failures`` says, by the item's
    number, why an item has its containers in none. ``definitions`` maps each reference of a target to its task
    definition, None for one that does not exist."""

    state: State
    task_definitions: tuple[TargetDefinition, ...]
    failures: dict[int, str]
    definitions: Mapping[str, Json | None]

    def of(self, item: Item) -> tuple[TargetDefinition, ...]:
        """The task definitions with the item's containers. Raises :class:`ItemFailed` when there are none."""
        if item.number in self.failures:
            raise ItemFailed(self.failures[item.number])
        return tuple(target for target in self.task_definitions if item.number in target.desired)


def read_trigger_state(aws: Aws, release: Release, trigger: Trigger, items: Sequence[Item]) -> LiveTrigger:
    """Read a trigger and its task definitions. Raises :class:`ItemFailed` when it runs no ECS task, and what the
    calls raise."""
    state = trigger.read(aws)
    task_definitions, missing = [], {item.number: list[str]() for item in items}
    found: dict[int, bool] = {}
    definitions: dict[str, Json | None] = {}
    for reference in state.references:
        try:
            definition, tags = described(aws, reference)
        except ItemFailed as error:
            # The items may be about other targets of the rule.
            definitions[reference] = None
            for item in items:
                missing[item.number].append(f"its target's task definition {error}")
            continue
        definitions[reference] = definition
        desired, warnings = {}, {}
        for item in items:
            try:
                containers, warnings[item.number] = resolve(definition, item.desired.images)
            except ItemFailed as error:
                missing[item.number].append(str(error))
                continue
            desired[item.number] = desired_state(item, containers)
            found[item.number] = True
        if desired:
            task_definitions.append(_part(aws, release, reference, definition, tags, desired, warnings))
    failures = {
        item.number: f"{trigger.described}: " + "; ".join(missing[item.number])
        for item in items
        if item.number not in found
    }
    return LiveTrigger(state, tuple(task_definitions), failures, definitions)


def _part(
    aws: Aws,
    release: Release,
    reference: str,
    definition: Json,
    tags: dict[str, str],
    desired: dict[int, DesiredState],
    warnings: dict[int, tuple[str, ...]],
) -> TargetDefinition:
    live = short(arn(definition))
    ours = is_ours(tags, release)
    replaced = _Replaced(live, definition, tags)
    if ours:
        replaced = _replaced(aws, release, previous_of(tags, live))
    return TargetDefinition(
        reference,
        definition,
        tags,
        ours,
        replaced.revision,
        images_of(replaced.definition),
        replaced.tags,
        desired,
        warnings,
    )


@dataclass(frozen=True, slots=True)
class _Replaced:
    """What this release replaces, or has replaced: no definition and no tags where it was deleted."""

    revision: str
    definition: Json
    tags: Mapping[str, str]


def _replaced(aws: Aws, release: Release, previous: str) -> _Replaced:
    """What this release has replaced by a revision of its own. ``previous`` is that revision's predecessor."""
    try:
        before, tags = aws.describe_task_definition(previous)
        if is_ours(tags, release):
            # An interrupted run has rolled it back to a copy, which took the place of the release's own revision.
            previous = previous_of(tags, previous)
            before, tags = aws.describe_task_definition(previous)
    except AwsRefused:
        return _Replaced(previous, {}, {})
    return _Replaced(previous, before, tags)
