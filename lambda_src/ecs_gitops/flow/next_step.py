"""What the state machine does next with a batch, and when. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_gitops.model.status import Mode, Next, Step
from ecs_gitops.verdict import hooks, polling

if TYPE_CHECKING:
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item


def timeout_seconds(item: Item) -> float:
    """The timeout of what the item waits for now."""
    if item.progress.step.hook is not None:
        return hooks.timeout_seconds(item)
    return float(item.timeout_minutes) * 60


def is_prepared(item: Item, batch: Batch) -> bool:
    """Whether nothing is left to do for the item before the updates of its wave begin."""
    return batch.mode is Mode.PREPARE and item.step is Step.UPDATE


def with_next_step(batch: Batch, now: float) -> Batch:
    """The batch with ``next`` and ``waitSeconds`` for the state machine: deploy pending items, wait for the others, or
    end. ``now`` is epoch seconds."""
    waiting = [item for item in batch.items if item.is_waiting]
    if any(item.is_pending and not is_prepared(item, batch) for item in batch.items):
        return replace(batch, next=Next.DEPLOY, wait_seconds=polling.SHORTEST_WAIT)
    if not waiting:
        return replace(batch, next=Next.DONE, wait_seconds=0)
    starts = [item.progress.since or now for item in waiting]
    # A hook's task that ECS could not place is tried again when it is due, and not before.
    ends = [hooks.due(item) or start + timeout_seconds(item) for start, item in zip(starts, waiting, strict=True)]
    wait = polling.wait_seconds(starts, ends, now, batch.stretch)
    if all(item.progress.awaits_action for item in waiting):
        wait = max(wait, polling.pause_seconds(starts, ends, now))
    return replace(batch, next=Next.WAIT, wait_seconds=wait)
