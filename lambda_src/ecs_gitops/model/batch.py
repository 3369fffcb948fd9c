"""The data that travels through the state machine: batches of items.

Step Functions carries at most 256 KiB from state to state. So a value that many items have is written once, in the
batch's ``shared``, and the items of a large release are packed: then they can no longer be read in the console, but a
thousand of them fit.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ecs_gitops.model import event_data, sanitize
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.identity import Target, short
from ecs_gitops.model.item import Item
from ecs_gitops.model.release import Release, parse_release
from ecs_gitops.model.shared_values import SharedReader, SharedWriter
from ecs_gitops.model.status import Kind, Mode, Next
from ecs_gitops.model.types import Json

_ERROR_AT_MOST = 4_000
# What all reasons of a release may take of the 256 KiB together, in characters, and what each gets at least.
REASONS_AT_MOST = 50_000
_REASON_AT_LEAST = 60
# With more items than this, the progress of each is in the log only.
_PROGRESS_OF_AT_MOST = 50
# Items with more JSON than this many times the batch's share of the reasons are packed.
_PACKED_FROM = 1.5
# What people see of packed items: lines, characters in a line, and the part of the reasons' room that they get.
_LINES_AT_MOST, _LINE_AT_MOST, _LINES_SHARE = 12, 120, 8
# Characters of JSON when unpacked: many times more than a release that fits a state can have.
UNPACKED_AT_MOST = 8_000_000

_SHAPES = {
    "kind": event_data.one_of(*Kind),
    "account": event_data.like("[0-9]+", "an account's number"),
    "region": event_data.like("[a-z0-9-]+", "the name of a Region"),
    "roleArn": event_data.like("arn:[^:]+:[^:]*:[^:]*:[^:]*:.+", "the ARN of a role"),
    "mode": event_data.one_of(*Mode),
    "keep": event_data.TEXTS,
    "reasonBudget": event_data.COUNT,
    "stretch": event_data.Shape(
        "a number from 1 to 10", lambda value: event_data.NUMBER.fits(value) and 1 <= value <= 10
    ),
    "packed": event_data.TEXT,
    "items": event_data.LIST,
    "shared": event_data.LIST,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of one kind, account and Region: one role is assumed for them, and one set of AWS's limits holds for them.

    ``stretch`` is the factor by which the waits between two polls are longer than usual, see
    :mod:`ecs_gitops.flow.event_budget`. ``error`` is set by the state machine when a state that worked on the batch
    failed: Step Functions' ``Error`` and ``Cause``. ``keep``: in mode CLEAN, the revisions that items in other batches
    of the same account and Region need."""

    kind: Kind
    account: str
    region: str
    role_arn: str
    items: tuple[Item, ...]
    mode: Mode = Mode.DEPLOY
    next: Next = Next.DEPLOY
    wait_seconds: int = 0
    reason_budget: int = REASONS_AT_MOST
    error: str | None = None
    keep: tuple[str, ...] = ()
    stretch: float = 1.0

    @property
    def batches_in_release(self) -> int:
        """How many batches the release has: they share the room for reasons."""
        return max(1, REASONS_AT_MOST // max(1, self.reason_budget))

    @property
    def place(self) -> tuple[Kind, str, str]:
        """The key of a batch within the release: kind, account and Region."""
        return self.kind, self.account, self.region

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Batch:
        try:
            data = event_data.require(data, _SHAPES)
            if "packed" in data:
                data = {**data, **_unpacked(data["packed"])}
            shared = SharedReader(data.get("shared", ()))
            kind = Kind(data["kind"])
            items = tuple(Item.from_json(kind, item, shared, f"items[{i}]") for i, item in enumerate(data["items"]))
            if len({item.number for item in items}) < len(items):
                raise ValueError("two items have the same number")
            return cls(
                kind=kind,
                account=data["account"],
                region=data["region"],
                role_arn=data["roleArn"],
                items=items,
                mode=Mode(data.get("mode", Mode.DEPLOY)),
                reason_budget=data.get("reasonBudget", REASONS_AT_MOST),
                error=state_error(data.get("error")),
                keep=tuple(data.get("keep", ())),
                stretch=data.get("stretch", 1.0),
            )
        except (*event_data.WRONG, zlib.error) as error:
            raise InvalidEvent(f"not a batch: {event_data.error_text(error)}") from error

    def to_json(self) -> Json:
        reasons = sum(1 for item in self.items if item.reason)
        room = max(_REASON_AT_LEAST, self.reason_budget // max(1, reasons))
        is_short = len(self.items) <= _PROGRESS_OF_AT_MOST
        items = [_fit(item, room, has_progress=is_short) for item in self.items]
        share = SharedWriter()
        data: Json = {
            "kind": self.kind,
            "account": self.account,
            "region": self.region,
            "roleArn": self.role_arn,
            "mode": self.mode,
            "next": self.next,
            "waitSeconds": self.wait_seconds,
            "reasonBudget": self.reason_budget,
        }
        if self.keep:
            data["keep"] = list(self.keep)
        if self.stretch != 1:
            data["stretch"] = self.stretch
        content: Json = {"items": [item.to_json(share) for item in items]}
        if share.values:
            content["shared"] = share.values
        text = json.dumps(content, separators=(",", ":"))
        if len(text) <= _PACKED_FROM * self.reason_budget:
            return data | content
        packed = base64.b85encode(zlib.compress(text.encode(), 9)).decode()
        counts = Counter(str(item.status or item.step) for item in self.items)
        lines = progress_lines(self.items, self.reason_budget // _LINES_SHARE)
        return data | {"counts": dict(counts), "progress": lines, "packed": packed}

    def with_items(self, items: Iterable[Item]) -> Batch:
        return replace(self, items=tuple(items))

    def updated(self, done: Iterable[Item]) -> Batch:
        """The batch with the items ``done`` in place of those with the same number. The order stays."""
        by_number = {item.number: item for item in done}
        return self.with_items(by_number.get(item.number, item) for item in self.items)

    def target(self, release: Release, *, is_read_only: bool) -> Target:
        """Where to deploy, and with which role. The session's name shows the execution in CloudTrail."""
        return Target(self.account, self.region, self.role_arn, release.execution_name, is_read_only)

    @property
    def _ecs(self) -> str:
        partition = self.role_arn.split(":")[1]
        return f"arn:{partition}:ecs:{self.region}:{self.account}"

    def task_definition_arn(self, reference: str) -> str:
        """The full ARN of ``family:revision`` in this batch's account and Region."""
        return f"{self._ecs}:task-definition/{short(reference)}"

    def task_arn(self, cluster: str, task_id: str) -> str:
        """The full ARN of a task."""
        return f"{self._ecs}:task/{cluster}/{task_id}"

    def service_deployment_arn(self, item: Item) -> str | None:
        """The full ARN of the service deployment that an item waits for; None where it is not known."""
        if item.watched.record is None:
            return None
        return f"{self._ecs}:service-deployment/{item.cluster}/{item.name}/{item.watched.record}"


def progress_lines(items: Sequence[Item], room: int) -> list[str]:
    """What people see of packed items in the state machine's data, in ``room`` characters: failed items first, then
    those that have taken longest."""
    failed = [item for item in items if item.status is not None and item.status.is_bad]
    going_on = [item for item in items if not item.is_final and item.progress.began is not None]
    going_on.sort(key=lambda item: item.progress.began or 0.0)
    shown = (*failed, *going_on)
    lines: list[str] = []
    for item in shown[:_LINES_AT_MOST]:
        text = sanitize.line((item.reason if item.is_final else item.progress.text) or "", _LINE_AT_MOST)
        line = f"{item.name}: {item.status or item.step}" + (f": {text}" if text else "")
        room -= len(line)
        if room < 0:
            break
        lines.append(line)
    more = len(shown) - len(lines)
    return lines + ([f"and {more} more"] if more and lines else [])


def _fit(item: Item, room: int, *, has_progress: bool) -> Item:
    """The item with its texts cleaned for people who read the state machine's data, the reason cut to ``room``."""
    reason = sanitize.line(item.reason, room) if item.reason else None
    item = item.with_change(warnings=tuple(map(sanitize.line, item.change.warnings)))
    if item.result is not None:
        return replace(item, result=replace(item.result, reason=reason))
    text = sanitize.line(item.progress.text) if item.progress.text and has_progress else None
    return item.with_progress(reason=reason, text=text)


def _unpacked(packed: str) -> Mapping[str, Any]:
    """The packed items. Their size is limited: a hundred kilobytes could unpack to a hundred megabytes."""
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(base64.b85decode(packed), UNPACKED_AT_MOST)
    if not unpacker.eof:
        raise ValueError(f"the packed items are cut off, or have more than {UNPACKED_AT_MOST:,} characters")
    content = event_data.require(json.loads(text), {"items": event_data.LIST, "shared": event_data.LIST}, "packed")
    return {"items": content["items"], "shared": content.get("shared", ())}


def state_error(error: object) -> str | None:
    """The error of a failed state as readable text: Step Functions' ``Error`` and ``Cause``. Of a Lambda function's
    error object only the message, without the stack trace."""
    if not isinstance(error, Mapping):
        return None if error is None else sanitize.lines(str(error), _ERROR_AT_MOST)
    name, cause = str(error.get("Error", "Error")), str(error.get("Cause", ""))
    with suppress(ValueError, AttributeError, RecursionError):
        cause = str(json.loads(cause).get("errorMessage", cause))
    return sanitize.lines(f"{name}: {cause}", _ERROR_AT_MOST)


def parse_event(event: Mapping[str, Any]) -> tuple[Release, Batch]:
    """The ``release`` and ``batch`` of the event of a deploy or validate state. Raises :class:`InvalidEvent`."""
    try:
        release, batch = event["release"], event["batch"]
    except event_data.WRONG as error:
        raise InvalidEvent(f"the event has no release and batch: {event_data.error_text(error)}") from error
    return parse_release(release), Batch.from_json(batch)
