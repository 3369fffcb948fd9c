"""What items have to do with each other: the rules of the manifest's table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ecs_gitops.manifest.kinds import WRONG, Finding, Object, Values
from ecs_gitops.manifest.order import Names, cycles, dependencies

# Looking for the nearest name is slow; nobody reads more of them.
_NEAREST_AT_MOST = 20
# Names of a circle that a message shows.
_CIRCLE_AT_MOST = 12


def something_to_deploy(values: Values) -> Iterable[Finding]:
    """At least one item, in whichever list. A list that is wrong as a whole is told elsewhere."""
    if not values.get("tasks") and not values.get("services"):
        yield Finding("", "neither tasks nor services", "at least one item in `tasks` or `services`")


def one_item_per_target(
    name: str, kind: str, table: Object, target: Sequence[str], implied: Mapping[str, str] | None = None
) -> Callable[[Values], Iterable[Finding]]:
    """A rule for the list ``name``: no two items have the same values of the fields ``target``, defaults included.
    In ``target``, `service` stands for each container of the item.

    Whichever came last would win, and nobody would see the other. ``implied`` are the values of fields that neither
    the item nor ``defaults`` has. Items whose target is not known for sure are left out.
    """

    def check(values: Values) -> Iterable[Finding]:
        seen: dict[tuple[object, ...], str] = {}
        for index, given in _items(values, name, table):
            path = f"{name}[{index}]"
            firsts = [seen.setdefault(key, path) for key in _targets({**(implied or {}), **given}, target)]
            first = next((first for first in firsts if first != path), None)
            if first:
                yield Finding(path, f"the same {kind} as {first}", "each target once", first)

    return check


# The deployer's own are taken then, which the file does not know.
_MAY_BE_ABSENT = frozenset({"account", "region"})


def _targets(given: Values, target: Sequence[str]) -> Iterator[tuple[object, ...]]:
    containers = given.get("containers")
    each = (
        [{"service": one.get("name") if isinstance(one, Mapping) else WRONG} for one in containers]
        if isinstance(containers, tuple) and "service" in target
        else [{}]
    )
    for one in each:
        key = tuple({**given, **one}.get(field) for field in target)
        absent = any(value is None for field, value in zip(target, key, strict=True) if field not in _MAY_BE_ABSENT)
        if WRONG not in key and not absent:
            yield key


def _items(values: Values, name: str, table: Object) -> Iterator[tuple[int, Values]]:
    """The mappings in the list ``name``, what they inherit included."""
    defaults = values.get("defaults")
    items = values.get(name)
    for index, item in enumerate(items if isinstance(items, tuple) else ()):
        if isinstance(item, Mapping):
            yield index, {**table.inherited(item, defaults if isinstance(defaults, Mapping) else {}), **item}


@dataclass(frozen=True, slots=True)
class _Service:
    """What the order is made of, where the file has it; ``path`` is where the dependencies stand."""

    path: str
    own: bool
    account: str | None
    region: str | None
    cluster_name: str
    service_name: str
    depends_on: tuple[str, ...]


def possible_order(table: Object) -> Callable[[Values], Iterable[Finding]]:
    """A rule for `services`: `dependsOn` names services that there are, and no circle of them."""

    def check(values: Values) -> Iterable[Finding]:
        items = list(_items(values, "services", table))
        if not any("dependsOn" in item for _, item in items):
            return
        raw = values["services"]
        services = [_service(index, item, "dependsOn" in raw[index]) for index, item in items]
        yield from _names(services, len(services) == len(raw) and all(service.service_name for service in services))
        yield from _circles(services)

    return check


def _service(index: int, item: Values, own: bool) -> _Service:
    cluster, name = (item.get(field) for field in ("clusterName", "serviceName"))
    known = isinstance(cluster, str) and isinstance(name, str)
    wanted = item.get("dependsOn")
    return _Service(
        path=f"services[{index}].dependsOn" if own else "defaults.dependsOn",
        own=own,
        account=item.get("account"),
        region=item.get("region"),
        cluster_name=str(cluster) if known else "",
        service_name=str(name) if known else "",
        depends_on=tuple(one if isinstance(one, str) else "" for one in wanted) if isinstance(wanted, tuple) else (),
    )


def _names(services: Sequence[_Service], all_known: bool) -> Iterator[Finding]:
    """Names of no service, where all services' names are known, and an item's own name."""
    names = Names(services)
    accepted = "the serviceName or clusterName/serviceName of a service in this manifest"
    told = set()
    for index, service in enumerate(services):
        for position, name in enumerate(service.depends_on):
            meant = names.meant(name, index)
            path = f"{service.path}[{position}]"
            if service.own and name and index in meant:
                yield Finding(path, f"'{name}' is this service itself", "other services")
            elif name and not meant and all_known and path not in told:
                told.add(path)
                near = get_close_matches(name, list(names), n=1, cutoff=0.5) if len(told) <= _NEAREST_AT_MOST else []
                hint = f"; did you mean {near[0]}?" if near else ""
                yield Finding(path, f"no service of this manifest has the name '{name}'{hint}", accepted)


def _circles(services: Sequence[_Service]) -> Iterator[Finding]:
    count = Counter(service.service_name for service in services)
    for circle in cycles(dependencies(services)):
        shown = [
            one.service_name if count[one.service_name] == 1 else f"{one.cluster_name}/{one.service_name}"
            for one in (services[index] for index in circle[:_CIRCLE_AT_MOST])
        ]
        cut = ["…"] if len(circle) > _CIRCLE_AT_MOST else []
        told = f"these services wait for each other: {' -> '.join([*shown, *cut, shown[0]])}"
        yield Finding(services[circle[0]].path, told, "an order in which each comes after those that it depends on")
