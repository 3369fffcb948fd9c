"""What the state machine carries of a batch: where its items are in the ledger, and what comes next. Pure.

Step Functions carries at most 256 KiB from state to state. A pointer has less than four kilobytes, however many items
the batch has. The lines of progress are for people who look at the execution in the console.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecs_gitops.model import event_data, sanitize
from ecs_gitops.model.batch import PLACE, Batch, state_error
from ecs_gitops.model.errors import InvalidEvent, ReleaseTooLarge
from ecs_gitops.model.item import Item
from ecs_gitops.model.release import Release, parse_release
from ecs_gitops.model.status import Kind, Mode, Next
from ecs_gitops.model.types import Json

# Of the state machine's data. A function of another version refuses it.
SCHEMA_VERSION = 3
# What people see of a batch: lines, characters of a name and of a text, and bytes of JSON in all.
_LINES_AT_MOST, _TEXT_AT_MOST, _BYTES_AT_MOST = 12, 120, 2_600
# An execution has at most 25,000 events, and each step takes some. Older steps are searched one by one.
_STEPS_AT_MOST = 25_000
# Bytes of the pointers of all batches: Step Functions carries 256 KiB, and what fails adds some text.
_POINTERS_AT_MOST = 200_000
_STEP = event_data.Shape(
    f"a whole number from 0 to {_STEPS_AT_MOST:,}",
    lambda value: event_data.COUNT.fits(value) and value <= _STEPS_AT_MOST,
)
_SHAPES = {**PLACE, "stage": _STEP, "step": _STEP}
_NEEDED = ("kind", "account", "region", "roleArn", "mode", "stage", "step")


@dataclass(frozen=True, slots=True)
class Pointer:
    """A batch's place, and the number of its newest step in a stage of the release. ``error``: see
    :class:`ecs_gitops.model.batch.Batch`."""

    kind: Kind
    account: str
    region: str
    role_arn: str
    mode: Mode
    stage: int
    step: int
    error: str | None = None

    @classmethod
    def of(cls, batch: Batch, stage: int, step: int) -> Pointer:
        return cls(batch.kind, batch.account, batch.region, batch.role_arn, batch.mode, stage, step, batch.error)

    @property
    def name(self) -> str:
        """A text that no other batch of the release has."""
        return f"{self.kind}-{self.account}-{self.region}"

    def at(self, step: int) -> Pointer:
        """The same batch at another step."""
        return replace(self, step=step)

    @classmethod
    def from_json(cls, data: Any) -> Pointer:
        """The ``batch`` of an event, as :meth:`to_json` wrote it. Raises :class:`InvalidEvent` for anything else."""
        try:
            event_data.require(data, _SHAPES)
            require_version(data)
            kind, account, region, role, mode, stage, step = (data[member] for member in _NEEDED)
            error = state_error(data.get("error"))
            return cls(Kind(kind), account, region, role, Mode(mode), stage, step, error)
        except event_data.WRONG as error:
            raise InvalidEvent(f"not a batch: {event_data.error_text(error)}") from error

    def to_json(self, batch: Batch) -> Json:
        """The pointer, with what comes next, counts, and lines of progress while the batch is not done."""
        counts = Counter(str(item.status or item.step) for item in batch.items)
        data: Json = {
            "schemaVersion": SCHEMA_VERSION,
            "kind": self.kind,
            "account": self.account,
            "region": self.region,
            "roleArn": self.role_arn,
            "mode": self.mode,
            "stage": self.stage,
            "step": self.step,
            "next": batch.next,
            "waitSeconds": batch.wait_seconds,
            "counts": dict(sorted(counts.items())),
        }
        lines = progress_lines(batch.items) if batch.next is not Next.DONE else []
        return data | ({"progress": lines} if lines else {})


def require_fitting(batches: Sequence[Batch]) -> None:
    """Raise :class:`ReleaseTooLarge` where the state machine cannot carry a pointer to each of the batches."""
    size = sum(len(json.dumps(Pointer.of(batch, 0, 0).to_json(batch))) for batch in batches)
    if size > _POINTERS_AT_MOST:
        raise ReleaseTooLarge(
            f"the release has {len(batches):,} batches, one for each account, Region and kind of item. What the state "
            f"machine carries of them takes {size:,} bytes, and at most {_POINTERS_AT_MOST:,} fit. Nothing was changed:"
            " make several manifests of this one, with a pipeline each; short names and paths of the deploy roles help"
        )


def require_version(data: Mapping[str, Any]) -> None:
    """Raise :class:`InvalidEvent` for data of the state machine that another version of this package wrote."""
    if (version := data.get("schemaVersion")) != SCHEMA_VERSION:
        raise InvalidEvent(
            f"the data has schemaVersion {sanitize.line(str(version), 20)}, and this function reads {SCHEMA_VERSION}: "
            "the execution was started by another version of ecs-gitops. Release again"
        )


def parse_event(event: Mapping[str, Any]) -> tuple[Release, Pointer]:
    """The ``release`` and ``batch`` of the event of a deploy or validate state. Raises :class:`InvalidEvent`."""
    try:
        release, batch = event["release"], event["batch"]
    except event_data.WRONG as error:
        raise InvalidEvent(f"the event has no release and batch: {event_data.error_text(error)}") from error
    return parse_release(release), Pointer.from_json(batch)


def progress_lines(items: Sequence[Item]) -> list[str]:
    """A few lines about a batch: failed items first, then those that have taken longest."""
    failed = [item for item in items if item.status is not None and item.status.is_bad]
    going_on = [item for item in items if not item.is_final and item.progress.began is not None]
    going_on.sort(key=lambda item: item.progress.began or 0.0)
    shown = (*failed, *going_on)
    lines: list[str] = []
    room = _BYTES_AT_MOST
    for item in shown[:_LINES_AT_MOST]:
        line = _progress_line(item)
        # Characters of other scripts take up to twelve bytes each.
        room -= len(json.dumps(line)) + 2
        if room < 0:
            break
        lines.append(line)
    more = len(shown) - len(lines)
    return lines + ([f"and {more} more"] if more else [])


def _progress_line(item: Item) -> str:
    text = sanitize.line((item.reason if item.is_final else item.progress.text) or "", _TEXT_AT_MOST)
    name = sanitize.line(item.name, _TEXT_AT_MOST)
    return f"{name}: {item.status or item.step}" + (f": {text}" if text else "")
