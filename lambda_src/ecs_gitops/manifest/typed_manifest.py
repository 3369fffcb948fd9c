"""The checked manifest as frozen dataclasses. Attributes are the manifest's fields in snake_case.

`deployment` and `hooks` are passed on to AWS, so they stay plain JSON with AWS's own names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ecs_gitops.manifest.field_types import Object, Value
from ecs_gitops.manifest.fields import SERVICE, TASK

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class ContainerImage:
    """The name of a container in the task definition, and the image to deploy to it."""

    name: str
    image: str


@dataclass(frozen=True, slots=True)
class TaskItem:
    """A scheduled task: the target of an EventBridge rule, or of a schedule of EventBridge Scheduler.

    Required fields may be empty until :meth:`Manifest.with_defaults` fills them.
    """

    service: str = ""
    cw_rule_name: str | None = None
    image: str = ""
    containers: tuple[ContainerImage, ...] = ()
    event_bus_name: str | None = None
    schedule_name: str | None = None
    schedule_group: str | None = None
    account: str | None = None
    region: str | None = None
    timeout_minutes: int | None = None
    pin_digest: bool | None = None

    @property
    def images(self) -> tuple[ContainerImage, ...]:
        """The containers and their images. Call it only after :meth:`Manifest.with_defaults`."""
        return self.containers or (ContainerImage(self.service, self.image),)


@dataclass(frozen=True, slots=True)
class ServiceItem:
    """An ECS service. Required fields may be empty until :meth:`Manifest.with_defaults` fills them."""

    service: str = ""
    cluster_name: str = ""
    service_name: str = ""
    image: str = ""
    containers: tuple[ContainerImage, ...] = ()
    account: str | None = None
    region: str | None = None
    timeout_minutes: int | None = None
    force_new_deployment: bool | None = None
    pin_digest: bool | None = None
    deployment: Mapping[str, Any] | None = None
    depends_on: tuple[str, ...] = ()
    hooks: Mapping[str, Any] | None = None
    on_failure: str | None = None
    require_zero_downtime: bool | None = None

    @property
    def images(self) -> tuple[ContainerImage, ...]:
        """The containers and their images. Call it only after :meth:`Manifest.with_defaults`."""
        return self.containers or (ContainerImage(self.service, self.image),)


T = TypeVar("T", TaskItem, ServiceItem)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole manifest. ``defaults`` maps field names to values, as written, in plain JSON."""

    release: str | None = None
    on_failure: str | None = None
    tasks_after_services: bool | None = None
    defaults: Mapping[str, Value] = field(default_factory=dict)
    tasks: tuple[TaskItem, ...] = ()
    services: tuple[ServiceItem, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Manifest:
        """The manifest made of checked values by field name; other fields are ignored."""
        return cls(
            release=values.get("release"),
            on_failure=values.get("onFailure"),
            tasks_after_services=values.get("tasksAfterServices"),
            defaults=_plain(values.get("defaults") or {}),
            tasks=tuple(TaskItem(**_attributes(_plain(item), TASK)) for item in values.get("tasks") or ()),
            services=tuple(ServiceItem(**_attributes(_plain(item), SERVICE)) for item in values.get("services") or ()),
        )

    def with_defaults(self) -> Manifest:
        """The same manifest with its defaults copied into each item."""
        return replace(
            self,
            defaults={},
            tasks=tuple(_filled(item, TASK, self.defaults) for item in self.tasks),
            services=tuple(_filled(item, SERVICE, self.defaults) for item in self.services),
        )

    def to_json(self) -> Json:
        """The members of deployment.json, in camelCase, without absent ones."""
        data = {
            "release": self.release,
            "onFailure": self.on_failure,
            "tasksAfterServices": self.tasks_after_services,
            "defaults": dict(self.defaults),
            "tasks": [item_json(item) for item in self.tasks],
            "services": [item_json(item) for item in self.services],
        }
        return {key: value for key, value in data.items() if value not in (None, {}, [])}


def item_json(item: TaskItem | ServiceItem) -> Json:
    """The members of one item, in camelCase, without absent ones."""
    return dict(_members(item, TASK) if isinstance(item, TaskItem) else _members(item, SERVICE))


def _plain(value: Any) -> Any:
    """A checked value as JSON: lists in place of tuples, at every level."""
    if isinstance(value, Mapping):
        return {name: _plain(child) for name, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, tuple) else value


def _attributes(values: Mapping[str, Any], table: Object) -> dict[str, Any]:
    attributes = {entry.attribute: values[entry.name] for entry in table.fields if entry.name in values}
    if "containers" in attributes:
        attributes["containers"] = tuple(ContainerImage(**one) for one in attributes["containers"])
    if "depends_on" in attributes:
        attributes["depends_on"] = tuple(attributes["depends_on"])
    return attributes


def _filled(item: T, table: Object, defaults: Mapping[str, Value]) -> T:
    own = dict(_members(item, table))
    return replace(item, **_attributes(table.inherited(own, defaults), table))


def _members(item: TaskItem | ServiceItem, table: Object) -> Iterator[tuple[str, Any]]:
    """The fields that have values, by name, in plain JSON."""
    for entry in table.fields:
        value = getattr(item, entry.attribute)
        if value in (None, "", ()):
            continue
        if entry.attribute == "containers":
            value = [asdict(one) for one in value]
        yield entry.name, list(value) if isinstance(value, tuple) else value
