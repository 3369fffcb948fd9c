"""Write a manifest as YAML for people: stable, with comments, quoted where a tool could read a text otherwise. Pure.

Texts, booleans, lists and mappings are written, which is all that an import needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecs_gitops.model import sanitize

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
# Words that YAML 1.1 or 1.2 does not read as text.
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# Fields that are always quoted: an image has a colon, and those that have none look like the others.
_QUOTED = frozenset({"image"})


@dataclass(frozen=True, slots=True)
class Entry:
    """An item to write: its fields in their order, and comments."""

    values: Mapping[str, Any]
    comments: tuple[str, ...] = ()


def document(header: Iterable[str], parts: Mapping[str, Mapping[str, Any] | Sequence[Entry]]) -> str:
    """A whole file: ``header`` as comments, then the top-level fields. Empty ones are left out."""
    lines = [_comment(text) for text in header]
    for name, part in parts.items():
        if not part:
            continue
        lines += [f"{name}:"]
        if isinstance(part, Mapping):
            lines += list(_fields(part, "  "))
        else:
            lines += [line for entry in part for line in item_lines(entry, "  ")]
    return "\n".join(lines) + "\n"


def item_lines(entry: Entry, indent: str) -> list[str]:
    """An item of a list in block style. ``indent`` comes before its dash."""
    lines = list(_fields(entry.values, indent + "  "))
    lines[0] = f"{indent}- {lines[0].lstrip()}"
    return lines + [f"{indent}  {_comment(text)}" for text in entry.comments]


def item_flow(entry: Entry) -> str:
    """An item in flow style, on one line and without its comments."""
    return _flow(entry.values)


def _fields(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, list):
            yield f"{indent}{name}:"
            for element in value:
                yield from item_lines(Entry(element), indent + "  ")
        else:
            yield f"{indent}{name}: {scalar(value, always=name in _QUOTED)}"


def _flow(value: Any, *, always: bool = False) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(each, always=name in _QUOTED)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return scalar(value, always=always)


def scalar(value: str | bool, *, always: bool = False) -> str:
    """A boolean; or a text, in double quotes unless every reader takes it for a text without them."""
    if isinstance(value, bool):
        return json.dumps(value)
    if not always and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    # JSON's escapes are YAML's too.
    return json.dumps(value)


def _comment(text: str) -> str:
    return f"# {sanitize.escaped(text)}" if text else "#"
