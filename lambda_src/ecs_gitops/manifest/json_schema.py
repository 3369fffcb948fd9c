"""The JSON Schema (draft 2020-12) of a manifest, for editors, made from the table of fields. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ecs_gitops.manifest.field_types import (
    Boolean,
    Choice,
    Field,
    Integer,
    ListOf,
    Number,
    Object,
    Text,
    Type,
    has_values,
)
from ecs_gitops.manifest.fields import MANIFEST

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Json:
    """The schema. Editors read `4.0` as a number, so it accepts more than the checker, which reads texts."""
    return {"$schema": _DRAFT, "title": "ecs-gitops deployment.yaml"} | _object(MANIFEST)


def _object(kind: Object) -> Json:
    result: Json = {
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: _field(field, field.required and not kind.inherits) for field in kind.fields},
    }
    if kind.free:
        result["patternProperties"] = {f"^{kind.free}": {"description": "A place for anchors; nothing reads it."}}
    required = [field.name for field in kind.fields if field.required]
    if required and not kind.inherits:
        result["required"] = required
    conditions = [dict(rule.schema) for rule in kind.rules if rule.schema]
    conditions += [{"not": {"allOf": [_any(either.one), _any(either.other)]}} for either in kind.either]
    conditions += [condition for field in kind.fields for condition in _inherited(field)]
    return result | ({"allOf": conditions} if conditions else {})


def _any(names: Iterable[str]) -> Json:
    return {"anyOf": [has_values(name) for name in names]}


def _inherited(field: Field) -> Iterator[Json]:
    """Required fields of items, or their alternatives, must be in `defaults` or in each item."""
    item = field.type.element if isinstance(field.type, ListOf) else None
    if not isinstance(item, Object) or not item.inherits:
        return
    instead = {name: either.other[0] for either in item.either for name in either.one}
    for name in (f.name for f in item.fields if f.required and f.name not in instead.values()):
        needed = _any([name, instead[name]]) if name in instead else has_values(name)
        yield {
            "if": {"required": ["defaults"], "properties": {"defaults": {"type": "object"} | needed}},
            "else": {"properties": {field.name: {"items": needed}}},
        }


def _field(field: Field, needed: bool) -> Json:
    """A field may be null, which counts as absent, unless it is ``needed``."""
    result = _type(field.type)
    if needed:
        pass
    elif "enum" in result:
        result["enum"] = [*result["enum"], None]
    else:
        types = result["type"] if isinstance(result["type"], list) else [result["type"]]
        result["type"] = [*types, "null"]
    result["description"] = field.description
    return result if field.example is None else result | {"examples": [field.example]}


def _type(kind: Type) -> Json:
    if isinstance(kind, Text):
        return _text(kind)
    if isinstance(kind, Integer):
        return {"type": "integer", "minimum": kind.minimum, "maximum": kind.maximum}
    if isinstance(kind, Number):
        return {"type": "number", "minimum": kind.minimum, "maximum": kind.maximum}
    if isinstance(kind, Boolean):
        return {"type": "boolean"}
    if isinstance(kind, Choice):
        return {"enum": list(kind.values)}
    if isinstance(kind, ListOf):
        return _list(kind)
    return _object(kind)


def _text(kind: Text) -> Json:
    return {"type": ["string", *kind.json_types], "pattern": f"^(?:{kind.pattern})$", "maxLength": kind.max_length}


def _list(kind: ListOf) -> Json:
    result: Json = {"type": "array", "items": _type(kind.element)}
    if kind.min_items:
        result["minItems"] = kind.min_items
    if kind.max_items is not None:
        result["maxItems"] = kind.max_items
    return result | {"uniqueItems": True} if kind.unique_by == "" else result
