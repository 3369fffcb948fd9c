"""``running.json``: which release of this instance may change anything. There is one at a time.

::

    {"schemaVersion": 1, "executionArn": "arn:…", "startedAt": 1774000000.0, "endedAt": 1774000900.0}

``settling`` is true for the minute after a release took over from one that did not end by its own report. InitConfig
acquires the fence, the report releases it (``endedAt``). A function reads it before every slice, and again
before a call that changes something where the last read is older than :data:`FRESH_SECONDS`. So an execution that was
aborted, and whose function goes on for some minutes, changes nothing beside the release after it. Against everybody
else the ids of ECS's deployments help. docs/adr/0015-fence.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

from ecs_gitops.model import event_data, sanitize
from ecs_gitops.model.errors import FenceLost, LedgerRefused, LedgerUnavailable, ReleaseInProgress

if TYPE_CHECKING:
    from ecs_gitops.aws.ledger_bucket import LedgerBucket, Stored

KEY = "running.json"
SCHEMA_VERSION = 1
FRESH_SECONDS = 30.0
# An execution that was aborted a moment ago may be described as RUNNING, so it is asked for three times.
_LOOKS, _BETWEEN_LOOKS = 3, 10.0
# A function of a release that did not end by its own report may begin a call for as long as its last read is fresh, and
# a call may take as long again.
_SETTLING_SECONDS = 60.0
_TRIES = 5
_BYTES_AT_MOST = 10_000
_RUNNING = "RUNNING"
# Characters of an execution's name.
_NAME_AT_MOST = 80


@dataclass(frozen=True, slots=True)
class Holder:
    """``ended_at`` is None while its own report has not released the fence. ``is_settling``: it took over a moment ago,
    and waits for what the functions of the release before may have begun."""

    execution_arn: str
    started_at: float
    ended_at: float | None = None
    is_settling: bool = False

    @property
    def name(self) -> str:
        """The execution's name, for people."""
        return sanitize.line(self.execution_arn.rpartition(":")[2], _NAME_AT_MOST)

    def written(self) -> bytes:
        data: dict[str, object] = {
            "schemaVersion": SCHEMA_VERSION,
            "executionArn": self.execution_arn,
            "startedAt": self.started_at,
        }
        if self.ended_at is not None:
            data["endedAt"] = self.ended_at
        if self.is_settling:
            data["settling"] = True
        return json.dumps(data).encode()


@dataclass(slots=True)
class Fence:
    """The fence, as one function of a release sees it. ``execution_arn`` is that of the release. ``monotonic``,
    ``clock`` and ``sleep`` are in seconds, and exist for tests."""

    bucket: LedgerBucket
    execution_arn: str
    is_redriven: bool = False
    monotonic: Callable[[], float] = time.monotonic
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _read_at: float | None = None
    _lock: Lock = field(default_factory=Lock)

    # --- InitConfig --------------------------------------------------------------------------------------------------

    def acquire(self, started_at: float, status_of: Callable[[str], str | None]) -> None:
        """Make this release the holder. ``status_of`` gives the status of an execution, None where there is none, and
        raises where there is no answer.

        Raises :class:`ReleaseInProgress` while another release runs, or may run; :class:`LedgerUnavailable` and
        :class:`LedgerRefused`."""
        ours = Holder(self.execution_arn, started_at)
        for _ in range(_TRIES):
            found = self.bucket.load(KEY, _BYTES_AT_MOST)
            if found is None:
                if self.bucket.create(KEY, ours.written()):
                    return
                continue
            holder = self._parsed(found)
            if holder.execution_arn == self.execution_arn:
                # A run before this one acquired it, and died: before its wait was over, or after.
                if holder.is_settling:
                    self._settle()
                return
            was_left = holder.ended_at is None
            if was_left:
                self._require_over(holder, status_of)
            if self.bucket.replace(KEY, replace(ours, is_settling=was_left).written(), found.etag):
                if was_left:
                    self._settle()
                return
        raise LedgerUnavailable(f"{self.bucket.address(KEY)} is written by others all the time")

    def _settle(self) -> None:
        """Wait until what the release before began is over. It has lost the fence by now: a wait before that would end
        while its last read is still fresh."""
        self.sleep(_SETTLING_SECONDS)
        found = self.bucket.load(KEY, _BYTES_AT_MOST)
        holder = None if found is None else self._parsed(found)
        if found is not None and holder is not None and holder.execution_arn == self.execution_arn:
            self.bucket.replace(KEY, replace(holder, is_settling=False).written(), found.etag)

    def _require_over(self, holder: Holder, status_of: Callable[[str], str | None]) -> None:
        status: str | None = _RUNNING
        for look in range(_LOOKS):
            if look:
                self.sleep(_BETWEEN_LOOKS)
            try:
                status = status_of(holder.execution_arn)
            except Exception as error:
                raise ReleaseInProgress(
                    f"the release {holder.name} may still be running: its execution cannot be described ({error}). "
                    f"Nothing was changed. {_way_out(holder)}"
                ) from error
            if status != _RUNNING:
                return
        raise ReleaseInProgress(f"the release {holder.name} is running. Nothing was changed. {_way_out(holder)}")

    # --- all functions -----------------------------------------------------------------------------------------------

    def require(self, *, is_rollback: bool, within: float = FRESH_SECONDS) -> None:
        """Make sure that this release still holds the fence, by a read that is at most ``within`` seconds old.

        Raises :class:`FenceLost` where it does not; and, but for a rollback, :class:`LedgerUnavailable` and
        :class:`LedgerRefused` where the fence cannot be read: a broken service does not wait for S3."""
        with self._lock:
            if self._read_at is not None and self.monotonic() - self._read_at < within:
                return
            began = self.monotonic()
            try:
                self._require_held()
            except (LedgerUnavailable, LedgerRefused):
                if not is_rollback:
                    raise
            else:
                self._read_at = began

    def _require_held(self) -> None:
        found = self.bucket.load(KEY, _BYTES_AT_MOST)
        if found is None:
            raise FenceLost(f"{self.bucket.address(KEY)} was deleted, so another release may be running")
        holder = self._parsed(found)
        if holder.execution_arn != self.execution_arn:
            raise FenceLost(f"the release was taken over by {holder.name}")
        if holder.ended_at is None:
            return
        # The execution was reported, and somebody redrives it.
        if not (self.is_redriven and self.bucket.replace(KEY, self._again(holder), found.etag)):
            raise FenceLost("the release was reported before, and is over")

    def _again(self, holder: Holder) -> bytes:
        return Holder(holder.execution_arn, holder.started_at).written()

    # --- the report --------------------------------------------------------------------------------------------------

    def holder(self) -> Holder | None:
        """Who holds the fence; None where it is absent. Raises as :class:`LedgerBucket` does."""
        found = self.bucket.load(KEY, _BYTES_AT_MOST)
        return None if found is None else self._parsed(found)

    def release(self) -> None:
        """Record that this release ended by its own report. Nothing is written where another one holds the fence."""
        found = self.bucket.load(KEY, _BYTES_AT_MOST)
        if found is None:
            return
        holder = self._parsed(found)
        if holder.execution_arn == self.execution_arn and holder.ended_at is None:
            ended = Holder(holder.execution_arn, holder.started_at, self.clock())
            self.bucket.replace(KEY, ended.written(), found.etag)

    def _parsed(self, found: Stored) -> Holder:
        try:
            data = event_data.require(json.loads(found.content), _SHAPES)
            if data["schemaVersion"] != SCHEMA_VERSION:
                raise ValueError(f"schemaVersion is {data['schemaVersion']}; this function reads {SCHEMA_VERSION}")
            return Holder(data["executionArn"], data["startedAt"], data.get("endedAt"), bool(data.get("settling")))
        except event_data.WRONG as error:
            raise LedgerRefused(
                f"{self.bucket.address(KEY)} is not in the format that this function reads: "
                f"{event_data.error_text(error)}. While no release runs, delete the object and release again"
            ) from error


def _way_out(holder: Holder) -> str:
    arn = sanitize.line(holder.execution_arn)
    return (
        "Releases run one after the other: push again when it is over, or retry this stage in the pipeline. If it must "
        f"not go on: aws stepfunctions stop-execution --execution-arn {arn}"
    )


_SHAPES = {
    "schemaVersion": event_data.COUNT,
    "executionArn": event_data.TEXT,
    "startedAt": event_data.NUMBER,
    "endedAt": event_data.NUMBER,
}
