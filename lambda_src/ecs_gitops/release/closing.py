"""The end of a release in the ledger: what is remembered, the report, and the fence.

A fault of the ledger changes no result: it is told, and the next release judges again what is not remembered.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ecs_gitops.ledger.fence import Fence
from ecs_gitops.ledger.releases import Releases
from ecs_gitops.ledger.targets import Targets
from ecs_gitops.model.errors import LedgerRefused, LedgerUnavailable
from ecs_gitops.model.status import ReleaseStatus
from ecs_gitops.release import remember

if TYPE_CHECKING:
    from ecs_gitops.aws.ledger_bucket import LedgerBucket
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

log = logging.getLogger(__name__)

_UNREADABLE = (LedgerUnavailable, LedgerRefused)


def taken_over(bucket: LedgerBucket, release: Release) -> str | None:
    """Why this release may not report what it did: another one has taken over since. None where it has not, and where
    that cannot be read."""
    try:
        holder = Fence(bucket, release.execution_arn).holder()
    except _UNREADABLE as error:
        log.warning("the fence could not be read", extra={"cause": str(error)})
        return None
    if holder is None or holder.execution_arn == release.execution_arn:
        return None
    return f"taken over by the release {holder.name}: what this release left unfinished is for that one to settle"


def close(
    bucket: LedgerBucket, release: Release, batches: Sequence[Batch], result: Json, *, was_begun: bool
) -> str | None:
    """Write the memory and the report of a release, and release the fence. ``was_begun``: its check was passed, so that
    what it left unchanged is a verdict too. Returns what could not be written."""
    failures = []
    records = Releases(bucket, release)

    def targets(batch: Batch) -> Targets:
        return Targets(bucket, batch.account, batch.region, batch.kind)

    if was_begun:
        failure = remember.at_the_end(targets, release, batches, partial(taken_over, bucket, release))
        failures += [failure] if failure is not None else []
    try:
        records.report(result)
        if result["status"] == ReleaseStatus.SUCCEEDED:
            records.is_current()
    except _UNREADABLE as error:
        failures.append(str(error))
    open_fence(bucket, release, failures)
    return "; ".join(dict.fromkeys(failures)) or None


def open_fence(bucket: LedgerBucket, release: Release, failures: list[str]) -> None:
    """Release the fence, if this release holds it. A fence that stays closed costs the next release a minute."""
    try:
        Fence(bucket, release.execution_arn).release()
    except _UNREADABLE as error:
        failures.append(str(error))
