"""What items have to do with each other: the rules of the manifest's table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ecs_gitops.manifest.kinds import WRONG, Finding, Object, Values
from ecs_gitops.manifest.order import Names, cycles, dependencies

# Characters of all values of `defaults`, written into each item that takes them. A full-sized manifest whose every
# item takes a thousand of them has less.
DEFAULTS_AT_MOST = 5_000_000
# Names of fields, quotes and commas.
_AROUND_A_VALUE = 8
# Pairs of a service and one that it depends on, defaults and names of several services included.
PAIRS_AT_MOST = 100_000
# Looking for the nearest name is slow; nobody reads more of them. Each costs the characters of the name times those
# of all names.
_NEAREST_AT_MOST = 20
_NEAREST_COST_AT_MOST = 10_000_000
# Names of a circle that a message shows.
_CIRCLE_AT_MOST = 12


def something_to_deploy(values: Values) -> Iterable[Finding]:
    """At least one item, in whichever list. A list that is wrong as a whole is told elsewhere."""
    if not values.get("tasks") and not values.get("services"):
        yield Finding("", "neither tasks nor services", "at least one item in `tasks` or `services`")


def defaults_fit(tables: Mapping[str, Object]) -> Callable[[Values], Iterable[Finding]]:
    """A rule for `defaults`, with the tables of the lists whose items take them: a few kilobytes in a thousand items
    become megabytes."""

    def check(values: Values) -> Iterable[Finding]:
        defaults = values.get("defaults")
        if not isinstance(defaults, Mapping):
            return
        sizes = {name: _size(value) for name, value in defaults.items()}
        total = sum(
            sizes[field]
            for name, table in tables.items()
            for item in _mappings(values, name)
            for field in table.inherited(item, defaults)
        )
        if total > DEFAULTS_AT_MOST:
            told = f"written into each item, the defaults have {total:,} characters"
            accepted = f"at most {DEFAULTS_AT_MOST:,}: shorter defaults, or fewer items that take them"
            yield Finding("defaults", told, accepted)

    return check


def _size(value: object) -> int:
    """About as many characters as JSON takes for a checked value."""
    if isinstance(value, Mapping):
        return sum(_size(child) for child in value.values())
    if isinstance(value, tuple):
        return sum(_size(child) for child in value)
    return _AROUND_A_VALUE + (len(value) if isinstance(value, str) else 0)


def _mappings(values: Values, name: str) -> list[Values]:
    items = values.get(name)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, tuple) else []


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
        if total := _too_many(len(given) for _, item in items if isinstance(given := item.get("dependsOn"), tuple)):
            yield _too_much_order(total)
            return
        services = [_service(index, item, "dependsOn" in raw[index]) for index, item in items]
        names = Names(services)
        if total := _too_many(len(names.meant(n, i)) for i, one in enumerate(services) for n in one.depends_on):
            yield _too_much_order(total)
            return
        yield from _names(
            services, names, len(services) == len(raw) and all(service.service_name for service in services)
        )
        yield from _circles(services)

    return check


def _too_many(counts: Iterable[int]) -> int:
    """The sum where it is above :data:`PAIRS_AT_MOST`, else 0."""
    total = sum(counts)
    return total if total > PAIRS_AT_MOST else 0


def _too_much_order(total: int) -> Finding:
    told = f"`dependsOn` makes {total:,} pairs of a service and one that it depends on, defaults included"
    return Finding("services", told, f"at most {PAIRS_AT_MOST:,}: fewer names, or names with their cluster")


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


def _names(services: Sequence[_Service], names: Names, all_known: bool) -> Iterator[Finding]:
    """Names of no service, where all services' names are known, and an item's own name."""
    nearest = _nearest(list(names))
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
                yield Finding(path, f"no service of this manifest has the name '{name}'{nearest(name)}", accepted)


def _nearest(names: Sequence[str]) -> Callable[[str], str]:
    """The hint at the name that is nearest to a wrong one; none any more when looking for it has cost enough."""
    each, left, cost = sum(map(len, names)), _NEAREST_AT_MOST, _NEAREST_COST_AT_MOST

    def hint(wrong: str) -> str:
        nonlocal left, cost
        left, cost = left - 1, cost - len(wrong) * each
        near = get_close_matches(wrong, names, n=1, cutoff=0.5) if left >= 0 and cost >= 0 else []
        return f"; did you mean {near[0]}?" if near else ""

    return hint


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
