"""The plan of a rule or schedule: desired and live compared, for each task definition among its targets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.ecs.task_definition import arn, has_images
from ecs_gitops.model.change import Change
from ecs_gitops.model.identity import short
from ecs_gitops.model.status import ChangeKind
from ecs_gitops.plan.decision import moved_tags

if TYPE_CHECKING:
    from ecs_gitops.desired.state import DesiredState
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class Part:
    """One task definition among the targets, with the items that have their containers in it.

    ``previous`` and ``before`` are the revision that this release replaces or replaced, and its images."""

    reference: str
    definition: Json
    tags: Mapping[str, str]
    is_ours: bool
    previous: str
    before: Mapping[str, str]
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
        """Whether this release changes, or has changed, what the item is about."""
        desired = self.desired[number]
        if any(self.before.get(name) != image for name, image in desired.images.items()):
            return True
        return not self.is_ours and bool(moved_tags(self.tags, desired, {}))

    def was_rolled_back(self, number: int) -> bool:
        return self.is_changed_by(number) and self.desired[number].was_rolled_back(self.tags)

    def is_to_be_forgotten(self, number: int) -> bool:
        """Whether an earlier rollback of the item is over and done with: the manifest went back, too."""
        return not self.is_changed_by(number) and bool(self.tags.get(self.desired[number].key))


@dataclass(frozen=True, slots=True)
class TriggerPlan:
    """``change`` is what can be stored; ``shown`` the part that stands for the item in its result, ``changed`` those
    that this release changes."""

    change: Change
    shown: Part
    changed: tuple[Part, ...]


def plan_trigger(item: Item, parts: Sequence[Part]) -> TriggerPlan:
    """What the rule or schedule needs for the item, which has its containers in ``parts``; at least one."""
    changed = tuple(part for part in parts if part.is_changed_by(item.number))
    shown = (changed or tuple(parts))[0]
    if any(part.was_rolled_back(item.number) for part in parts):
        kind = ChangeKind.HELD
    else:
        kind = ChangeKind.DEPLOY if changed else ChangeKind.NOTHING
    live = short(arn(shown.definition))
    images = shown.desired[item.number].images
    change = replace(
        item.change,
        kind=kind,
        previous=shown.previous if changed else live,
        replaced=live,
        previous_image=next((shown.before[name] for name in images if name in shown.before), None),
        fingerprint=shown.desired[item.number].fingerprint,
    )
    return TriggerPlan(change, shown, changed)
