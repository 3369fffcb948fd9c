"""The checked manifest as frozen dataclasses. Attributes are the manifest's fields in snake_case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ecs_gitops.manifest.fields import SERVICE, TASK
from ecs_gitops.manifest.kinds import Object, Value

if TYPE_CHECKING:
    from ecs_gitops.types import Json


@dataclass(frozen=True, slots=True)
class TaskItem:
    """A scheduled task. Before :meth:`Manifest.with_defaults`, required fields may be empty: defaults have them."""

    service: str = ""
    cw_rule_name: str = ""
    image: str = ""
    event_bus_name: str | None = None
    account: str | None = None
    region: str | None = None
    timeout_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceItem:
    """An ECS service. Before :meth:`Manifest.with_defaults`, required fields may be empty: defaults have them."""

    service: str = ""
    cluster_name: str = ""
    service_name: str = ""
    image: str = ""
    account: str | None = None
    region: str | None = None
    timeout_minutes: int | None = None
    force_new_deployment: bool | None = None


T = TypeVar("T", TaskItem, ServiceItem)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole manifest. ``defaults`` maps field names to values, as written."""

    release: str | None = None
    defaults: Mapping[str, Value] = field(default_factory=dict)
    tasks: tuple[TaskItem, ...] = ()
    services: tuple[ServiceItem, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Manifest:
        """The manifest of checked values by field name; values of other fields are left aside."""
        return cls(
            release=values.get("release"),
            defaults=values.get("defaults") or {},
            tasks=tuple(TaskItem(**_attributes(item, TASK)) for item in values.get("tasks") or ()),
            services=tuple(ServiceItem(**_attributes(item, SERVICE)) for item in values.get("services") or ()),
        )

    def with_defaults(self) -> Manifest:
        """The same manifest with its defaults written into each item."""
        return replace(
            self,
            defaults={},
            tasks=tuple(_filled(item, TASK, self.defaults) for item in self.tasks),
            services=tuple(_filled(item, SERVICE, self.defaults) for item in self.services),
        )

    def to_json(self) -> Json:
        """The members of deployment.json, camelCase, what is absent left out."""
        data = {
            "release": self.release,
            "defaults": dict(self.defaults),
            "tasks": [dict(_members(item, TASK)) for item in self.tasks],
            "services": [dict(_members(item, SERVICE)) for item in self.services],
        }
        return {key: value for key, value in data.items() if value}


def _attributes(values: Mapping[str, Any], table: Object) -> dict[str, Any]:
    return {entry.attribute: values[entry.name] for entry in table.fields if entry.name in values}


def _filled(item: T, table: Object, defaults: Mapping[str, Value]) -> T:
    inherited = _attributes(defaults, table)
    return replace(item, **{name: value for name, value in inherited.items() if getattr(item, name) in (None, "")})


def _members(item: TaskItem | ServiceItem, table: Object) -> Iterator[tuple[str, Value]]:
    for entry in table.fields:
        value = getattr(item, entry.attribute)
        if value not in (None, ""):
            yield entry.name, value
