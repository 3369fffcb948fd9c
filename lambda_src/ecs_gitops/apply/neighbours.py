"""Unchanged items of a rule or schedule of which another item is deployed or rolled back. Their containers stay as they
are, in a task definition that is replaced."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import suppress
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import desired_state
from ecs_gitops.ecs.revision_tags import has_room
from ecs_gitops.ecs.task_definition import arn, has_images, resolve
from ecs_gitops.live.revisions import described
from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.identity import family, short

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.desired.state import DesiredState
    from ecs_gitops.live.triggers import Trigger
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json
    from ecs_gitops.plan.triggers import TargetDefinition

log = logging.getLogger(__name__)

_CHANGED = "changed by someone else since the check: it does not run what Git asks for"


def known_digests(target: TargetDefinition, neighbours: Iterable[Item]) -> Images:
    """The digests for the tag of a new revision: those of the items that change it, and as far as there is room for
    all, those of its other containers, so that a later release sees that their tags were moved."""
    found: dict[str, str] = {}
    for desired in _desired(target.definition, neighbours):
        if has_images(target.definition, desired.images):
            found |= desired.digests
    digests = {**found, **target.digests}
    return digests if has_room(digests) else target.digests


def as_they_run(
    aws: Aws, trigger: Trigger, items: Sequence[Item], replaced: Set[str], budget: TimeBudget
) -> list[Item]:
    """The items, with the revision that they run now in place of the one that they ran before; without one, where AWS
    does not say, or where some targets run one and some another. ``replaced`` are revisions that this run replaced: an
    answer that has them is old."""
    unknown = [item.with_change(revision=None) for item in items]
    if budget.is_over:
        return unknown
    try:
        definitions = list(_definitions(aws, trigger))
        return [_as_it_runs(item, definitions, replaced) for item in items]
    except Exception as error:  # noqa: BLE001 - it costs a revision in the report, and no result
        log.warning("what runs is not known", extra={"cause": type(error).__name__})
        return unknown


def _definitions(aws: Aws, trigger: Trigger) -> Iterator[Json]:
    for reference in trigger.read(aws).references:
        # One that was deleted has no containers of anybody.
        with suppress(ItemFailed):
            yield described(aws, reference)[0]


def _as_it_runs(item: Item, definitions: Sequence[Json], replaced: Set[str]) -> Item:
    mine = [(each, desired) for each in definitions for desired in _desired(each, [item])]
    if not all(has_images(definition, desired.images) for definition, desired in mine):
        warnings = tuple(dict.fromkeys((*item.change.warnings, _CHANGED)))
        return item.with_change(revision=None, warnings=warnings)
    shown = {short(arn(definition)) for definition, _ in mine}
    shown = {each for each in shown if family(each) == family(item.change.previous or "")}
    is_known = len(shown) == 1 and not shown & replaced
    return item.with_change(revision=shown.pop() if is_known else None)


def _desired(definition: Json, items: Iterable[Item]) -> Iterator[DesiredState]:
    """The desired state of each item that has its containers in ``definition``."""
    for item in items:
        with suppress(ItemFailed):
            yield desired_state(item, resolve(definition, item.desired.images)[0])
