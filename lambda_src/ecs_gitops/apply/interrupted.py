"""What a run that died may have changed of a service, and what a rollback of that goes to, by ECS and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.ecs.revision_tags import is_ours
from ecs_gitops.live.revisions import described
from ecs_gitops.model.errors import AwsUnavailable, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.status import ChangeKind
from ecs_gitops.verdict.rollout import SHOWN_WITHIN

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.memory import Memory
    from ecs_gitops.model.release import Release


def may_have_begun(memory: Memory | None, release: Release) -> bool:
    """Whether a run of this release may have changed the service: it writes down its intent before. ``memory`` is None
    where it cannot be read."""
    attempt = memory.attempt if memory is not None else None
    return memory is None or (attempt is not None and attempt.execution == release.mark)


def with_change(aws: Aws, release: Release, item: Item, service: Service, memory: Memory | None, now: float) -> Item:
    """The item, with the revision that this release deployed, and with what a rollback restores; without a revision
    where nothing that it deployed runs.

    Raises :class:`ItemFailed` where no earlier revision is known; :class:`AwsUnavailable` while ECS may not show yet
    what was deployed; and what the calls raise."""
    runs, attempt = short(service.runs), memory.attempt if memory is not None else None
    if not may_have_begun(memory, release):
        return item
    earlier = attempt.rollback_to if attempt is not None else None
    if earlier is not None:
        # It was planned again, and written down, after the check.
        item = item.with_change(
            previous=earlier.revision, previous_digests=earlier.digests, previous_settings=earlier.settings
        )
    is_of_settings = item.change.kind is ChangeKind.CONFIGURE if attempt is None else attempt.is_of_settings_alone
    if is_of_settings:
        return item.with_change(revision=item.change.previous)
    _, tags = described(aws, service.runs)
    if not is_ours(tags, release):
        if now - (item.progress.since or now) < SHOWN_WITHIN:
            raise AwsUnavailable("ECS does not show yet whether this release changed the service")
        return item
    if item.change.previous is None:
        raise ItemFailed(f"no earlier revision is known, so {runs} is left as it is")
    return item.with_change(revision=runs)
