"""``targets/ACCOUNT/REGION/KIND.json``: the memory of all targets of one place.

::

    {"schemaVersion": 1, "targets": {"service CLUSTER/NAME": {"good": …, "attempt": …, "notGood": […]}}}

Every write is conditional on what was read, so that none is lost. An entry that is absent is one of a target that was
never released; a file that is not readable is an error, as what failed before would be deployed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
class Targets:
    """The memory of one kind of targets in one account and Region."""

    bucket: LedgerBucket
    account: str
    region: str
    kind: str

    @property
    def key(self) -> str:
        return f"targets/{self.account}/{self.region}/{self.kind}.json"

    def read(self) -> Memories | None:
        """The memory of each target by its identity; None if there is no such object.

        Raises :class:`LedgerUnavailable` and :class:`LedgerRefused`, also for an object in another format."""
        found = self.bucket.load(self.key, _BYTES_AT_MOST)
        return None if found is None else self._parsed(found.content)

    def update(self, change: Callable[[Memories], Memories]) -> None:
        """Write the memory that ``change`` makes of what is there, unless it is the same. ``change`` is called again
        where another write came first. Raises what :meth:`read` raises."""
        for _ in range(_TRIES):
            found = self.bucket.load(self.key, _BYTES_AT_MOST)
            before = self._parsed(found.content) if found is not None else {}
            after = change(before)
            if after == before:
                return
            content = _written(after)
            if self.bucket.create(self.key, content) if found is None else self._replaced(content, found.etag):
                return
        raise LedgerUnavailable(f"{self.bucket.address(self.key)} is written by others all the time")

    def _replaced(self, content: bytes, etag: str) -> bool:
        return self.bucket.replace(self.key, content, etag)

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


def _written(memories: Memories) -> bytes:
    targets = {name: MEMORY.write(memory) for name, memory in sorted(memories.items())}
    return json.dumps({"schemaVersion": SCHEMA_VERSION, "targets": targets}, separators=(",", ":")).encode()
