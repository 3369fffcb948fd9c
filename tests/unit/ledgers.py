"""The ledger for tests of what a handler calls."""

from __future__ import annotations

from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.lambdas.batch_run import ledger_of
from ecs_gitops.ledger import Ledger
from ecs_gitops.ledger.fence import KEY, Holder
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.release import Release


def held(release: Release, batch: Batch, budget: TimeBudget) -> Ledger:
    """The ledger of the test, as a run over a batch gets it; the release holds the fence."""
    LedgerBucket.of_environment().put(KEY, Holder(release.execution_arn, 1_000_000.0).written())
    return ledger_of(release, batch, budget)
