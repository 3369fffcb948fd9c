"""The types of the manifest's fields: scalars, choices, lists, objects, and rules across the fields of an object. Pure.

The table that uses them is in :mod:`ecs_gitops.manifest.fields`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

# A checked value: text, number or boolean; a tuple for a list, a mapping by field name for an object.
Value: TypeAlias = str | int | float | bool | tuple[Any, ...] | Mapping[str, Any]
Values: TypeAlias = Mapping[str, Any]

# Takes the place of an invalid value. That problem is reported already, so rules pass over it.
INVALID: Final = object()


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, read as the text in the file. ``accepted`` describes ``pattern`` for people.

    ``json_types`` are the JSON types, besides string, that an editor may read: ``4.0`` without quotes is a number.
    ``refusal`` checks what ``pattern`` cannot. It returns the reason and what is accepted, or None for a valid text.
    """

    pattern: str
    accepted: str
    max_length: int
    json_types: tuple[str, ...] = ("number", "boolean")
    refusal: Callable[[str], tuple[str, str] | None] | None = None


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from ``minimum`` to ``maximum``."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number from ``minimum`` to ``maximum``, a multiple of ``step``.

    The JSON Schema has no step: its validators use binary fractions, where 0.3 is not a multiple of 0.1."""

    minimum: float
    maximum: float
    step: float


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``, in lower case."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words, spelt as AWS spells them."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """At least ``min_items`` elements of one type, and at most ``max_items``; None for no limit.

    ``unique_by`` is the field that must differ between elements; ``""`` where the elements themselves must differ, None
    where they may repeat."""

    element: Type
    accepted: str = "a list of items, each beginning with `-`"
    min_items: int = 0
    max_items: int | None = None
    unique_by: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that a rule finds. ``path`` starts at the rule's object (``services[1]``; empty for the object itself).

    ``first`` is the path of another place that the message refers to; the checker appends its line number."""

    path: str
    message: str
    accepted: str
    first: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on several fields of an object.

    ``check`` gets the object's values by field name, inherited ones included. Absent fields are missing; invalid values
    are :data:`INVALID`, also inside lists and objects. A problem of inherited values alone is reported in ``defaults``,
    which has the same rule.
    ``schema`` is the same condition in JSON Schema, as far as it can express it.
    ``bounds`` marks a rule that limits the work of those after it: if it finds a problem, they are skipped.
    """

    check: Callable[[Values], Iterable[Finding]]
    schema: Mapping[str, Any] | None = None
    bounds: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """``name`` is the manifest's, in camelCase; ``example`` has the type that JSON has. ``attribute`` is the name in
    the dataclasses: ``clusterName`` becomes ``cluster_name``."""

    name: str
    type: Type
    description: str
    example: object = None
    required: bool = False
    attribute: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        snake_case = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in self.name)
        object.__setattr__(self, "attribute", snake_case)


@dataclass(frozen=True, slots=True)
class Either:
    """Two sets of fields, of which an object may use only one. The first field of each set represents it.

    If the object uses one set, it inherits nothing of the other from ``defaults``.
    """

    one: tuple[str, ...]
    other: tuple[str, ...]
    accepted: str

    def both(self, own: Values) -> tuple[str, str] | None:
        """A field of each set, if the object has fields of both."""
        one, other = ([name for name in names if name in own] for names in (self.one, self.other))
        return (one[0], other[0]) if one and other else None

    def unused(self, own: Values, defaults: Values) -> tuple[str, ...]:
        """The set that the object does not use."""
        if any(name in own for name in self.other):
            return self.one
        if any(name in own for name in self.one):
            return self.other
        return self.one if self.other[0] in defaults else self.other


@dataclass(frozen=True, slots=True)
class Object:
    """A mapping. With ``inherits``, absent fields are taken from the manifest's ``defaults``. Keys with the prefix
    ``free`` may have any value, which nothing reads: they hold anchors."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    inherits: bool = False
    accepted: str = "a mapping of fields"
    either: tuple[Either, ...] = ()
    free: str = ""
    names: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Kept, because it is read several times for every item of a manifest.
        object.__setattr__(self, "names", tuple(entry.name for entry in self.fields))

    def unused(self, own: Values, defaults: Values) -> frozenset[str]:
        """The fields that an object with ``own`` values cannot use, as it has the other set of an :class:`Either`."""
        return frozenset(name for either in self.either for name in either.unused(own, defaults))

    def inherited(self, own: Values, defaults: Values) -> dict[str, Any]:
        """What an object with ``own`` values takes from ``defaults``."""
        if not self.inherits:
            return {}
        if not defaults:
            return {}
        unused = self.unused(own, defaults)
        return {
            name: value
            for name, value in defaults.items()
            if name not in own and name not in unused and name in self.names
        }


Scalar: TypeAlias = Text | Integer | Number | Boolean | Choice
Type: TypeAlias = Scalar | ListOf | Object


def accepted_by(kind: Type) -> str:
    """What a value of this type may be, for people."""
    if isinstance(kind, Integer):
        return f"a whole number from {kind.minimum} to {kind.maximum}"
    if isinstance(kind, Number):
        return f"a number from {kind.minimum} to {kind.maximum}, a multiple of {kind.step}"
    if isinstance(kind, Boolean):
        return "true or false"
    if isinstance(kind, Choice):
        return " or ".join(kind.values)
    return kind.accepted


def has_values(*names: str) -> dict[str, Any]:
    """JSON Schema of an object that has values in all of these fields."""
    return {"required": list(names), "properties": {name: {"not": {"type": "null"}} for name in names}}


def is_valid(value: Any) -> bool:
    """Whether no part of a checked value is :data:`INVALID`."""
    if isinstance(value, Mapping):
        return all(is_valid(child) for child in value.values())
    if isinstance(value, tuple):
        return all(is_valid(child) for child in value)
    return value is not INVALID
