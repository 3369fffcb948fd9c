"""``targets/ACCOUNT/REGION/KIND.json``: the memory of all targets of one place.

::

    {"schemaVersion": 1, "targets": {"service CLUSTER/NAME": {"good": …, "attempt": …, "notGood": […]}}}

Every write is conditional on what was read, so that none is lost. An entry that is absent is one of a target that was
never released; a file that is not readable is an error, as what failed before would be deployed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ecs_gitops.model import event_data
from ecs_gitops.model.errors import LedgerRefused, LedgerUnavailable
from ecs_gitops.model.memory import MEMORY, Memory

if TYPE_CHECKING:
    from ecs_gitops.aws.ledger_bucket import LedgerBucket

SCHEMA_VERSION = 1
# Fifty thousand services.
_BYTES_AT_MOST = 100_000_000
# Of a write that another one came before.
_TRIES = 5

Memories: TypeAlias = "Mapping[str, Memory]"


@dataclass(frozen=True, slots=True)
class _Known:
    """The object as it was last read or written. Without an ETag there is none."""

    memories: Memories | None = None
    etag: str | None = None


@dataclass(slots=True)
class Targets:
    """The memory of one kind of targets in one account and Region, for one run of a function.

    The object is read once, and known from then on, as only one release writes it at a time. Where something else was
    written in between, the ETag makes this run's write fail, and the object is read again."""

    bucket: LedgerBucket
    account: str
    region: str
    kind: str
    _known: _Known | None = field(default=None, init=False)

    @property
    def key(self) -> str:
        return f"targets/{self.account}/{self.region}/{self.kind}.json"

    def read(self) -> Memories | None:
        """The memory of each target by its identity; None if there is no such object.

        Raises :class:`LedgerUnavailable` and :class:`LedgerRefused`, also for an object in another format."""
        return self._last().memories

    def update(self, change: Callable[[Memories], Memories]) -> None:
        """Write the memory that ``change`` makes of what is there, unless it is the same. ``change`` is called again
        where another write came first. Raises what :meth:`read` raises."""
        for _ in range(_TRIES):
            known = self._last()
            before = known.memories or {}
            after = change(before)
            if after == before:
                return
            # Until the write is known to have taken place, nothing is.
            self._known = None
            if (etag := self._written(_content(after), known.etag)) is not None:
                self._known = _Known(after, etag)
                return
        raise LedgerUnavailable(f"{self.bucket.address(self.key)} is written by others all the time")

    def _last(self) -> _Known:
        if self._known is None:
            found = self.bucket.load(self.key, _BYTES_AT_MOST)
            self._known = _Known() if found is None else _Known(self._parsed(found.content), found.etag)
        return self._known

    def _written(self, content: bytes, etag: str | None) -> str | None:
        """The ETag of what was written. None where another write came first."""
        made = self.bucket.replace(self.key, content, etag) if etag else self.bucket.create(self.key, content)
        return made.etag if made is not None else None

    def _parsed(self, content: bytes) -> Memories:
        try:
            data = json.loads(content)
            event_data.require(data, {"schemaVersion": event_data.COUNT, "targets": event_data.MEMBERS})
            if data["schemaVersion"] != SCHEMA_VERSION:
                raise ValueError(f"schemaVersion is {data['schemaVersion']}; this function reads {SCHEMA_VERSION}")
            return {name: MEMORY.read(entry, f"targets[{name!r}]") for name, entry in data["targets"].items()}
        except event_data.WRONG as error:
            raise LedgerRefused(
                f"{self.bucket.address(self.key)} is not in the format that this function reads: "
                f"{event_data.error_text(error)}. Restore an earlier version of the object, or delete it: then nothing "
                "is remembered of these targets (docs/operations.md)"
            ) from error


def _content(memories: Memories) -> bytes:
    targets = {name: MEMORY.write(memory) for name, memory in sorted(memories.items())}
    return json.dumps({"schemaVersion": SCHEMA_VERSION, "targets": targets}, separators=(",", ":")).encode()
