"""Hold a tree against the table of fields: the values, or every problem at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ecs_gitops.manifest import foreign
from ecs_gitops.manifest.kinds import (
    WRONG,
    Choice,
    Field,
    Integer,
    ListOf,
    Number,
    Object,
    Scalar,
    Text,
    Type,
    Value,
    accepted,
)
from ecs_gitops.manifest.node import Node
from ecs_gitops.model import sanitize
from ecs_gitops.model.problem import Problem

_SHOWN = 80
_REASON_SHOWN = 200
# Looking for the nearest known name is slow; a file with more unknown keys than are ever shown needs no more.
_NEAREST_AT_MOST = 100
# A file that is nothing but problems is not looked through to its end.
PROBLEMS_AT_MOST = 10_000


class _Enough(Exception):
    """There are so many problems that the check ends."""


def check(root: Node, table: Object) -> tuple[dict[str, Any], list[Problem]]:
    """The values of ``root`` by field name, what is absent left out, and all problems in the order of their places:
    the first :data:`PROBLEMS_AT_MOST` where there are more.

    The values are of use only where there is no problem. Lists are tuples.
    """
    checker = _Checker()
    try:
        values = checker.object(root, "", table)
    except _Enough:
        values = {}
    return values, sorted(set(checker.problems)) if root.line else checker.problems


class _Checker:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._places: dict[str, Node] = {}
        self._defaults: Mapping[str, Any] = {}
        self._unknown = 0

    def object(self, node: Node, path: str, kind: Object) -> dict[str, Any]:
        """The object's values; :data:`WRONG` where one was given and is wrong. A node that is no mapping is
        :meth:`_element`'s to tell, except at the root."""
        self._places[path] = node
        if not isinstance(node.content, dict):
            self._add(node, path, f"{shown(node)} is not a mapping", kind.accepted)
            return {}
        self._keys(node, path, kind)
        values = {}
        for field in kind.fields:
            value = self._field(node.content.get(field.name), join(path, field.name), field.type)
            if value is not None:
                values[field.name] = value
            if path == "" and field.name == "defaults":
                self._defaults = value if isinstance(value, Mapping) else {}
        self._missing(node, path, kind, values)
        self._rules(node, path, kind, values)
        return values

    def _rules(self, node: Node, path: str, kind: Object, values: Mapping[str, Any]) -> None:
        for either in kind.either:
            if both := either.both(values):
                where = self._places[join(path, both[1])]
                self._add(where, join(path, both[1]), f"{' and '.join(both)} do not go together", either.accepted)
        inherited = kind.inherited(values, self._defaults)
        for rule in kind.rules:
            told_in_defaults = set(rule.check(inherited)) if inherited else set()
            found_here = [each for each in rule.check({**inherited, **values}) if each not in told_in_defaults]
            for found in found_here:
                where = self._places.get(join(path, found.path), node)
                line = self._places[join(path, found.first)].line if found.first else 0
                told = f"{found.message} in line {line}" if line else found.message
                self._add(where, join(path, found.path), told, found.accepted)
            if rule.bounds and found_here:
                return

    def _field(self, node: Node | None, path: str, kind: Type) -> Value | Any | None:
        """None where there is no value: YAML's null and a missing field are the same."""
        if node is None or node.content is None:
            return None
        return self._element(node, path, kind)

    def _element(self, node: Node, path: str, kind: Type) -> Value | Any:
        self._places[path] = node
        if isinstance(kind, Object):
            values = self.object(node, path, kind)
            return values if isinstance(node.content, dict) else WRONG
        if isinstance(kind, ListOf):
            return self._list(node, path, kind)
        if not isinstance(node.content, str):
            self._add(node, path, f"{shown(node)} is not a single value", accepted(kind))
            return WRONG
        value = parse(node.content, kind)
        if value is None:
            why = kind.refusal(node.content) if isinstance(kind, Text) and kind.refusal else None
            told, instead = (f": {_cut(why[0], _REASON_SHOWN)}", why[1]) if why else ("", accepted(kind))
            self._add(node, path, f"{shown(node)} is not accepted{told}", instead)
            return WRONG
        return value

    def _list(self, node: Node, path: str, kind: ListOf) -> tuple[Any, ...] | Any:
        if not isinstance(node.content, list):
            self._add(node, path, f"{shown(node)} is not a list", kind.accepted)
            return WRONG
        if len(node.content) < kind.least:
            self._add(node, path, "the list is empty", f"at least {kind.least} element")
            return WRONG
        values = tuple(self._element(child, f"{path}[{i}]", kind.element) for i, child in enumerate(node.content))
        if kind.once is not None:
            self._repeated(path, kind.once, values)
        return values

    def _repeated(self, path: str, once: str, values: tuple[Any, ...]) -> None:
        first: dict[object, Node] = {}
        for index, value in enumerate(values):
            told = value.get(once) if once and isinstance(value, Mapping) else value
            if told is None or told is WRONG:
                continue
            place = join(f"{path}[{index}]", once)
            node = self._places[place]
            if told in first:
                line = f", first in line {first[told].line}" if first[told].line else ""
                self._add(node, place, f"{shown(node)} stands twice{line}", "each once")
            first.setdefault(told, node)

    def _keys(self, node: Node, path: str, kind: Object) -> None:
        """Unknown and repeated keys are problems."""
        keys = node.keys or {}
        self._twice(node, path)
        for name, child in node.content.items() if isinstance(node.content, dict) else ():
            if name in kind.names:
                continue
            if kind.free and name.startswith(kind.free):
                self._free(child, join(path, _cut(name)))
                continue
            line, column = keys.get(name, (child.line, child.column))
            told = foreign.told(path, name, kind.names) or f"unknown key{self._nearest(name, kind.names)}"
            wanted = ", ".join([*kind.names, *([f"{kind.free}…"] if kind.free else [])])
            self._tell(Problem(line, column, join(path, _cut(name)), told, wanted))

    def _twice(self, node: Node, path: str) -> None:
        for name, line, column in node.repeated:
            first = (node.keys or {})[name][0]
            told = f"the key stands twice, first in line {first}"
            self._tell(Problem(line, column, join(path, _cut(name)), told, "one of them"))

    def _free(self, node: Node, path: str) -> None:
        """What anchors refer to may be anything, with each key once: a merge would lose the other."""
        self._twice(node, path)
        if isinstance(node.content, dict):
            for name, child in node.content.items():
                self._free(child, join(path, _cut(name)))
        elif isinstance(node.content, list):
            for index, child in enumerate(node.content):
                self._free(child, f"{path}[{index}]")

    def _missing(self, node: Node, path: str, kind: Object, values: Mapping[str, Any]) -> None:
        there = {*values, *kind.inherited(values, self._defaults), *kind.unused(values, self._defaults)}
        for either in kind.either:
            there.update((*either.one, *either.other) if either.both(values) else ())
        for field in kind.fields:
            if field.required and field.name not in there:
                self._add(node, path, f"{field.name} is missing", _wanted(field, kind))

    def _nearest(self, name: str, names: tuple[str, ...]) -> str:
        self._unknown += 1
        if self._unknown > _NEAREST_AT_MOST:
            return ""
        from difflib import get_close_matches

        lower = {known.lower(): known for known in names}
        near = get_close_matches(name.lower()[:_SHOWN], list(lower), n=1, cutoff=0.5)
        return f"; did you mean {lower[near[0]]}?" if near else ""

    def _add(self, node: Node, path: str, message: str, wanted: str) -> None:
        self._tell(Problem(node.line, node.column, path, message, wanted))

    def _tell(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= PROBLEMS_AT_MOST:
            raise _Enough


def parse(text: str, kind: Scalar) -> str | float | bool | None:
    """The value that ``text`` stands for; None where it is not accepted."""
    if isinstance(kind, Text):
        is_right = len(text) <= kind.longest and re.fullmatch(kind.pattern, text)
        return text if is_right and not (kind.refusal and kind.refusal(text)) else None
    if isinstance(kind, Integer):
        return int(text) if re.fullmatch(r"[0-9]{1,9}", text) and kind.least <= int(text) <= kind.most else None
    if isinstance(kind, Number):
        return _number(text, kind)
    if isinstance(kind, Choice):
        return text if text in kind.values else None
    return {"true": True, "false": False}.get(text)


def _number(text: str, kind: Number) -> float | None:
    """Decimal fractions decide about the step: 0.3 is no multiple of 0.1 in binary ones."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return None
    exact = Decimal(text)
    if exact % Decimal(str(kind.step)) or not kind.least <= float(exact) <= kind.most:
        return None
    return float(exact)


def shown(node: Node) -> str:
    """A value as messages show it: on one line, cut to size."""
    if node.content is None:
        return "nothing"
    if isinstance(node.content, str):
        return f"'{_cut(node.content)}'"
    return "a list" if isinstance(node.content, list) else "a mapping"


def join(path: str, name: str) -> str:
    """``services[0]`` and ``image`` are ``services[0].image``; either may be empty."""
    return f"{path}.{name}" if path and name else path or name


def _cut(text: str, most: int = _SHOWN) -> str:
    return sanitize.escaped(text if len(text) <= most else text[:most] + "…")


def _wanted(field: Field, kind: Object) -> str:
    told = f"{field.description} For example `{field.example}`"
    told = f"{told}; it may stand in `defaults` too." if kind.inherits else f"{told}."
    instead = [either.other[0] for either in kind.either if field.name in either.one]
    return f"{told} Or `{instead[0]}` instead." if instead else told
