"""Check a tree against the table of fields: the result is its values, or all of its problems. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ecs_gitops.manifest import unknown_keys
from ecs_gitops.manifest.field_types import (
    INVALID,
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
    accepted_by,
)
from ecs_gitops.manifest.node import Node
from ecs_gitops.model import sanitize
from ecs_gitops.model.problem import Problem

_SHOWN = 80
_REASON_SHOWN = 200
# The search for the nearest name is slow. No message shows more problems than this, so more hints are of no use.
_NEAREST_AT_MOST = 100
# The check of a file stops at this many problems.
PROBLEMS_AT_MOST = 10_000


class _TooManyProblems(Exception):
    """The check stops: :data:`PROBLEMS_AT_MOST` is reached."""


def check(root: Node, table: Object) -> tuple[dict[str, Any], list[Problem]]:
    """The values of ``root`` by field name, without absent fields, and the problems in the order of the file, at most
    :data:`PROBLEMS_AT_MOST`.

    Use the values only if there is no problem. Lists are tuples.
    """
    checker = _Checker()
    try:
        values = checker.object(root, "", table)
    except _TooManyProblems:
        values = {}
    return values, sorted(set(checker.problems)) if root.line else checker.problems


class _Checker:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._places: dict[str, Node] = {}
        self._defaults: Mapping[str, Any] = {}
        self._unknown = 0

    def object(self, node: Node, path: str, kind: Object) -> dict[str, Any]:
        """The object's values, with :data:`INVALID` in place of each invalid one; none if the node is not a mapping."""
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
                self._add(where, join(path, both[1]), f"{' and '.join(both)} cannot be used together", either.accepted)
        inherited = kind.inherited(values, self._defaults)
        for rule in kind.rules:
            of_defaults = set(rule.check(inherited)) if inherited else set()
            findings = [finding for finding in rule.check({**inherited, **values}) if finding not in of_defaults]
            for finding in findings:
                where = self._places.get(join(path, finding.path), node)
                line = self._places[join(path, finding.first)].line if finding.first else 0
                message = f"{finding.message} in line {line}" if line else finding.message
                self._add(where, join(path, finding.path), message, finding.accepted)
            if rule.bounds and findings:
                return

    def _field(self, node: Node | None, path: str, kind: Type) -> Value | Any | None:
        """The value; None if there is none. YAML's null counts as a missing field."""
        if node is None or node.content is None:
            return None
        return self._element(node, path, kind)

    def _element(self, node: Node, path: str, kind: Type) -> Value | Any:
        self._places[path] = node
        if isinstance(kind, Object):
            values = self.object(node, path, kind)
            return values if isinstance(node.content, dict) else INVALID
        if isinstance(kind, ListOf):
            return self._list(node, path, kind)
        if not isinstance(node.content, str):
            self._add(node, path, f"{shown(node)} is not a single value", accepted_by(kind))
            return INVALID
        value = parse(node.content, kind)
        if value is None:
            refusal = kind.refusal(node.content) if isinstance(kind, Text) and kind.refusal else None
            reason, accepted = (
                (f": {_cut(refusal[0], _REASON_SHOWN)}", refusal[1]) if refusal else ("", accepted_by(kind))
            )
            self._add(node, path, f"{shown(node)} is not accepted{reason}", accepted)
            return INVALID
        return value

    def _list(self, node: Node, path: str, kind: ListOf) -> tuple[Any, ...] | Any:
        if not isinstance(node.content, list):
            self._add(node, path, f"{shown(node)} is not a list", kind.accepted)
            return INVALID
        if len(node.content) < kind.min_items:
            self._add(node, path, "the list is empty", f"at least {kind.min_items} element")
            return INVALID
        if kind.max_items is not None and len(node.content) > kind.max_items:
            self._add(node, path, f"the list has {len(node.content):,} elements", f"at most {kind.max_items:,}")
            return INVALID
        values = tuple(self._element(child, f"{path}[{i}]", kind.element) for i, child in enumerate(node.content))
        if kind.unique_by is not None:
            self._duplicates(path, kind.unique_by, values)
        return values

    def _duplicates(self, path: str, unique_by: str, values: tuple[Any, ...]) -> None:
        first: dict[object, Node] = {}
        for index, value in enumerate(values):
            key = value.get(unique_by) if unique_by and isinstance(value, Mapping) else value
            if key is None or key is INVALID:
                continue
            place = join(f"{path}[{index}]", unique_by)
            node = self._places[place]
            if key in first:
                line = f", first in line {first[key].line}" if first[key].line else ""
                self._add(node, place, f"duplicate {shown(node)}{line}", "each value once")
            first.setdefault(key, node)

    def _keys(self, node: Node, path: str, kind: Object) -> None:
        """Report unknown and duplicate keys."""
        keys = node.keys or {}
        self._duplicate_keys(node, path)
        for name, child in node.content.items() if isinstance(node.content, dict) else ():
            if name in kind.names:
                continue
            if kind.free and name.startswith(kind.free):
                self._free(child, join(path, _cut(name)))
                continue
            line, column = keys.get(name, (child.line, child.column))
            message = unknown_keys.message(path, name, kind.names) or f"unknown key{self._nearest(name, kind.names)}"
            accepted = ", ".join([*kind.names, *([f"{kind.free}…"] if kind.free else [])])
            self._report(Problem(line, column, join(path, _cut(name)), message, accepted))

    def _duplicate_keys(self, node: Node, path: str) -> None:
        for name, line, column in node.duplicate_keys:
            first = (node.keys or {})[name][0]
            message = f"duplicate key, first in line {first}"
            self._report(Problem(line, column, join(path, _cut(name)), message, "each key once"))

    def _free(self, node: Node, path: str) -> None:
        """The content of a free key may be anything, but without duplicate keys: YAML would drop one of them."""
        self._duplicate_keys(node, path)
        if isinstance(node.content, dict):
            for name, child in node.content.items():
                self._free(child, join(path, _cut(name)))
        elif isinstance(node.content, list):
            for index, child in enumerate(node.content):
                self._free(child, f"{path}[{index}]")

    def _missing(self, node: Node, path: str, kind: Object, values: Mapping[str, Any]) -> None:
        present = {*values, *kind.inherited(values, self._defaults), *kind.unused(values, self._defaults)}
        for either in kind.either:
            present.update((*either.one, *either.other) if either.both(values) else ())
        for field in kind.fields:
            if field.required and field.name not in present:
                self._add(node, path, f"{field.name} is missing", _how_to_add(field, kind))

    def _nearest(self, name: str, names: tuple[str, ...]) -> str:
        self._unknown += 1
        if self._unknown > _NEAREST_AT_MOST:
            return ""
        from difflib import get_close_matches

        lower = {known.lower(): known for known in names}
        near = get_close_matches(name.lower()[:_SHOWN], list(lower), n=1, cutoff=0.5)
        return f"; did you mean {lower[near[0]]}?" if near else ""

    def _add(self, node: Node, path: str, message: str, accepted: str) -> None:
        self._report(Problem(node.line, node.column, path, message, accepted))

    def _report(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= PROBLEMS_AT_MOST:
            raise _TooManyProblems


def parse(text: str, kind: Scalar) -> str | float | bool | None:
    """The value of ``text``; None if it is not accepted."""
    if isinstance(kind, Text):
        is_match = len(text) <= kind.max_length and re.fullmatch(kind.pattern, text)
        return text if is_match and not (kind.refusal and kind.refusal(text)) else None
    if isinstance(kind, Integer):
        return int(text) if re.fullmatch(r"[0-9]{1,9}", text) and kind.minimum <= int(text) <= kind.maximum else None
    if isinstance(kind, Number):
        return _number(text, kind)
    if isinstance(kind, Choice):
        return text if text in kind.values else None
    return {"true": True, "false": False}.get(text)


def _number(text: str, kind: Number) -> float | None:
    """The step is checked with decimal fractions: as a binary fraction 0.3 is not a multiple of 0.1."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return None
    exact = Decimal(text)
    if exact % Decimal(str(kind.step)) or not kind.minimum <= float(exact) <= kind.maximum:
        return None
    return float(exact)


def shown(node: Node) -> str:
    """A value for a message: on one line, shortened."""
    if node.content is None:
        return "nothing"
    if isinstance(node.content, str):
        return f"'{_cut(node.content)}'"
    return "a list" if isinstance(node.content, list) else "a mapping"


def join(path: str, name: str) -> str:
    """``services[0].image`` of ``services[0]`` and ``image``; either may be empty."""
    return f"{path}.{name}" if path and name else path or name


def _cut(text: str, most: int = _SHOWN) -> str:
    return sanitize.escaped(text if len(text) <= most else text[:most] + "…")


def _how_to_add(field: Field, kind: Object) -> str:
    text = f"{field.description} For example `{field.example}`"
    text = f"{text}; it may be in `defaults` too." if kind.inherits else f"{text}."
    instead = [either.other[0] for either in kind.either if field.name in either.one]
    return f"{text} Or `{instead[0]}` instead." if instead else text
