"""The normal form of what people write and what AWS returns, by tables, so that the two can be compared. Pure.

AWS fills in defaults, adds members that only it writes, and returns lists in another order. :func:`normal` takes that
away. A table names a place by a pattern such as ``containerDefinitions[].cpu``; ``[]`` is any element of a list.

- A member is left out only if its value equals the known default. Members that no table names stay as they are.
- A list whose order has no meaning becomes an object by its elements' key: ``{"[app]": {"image": "app:1"}}``. The
  brackets tell such a key from a member's name, also in the paths of a difference. A list of texts is sorted.
- Every other list keeps its order.

The normal form of a normal form is itself. Nothing that is given is changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ecs_gitops.ecs.revision_tags import PREFIX

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

_EACH = "[]"
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """What tells the elements of an unordered list apart: the values of ``members``, joined.

    ``value``: an element that has nothing else becomes the value of this member. Then a later element may override an
    earlier one of the same key, as with environment variables, so those stay in their order."""

    members: tuple[str, ...]
    value: str = ""
    separator: str = "/"


@dataclass(frozen=True, slots=True)
class SameAs:
    """A default that is the value of another member of the same object."""

    member: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The tables of one kind of resource, by pattern.

    ``read_only``: members at the top that only AWS writes, or that only a request has. ``defaults``: the value that
    means the same as no member. ``keyed`` and ``unordered``: lists whose order has no meaning, of objects and of texts;
    an empty one means the same as none. ``converted``: another way to write a value that means the same."""

    read_only: Collection[str] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    keyed: Mapping[str, Key] = field(default_factory=dict)
    unordered: Collection[str] = ()
    converted: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Tables:
    """Rules, by path."""

    defaults: Mapping[Path, Any]
    keyed: Mapping[Path, Key]
    unordered: frozenset[Path]
    converted: Mapping[Path, Callable[[Any], Any]]


def normal(given: Json, rules: Rules) -> Json:
    """The normal form of a resource. Members that are None are left out, as if they were absent."""
    tables = _Tables(
        defaults={_path(pattern): default for pattern, default in rules.defaults.items()},
        keyed={_path(pattern): key for pattern, key in rules.keyed.items()},
        unordered=frozenset(_path(pattern) for pattern in rules.unordered),
        converted={_path(pattern): convert for pattern, convert in rules.converted.items()},
    )
    found: Json = _normal({name: value for name, value in given.items() if name not in rules.read_only}, (), tables)
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two values mean the same in JSON: 5 and 5.0 do; true and 1 do not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def is_key(name: str) -> bool:
    """Whether it is the key of an element of an unordered list, in place of a member's name."""
    return name.startswith("[") and name.endswith("]")


def git_tags(tags: Any) -> Any:
    """Tags by key, without those that ecs-gitops or AWS writes."""
    if not isinstance(tags, Mapping):
        return tags
    return {key: value for key, value in tags.items() if not key.strip("[").lower().startswith((PREFIX, "aws:"))}


def _path(pattern: str) -> Path:
    return tuple(pattern.replace("[]", ".[]").split("."))


def _normal(value: Any, path: Path, tables: _Tables) -> Any:
    if isinstance(value, Mapping):
        value = _object(value, path, tables)
    elif isinstance(value, list | tuple):
        value = _list(value, path, tables)
    return tables.converted[path](value) if path in tables.converted else value


def _object(given: Mapping[str, Any], path: Path, tables: _Tables) -> Json:
    is_by_key = path in tables.keyed and all(map(is_key, given))
    members = {
        name: _normal(value, (*path, _EACH if is_by_key else name), tables)
        for name, value in given.items()
        if value is not None
    }
    return {name: value for name, value in members.items() if not _is_default(value, (*path, name), members, tables)}


def _is_default(value: Any, path: Path, siblings: Json, tables: _Tables) -> bool:
    if isinstance(value, list | dict) and not value and (path in tables.keyed or path in tables.unordered):
        return True
    if path not in tables.defaults:
        return False
    default = tables.defaults[path]
    return same(value, siblings.get(default.member) if isinstance(default, SameAs) else default)


def _list(given: Collection[Any], path: Path, tables: _Tables) -> Any:
    elements = [_normal(each, (*path, _EACH), tables) for each in given]
    if path in tables.keyed and all(isinstance(each, dict) for each in elements):
        return _by_key(elements, tables.keyed[path])
    return sorted(elements, key=_text) if path in tables.unordered else elements


def _by_key(elements: list[Json], key: Key) -> Json:
    """The elements by their keys; one whose key is taken has a number besides."""
    groups: dict[str, list[Any]] = {}
    for each in elements:
        text = key.separator.join(str(each[member]) for member in key.members if member in each)
        rest = {name: value for name, value in each.items() if name not in key.members}
        groups.setdefault(text, []).append(rest[key.value] if key.value and rest.keys() == {key.value} else rest)
    if not key.value:
        groups = {text: sorted(group, key=_text) for text, group in groups.items()}
    found = {f"[{text}]": group[0] for text, group in groups.items()}
    for text, group in sorted(groups.items()):
        for each in group[1:]:
            number = 2
            while f"[{text}#{number}]" in found:
                number += 1
            found[f"[{text}#{number}]"] = each
    return dict(sorted(found.items()))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
