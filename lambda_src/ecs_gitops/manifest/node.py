"""A manifest as a tree with the position of each part, read from YAML or from JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

Content: TypeAlias = "str | list[Node] | dict[str, Node] | None"


@dataclass(frozen=True, slots=True)
class Node:
    """``content`` is a scalar's text, None for null, a list or a mapping.

    ``line`` and ``column`` count from 1; they are 0 without a file. ``keys`` has the line and column of each key of a
    mapping. ``duplicate_keys`` are the second and further uses of a key: name, line, column."""

    content: Content
    line: int = 0
    column: int = 0
    keys: Mapping[str, tuple[int, int]] | None = None
    duplicate_keys: tuple[tuple[str, int, int], ...] = ()


def from_data(data: object, depth: int = 0) -> Node:
    """The tree of plain JSON data; numbers and booleans become their text.

    Raises :class:`ValueError` for data that JSON cannot hold, and for data nested deeper than :data:`MAX_DEPTH`.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if data is None or isinstance(data, str):
        return Node(data)
    if isinstance(data, bool):
        return Node("true" if data else "false")
    if isinstance(data, int | float):
        if data in (inf, -inf) or data != data:
            raise ValueError(f"{data} is not a number that JSON has")
        if isinstance(data, int) and abs(data) >= _NUMBER_LIMIT:
            raise ValueError("a number has more than a hundred digits")
        return Node(repr(data))
    if isinstance(data, Mapping):
        return Node({str(key): from_data(value, depth + 1) for key, value in data.items()})
    if isinstance(data, Sequence):
        return Node([from_data(value, depth + 1) for value in data])
    raise ValueError(f"{type(data).__name__} is not JSON")


# Python refuses to write numbers of some thousand digits.
_NUMBER_LIMIT = 10**100
MAX_DEPTH = 20
# Step Functions limits an execution's input to 262,144 bytes. A larger manifest could not be deployed.
MAX_BYTES = 262_144
