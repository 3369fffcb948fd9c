"""A manifest as a tree with the position of each part, read from YAML or from JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
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


def from_data(data: object) -> Node:
    """The tree of plain JSON data; numbers and booleans become their text.

    Raises :class:`ValueError` for data that JSON cannot hold, for data nested deeper than :data:`MAX_DEPTH`, and for
    more than :data:`MAX_NODES` values.
    """
    return _from_data(data, count(1), 0)


def _from_data(data: object, numbers: Iterator[int], depth: int) -> Node:
    if next(numbers) > MAX_NODES:
        raise ValueError(f"it has more than {MAX_NODES:,} values")
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
        return Node({str(key): _from_data(value, numbers, depth + 1) for key, value in data.items()})
    if isinstance(data, Sequence):
        return Node([_from_data(value, numbers, depth + 1) for value in data])
    raise ValueError(f"{type(data).__name__} is not JSON")


# Python refuses to write numbers of some thousand digits.
_NUMBER_LIMIT = 10**100
MAX_DEPTH = 20
# Values, with YAML's aliases expanded: 5,000 services have 40 each. Time and memory go by their number, not by the size
# of the file.
MAX_NODES = 200_000
# Of a manifest, and of the input that is made from it: 5,000 services have 1,600 bytes each. One with the longest names
# that ECS takes, an image with its digest, account and Region has 1,200.
MAX_BYTES = 8_388_608
