"""Frozen dataclasses as JSON objects: camelCase members, each checked against its shape; defaults left out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from ecs_gitops.model import event_data
from ecs_gitops.model.event_data import Shape
from ecs_gitops.model.types import Json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_BY_TYPE: Mapping[object, Shape] = {
    str: event_data.TEXT,
    bool: event_data.SWITCH,
    int: event_data.COUNT,
    float: event_data.NUMBER,
    Json: event_data.OBJECT,
    tuple[int, ...]: event_data.COUNTS,
    tuple[str, ...]: event_data.TEXTS,
    Mapping[str, str]: event_data.TEXTS_BY_NAME,
}


class Codec(Generic[T]):
    """Reads and writes one dataclass. ``shapes`` are for members that need a stricter check than their type; ``parts``
    has the codecs of members that are dataclasses themselves, or tuples of them."""

    def __init__(
        self,
        made: type[T],
        shapes: Mapping[str, Shape] | None = None,
        parts: Mapping[str, Codec[Any]] | None = None,
    ) -> None:
        self._made, self._parts = made, parts or {}
        self._members = {entry.name: camel(entry.name) for entry in fields(made)}
        self._defaults = {
            entry.name: entry.default_factory() if entry.default_factory is not MISSING else entry.default
            for entry in fields(made)
        }
        self._enums: dict[str, type[StrEnum]] = {}
        self._shapes: dict[str, Shape] = {}
        self._lists = {name for name, hint in get_type_hints(made).items() if get_origin(hint) is tuple}
        for name, hint in get_type_hints(made).items():
            is_simple = name in self._members and name not in self._parts
            if is_simple and self._members[name] not in (shapes or {}):
                self._shapes[self._members[name]] = self._shape(name, hint)
        self._shapes |= shapes or {}

    def _shape(self, name: str, hint: Any) -> Shape:
        kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
        kind = kinds[0] if len(kinds) == 1 else hint
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            self._enums[name] = kind
            return event_data.one_of(*kind)
        return _BY_TYPE[kind]

    def write(self, value: T) -> Json:
        """The object's members; those at their default are left out."""
        found = {name: getattr(value, name) for name in self._members}
        return {
            self._members[name]: self._written(name, member)
            for name, member in found.items()
            if member != self._defaults[name]
        }

    def _written(self, name: str, member: Any) -> Any:
        part = self._parts.get(name)
        if isinstance(member, tuple):
            return list(member) if part is None else [part.write(each) for each in member]
        return member if part is None else part.write(member)

    def read(self, data: Any, path: str) -> T:
        """What :meth:`write` wrote. Raises :class:`TypeError` or :class:`ValueError` naming the member for anything
        else; ``path`` is its place in the event."""
        event_data.require(data, self._shapes, path)
        values = {name: data[member] for name, member in self._members.items() if member in data}
        for name, enum in self._enums.items():
            if name in values:
                values[name] = enum(values[name])
        for name, part in self._parts.items():
            if name in values:
                where = f"{path}.{self._members[name]}"
                values[name] = (
                    _read_parts(part, values[name], where) if name in self._lists else part.read(values[name], where)
                )
        return self._made(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})


def _read_parts(part: Codec[Any], data: Any, path: str) -> Any:
    event_data.require({path: data}, {path: event_data.LIST})
    return tuple(part.read(each, f"{path}[{number}]") for number, each in enumerate(data))


def camel(name: str) -> str:
    """``taskDefinition`` of ``task_definition``."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
