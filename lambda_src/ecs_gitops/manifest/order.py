"""The order of services: `dependsOn` names are resolved to items, and items are sorted into waves. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias


class Ordered(Protocol):
    """The fields of a service that decide its order; a ``ServiceItem`` after ``with_defaults`` has them."""

    @property
    def account(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def cluster_name(self) -> str: ...
    @property
    def service_name(self) -> str: ...
    @property
    def depends_on(self) -> tuple[str, ...]: ...


Dependencies: TypeAlias = tuple[tuple[int, ...], ...]


class Names:
    """The services by the names that `dependsOn` accepts: ``serviceName`` or ``clusterName/serviceName``."""

    def __init__(self, services: Sequence[Ordered]) -> None:
        self._services = services
        self._anywhere: dict[str, list[int]] = {}
        self._nearby: dict[tuple[object, ...], list[int]] = {}
        for index, service in enumerate(services):
            if service.service_name:
                for name in (service.service_name, f"{service.cluster_name}/{service.service_name}"):
                    self._anywhere.setdefault(name, []).append(index)
                    self._nearby.setdefault((name, service.account, service.region), []).append(index)

    def __iter__(self) -> Iterator[str]:
        return iter(self._anywhere)

    def resolve(self, name: str, index: int) -> Sequence[int]:
        """The indexes of the services that service ``index`` calls ``name``.

        If its own account and Region have such services, only those: the same name elsewhere is usually another copy of
        the same system."""
        service = self._services[index]
        return self._nearby.get((name, service.account, service.region), ()) or self._anywhere.get(name, ())


def dependencies(services: Sequence[Ordered]) -> Dependencies:
    """For each service, by index, the indexes of those that it depends on, in ascending order.

    A service does not depend on itself: ``defaults`` apply to every item, also to the one that they name.
    """
    names = Names(services)
    return tuple(
        tuple(sorted({other for name in service.depends_on for other in names.resolve(name, index)} - {index}))
        for index, service in enumerate(services)
    )


def waves(services: Sequence[Ordered]) -> tuple[int, ...]:
    """The wave of each service: 0 without dependencies, else one more than the highest wave of its dependencies.

    Raises :class:`ValueError` for a cycle. A checked manifest has none.
    """
    numbers, found = _waves_and_cycles(dependencies(services))
    if found:
        raise ValueError(f"services {', '.join(map(str, found[0]))} depend on each other")
    return numbers


def cycles(needs: Dependencies) -> tuple[tuple[int, ...], ...]:
    """The cycles of services that depend on each other, each from its lowest index. No service is in two of them."""
    return _waves_and_cycles(needs)[1]


def _waves_and_cycles(needs: Dependencies) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Without recursion, because a chain may be as long as the manifest."""
    waiting: list[list[int]] = [[] for _ in needs]
    for index, others in enumerate(needs):
        for other in others:
            waiting[other].append(index)
    unmet = [len(others) for others in needs]
    wave = [0] * len(needs)
    found: list[tuple[int, ...]] = []
    ready = [index for index, count in enumerate(unmet) if count == 0]
    done = [count == 0 for count in unmet]
    while True:
        while ready:
            index = ready.pop()
            for later in waiting[index]:
                wave[later] = max(wave[later], wave[index] + 1)
                unmet[later] -= 1
                if unmet[later] == 0 and not done[later]:
                    done[later] = True
                    ready.append(later)
        if all(done):
            return tuple(wave), tuple(found)
        # Each service that is left depends on another that is left, so following them leads into a cycle. Its services
        # then count as done, so that the next cycle is found.
        cycle = _cycle(done.index(False), needs, done)
        found.append(cycle)
        ready.extend(cycle)
        for index in cycle:
            done[index] = True


def _cycle(start: int, needs: Dependencies, done: Sequence[bool]) -> tuple[int, ...]:
    path: dict[int, None] = {}
    index = start
    while index not in path:
        path[index] = None
        index = next(other for other in needs[index] if not done[other])
    walked = list(path)
    cycle = walked[walked.index(index) :]
    first = cycle.index(min(cycle))
    return tuple(cycle[first:] + cycle[:first])
