"""``releases/YYYY/MM/START-HASH/``: what each release was asked for, and what came of it; and ``current.json``.

The key has the time of the start, as the name of an execution may come again after 90 days. ``release.json`` is written
when the release begins, ``plan.json`` when all items are checked, and ``report.json`` when it ends, with the result of
every item, whole.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecs_gitops.model.change import CHANGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecs_gitops.aws.ledger_bucket import LedgerBucket
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

SCHEMA_VERSION = 1


def release_hash(release: Release) -> str:
    """A short text that no other execution has."""
    return hashlib.sha256(release.execution_arn.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Releases:
    """The records of one release. Every method raises as :class:`LedgerBucket` does."""

    bucket: LedgerBucket
    release: Release

    @property
    def prefix(self) -> str:
        start = datetime.fromtimestamp(self.release.started_at, UTC)
        return f"releases/{start:%Y/%m}/{start:%Y%m%dT%H%M%SZ}-{release_hash(self.release)}"

    @property
    def report_address(self) -> str:
        return self.bucket.address(f"{self.prefix}/report.json")

    def begin(self, deployment: Json) -> None:
        """Record what the release was asked for. A repeated run changes nothing."""
        self._create("release.json", {"release": self.release.to_json(), "deployment": deployment})

    def plan(self, batches: Iterable[Batch]) -> None:
        """Record what the check found, and what the release is about to do: the change of every item."""
        items = [
            {
                "name": item.name,
                "target": item.desired.identity,
                "account": batch.account,
                "region": batch.region,
                **({"status": item.status} if item.status is not None else {}),
                **({"reason": item.reason} if item.reason else {}),
                "change": CHANGE.write(item.change),
            }
            for batch in batches
            for item in batch.items
        ]
        self._create("plan.json", {"release": self.release.to_json(), "items": items})

    def report(self, result: Json) -> None:
        """Record what came of it, once."""
        self._create("report.json", result)

    def is_current(self) -> None:
        """Record that this is the newest release that succeeded."""
        data = {"schemaVersion": SCHEMA_VERSION, "release": self.release.to_json(), "records": f"{self.prefix}/"}
        self.bucket.put("current.json", _written(data))

    def _create(self, name: str, data: Json) -> None:
        self.bucket.create(f"{self.prefix}/{name}", _written({"schemaVersion": SCHEMA_VERSION, **data}))


def _written(data: Json) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()
