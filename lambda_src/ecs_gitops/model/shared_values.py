"""Values that several items of a batch have, such as ``deployment`` and ``hooks``, written once. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class SharedWriter:
    """Collects values, each once. Called with a value, it gives the value's index."""

    values: list[Any] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    # By id, as many items have the very same object. The object is kept, so that its id is not used again.
    _known: dict[int, tuple[Any, int]] = field(default_factory=dict)

    def __call__(self, value: Any) -> int:
        if (known := self._known.get(id(value))) is not None:
            return known[1]
        key = json.dumps(value, sort_keys=True)
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        self._known[id(value)] = (value, self._places[key])
        return self._places[key]


# Characters of JSON of all shared values, counted once for each item that has them.
SHARED_AT_MOST = 32_000_000


@dataclass(slots=True)
class SharedReader:
    """Reads what :class:`SharedWriter` wrote. Called with an index, it gives the value."""

    values: Sequence[Any]
    _left: int = SHARED_AT_MOST
    _sizes: dict[int, int] = field(default_factory=dict)

    def __call__(self, place: Any) -> Any:
        if type(place) is not int or not 0 <= place < len(self.values):
            raise ValueError(f"there is no shared value {str(place)[:20]!r}: there are {len(self.values)}")
        value = self.values[place]
        if place not in self._sizes:
            self._sizes[place] = len(json.dumps(value))
        self._left -= self._sizes[place]
        if self._left < 0:
            raise ValueError(f"the shared values, written into each item, have more than {SHARED_AT_MOST:,} characters")
        return value
