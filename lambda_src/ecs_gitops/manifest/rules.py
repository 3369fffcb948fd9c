"""The rules of the whole manifest: unique targets, dependencies without cycles, defaults of bounded size. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ecs_gitops.manifest.field_types import INVALID, Finding, Object, Values
from ecs_gitops.manifest.order import Names, cycles, dependencies

# Characters of the values of `defaults`, copied into each item that inherits them. The largest manifest has fewer, even
# if each item inherits a thousand.
DEFAULTS_AT_MOST = 5_000_000
# The field name, quotes and commas.
_AROUND_A_VALUE = 8
# Pairs of a service and a dependency, also from defaults and from names that several services have.
PAIRS_AT_MOST = 100_000
# The search for the nearest name is slow, so there is a limit on hints, and on their cost: the characters of the wrong
# name times those of all names.
_NEAREST_AT_MOST = 20
_NEAREST_COST_AT_MOST = 10_000_000
# Names of a cycle that a message shows.
_CYCLE_AT_MOST = 12


def has_items(values: Values) -> Iterable[Finding]:
    """At least one item, in either list. A list that is invalid as a whole is reported elsewhere."""
    if not values.get("tasks") and not values.get("services"):
        yield Finding("", "neither tasks nor services", "at least one item in `tasks` or `services`")


def defaults_fit(tables: Mapping[str, Object]) -> Callable[[Values], Iterable[Finding]]:
    """A rule that limits the size of `defaults` in all items together: kilobytes in a thousand items are megabytes.
    ``tables`` are those of the lists whose items inherit them."""

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
            message = f"copied into each item, the defaults have {total:,} characters"
            accepted = f"at most {DEFAULTS_AT_MOST:,}: shorter defaults, or fewer items that inherit them"
            yield Finding("defaults", message, accepted)

    return check


def _size(value: object) -> int:
    """The approximate number of characters of a checked value in JSON."""
    if isinstance(value, Mapping):
        return sum(_size(child) for child in value.values())
    if isinstance(value, tuple):
        return sum(_size(child) for child in value)
    return _AROUND_A_VALUE + (len(value) if isinstance(value, str) else 0)


def _mappings(values: Values, name: str) -> list[Values]:
    items = values.get(name)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, tuple) else []


def unique_targets(
    name: str, kind: str, table: Object, target: Sequence[str], implied: Mapping[str, str] | None = None
) -> Callable[[Values], Iterable[Finding]]:
    """A rule for the list ``name``: no two items have the same values in the fields ``target``, defaults included.
    In ``target``, `service` means each container of the item.

    Of two items with one target, the last would silently win. ``implied`` are values of fields that neither the item
    nor ``defaults`` has. Items with an invalid or incomplete target are passed over.
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


# Without them the deployer's own account and Region are meant. The file does not name those.
_MAY_BE_ABSENT = frozenset({"account", "region"})


def _targets(given: Values, target: Sequence[str]) -> Iterator[tuple[object, ...]]:
    containers = given.get("containers")
    each = (
        [{"service": one.get("name") if isinstance(one, Mapping) else INVALID} for one in containers]
        if isinstance(containers, tuple) and "service" in target
        else [{}]
    )
    for one in each:
        key = tuple({**given, **one}.get(field) for field in target)
        absent = any(value is None for field, value in zip(target, key, strict=True) if field not in _MAY_BE_ABSENT)
        if INVALID not in key and not absent:
            yield key


def _items(values: Values, name: str, table: Object) -> Iterator[tuple[int, Values]]:
    """The mappings in the list ``name``, with what they inherit."""
    defaults = values.get("defaults")
    items = values.get(name)
    for index, item in enumerate(items if isinstance(items, tuple) else ()):
        if isinstance(item, Mapping):
            yield index, {**table.inherited(item, defaults if isinstance(defaults, Mapping) else {}), **item}


@dataclass(frozen=True, slots=True)
class _Service:
    """What decides the order. ``path`` is the place of `dependsOn`; ``own`` is false if that is in `defaults`."""

    path: str
    own: bool
    account: str | None
    region: str | None
    cluster_name: str
    service_name: str
    depends_on: tuple[str, ...]


def valid_dependencies(table: Object) -> Callable[[Values], Iterable[Finding]]:
    """A rule for `services`: `dependsOn` names existing services, and there is no cycle."""

    def check(values: Values) -> Iterable[Finding]:
        items = list(_items(values, "services", table))
        if not any("dependsOn" in item for _, item in items):
            return
        raw = values["services"]
        if total := _too_many(len(given) for _, item in items if isinstance(given := item.get("dependsOn"), tuple)):
            yield _too_many_pairs(total)
            return
        services = [_service(index, item, "dependsOn" in raw[index]) for index, item in items]
        names = Names(services)
        if total := _too_many(len(names.resolve(n, i)) for i, one in enumerate(services) for n in one.depends_on):
            yield _too_many_pairs(total)
            return
        all_known = len(services) == len(raw) and all(service.service_name for service in services)
        yield from _unknown_names(services, names, all_known)
        yield from _cycles(services)

    return check


def _too_many(counts: Iterable[int]) -> int:
    """The sum if it is above :data:`PAIRS_AT_MOST`, else 0."""
    total = sum(counts)
    return total if total > PAIRS_AT_MOST else 0


def _too_many_pairs(total: int) -> Finding:
    message = f"`dependsOn` makes {total:,} pairs of a service and one that it depends on, defaults included"
    return Finding("services", message, f"at most {PAIRS_AT_MOST:,}: fewer names, or names with their cluster")


def _service(index: int, item: Values, own: bool) -> _Service:
    cluster, name = (item.get(field) for field in ("clusterName", "serviceName"))
    known = isinstance(cluster, str) and isinstance(name, str)
    depends_on = item.get("dependsOn")
    return _Service(
        path=f"services[{index}].dependsOn" if own else "defaults.dependsOn",
        own=own,
        account=item.get("account"),
        region=item.get("region"),
        cluster_name=str(cluster) if known else "",
        service_name=str(name) if known else "",
        depends_on=tuple(n if isinstance(n, str) else "" for n in depends_on) if isinstance(depends_on, tuple) else (),
    )


def _unknown_names(services: Sequence[_Service], names: Names, all_known: bool) -> Iterator[Finding]:
    """Report names that no service has, if all names are known, and an item's own name."""
    nearest = _nearest(list(names))
    accepted = "the serviceName or clusterName/serviceName of a service in this manifest"
    reported = set()
    for index, service in enumerate(services):
        for position, name in enumerate(service.depends_on):
            resolved = names.resolve(name, index)
            path = f"{service.path}[{position}]"
            if service.own and name and index in resolved:
                yield Finding(path, f"'{name}' is this service itself", "other services")
            elif name and not resolved and all_known and path not in reported:
                reported.add(path)
                yield Finding(path, f"no service of this manifest has the name '{name}'{nearest(name)}", accepted)


def _nearest(names: Sequence[str]) -> Callable[[str], str]:
    """A function that gives the hint at the nearest name, until the limits on hints and their cost are reached."""
    each, left, cost = sum(map(len, names)), _NEAREST_AT_MOST, _NEAREST_COST_AT_MOST

    def hint(wrong: str) -> str:
        nonlocal left, cost
        left, cost = left - 1, cost - len(wrong) * each
        near = get_close_matches(wrong, names, n=1, cutoff=0.5) if left >= 0 and cost >= 0 else []
        return f"; did you mean {near[0]}?" if near else ""

    return hint


def _cycles(services: Sequence[_Service]) -> Iterator[Finding]:
    count = Counter(service.service_name for service in services)
    for cycle in cycles(dependencies(services)):
        shown = [
            one.service_name if count[one.service_name] == 1 else f"{one.cluster_name}/{one.service_name}"
            for one in (services[index] for index in cycle[:_CYCLE_AT_MOST])
        ]
        cut = ["…"] if len(cycle) > _CYCLE_AT_MOST else []
        message = f"these services depend on each other: {' -> '.join([*shown, *cut, shown[0]])}"
        yield Finding(services[cycle[0]].path, message, "dependencies without a cycle")
