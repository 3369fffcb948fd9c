"""``work/RELEASE/STAGE/``: the items of a release that is going on.

Each batch of a stage has the steps ``KIND-ACCOUNT-REGION/0.json``, ``1.json``, …: what a run of a function made of the
step before. ``rest.json`` has the items that are not of this stage, ``stage.json`` the state machine's data. A step is
written once: a run that comes after another one, or beside it, adopts what that wrote. So retries and doubles all end
in one value. Steps are never read after the release, and expire.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ecs_gitops.ledger.releases import release_hash
from ecs_gitops.model import event_data
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import InvalidEvent, LedgerRefused
from ecs_gitops.model.pointer import SCHEMA_VERSION, Pointer
from ecs_gitops.model.status import Mode, Next

if TYPE_CHECKING:
    from ecs_gitops.aws.ledger_bucket import LedgerBucket
    from ecs_gitops.flow.stages import Stage
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

T = TypeVar("T")

# Fifty thousand items.
_BYTES_AT_MOST = 200_000_000


@dataclass(frozen=True, slots=True)
class Done:
    """A step: the batch, the pointer to it as the state machine carries it, and the alert that goes with it."""

    batch: Batch
    pointer: Json
    alert: Json | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A batch as its pointer says. ``is_older``: the step itself was lost, and this is the newest one before it."""

    batch: Batch
    is_older: bool


@dataclass(frozen=True, slots=True)
class Work:
    """The steps of one release. Every method raises as :class:`LedgerBucket` does."""

    bucket: LedgerBucket
    release: Release

    def _key(self, stage: int, name: str) -> str:
        return f"work/{release_hash(self.release)}/{stage}/{name}.json"

    def _step(self, pointer: Pointer) -> str:
        return self._key(pointer.stage, f"{pointer.name}/{pointer.step}")

    # --- a batch -----------------------------------------------------------------------------------------------------

    def load(self, pointer: Pointer) -> Loaded:
        """The batch at the pointer's step. Raises :class:`LedgerRefused` where neither it nor an older one is there."""
        for step in range(pointer.step, -1, -1):
            if (found := self._read(pointer.at(step))) is not None:
                return Loaded(found.batch, step < pointer.step)
        raise LedgerRefused(
            f"{self.bucket.address(self._step(pointer))} was deleted, and every step before it: what this release did "
            "in this account and Region is not known. Release again: what is unfinished is settled then"
        )

    def newest(self, pointer: Pointer) -> Loaded:
        """The batch at its newest step: that of the pointer, or a later one where a state failed after it."""
        newest = self.load(pointer)
        while (found := self.after(pointer)) is not None:
            newest, pointer = Loaded(found.batch, is_older=False), pointer.at(pointer.step + 1)
        return newest

    def after(self, pointer: Pointer) -> Done | None:
        """The step after the pointer's, where a run before this one has made it."""
        return self._read(pointer.at(pointer.step + 1))

    def store(self, pointer: Pointer, batch: Batch, alert: Json | None) -> Done:
        """Write the step after the pointer's. Where another run wrote it first, that one counts."""
        following = Pointer.of(batch, pointer.stage, pointer.step + 1)
        made = Done(batch, following.to_json(batch), alert)
        content = {"batch": batch.to_json(), "pointer": made.pointer, **({"alert": alert} if alert else {})}
        if self.bucket.create(self._step(following), _written(content)):
            return made
        return self._read(following) or made

    # --- a stage -----------------------------------------------------------------------------------------------------

    def begun(self, stage: int) -> Json | None:
        """The state machine's data of a stage that a run before this one has begun."""
        return self._load(self._key(stage, "stage"), lambda data: dict(data["stage"]))

    def begin_stage(self, stage: Stage, number: int) -> Json:
        """Write a stage's items, and return the state machine's data of it: release, mode, stage (its number), rest
        (how many items are not of this stage) and the pointers to its batches."""
        is_check = stage.mode is Mode.CHECK
        data = {
            "schemaVersion": SCHEMA_VERSION,
            "release": self.release.to_json(),
            "mode": stage.mode,
            "stage": number,
            "rest": sum(len(batch.items) for batch in stage.rest),
            **({"executionMinutes": stage.execution_minutes} if is_check else {}),
        }
        return self.begin(number, stage.batches, stage.rest, data)

    def begin(self, stage: int, batches: Sequence[Batch], rest: Sequence[Batch], data: Json) -> Json:
        """Write a stage's first steps, and ``data`` with the pointers to its batches. Returns that: the state machine's
        data. Where another run has begun the stage, that counts.

        What a run wrote that died before the last object was never used, and is replaced."""
        if rest:
            content = _written({"batches": [batch.to_json() for batch in rest]})
            self.bucket.put(self._key(stage, "rest"), content)
        pointers = []
        for batch in batches:
            pointer = Pointer.of(batch, stage, 0)
            shown = pointer.to_json(batch)
            self.bucket.put(self._step(pointer), _written({"batch": batch.to_json(), "pointer": shown}))
            pointers.append(shown)
        made = {**data, "batches": pointers}
        if self.bucket.create(self._key(stage, "stage"), _written({"stage": made})):
            return made
        return self.begun(stage) or made

    def address(self, stage: int) -> str:
        """Where the steps of a stage are, for people."""
        return self.bucket.address(self._key(stage, ""))

    def rest(self, stage: int) -> list[Batch]:
        """The batches that are not of this stage."""
        return self._load(self._key(stage, "rest"), _batches) or []

    # --- objects -----------------------------------------------------------------------------------------------------

    def _read(self, pointer: Pointer) -> Done | None:
        return self._load(self._step(pointer), lambda data: _done(data, pointer))

    def _load(self, key: str, read: Callable[[Json], T]) -> T | None:
        """What ``read`` makes of an object; None where there is none."""
        found = self.bucket.load(key, _BYTES_AT_MOST)
        if found is None:
            return None
        try:
            data: Json = json.loads(found.content)
            event_data.require(data, _SHAPES)
            if data["schemaVersion"] != SCHEMA_VERSION:
                raise ValueError(f"schemaVersion is {data['schemaVersion']}; this function reads {SCHEMA_VERSION}")
            return read(data)
        except (InvalidEvent, *event_data.WRONG) as error:
            raise LedgerRefused(f"{self.bucket.address(key)} is damaged: {event_data.error_text(error)}") from error


_SHAPES = {
    "schemaVersion": event_data.COUNT,
    "batch": event_data.MEMBERS,
    "batches": event_data.LIST,
    "pointer": event_data.OBJECT,
    "stage": event_data.OBJECT,
    "alert": event_data.TEXTS_BY_NAME,
}
_NEXT = {"next": event_data.one_of(*Next), "waitSeconds": event_data.COUNT}


def _done(data: Json, pointer: Pointer) -> Done:
    """A step's content. The state machine goes on with what it says, so it has to be of this batch and step."""
    shown, batch = data["pointer"], Batch.from_json(data["batch"])
    found = {Pointer.from_json(shown), Pointer.of(batch, pointer.stage, pointer.step)}
    if found != {replace(pointer, error=None)}:
        raise ValueError("it is not of the batch, mode and step that the state machine's data points to")
    event_data.require(shown, _NEXT, "pointer")
    batch = replace(batch, next=Next(shown["next"]), wait_seconds=shown["waitSeconds"])
    return Done(batch, shown, data.get("alert"))


def _batches(data: Json) -> list[Batch]:
    return [Batch.from_json(each) for each in data["batches"]]


def _written(data: Json) -> bytes:
    return json.dumps({"schemaVersion": SCHEMA_VERSION, **data}, separators=(",", ":")).encode()
