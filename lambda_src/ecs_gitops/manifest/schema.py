"""The JSON Schema (draft 2020-12) of a manifest, for editors, made from the table of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ecs_gitops.manifest.fields import DEFAULTS, RELEASE, SERVICE, TASK, Field, Integer, Text, Type

if TYPE_CHECKING:
    from ecs_gitops.types import Json


def schema() -> Json:
    """The schema. Editors read scalars as YAML does, so a text may be a number there; the checker is the stricter."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ecs-gitops deployment.yaml",
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["services"]}, {"required": ["tasks"]}],
        "properties": {
            "release": _text(RELEASE) | {"description": "What people call this release; kept as text."},
            "defaults": {
                "description": "Values for items that do not say; what only services know is for services alone.",
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": _properties(DEFAULTS),
            },
            "tasks": _list(TASK, "Scheduled tasks, deployed before the services."),
            "services": _list(SERVICE, "ECS services."),
        },
    }


def _list(table: Mapping[str, Field], description: str) -> Json:
    item = {"type": "object", "additionalProperties": False, "properties": _properties(table)}
    return {"description": description, "type": ["array", "null"], "items": item}


def _properties(table: Mapping[str, Field]) -> Json:
    return {
        name: _type(entry.type) | {"description": entry.description, "examples": [entry.example]}
        for name, entry in table.items()
    }


def _type(kind: Type) -> Json:
    if isinstance(kind, Text):
        return _text(kind)
    if isinstance(kind, Integer):
        return {"type": ["integer", "null"], "minimum": kind.least, "maximum": kind.most}
    return {"type": ["boolean", "null"]}


def _text(kind: Text) -> Json:
    return {"type": ["string", "number", "null"], "pattern": f"^(?:{kind.pattern})$", "maxLength": kind.longest}
