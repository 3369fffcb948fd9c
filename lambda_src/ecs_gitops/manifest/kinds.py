"""What the table of fields is made of: scalars, choices, lists, objects, and rules across the fields of an object.

Only what holds for every table stands here; the manifest's own table is :mod:`ecs_gitops.manifest.fields`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

# A checked value: text, number, yes or no; a tuple for a list, a mapping by field name for an object.
Value: TypeAlias = str | int | bool | tuple[Any, ...] | Mapping[str, Any]
Values: TypeAlias = Mapping[str, Any]

# Stands for a value that was given and is wrong, so that nothing else is said about it.
WRONG: Final = object()


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, read as the text that stands in the file. ``accepted`` says what ``pattern`` means, for people.

    ``typed`` names the JSON types besides string that an editor may take such a text for: ``4.0`` without quotes is a
    number to it.
    """

    pattern: str
    accepted: str
    longest: int
    typed: tuple[str, ...] = ("number", "boolean")


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``, in lower case."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words, as AWS spells them."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """Any number of elements of one type."""

    element: Type
    accepted: str = "a list of items, each beginning with `-`"


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
    :data:`WRONG`, also inside of lists and objects. ``schema`` says the same in JSON Schema, as far as it can.
    """

    check: Callable[[Values], Iterable[Finding]]
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """``name`` is the manifest's own, camelCase; ``example`` is typed as JSON."""

    name: str
    type: Type
    description: str
    example: object = None
    required: bool = False

    @property
    def attribute(self) -> str:
        """The name in the model's dataclasses: ``clusterName`` is ``cluster_name``."""
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in self.name)


@dataclass(frozen=True, slots=True)
class Object:
    """A mapping. ``inherits`` tells that what it does not have may stand in the manifest's ``defaults``."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    inherits: bool = False
    accepted: str = "a mapping of fields"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)


Type: TypeAlias = Text | Integer | Boolean | Choice | ListOf | Object


def accepted(kind: Type) -> str:
    """What a value of this type may be, for people."""
    if isinstance(kind, Integer):
        return f"a whole number from {kind.least} to {kind.most}"
    if isinstance(kind, Boolean):
        return "true or false"
    if isinstance(kind, Choice):
        return " or ".join(kind.values)
    return kind.accepted
