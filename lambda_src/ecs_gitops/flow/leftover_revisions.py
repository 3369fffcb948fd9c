"""Items of a failed release that may have left a revision behind that nothing runs. Pure.

A revision that was rolled back stays the newest ACTIVE one of its family, and whoever uses the family without a
revision runs it. Where the deployer may deregister revisions, a last stage (mode CLEAN) does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_gitops.model.identity import family
from ecs_gitops.model.status import Mode, Next, Status

if TYPE_CHECKING:
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item

# A batch that would need more is not cleaned.
_KEPT_AT_MOST = 100


def has_left(item: Item) -> bool:
    """Whether a failed revision of this item may be left. Revisions that were deployed and not rolled back do not
    count: the service may run them, and it is not known that they are bad."""
    return item.status is Status.ROLLED_BACK or (item.status is Status.FAILED and item.watched.deployment is None)


def needed(items: Iterable[Item]) -> set[str]:
    """The revisions (``family:revision``) that items run, or can be rolled back to."""
    found = set()
    for item in items:
        found |= {item.change.previous, item.result.running if item.result else None}
        if not has_left(item):
            found.add(item.change.revision)
    return {each for each in found if each is not None}


def batches(of_release: Sequence[Batch]) -> tuple[Batch, ...]:
    """The batches of the stage CLEAN, each with the revisions that other batches of its account and Region need; empty
    where there is nothing to do."""
    found = []
    for batch in of_release:
        left = [item for item in batch.items if has_left(item)]
        others = [each for each in of_release if each.place[1:] == batch.place[1:] and each.place != batch.place]
        keep = needed(item for other in others for item in other.items)
        families = [_family(item) for item in left]
        if all(families):
            keep = {each for each in keep if family(each) in families}
        if left and len(keep) <= _KEPT_AT_MOST:
            found.append(replace(batch, mode=Mode.CLEAN, next=Next.DEPLOY, keep=tuple(sorted(keep))))
    return tuple(found)


def _family(item: Item) -> str | None:
    known = item.change.revision or item.change.previous or (item.result.running if item.result else None)
    return family(known) if known else None
