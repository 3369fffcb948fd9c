"""A release's outcome: every item's result, success or failure, and the notice. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_gitops.flow.transitions import fail
from ecs_gitops.model import sanitize
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.desired import DesiredService, DesiredTrigger
from ecs_gitops.model.item import Item
from ecs_gitops.model.status import ReleaseStatus, Status

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# Of the result. 2: an item that is held has a status of its own.
SCHEMA_VERSION = 2

SUCCEEDED, RELEASE_FAILED = ReleaseStatus
_GOOD = frozenset(status for status in Status if status.is_good)
_FINE = _GOOD | {Status.HELD}

# Step Functions carries 256 KiB and SNS takes 256 KiB, text and attributes together; the results get this much of it.
_RESULTS_AT_MOST = 150_000
_SHORTEST_REASON = 20
# Cause of a Fail state: 32,768 characters (API_FailState). A pipeline shows much less of it.
_CAUSE_AT_MOST = 8_000
_DETAIL = ("previousTaskDefArn", "deployedTaskDefArn", "previousImage", "deploymentId", "seconds", "checks", "warnings")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a release. ``error`` is the reason when there is no item to blame, as when InitConfig failed."""

    status: str
    items: tuple[Json, ...]
    counts: Mapping[str, int]
    error: str | None = None

    @property
    def not_deployed(self) -> tuple[Json, ...]:
        """The items that failed the release."""
        return tuple(item for item in self.items if item["status"] not in _FINE)

    def those(self, status: str) -> tuple[Json, ...]:
        """The items that ended with ``status``."""
        return tuple(item for item in self.items if item["status"] == status)

    @property
    def verdict(self) -> str:
        """The release in a word: FAILED, deployed, HELD or unchanged. Only what was deployed is called so."""
        if self.status != SUCCEEDED:
            return RELEASE_FAILED
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
        """The error as far as the state machine's data has room for it beside the notice."""
        return self.error and self.error[:_CAUSE_AT_MOST]

    @property
    def cause(self) -> str:
        """Why the release failed, for the execution's ``Cause`` and the pipeline's message."""
        lines = [self.summary] + ([self.error] if self.error and self.items else [])
        lines += [f"{item['name']}: {item['status']}: {item.get('reason', '')}" for item in self.not_deployed]
        return "\n".join(lines)[:_CAUSE_AT_MOST]


def outcome_of(batches: Sequence[Batch], error: str | None = None) -> Outcome:
    """Gather the batches' items. An item without a result, because its state failed, is FAILED: unknown is not good."""
    items = tuple(_result(item, batch) for batch in batches for item in batch.items)
    counts = Counter(item["status"] for item in items)
    ordered: dict[str, int] = {status: counts[status] for status in _ORDER if counts[status]}
    is_good = error is None and bool(items) and not any(_fails(item) for batch in batches for item in batch.items)
    return Outcome(SUCCEEDED if is_good else RELEASE_FAILED, items, ordered, error)


def _fails(item: Item) -> bool:
    """Whether a release with this item has failed: unknown is not good."""
    return item.status is None or item.status.fails_the_release


_ORDER = (Status.DEPLOYED, Status.UNCHANGED, Status.FAILED, Status.ROLLED_BACK, Status.SKIPPED, Status.HELD)


def _result(item: Item, batch: Batch) -> Json:
    """The documented result of one item; absent members are left out."""
    if item.result is None:
        known = "may have been changed" if item.is_waiting or batch.error else "was not reached"
        item = fail(item, f"unknown: the item {known}; {batch.error or 'the state machine stopped watching it'}")
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
        "previousTaskDefArn": full(change.previous),
        "deployedTaskDefArn": full(change.revision),
        "runningTaskDefArn": full(result.running) if result else None,
        "previousImage": change.previous_image,
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
    """The results, at most ``at_most`` bytes of JSON. Details of good items go first, then those of all, then long
    reasons are cut; what counts, the status of every item, goes last: bad items are kept before good ones."""
    for made in (
        list(items),
        [_without(item, *_DETAIL) if item["status"] in _GOOD else dict(item) for item in items],
        [_without(item, *_DETAIL) for item in items],
    ):
        if _size(made) <= at_most:
            return made
    room = (at_most - _size([_without(item, "reason") for item in made])) // max(1, len(made)) - len(',"reason":""')
    made = [_cut(item, room) for item in made]
    if _size(made) <= at_most:
        return made
    # More items than there is room for: those that failed, as many as fit.
    made.sort(key=lambda item: (item["status"] in _GOOD, item["status"] in (Status.SKIPPED, Status.HELD)))
    while made and _size(made) > at_most:
        made = made[: len(made) * 9 // 10]
    return made


def _cut(item: Json, room: int) -> Json:
    """The item with a reason of at most ``room`` bytes, and without one where there is hardly any room."""
    if "reason" not in item:
        return item
    if room < _SHORTEST_REASON:
        return _without(item, "reason")
    # Escapes make JSON longer than its text.
    reason = item["reason"]
    while _size(reason) - 2 > room:
        reason = reason[: len(reason) * 9 // 10]
    return item | {"reason": reason}


def _without(item: Json, *keys: str) -> Json:
    return {k: v for k, v in item.items() if k not in keys}


def _size(data: Any) -> int:
    return len(json.dumps(data, separators=(",", ":")).encode())
