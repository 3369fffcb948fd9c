"""What the table of fields is made of: scalars, choices, lists, objects, and rules across the fields of an object.

Only what holds for every table stands here; the manifest's own table is :mod:`ecs_gitops.manifest.fields`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

# A checked value: text, number, yes or no; a tuple for a list, a mapping by field name for an object.
Value: TypeAlias = str | int | float | bool | tuple[Any, ...] | Mapping[str, Any]
Values: TypeAlias = Mapping[str, Any]

# Stands for a value that was given and is wrong, so that nothing else is said about it.
WRONG: Final = object()


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, read as the text that stands in the file. ``accepted`` says what ``pattern`` means, for people.

    ``typed`` names the JSON types besides string that an editor may take such a text for: ``4.0`` without quotes is a
    number to it. ``refusal`` tells why a text is not accepted, and what is, where more than ``pattern`` decides.
    """

    pattern: str
    accepted: str
    longest: int
    typed: tuple[str, ...] = ("number", "boolean")
    refusal: Callable[[str], tuple[str, str] | None] | None = None


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number from ``least`` to ``most``, a multiple of ``step``. JSON Schema leaves the step out: it
    calculates with binary fractions, in which hardly any number is a multiple of 0.1."""

    least: float
    most: float
    step: float


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``, in lower case."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words, as AWS spells them."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """``least`` or more elements of one type. ``once`` names the field that no two elements have the same of; empty
    for elements that are no objects; None where elements may repeat."""

    element: Type
    accepted: str = "a list of items, each beginning with `-`"
    least: int = 0
    once: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule finds: ``path`` from the rule's object (``services[1]``; empty for the object itself). ``first`` is
    the path of the other place that the message speaks of; its line is added."""

    path: str
    message: str
    accepted: str
    first: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What fields have to do with each other.

    ``check`` gets the object's values by field name, inherited ones included: absent ones are missing, wrong ones are
    :data:`WRONG`, also inside of lists and objects. What it finds in the inherited ones alone is told in ``defaults``,
    which has the same rule. ``schema`` says the same in JSON Schema, as far as it can. The rules after one that
    ``bounds`` what they have to look at are not asked when that one finds something.
    """

    check: Callable[[Values], Iterable[Finding]]
    schema: Mapping[str, Any] | None = None
    bounds: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """``name`` is the manifest's own, camelCase; ``example`` is typed as JSON. ``attribute`` is the name in the model's
    dataclasses: ``clusterName`` is ``cluster_name``."""

    name: str
    type: Type
    description: str
    example: object = None
    required: bool = False
    attribute: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        made = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in self.name)
        object.__setattr__(self, "attribute", made)


@dataclass(frozen=True, slots=True)
class Either:
    """Two sets of fields of which an object has one; the first of each is the one that stands for it.

    What an object has of one set shuts out what ``defaults`` have of the other.
    """

    one: tuple[str, ...]
    other: tuple[str, ...]
    accepted: str

    def both(self, own: Values) -> tuple[str, str] | None:
        """A field of each set, where the object has both."""
        one, other = ([name for name in names if name in own] for names in (self.one, self.other))
        return (one[0], other[0]) if one and other else None

    def unused(self, own: Values, defaults: Values) -> tuple[str, ...]:
        """The set that the object does not have."""
        if any(name in own for name in self.other):
            return self.one
        if any(name in own for name in self.one):
            return self.other
        return self.one if self.other[0] in defaults else self.other


@dataclass(frozen=True, slots=True)
class Object:
    """A mapping. ``inherits`` tells that what it does not have may stand in the manifest's ``defaults``. Keys that
    begin with ``free`` may have any value, which nothing reads: places for anchors."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    inherits: bool = False
    accepted: str = "a mapping of fields"
    either: tuple[Either, ...] = ()
    free: str = ""
    names: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Asked for once or more for every item of a manifest.
        object.__setattr__(self, "names", tuple(entry.name for entry in self.fields))

    def unused(self, own: Values, defaults: Values) -> frozenset[str]:
        """The fields that an object with ``own`` values has no use for: it has the other set of an :class:`Either`."""
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


def accepted(kind: Type) -> str:
    """What a value of this type may be, for people."""
    if isinstance(kind, Integer):
        return f"a whole number from {kind.least} to {kind.most}"
    if isinstance(kind, Number):
        return f"a number from {kind.least} to {kind.most}, a multiple of {kind.step}"
    if isinstance(kind, Boolean):
        return "true or false"
    if isinstance(kind, Choice):
        return " or ".join(kind.values)
    return kind.accepted


def has(*names: str) -> dict[str, Any]:
    """JSON Schema of an object that has values in all of these fields."""
    return {"required": list(names), "properties": {name: {"not": {"type": "null"}} for name in names}}


def is_right(value: Any) -> bool:
    """Whether nothing in a checked value is :data:`WRONG`."""
    if isinstance(value, Mapping):
        return all(is_right(child) for child in value.values())
    if isinstance(value, tuple):
        return all(is_right(child) for child in value)
    return value is not WRONG
