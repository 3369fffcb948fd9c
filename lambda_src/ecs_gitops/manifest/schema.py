"""The JSON Schema (draft 2020-12) of a manifest, for editors, made from the table of fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ecs_gitops.manifest.fields import MANIFEST
from ecs_gitops.manifest.kinds import Boolean, Choice, Field, Integer, ListOf, Object, Text, Type

if TYPE_CHECKING:
    from ecs_gitops.types import Json

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Json:
    """The schema. Editors read scalars as YAML does, so a text may be a number there; the checker is the stricter."""
    return {"$schema": _DRAFT, "title": "ecs-gitops deployment.yaml"} | _object(MANIFEST)


def _object(kind: Object) -> Json:
    made: Json = {
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: _field(field, field.required and not kind.inherits) for field in kind.fields},
    }
    required = [field.name for field in kind.fields if field.required]
    if required and not kind.inherits:
        made["required"] = required
    conditions = [dict(rule.schema) for rule in kind.rules if rule.schema]
    conditions += [condition for field in kind.fields for condition in _inherited(field)]
    return made | ({"allOf": conditions} if conditions else {})


def _inherited(field: Field) -> Iterator[Json]:
    """A required field stands in `defaults` or in each item."""
    item = field.type.element if isinstance(field.type, ListOf) else None
    for name in (f.name for f in item.fields if f.required) if isinstance(item, Object) and item.inherits else ():
        has = {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
        yield {
            "if": {"required": ["defaults"], "properties": {"defaults": {"type": "object"} | has}},
            "else": {"properties": {field.name: {"items": has}}},
        }


def _field(field: Field, needed: bool) -> Json:
    """A field may be without a value, which counts as absent, except where its object needs it."""
    made = _type(field.type)
    if needed:
        pass
    elif "enum" in made:
        made["enum"] = [*made["enum"], None]
    else:
        types = made["type"] if isinstance(made["type"], list) else [made["type"]]
        made["type"] = [*types, "null"]
    made["description"] = field.description
    return made if field.example is None else made | {"examples": [field.example]}


def _type(kind: Type) -> Json:
    if isinstance(kind, Text):
        return _text(kind)
    if isinstance(kind, Integer):
        return {"type": "integer", "minimum": kind.least, "maximum": kind.most}
    if isinstance(kind, Boolean):
        return {"type": "boolean"}
    if isinstance(kind, Choice):
        return {"enum": list(kind.values)}
    if isinstance(kind, ListOf):
        return {"type": "array", "items": _type(kind.element)}
    return _object(kind)


def _text(kind: Text) -> Json:
    return {"type": ["string", *kind.typed], "pattern": f"^(?:{kind.pattern})$", "maxLength": kind.longest}
