"""A release's outcome: every item's result, and success or failure. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_gitops.flow.transitions import fail_unknown
from ecs_gitops.model import sanitize
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.desired import DesiredService, DesiredTrigger
from ecs_gitops.model.status import ReleaseStatus, Status

if TYPE_CHECKING:
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json

# Of the result. 2: held items have a status of their own.
SCHEMA_VERSION = 2

_FINE = frozenset(status for status in Status if status.is_good) | {Status.HELD}

# Step Functions carries 256 KiB, and SNS accepts 256 KiB of text and attributes. The results get this many bytes.
_RESULTS_AT_MOST = 100_000
# Cause of a Fail state: 32,768 characters (API_FailState). A pipeline shows much less of it.
_CAUSE_AT_MOST = 8_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a release. ``error`` is the reason where it is not an item's, as when InitConfig failed."""

    status: ReleaseStatus
    items: tuple[Json, ...]
    counts: Mapping[str, int]
    error: str | None = None

    @property
    def not_deployed(self) -> tuple[Json, ...]:
        """The items that failed the release."""
        return tuple(item for item in self.items if item["status"] not in _FINE)

    def those(self, status: Status) -> tuple[Json, ...]:
        """The items with ``status``."""
        return tuple(item for item in self.items if item["status"] == status)

    @property
    def verdict(self) -> str:
        """The release in a word: FAILED, deployed, HELD or unchanged. It is "deployed" when at least one item was."""
        if self.status is not ReleaseStatus.SUCCEEDED:
            return ReleaseStatus.FAILED
        if self.counts.get(Status.DEPLOYED):
            return "deployed"
        return "HELD" if self.counts.get(Status.HELD) else "unchanged"

    @property
    def warnings(self) -> Mapping[str, Sequence[str]]:
        """Each warning with the names of the items that it is about."""
        found: dict[str, list[str]] = {}
        for item in self.items:
            for text in item.get("warnings", ()):
                found.setdefault(text, []).append(item["name"])
        return found

    @property
    def summary(self) -> str:
        """``3 deployed, 1 unchanged, 1 failed``."""
        if not self.items:
            return self.short_error or "nothing to do"
        return ", ".join(f"{count} {status.lower().replace('_', ' ')}" for status, count in self.counts.items())

    @property
    def short_error(self) -> str | None:
        """The error, cut to the room that the state machine's data has beside the notice."""
        return self.error and self.error[:_CAUSE_AT_MOST]

    @property
    def cause(self) -> str:
        """Why the release failed, for the execution's ``Cause`` and the pipeline's message."""
        lines = [self.summary] + ([self.error] if self.error and self.items else [])
        lines += [f"{item['name']}: {item['status']}: {item.get('reason', '')}" for item in self.not_deployed]
        return "\n".join(lines)[:_CAUSE_AT_MOST]


def outcome_of(batches: Sequence[Batch], error: str | None = None) -> Outcome:
    """The outcome of the batches' items. An item without a result is FAILED, see :func:`fail_unknown`."""
    items = tuple(_result(_with_result(item, batch), batch) for batch in batches for item in batch.items)
    counts = Counter(item["status"] for item in items)
    ordered: dict[str, int] = {status: counts[status] for status in _ORDER if counts[status]}
    is_good = error is None and bool(items) and not any(Status(status).fails_the_release for status in counts)
    return Outcome(ReleaseStatus.SUCCEEDED if is_good else ReleaseStatus.FAILED, items, ordered, error)


def _with_result(item: Item, batch: Batch) -> Item:
    cause = batch.error or "the state machine stopped watching it"
    return fail_unknown(item, cause, may_be_changed=item.is_waiting or batch.error is not None)


_ORDER = (Status.DEPLOYED, Status.UNCHANGED, Status.FAILED, Status.ROLLED_BACK, Status.SKIPPED, Status.HELD)


def _result(item: Item, batch: Batch) -> Json:
    """The result of one item as in docs/architecture/contracts.md; members without a value are left out."""
    desired, change, result = item.desired, item.change, item.result
    service = desired if isinstance(desired, DesiredService) else None
    trigger = desired if isinstance(desired, DesiredTrigger) else None

    def full(revision: str | None) -> str | None:
        return batch.task_definition_arn(revision) if revision else None

    data = {
        "name": item.name,
        "kind": batch.kind,
        "cluster": service.cluster if service else None,
        "eventBus": trigger.event_bus if trigger else None,
        "scheduleGroup": trigger.schedule_group if trigger else None,
        "account": batch.account,
        "region": batch.region,
        "status": item.status,
        # Where a rollback has no target, what ran before is told all the same.
        "previousTaskDefArn": full(change.previous or change.replaced),
        "deployedTaskDefArn": full(change.revision),
        "runningTaskDefArn": full(result.running) if result else None,
        "previousImage": sanitize.line(change.previous_image) if change.previous_image else None,
        "image": desired.image,
        "images": dict(desired.images) if len(desired.images) > 1 else None,
        "deploymentId": item.watched.deployment,
        "reason": sanitize.line(item.reason) if item.reason else None,
        "warnings": [sanitize.line(text) for text in change.warnings] or None,
        "checks": dict(change.checks) or None,
        "seconds": result.seconds if result else None,
    }
    return {key: value for key, value in data.items() if value is not None}


def fit(items: Sequence[Json], at_most: int = _RESULTS_AT_MOST) -> list[Json]:
    """As many results as ``at_most`` bytes of JSON hold, failed items first. The ledger's report has all of them."""
    ordered = sorted(items, key=lambda item: _RANK.get(item["status"], 0))
    made: list[Json] = []
    room = at_most - 2
    for item in ordered:
        room -= _size(item) + 1
        if room < 0:
            break
        made.append(item)
    return made if len(made) < len(items) else list(items)


# What people need first. All statuses that are not here are failures.
_RANK = {Status.HELD: 1, Status.SKIPPED: 2, Status.DEPLOYED: 3, Status.UNCHANGED: 4}


def _size(data: Any) -> int:
    return len(json.dumps(data, separators=(",", ":")).encode())
