"""One run of a function over one batch: from its step in the ledger to the next one.

A run first looks whether the next step is there, and then returns it without acting. So a retry, a double, and a run
that timed out and still goes on all end in one value.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from ecs_gitops.ledger import Ledger
from ecs_gitops.ledger.fence import Fence
from ecs_gitops.ledger.targets import Targets
from ecs_gitops.ledger.work import Work
from ecs_gitops.model.errors import AwsUnavailable, LedgerUnavailable
from ecs_gitops.notify.alert import alert_for

if TYPE_CHECKING:
    from ecs_gitops.aws.ledger_bucket import LedgerBucket
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ledger.work import Done
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.pointer import Pointer
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

log = logging.getLogger(__name__)

# What a run makes of a batch. The second argument is whether a run before it may have been interrupted.
Act: TypeAlias = "Callable[[Batch, bool], Batch]"


def run(bucket: LedgerBucket, release: Release, pointer: Pointer, act: Act, budget: TimeBudget) -> Json:
    """The function's result: ``release``, ``batch`` (the pointer to the next step) and, where one is needed, ``alert``.

    Raises :class:`LedgerUnavailable` and :class:`LedgerRefused`, and what ``act`` raises."""
    work = Work(bucket, release)
    done = work.after(pointer)
    if done is None:
        loaded = work.load(pointer)
        if loaded.is_older:
            log.warning("a step was lost", extra={"batch": pointer.name, "step": pointer.step})
        before = loaded.batch
        after = act(before, loaded.is_older)
        done = _stored(work, pointer, after, alert_for(release, before, after), budget)
    return {"release": release.to_json(), "batch": done.pointer} | ({"alert": done.alert} if done.alert else {})


def ledger_of(
    bucket: LedgerBucket, release: Release, batch: Batch | Pointer, budget: TimeBudget, *, is_redriven: bool = False
) -> Ledger:
    """The ledger, as a run over this batch needs it."""
    fence = Fence(bucket, release.execution_arn, is_redriven, budget.monotonic, budget.clock, budget.sleep)
    return Ledger(fence, Targets(bucket, batch.account, batch.region, batch.kind))


def _stored(work: Work, pointer: Pointer, batch: Batch, alert: Json | None, budget: TimeBudget) -> Done:
    """Write the next step. It is tried for as long as there is time: what was done is known better here than by a run
    that has to find it out."""

    def store() -> Done:
        try:
            return work.store(pointer, batch, alert)
        except LedgerUnavailable as error:
            raise AwsUnavailable(str(error)) from error

    # The reserve of the budget is meant for this, too.
    patient = replace(budget, until=budget.until + _EXTRA_SECONDS)
    try:
        return patient.retry(store)
    except AwsUnavailable as error:
        raise LedgerUnavailable(str(error)) from error


# Of the twenty seconds that a budget keeps in reserve.
_EXTRA_SECONDS = 12.0
