"""What versions without a ledger remembered, in tags of the revision that a service runs. To be removed in 0.4.

It is taken over for a service of which the ledger knows nothing yet: what was held stays held, and what failed and was
left is not taken for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.ecs.revision_tags import fingerprint, old_marks
from ecs_gitops.model.memory import NOTHING, Attempt, Memory, NotGood
from ecs_gitops.model.status import Judgement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecs_gitops.ledger.targets import Memories
    from ecs_gitops.model.item import Item

BY = "an earlier version"


def remembered(memories: Memories, item: Item, revision: str, tags: Mapping[str, str]) -> Memory:
    """The memory of the item's service, which runs ``revision`` (``family:revision``) with ``tags``."""
    known = memories.get(item.desired.identity)
    if known is not None:
        return known
    mark, has_failed = old_marks(tags, item.desired.identity)
    asked, digests = item.desired.content_hash, item.change.digests
    memory = NOTHING
    if has_failed:
        memory = Memory(not_good=(NotGood(revision=revision, why=BY),))
    if mark is not None and mark == fingerprint({"content": asked, "digests": dict(digests)}):
        failed = Attempt(execution=BY, fingerprint=asked, digests=digests, verdict=Judgement.FAILED, by=BY)
        memory = Memory(attempt=failed, not_good=memory.not_good)
    return memory
