"""Hold a tree against the table of fields: the typed manifest, or every problem at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from ecs_gitops.manifest.fields import (
    DEFAULTS,
    RELEASE,
    RENDERED,
    SCHEMA_VERSION,
    SERVICE,
    TASK,
    TOP,
    Boolean,
    Field,
    Integer,
    Text,
    Type,
)
from ecs_gitops.manifest.model import Manifest, ServiceItem, TaskItem, Value
from ecs_gitops.manifest.node import Node, Problem

_SHOWN = 80


@dataclass(slots=True)
class Checker:
    """Collects problems while it reads. ``rendered`` allows what `render` adds to the manifest's own fields."""

    rendered: bool
    problems: list[Problem] = field(default_factory=list)

    def manifest(self, root: Node) -> Manifest:
        """The manifest as far as it could be read; of use only when :attr:`problems` is empty afterwards."""
        top = self._mapping(root, "", (*TOP, *RENDERED) if self.rendered else TOP, "a mapping with tasks or services")
        self._version(top.get("schemaVersion"))
        release = self._value(top.get("release"), "release", RELEASE)
        defaults = self._fields(top.get("defaults"), "defaults", DEFAULTS) if "defaults" in top else {}
        tasks = self._items(top, "tasks", TASK, defaults)
        services = self._items(top, "services", SERVICE, defaults)
        if not tasks and not services and not self.problems:
            self._add(root, "", "neither tasks nor services", "at least one item in `tasks` or `services`")
        self._duplicates(
            tasks, defaults, ("account", "region", "eventBusName", "cwRuleName", "service"), "scheduled task"
        )
        self._duplicates(services, defaults, ("account", "region", "clusterName", "serviceName"), "service")
        return Manifest(
            release=release if isinstance(release, str) else None,
            defaults=defaults,
            tasks=tuple(TaskItem(**_attributes(values, TASK)) for _, _, values in tasks),  # type: ignore[arg-type]
            services=tuple(ServiceItem(**_attributes(values, SERVICE)) for _, _, values in services),  # type: ignore[arg-type]
        )

    def _add(self, node: Node | tuple[int, int], path: str, message: str, accepted: str = "") -> None:
        line, column = node if isinstance(node, tuple) else (node.line, node.column)
        self.problems.append(Problem(line, column, path, message, accepted))

    def _version(self, node: Node | None) -> None:
        if node is not None and node.content is not None and node.content != str(SCHEMA_VERSION):
            self._add(node, "schemaVersion", f"{_shown(node)} is not known to this version", str(SCHEMA_VERSION))

    def _mapping(self, node: Node, path: str, names: tuple[str, ...], accepted: str) -> dict[str, Node]:
        """The known members of a mapping; unknown and repeated ones are problems."""
        if not isinstance(node.content, dict):
            self._add(node, path, f"{_shown(node)} is not a mapping", accepted)
            return {}
        for name, line, column in node.repeated:
            first = (node.keys or {}).get(name, (0, 0))
            self._add(
                (line, column), _join(path, name), f"the key stands twice, first in line {first[0]}", "one of them"
            )
        for name, child in node.content.items():
            if name not in names:
                place = (node.keys or {}).get(name, (child.line, child.column))
                self._add(place, _join(path, name[:_SHOWN]), _unknown(name, names), ", ".join(names))
        return {name: child for name, child in node.content.items() if name in names}

    def _items(
        self, top: Mapping[str, Node], name: str, table: Mapping[str, Field], defaults: Mapping[str, Value]
    ) -> list[tuple[str, Node, dict[str, Value]]]:
        """Path, node and values of each item of a list; null and an empty list are no items."""
        node = top.get(name)
        if node is None or node.content is None:
            return []
        if not isinstance(node.content, list):
            self._add(node, name, f"{_shown(node)} is not a list", "a list of items, each beginning with `-`")
            return []
        found = []
        for index, child in enumerate(node.content):
            path = f"{name}[{index}]"
            before = len(self.problems)
            values = self._fields(child, path, table)
            present = set(child.content) if isinstance(child.content, dict) else set(table)
            missing = [n for n, f in table.items() if f.required and n not in values and n not in defaults]
            for required in missing:
                if required not in present or _is_null(child, required):
                    self._add(
                        child, path, f"{required} is missing", f"{table[required].description} {_say(table[required])}"
                    )
            if len(self.problems) == before:
                found.append((path, child, values))
        return found

    def _fields(self, node: Node | None, path: str, table: Mapping[str, Field]) -> dict[str, Value]:
        if node is None or (node.content is None and path == "defaults"):
            return {}
        values = {}
        for name, child in self._mapping(node, path, tuple(table), "a mapping of fields").items():
            value = self._value(child, _join(path, name), table[name].type)
            if value is not None:
                values[name] = value
        return values

    def _value(self, node: Node | None, path: str, kind: Type) -> Value | None:
        if node is None or node.content is None:
            return None
        if not isinstance(node.content, str):
            self._add(node, path, f"{_shown(node)} is not a single value", _accepted(kind))
            return None
        value = _parse(node.content, kind)
        if value is None:
            self._add(node, path, f"{_shown(node)} is not accepted", _accepted(kind))
        return value

    def _duplicates(
        self,
        items: list[tuple[str, Node, dict[str, Value]]],
        defaults: Mapping[str, Value],
        key: tuple[str, ...],
        kind: str,
    ) -> None:
        """Two items with one target: whichever came last would win, and nobody would see the other."""
        seen: dict[Hashable, tuple[str, Node]] = {}
        for path, node, values in items:
            target = tuple(values.get(name, defaults.get(name)) for name in key)
            if target in seen:
                first, where = seen[target]
                place = f" in line {where.line}" if where.line else ""
                self._add(node, path, f"the same {kind} as {first}{place}", "each target once")
            else:
                seen[target] = (path, node)


def _attributes(values: Mapping[str, Value], table: Mapping[str, Field]) -> dict[str, Value]:
    return {table[name].attribute: value for name, value in values.items()}


def _is_null(node: Node, name: str) -> bool:
    return isinstance(node.content, dict) and name in node.content and node.content[name].content is None


def _parse(text: str, kind: Type) -> Value | None:
    if isinstance(kind, Text):
        return text if len(text) <= kind.longest and re.fullmatch(kind.pattern, text) and text.isprintable() else None
    if isinstance(kind, Integer):
        if not re.fullmatch(r"[0-9]{1,9}", text) or not kind.least <= int(text) <= kind.most:
            return None
        return int(text)
    return {"true": True, "false": False}.get(text)


def _accepted(kind: Type) -> str:
    if isinstance(kind, Text):
        return kind.accepted
    if isinstance(kind, Integer):
        return f"a whole number from {kind.least} to {kind.most}"
    assert isinstance(kind, Boolean)  # noqa: S101 - exhausts the union
    return "true or false"


def _say(entry: Field) -> str:
    return f"For example `{entry.example}`; it may stand in `defaults` too."


def _shown(node: Node) -> str:
    if node.content is None:
        return "nothing"
    if isinstance(node.content, str):
        return repr(node.content if len(node.content) <= _SHOWN else node.content[:_SHOWN] + "…")
    return "a list" if isinstance(node.content, list) else "a mapping"


def _unknown(name: str, names: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    lower = {known.lower(): known for known in names}
    near = get_close_matches(name.lower()[:_SHOWN], list(lower), n=1, cutoff=0.5)
    return "unknown key" + (f"; did you mean {lower[near[0]]}?" if near else "")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
