"""An input that is too large for an execution: the ledger has it, and deployment.json points to it. Pure.

::

    {"schemaVersion": 1, "release": "4.0", "source": {…},
     "input": {"key": "work/inputs/SHA256.json", "sha256": "…", "bytes": 1234567}}

The object has the whole input, as it would be in deployment.json. Its key is made of its content, so whoever builds the
same input again writes the same object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_gitops.manifest.node import MAX_BYTES
from ecs_gitops.model import event_data
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.event_data import Shape

MEMBER = "input"
_BESIDE = frozenset({"schemaVersion", "release", "source", MEMBER})
_SHAPES: Mapping[str, Shape] = {
    "key": event_data.TEXT,
    "sha256": event_data.like(r"[0-9a-f]{64}", "a SHA-256 in 64 of the digits 0-9 and a-f"),
    "bytes": Shape(
        f"a whole number from 1 to {MAX_BYTES}", lambda value: event_data.COUNT.fits(value) and 1 <= value <= MAX_BYTES
    ),
}


@dataclass(frozen=True, slots=True)
class StoredInput:
    """The SHA-256 of the input's text in UTF-8, and its size in bytes."""

    sha256: str
    size: int

    @classmethod
    def of(cls, text: str) -> StoredInput:
        data = text.encode()
        return cls(hashlib.sha256(data).hexdigest(), len(data))

    @property
    def key(self) -> str:
        """Of the object in the ledger."""
        return f"work/inputs/{self.sha256}.json"

    def to_json(self) -> dict[str, str | int]:
        return {"key": self.key, "sha256": self.sha256, "bytes": self.size}

    def mismatch(self, content: bytes) -> str | None:
        """What is wrong with an object's content; None if it is the input."""
        if len(content) != self.size:
            return f"it does not have the {self.size:,} bytes that the build wrote"
        found = hashlib.sha256(content).hexdigest()
        return None if found == self.sha256 else f"its SHA-256 is {found}"


def from_data(deployment: object) -> StoredInput | None:
    """Where the input is; None if the data has no member ``input``, so has the items itself.

    Raises :class:`InvalidEvent` for a pointer of another shape, and for one with items beside it."""
    if not isinstance(deployment, Mapping) or MEMBER not in deployment:
        return None
    try:
        given = event_data.require(deployment[MEMBER], _SHAPES, MEMBER)
        found = StoredInput(given["sha256"], given["bytes"])
        if given["key"] != found.key:
            raise ValueError(f"{MEMBER}.key is not {found.key}")
        if more := sorted(map(ascii, deployment.keys() - _BESIDE)):
            raise ValueError(f"beside {MEMBER} there may be no {', '.join(more)[:80]}")
    except event_data.WRONG as error:
        raise InvalidEvent(f"the pointer to the input is not one of a build: {event_data.error_text(error)}") from error
    return found
