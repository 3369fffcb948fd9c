"""The differences of two normal forms, for a plan and for people. Pure.

One changed leaf is one difference. A leaf is a value, an empty object, or a list: lists are shown whole, except for
lists of objects of the same length, which are compared element by element. Unordered lists are objects by key in a
normal form (:mod:`ecs_gitops.ecs.normal_form`), so their elements are compared by key.

:func:`redacted` takes away the values that may be secret, before differences are shown, logged or stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ecs_gitops.ecs.normal_form import is_key, same
from ecs_gitops.model import sanitize
from ecs_gitops.model.types import Json

_PLAIN_NAME = re.compile(r"\w+")
_NUMBER = re.compile(r"\[[0-9]{1,9}\]")
_ARN = re.compile(r"arn:[\w:/.*@+-]+")
# Maps of any names, whose values are plain text to AWS.
_MAPS = frozenset({"options", "driverOpts", "dockerLabels", "labels"})
# What people write into these is never shown: variables of containers, and any JSON for a deployment's hook.
_NEVER_SHOWN = ("environment", "hookDetails")
_SECRET_NAME = re.compile(r"token|passw|passphrase|pwd|secret|key|credential|auth|header|cookie|uri", re.IGNORECASE)
# A text that assigns a secret (`--password=x`, `api_key: x`), an address with a password (`https://me:x@host`), or JSON
# with the environment of a container, as in the input of a rule's target.
_SECRET_TEXT = re.compile(
    r"(token|passw(or)?d|passphrase|secret|credentials?|api[-_]?key|access[-_]?key)[\"']?\s*([=:]|\s+\S)"
    r"|://[^/\s:@]*:[^/\s@]+@|\b(basic|bearer)\s+\S{6}|\"environment\"",
    re.IGNORECASE,
)


class Marker(StrEnum):
    """What stands in place of a value that is not shown."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Difference:
    """One changed leaf. ``steps``: the members' names and elements' keys that lead to it. ``before`` and ``after`` are
    None where there is no such value, and a :class:`Marker` where the value is not shown."""

    steps: tuple[str, ...]
    before: Any
    after: Any

    @property
    def path(self) -> str:
        """``containerDefinitions[app].environment[LOG_LEVEL]``; a name with other characters is quoted."""
        return "".join(_shown_step(step) for step in self.steps).removeprefix(".")


def diff(before: Json, after: Json) -> tuple[Difference, ...]:
    """What changes between two normal forms, in the order of the paths. None counts as absent."""
    return tuple(_differences((), before, after))


def redacted(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """The differences without the values that may be secret: those of ``environment`` and ``hookDetails``; options of
    log drivers, FireLens and volume drivers, and labels, whose name says so; every text that assigns a secret. Of
    these it is told that they changed, and nothing of the value. ``secrets`` are references, and stay."""
    return tuple(_redacted(each) for each in differences)


def hidden(value: Any, steps: tuple[str, ...] = ()) -> Any:
    """``value``, which ``steps`` lead to, with :attr:`Marker.HIDDEN` in place of what may be secret, as in
    :func:`redacted`."""
    if _is_secret_place(steps):
        return Marker.HIDDEN
    if isinstance(value, Mapping):
        return {name: hidden(each, (*steps, name)) for name, each in value.items()}
    if isinstance(value, list) and not _holds_secret([each for each in value if isinstance(each, str)], steps):
        return [hidden(each, (*steps, "[]")) for each in value]
    return Marker.HIDDEN if _holds_secret(value, steps) else value


def lines(differences: Iterable[Difference]) -> list[str]:
    """A line for people for each difference: ``~ path: before → after``, ``+ path: value`` or ``- path: value``."""
    return [sanitize.escaped(_line(each)) for each in differences]


def _differences(steps: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if same(before, after):
        return
    one, other = _members(before, after), _members(after, before)
    if one is None or other is None:
        yield Difference(steps, before, after)
        return
    for name in sorted({**one, **other}, key=_order):
        yield from _differences((*steps, name), one.get(name), other.get(name))


def _members(value: Any, beside: Any) -> Mapping[str, Any] | None:
    """What is compared one by one: the members of an object, the elements of a list of objects beside a list of the
    same length, and nothing beside an object. None: the value is a leaf."""
    if isinstance(value, Mapping):
        return value if beside is None or isinstance(beside, Mapping) else None
    if value is None:
        return {} if isinstance(beside, Mapping) and beside else None
    if isinstance(value, list) and isinstance(beside, list) and len(value) == len(beside):
        is_of_objects = all(isinstance(each, Mapping) for each in (*value, *beside))
        return {f"[{index}]": each for index, each in enumerate(value)} if is_of_objects else None
    return None


def _order(name: str) -> tuple[bool, int, str]:
    """What sorts names; elements of a list by their numbers."""
    number = name[1:-1] if _NUMBER.fullmatch(name) else ""
    return not number, int(number or 0), name


def _shown_step(step: str) -> str:
    if is_key(step):
        return step
    return f".{step}" if _PLAIN_NAME.fullmatch(step) else f"[{json.dumps(step, ensure_ascii=False)}]"


def _redacted(difference: Difference) -> Difference:
    if not _is_secret(difference):
        return difference
    if difference.before is None:
        return replace(difference, after=Marker.ADDED)
    if difference.after is None:
        return replace(difference, before=Marker.REMOVED)
    return replace(difference, before=Marker.CHANGED, after=Marker.CHANGED)


def _is_secret(difference: Difference) -> bool:
    steps = difference.steps
    if _is_secret_place(steps):
        return True
    if any(_is_member(steps, index, ("secrets", "secretOptions")) for index in range(len(steps))):
        return False
    return any(_holds_secret(value, steps) for value in (difference.before, difference.after))


def _is_secret_place(steps: tuple[str, ...]) -> bool:
    if not steps:
        return False
    is_named_so = not _MAPS.isdisjoint(steps[:-1]) and _SECRET_NAME.search(steps[-1]) is not None
    return is_named_so or any(_is_member(steps, index, _NEVER_SHOWN) for index in range(len(steps)))


def _is_member(steps: tuple[str, ...], index: int, names: tuple[str, ...]) -> bool:
    """Whether the step is one of these members; a label or an option may have any name."""
    return steps[index] in names and (index == 0 or steps[index - 1] not in _MAPS)


def _holds_secret(value: Any, steps: tuple[str, ...]) -> bool:
    """Whether a value, or anything in it, may be secret."""
    if isinstance(value, Mapping):
        return any(
            _is_secret_place((*steps, name)) or _holds_secret(each, (*steps, name)) for name, each in value.items()
        )
    if isinstance(value, list):
        words = " ".join(each for each in value if isinstance(each, str))
        return _holds_secret(words, steps) or any(_holds_secret(each, (*steps, "[]")) for each in value)
    is_text = isinstance(value, str) and not _ARN.fullmatch(value)
    return is_text and _SECRET_TEXT.search(value) is not None


def _line(difference: Difference) -> str:
    before, after = difference.before, difference.after
    if before is None:
        return f"+ {difference.path}: {_shown(after)}"
    if after is None:
        return f"- {difference.path}: {_shown(before)}"
    if isinstance(after, Marker):
        return f"~ {difference.path}: {_shown(after)}"
    return f"~ {difference.path}: {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    """A text as it is, unless it would be taken for something else; any other value as JSON."""
    if isinstance(value, Marker):
        return f"({value}, value not shown)"
    if isinstance(value, str) and value.strip() == value and not _is_json(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
