"""What a rollback can do without: no error of that stands between a broken service and its rollback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.verdict.rollout import SHOWN_WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecs_gitops.model.item import Item


@contextmanager
def dispensable(item: Item, now: float) -> Iterator[None]:
    """Pass over refusals, and after ``SHOWN_WITHIN`` seconds of the item's wait over answers that do not come: until
    then :class:`AwsUnavailable` is raised. ``now`` is epoch seconds."""
    try:
        yield
    except AwsUnavailable:
        if now - (item.progress.since or now) < SHOWN_WITHIN:
            raise
    except (AwsRefused, ItemFailed):
        pass
