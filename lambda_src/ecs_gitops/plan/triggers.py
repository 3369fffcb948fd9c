"""The plan of a rule or schedule: desired and live compared, for each task definition among its targets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.ecs.task_definition import has_images
from ecs_gitops.model.change import Change
from ecs_gitops.model.status import ChangeKind
from ecs_gitops.plan.decision import moved_tags

if TYPE_CHECKING:
    from ecs_gitops.desired.state import DesiredState
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class TargetDefinition:
    """One task definition that targets of the trigger run, and the desired state of the items whose containers it has,
    by their numbers.

    ``previous`` is the revision that this release replaces or replaced, ``before`` are its images, and
    ``before_tags`` its tags."""

    reference: str
    definition: Json
    tags: Mapping[str, str]
    is_ours: bool
    previous: str
    before: Mapping[str, str]
    before_tags: Mapping[str, str]
    desired: Mapping[int, DesiredState]
    warnings: Mapping[int, tuple[str, ...]]

    @property
    def images(self) -> dict[str, str]:
        return {name: image for desired in self.desired.values() for name, image in desired.images.items()}

    @property
    def digests(self) -> dict[str, str]:
        return {name: digest for desired in self.desired.values() for name, digest in desired.digests.items()}

    @property
    def must_be_registered(self) -> bool:
        return any(
            not has_images(self.definition, desired.images) or (not self.is_ours and moved_tags(self.tags, desired, {}))
            for desired in self.desired.values()
        )

    def is_changed_by(self, number: int) -> bool:
        """Whether this release changes, or has changed, the item's containers."""
        desired = self.desired[number]
        if any(self.before.get(name) != image for name, image in desired.images.items()):
            return True
        return bool(moved_tags(self.before_tags, desired, {}))


@dataclass(frozen=True, slots=True)
class TriggerPlan:
    """``change`` can be stored as data. ``shown`` is the task definition in the item's result, ``changed`` are those
    that this release changes."""

    change: Change
    shown: TargetDefinition
    changed: tuple[TargetDefinition, ...]


def plan_trigger(item: Item, task_definitions: Sequence[TargetDefinition]) -> TriggerPlan:
    """The plan of a rule or schedule for the item. ``task_definitions`` are those with its containers, at least one."""
    changed = tuple(target for target in task_definitions if target.is_changed_by(item.number))
    shown = (changed or tuple(task_definitions))[0]
    images = shown.desired[item.number].images
    change = replace(
        item.change,
        kind=ChangeKind.DEPLOY if changed else ChangeKind.NOTHING,
        previous=shown.previous,
        replaced=shown.previous,
        previous_image=next((shown.before[name] for name in images if name in shown.before), None),
    )
    return TriggerPlan(change, shown, changed)
