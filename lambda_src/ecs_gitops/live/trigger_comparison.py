"""A rule or schedule and what is wanted of it, put side by side: read by the check and by the deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import DesiredState, desired_state
from ecs_gitops.ecs.revision_tags import is_ours, previous_of
from ecs_gitops.ecs.task_definition import arn, has_images, images_of, resolve
from ecs_gitops.live.revisions import described
from ecs_gitops.live.triggers import State, Trigger
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.plan.decision import moved_tags

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.model.items import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class Part:
    """One task definition among the targets, with the items that have their containers in it.

    ``previous`` and ``before`` are the revision that this release replaces or replaced, and its images."""

    reference: str
    definition: Json
    tags: dict[str, str]
    is_ours: bool
    previous: str
    before: dict[str, str]
    wanted: dict[int, DesiredState]
    warnings: dict[int, tuple[str, ...]]

    @property
    def images(self) -> dict[str, str]:
        return {name: image for wanted in self.wanted.values() for name, image in wanted.images.items()}

    @property
    def digests(self) -> dict[str, str]:
        return {name: digest for wanted in self.wanted.values() for name, digest in wanted.digests.items()}

    @property
    def must_be_registered(self) -> bool:
        return any(
            not has_images(self.definition, wanted.images) or (not self.is_ours and moved_tags(self.tags, wanted, {}))
            for wanted in self.wanted.values()
        )

    def is_changed_by(self, number: int) -> bool:
        """Whether this release changes, or has changed, what the item is about."""
        wanted = self.wanted[number]
        if any(self.before.get(name) != image for name, image in wanted.images.items()):
            return True
        return not self.is_ours and bool(moved_tags(self.tags, wanted, {}))

    def was_rolled_back(self, number: int) -> bool:
        return self.is_changed_by(number) and self.wanted[number].was_rolled_back(self.tags)

    def is_to_be_forgotten(self, number: int) -> bool:
        """Whether an earlier rollback of the item is over and done with: the manifest went back, too."""
        return not self.is_changed_by(number) and bool(self.tags.get(self.wanted[number].key))


@dataclass(frozen=True, slots=True)
class Looked:
    """A trigger's state, its parts that items want something of, and why items have no part in it. ``definitions``:
    what each of its references means now; None for one that is not there."""

    state: State
    parts: tuple[Part, ...]
    failures: dict[int, str]
    definitions: Mapping[str, Json | None]

    def of(self, item: Item) -> tuple[Part, ...]:
        """The parts that the item is about. Raises :class:`ItemFailed` when there are none."""
        if item.number in self.failures:
            raise ItemFailed(self.failures[item.number])
        return tuple(part for part in self.parts if item.number in part.wanted)


def look(aws: Aws, release: Release, trigger: Trigger, items: Sequence[Item]) -> Looked:
    """Read a trigger and its task definitions. Raises :class:`ItemFailed` when it runs no ECS task, and what the
    calls raise."""
    state = trigger.read(aws)
    parts, missing = [], {item.number: list[str]() for item in items}
    found: dict[int, bool] = {}
    definitions: dict[str, Json | None] = {}
    for reference in state.references:
        try:
            definition, tags = described(aws, reference)
        except ItemFailed as error:
            # Other targets of the rule may be what the items are about.
            definitions[reference] = None
            for item in items:
                missing[item.number].append(f"its target's task definition {error}")
            continue
        definitions[reference] = definition
        wanted, warnings = {}, {}
        for item in items:
            try:
                containers, warnings[item.number] = resolve(definition, item.images)
            except ItemFailed as error:
                missing[item.number].append(str(error))
                continue
            wanted[item.number] = desired_state(item, containers)
            found[item.number] = True
        if wanted:
            parts.append(_part(aws, release, reference, definition, tags, wanted, warnings))
    failures = {
        item.number: f"{trigger.described}: " + "; ".join(missing[item.number])
        for item in items
        if item.number not in found
    }
    return Looked(state, tuple(parts), failures, definitions)


def _part(
    aws: Aws,
    release: Release,
    reference: str,
    definition: Json,
    tags: dict[str, str],
    wanted: dict[int, DesiredState],
    warnings: dict[int, tuple[str, ...]],
) -> Part:
    live = short(arn(definition))
    ours = is_ours(tags, release)
    previous = previous_of(tags, live) if ours else live
    before = definition
    if previous != live:
        try:
            before, _ = aws.describe_task_definition(previous)
        except AwsRefused:
            # The revision was deleted: what it ran is not known.
            before = {}
    return Part(reference, definition, tags, ours, previous, images_of(before), wanted, warnings)
