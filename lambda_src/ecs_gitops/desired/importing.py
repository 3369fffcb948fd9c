"""From what is live to the items of a manifest that asks for exactly that, and what is left out, with reasons. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_gitops.desired.imported_triggers import trigger_items
from ecs_gitops.desired.imported_values import Imported, ImportedItem, Skipped, region_of, with_containers
from ecs_gitops.ecs.listed import concerns, why_no_trigger, why_not_released
from ecs_gitops.ecs.service import Service
from ecs_gitops.manifest.fields import SERVICE, TASK
from ecs_gitops.model.identity import DEFAULT_BUS, DEFAULT_GROUP

if TYPE_CHECKING:
    from ecs_gitops.ecs.listed import Inventory, ListedService
    from ecs_gitops.manifest.typed_manifest import Manifest, ServiceItem, TaskItem

# Fields that go to `defaults` when all services have the same value.
_COMMON = ("clusterName", "region")
# Fields that are switched off in a new item, as they would make a release of it a change.
_SWITCHES = ("pinDigest", "forceNewDeployment")
_DAEMON = "a daemon of Managed Instances is no service"
_LOOSE = "tasks that run without a service, rule or schedule"


def imported(inventories: Sequence[Inventory], home: str, *, pin: bool = False) -> Imported:
    """The items for what is live, in a stable order. ``home`` is the Region that need not be written; ``pin`` names
    images by the digests that run, as far as they are known."""
    items: list[ImportedItem] = []
    skipped: list[Skipped] = []
    for inventory in sorted(inventories, key=lambda each: each.region):
        for service in sorted(inventory.services, key=lambda each: (each.cluster, each.name)):
            made = _service(service, inventory, home, pin=pin)
            if isinstance(made, Skipped):
                skipped.append(made)
            else:
                items.append(made)
        for trigger in sorted(
            inventory.triggers, key=lambda each: (each.group is not None, each.bus or each.group or "", each.name)
        ):
            if why := why_no_trigger(trigger):
                skipped.append(Skipped(trigger.described, why, inventory.region))
                continue
            found, left = trigger_items(trigger, inventory, home)
            items += found
            skipped += left
        skipped += [Skipped(f"daemon {name}", _DAEMON, inventory.region) for name in inventory.daemons]
        skipped += [
            Skipped(f"{number} of {name}", _LOOSE, inventory.region) for name, number in inventory.loose_tasks.items()
        ]
    return Imported(tuple(items), tuple(skipped), _unread(inventories))


def _unread(inventories: Sequence[Inventory]) -> tuple[str, ...]:
    several = len(inventories) > 1
    return tuple(f"{each.region}: {text}" if several else text for each in inventories for text in each.unread)


def _service(service: ListedService, inventory: Inventory, home: str, *, pin: bool) -> ImportedItem | Skipped:
    name = f"service {service.cluster}/{service.name}"
    if why := why_not_released(service) or service.definition.why:
        return Skipped(name, why, inventory.region)
    definition, live = service.definition.content or {}, Service.from_api(service.data)
    values = {"clusterName": service.cluster, "serviceName": service.name, **region_of(inventory, home)}
    hooks = live.configuration.get("lifecycleHooks") or ()
    return with_containers(
        values,
        definition,
        ImportedItem(
            kind="services",
            place=(inventory.partition, inventory.account, inventory.region),
            name=name,
            values={},
            clusters=(service.cluster,),
            definitions=(definition,),
            roles=tuple(str(hook["roleArn"]) for hook in hooks if hook.get("roleArn")),
            concerns=concerns(service),
            comments=("its desired count is 0",) if live.desired == 0 and not live.is_daemon else (),
        ),
        digests=service.digests if pin else None,
    )


# --- defaults ------------------------------------------------------------------------------------------------------


def common(items: Iterable[ImportedItem]) -> dict[str, str]:
    """`defaults`: what all items have that can have it, if there are several."""
    items = tuple(items)
    services = [item for item in items if item.kind == "services"]
    found = {}
    for field in _COMMON:
        owners = services if field == "clusterName" else items
        values = {item.values.get(field) for item in owners}
        if len(owners) > 1 and len(values) == 1 and (value := values.pop()) is not None:
            found[field] = value
    return found


def without(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an item that it does not inherit."""
    return {name: value for name, value in values.items() if defaults.get(name) != value}


# --- what a file has already ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Home:
    """The account and Region of items that name none."""

    account: str
    region: str


def missing(items: Iterable[ImportedItem], manifest: Manifest, home: Home) -> tuple[ImportedItem, ...]:
    """The items whose service, rule or schedule ``manifest`` does not have, with what its ``defaults`` would change
    written out."""
    whole = manifest.with_defaults()
    known = {_of_service(each, home) for each in whole.services} | {_of_task(each, home) for each in whole.tasks}
    return tuple(_beside(item, manifest.defaults) for item in items if _key(item, home) not in known)


def _beside(item: ImportedItem, defaults: Mapping[str, Any]) -> ImportedItem:
    """The item with every field whose default is for other items."""
    values = dict(item.values)
    own: dict[str, Any] = {"account": item.place[1], "region": item.place[2]}
    if item.kind == "tasks":
        own |= {"eventBusName": DEFAULT_BUS} if "cwRuleName" in values else {"scheduleGroup": DEFAULT_GROUP}
    own |= {field: False for field in _SWITCHES if defaults.get(field) is True and _has(item, field)}
    for field, value in own.items():
        if field in defaults and field not in values:
            values[field] = value
    return item.with_values(without(values, defaults))


def _has(item: ImportedItem, field: str) -> bool:
    return field in (SERVICE if item.kind == "services" else TASK).names


def _key(item: ImportedItem, home: Home) -> tuple[object, ...]:
    values = item.values
    account, region = item.place[1], values.get("region", home.region)
    if item.kind == "services":
        return account, region, values["clusterName"], values["serviceName"]
    if "cwRuleName" in values:
        return account, region, "rule", values.get("eventBusName", DEFAULT_BUS), values["cwRuleName"]
    return account, region, "schedule", values.get("scheduleGroup", DEFAULT_GROUP), values["scheduleName"]


def _of_service(item: ServiceItem, home: Home) -> tuple[object, ...]:
    return item.account or home.account, item.region or home.region, item.cluster_name, item.service_name


def _of_task(item: TaskItem, home: Home) -> tuple[object, ...]:
    place = item.account or home.account, item.region or home.region
    if item.schedule_name is not None:
        return *place, "schedule", item.schedule_group or DEFAULT_GROUP, item.schedule_name
    return *place, "rule", item.event_bus_name or DEFAULT_BUS, item.cw_rule_name
