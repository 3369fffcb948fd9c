"""What the two deploy handlers share: an event in, the account's role assumed, a batch out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ecs_gitops.aws import Aws, connect
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import LambdaContext, TimeBudget
from ecs_gitops.flow.transitions import after_failure, fail
from ecs_gitops.model import event_data
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, InvalidEvent
from ecs_gitops.model.item import Item
from ecs_gitops.model.pointer import parse_event
from ecs_gitops.model.status import Finding, Kind, Mode, Next
from ecs_gitops.release import remember, steps
from ecs_gitops.verdict.refusals import explain

if TYPE_CHECKING:
    from ecs_gitops.ledger import Ledger
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


class BatchRun(Protocol):
    def run(self) -> Batch: ...


class MakesRun(Protocol):
    def __call__(
        self, aws: Aws, release: Release, batch: Batch, budget: TimeBudget, ledger: Ledger, is_retry: bool
    ) -> BatchRun: ...  # fmt: skip


def run(kind: Kind, modes: Mapping[Mode, MakesRun], event: Json, context: LambdaContext) -> Json:
    """Run what the batch's mode asks for over it. A role that cannot be assumed fails each item, with the reason.

    Raises :class:`InvalidEvent`, also for a batch of another ``kind``; :class:`AwsUnavailable` when STS cannot be
    reached for as long as the invocation lasts; :class:`FenceLost`, :class:`LedgerUnavailable` and
    :class:`LedgerRefused`.
    """
    release, pointer = parse_event(event)
    if pointer.kind != kind:
        raise InvalidEvent(f"not a batch for this function: its kind is {pointer.kind}; accepted: {kind}")
    budget, bucket = TimeBudget.of(context), LedgerBucket.of_environment()
    is_retry = any(_count(event, member) > 0 for member in ("attempt", "redrive"))
    ledger = steps.ledger_of(bucket, release, pointer, budget, is_redriven=_count(event, "redrive") > 0)

    def act(batch: Batch, is_older: bool) -> Batch:
        try:
            aws = budget.retry(lambda: connect(batch.target(release, is_read_only=batch.mode is Mode.CHECK)))
        except AwsRefused as error:
            return replace(_refused(batch, explain(error, batch), budget.clock()), next=Next.DONE)
        is_again = is_retry or is_older or _was_interrupted(batch)
        done = modes[batch.mode](aws, release, batch, budget, ledger, is_again).run()
        if batch.mode in (Mode.DEPLOY, Mode.PREPARE):
            done = remember.after_slice(aws, ledger, release, batch, done, budget)
        return done

    return steps.run(bucket, release, pointer, act, budget)


def _count(event: Json, member: str) -> int:
    value = event.get(member) or 0
    if not event_data.COUNT.fits(value):
        raise InvalidEvent(f"the event's {member} is no count; accepted: {event_data.COUNT.accepted}")
    return int(value)


def _refused(batch: Batch, why: str, now: float) -> Batch:
    """The batch after its role could not be assumed. Items that were to be rolled back stay as they are."""
    is_check = batch.mode is Mode.CHECK

    def refused(item: Item) -> Item:
        if item.is_final:
            return item
        if is_check:
            # No other check was made.
            item = item.with_change(checks={"role": Finding.FAILED})
        return after_failure(item, why, now) if item.progress.step.is_rollback else fail(item, why)

    return batch.with_items(map(refused, batch.items))


def _was_interrupted(batch: Batch) -> bool:
    """Whether a run before this one ran out of time: a pending item has a start time then."""
    return any(item.is_pending and item.progress.since for item in batch.items)
