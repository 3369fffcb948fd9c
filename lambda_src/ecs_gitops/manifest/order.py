"""Which services wait for which: names to items, items to waves. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias


class Ordered(Protocol):
    """What of a service decides about its order; a ``ServiceItem`` after ``with_defaults`` has it."""

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
    """The services by the names that `dependsOn` may call them: ``serviceName`` or ``clusterName/serviceName``."""

    def __init__(self, services: Sequence[Ordered]) -> None:
        self._services = services
        self._anywhere: dict[str, list[int]] = {}
        self._near: dict[tuple[object, ...], list[int]] = {}
        for index, service in enumerate(services):
            if service.service_name:
                for name in (service.service_name, f"{service.cluster_name}/{service.service_name}"):
                    self._anywhere.setdefault(name, []).append(index)
                    self._near.setdefault((name, service.account, service.region), []).append(index)

    def __iter__(self) -> Iterator[str]:
        return iter(self._anywhere)

    def meant(self, name: str, index: int) -> Sequence[int]:
        """The services that ``name`` stands for where service ``index`` says it. Those of its own account and Region
        come first: the same name elsewhere is most often the same system's other copy."""
        service = self._services[index]
        return self._near.get((name, service.account, service.region), ()) or self._anywhere.get(name, ())


def dependencies(services: Sequence[Ordered]) -> Dependencies:
    """For each service, by index, the indexes of those that it depends on, in ascending order.

    A service does not wait for itself: what ``defaults`` name stands in every item, also in the one that is named.
    """
    names = Names(services)
    return tuple(
        tuple(sorted({other for name in service.depends_on for other in names.meant(name, index)} - {index}))
        for index, service in enumerate(services)
    )


def waves(services: Sequence[Ordered]) -> tuple[int, ...]:
    """For each service its wave: 0 without dependencies, else one more than the highest of its dependencies'.

    Raises :class:`ValueError` for a cycle, which a checked manifest does not have.
    """
    found, circles = _ordered(dependencies(services))
    if circles:
        raise ValueError(f"services {', '.join(map(str, circles[0]))} depend on each other")
    return found


def cycles(needs: Dependencies) -> tuple[tuple[int, ...], ...]:
    """Each circle of services that wait for each other, every service in one at most; it begins with the first."""
    return _ordered(needs)[1]


def _ordered(needs: Dependencies) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Waves and cycles. No recursion: a chain may be as long as the manifest."""
    waiting: list[list[int]] = [[] for _ in needs]
    for index, others in enumerate(needs):
        for other in others:
            waiting[other].append(index)
    open_needs = [len(others) for others in needs]
    wave = [0] * len(needs)
    found: list[tuple[int, ...]] = []
    ready = [index for index, count in enumerate(open_needs) if count == 0]
    done = [count == 0 for count in open_needs]
    while True:
        while ready:
            index = ready.pop()
            for later in waiting[index]:
                wave[later] = max(wave[later], wave[index] + 1)
                open_needs[later] -= 1
                if open_needs[later] == 0 and not done[later]:
                    done[later] = True
                    ready.append(later)
        if all(done):
            return tuple(wave), tuple(found)
        # Whatever is left waits for something that is left, so that walking on must come back. A circle is told once
        # and then counts as done, so that the next one is found.
        circle = _circle(done.index(False), needs, done)
        found.append(circle)
        ready.extend(circle)
        for index in circle:
            done[index] = True


def _circle(start: int, needs: Dependencies, done: Sequence[bool]) -> tuple[int, ...]:
    path: dict[int, None] = {}
    index = start
    while index not in path:
        path[index] = None
        index = next(other for other in needs[index] if not done[other])
    walked = list(path)
    circle = walked[walked.index(index) :]
    least = circle.index(min(circle))
    return tuple(circle[least:] + circle[:least])
