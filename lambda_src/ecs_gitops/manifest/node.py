"""A manifest as a tree that remembers where each part stands, whether it came from YAML or from JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

Content: TypeAlias = "str | list[Node] | dict[str, Node] | None"


@dataclass(frozen=True, slots=True)
class Node:
    """``content`` is a scalar's text, None for null, a list or a mapping; ``line`` and ``column`` count from 1, and are
    0 where there is no file. ``repeated`` are keys of a mapping that stand in it more than once, with their places."""

    content: Content
    line: int = 0
    column: int = 0
    keys: Mapping[str, tuple[int, int]] | None = None
    repeated: tuple[tuple[str, int, int], ...] = ()


def from_data(data: object, depth: int = 0) -> Node:
    """The tree of plain JSON data; numbers and booleans become the text that they are written as.

    Raises :class:`ValueError` for data that JSON cannot hold or that is nested deeper than a manifest ever is.
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
        if isinstance(data, int) and abs(data) >= _NUMBER_BELOW:
            raise ValueError("a number has more than a hundred digits")
        return Node(repr(data))
    if isinstance(data, Mapping):
        return Node({str(key): from_data(value, depth + 1) for key, value in data.items()})
    if isinstance(data, Sequence):
        return Node([from_data(value, depth + 1) for value in data])
    raise ValueError(f"{type(data).__name__} is not JSON")


# Python writes no number of some thousand digits.
_NUMBER_BELOW = 10**100
MAX_DEPTH = 20
# A Step Functions execution takes 262,144 bytes of input; a larger manifest could never be deployed.
MAX_BYTES = 262_144
