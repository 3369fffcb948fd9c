"""The ledger for tests of what a handler calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.ledger import Ledger
from ecs_gitops.ledger.fence import KEY, Holder
from ecs_gitops.ledger.work import Work
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.pointer import Pointer
from ecs_gitops.model.release import Release
from ecs_gitops.release.steps import ledger_of


def held(release: Release, batch: Batch, budget: TimeBudget) -> Ledger:
    """The ledger of the test, as a run over a batch gets it; the release holds the fence."""
    bucket = LedgerBucket.of_environment()
    bucket.put(KEY, Holder(release.execution_arn, 1_000_000.0).written())
    return ledger_of(bucket, release, batch, budget)


def event(release: Release, batch: Batch, stage: int = 0) -> dict[str, Any]:
    """The event of a deploy or validate state for a batch, whose items are in the ledger."""
    work = Work(LedgerBucket.of_environment(), release)
    (pointer,) = work.begin(stage, [batch], [], {})["batches"]
    return {"release": release.to_json(), "batch": pointer}


def batch_of(release: Release, answer: Mapping[str, Any]) -> Batch:
    """The batch that a handler's answer points to."""
    return Work(LedgerBucket.of_environment(), release).load(Pointer.from_json(answer["batch"])).batch
