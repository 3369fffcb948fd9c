"""Services of a slice, read again right before they are updated: several in one call, as long as that is fresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from ecs_gitops.aws.ecs_calls import SERVICES_PER_CALL
from ecs_gitops.ecs.service import Service
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable

if TYPE_CHECKING:
    from ecs_gitops.apply.planning import Planned
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json

# A read that is older is made again before UpdateService, as somebody may have deployed since. Seconds.
_FRESH = 5.0


@dataclass(slots=True)
class LatestReads:
    """The newest read of each service of ``planned``. Threads of one run share it: one reads, and the others wait for
    that."""

    aws: Aws
    budget: TimeBudget
    planned: Sequence[Planned]
    _found: dict[int, tuple[float, Service | None]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    # How many calls were made, and whether the last one had no answer.
    _calls: int = 0
    _error: AwsUnavailable | None = None

    def read(self, planned: Planned, *, anew: bool) -> Service | None:
        """The service, by a call that began at most five seconds ago; None where there is none. ``anew``: by a call
        that begins now. The services that come after it are read with it. Raises what the call raises, also where
        another thread made it."""
        asked, calls = self.budget.monotonic(), self._calls
        if not anew and self._is_fresh(planned, asked):
            return self._newest(planned)[1]
        with self._lock:
            if self._calls != calls and self._error is not None:
                raise self._error
            if anew or not self._is_fresh(planned, asked):
                self._call(planned)
            return self._newest(planned)[1]

    def _newest(self, planned: Planned) -> tuple[float, Service | None]:
        return self._found.get(planned.item.number, (planned.read_at, planned.service))

    def _is_fresh(self, planned: Planned, asked: float) -> bool:
        return asked - self._newest(planned)[0] <= _FRESH

    def _call(self, planned: Planned) -> None:
        numbers = [each.item.number for each in self.planned]
        following = self.planned[numbers.index(planned.item.number) :]
        items = [each.item for each in following if each.item.cluster == planned.item.cluster][:SERVICES_PER_CALL]
        began, self._calls, self._error = self.budget.monotonic(), self._calls + 1, None
        try:
            try:
                found = self._described(items)
            except AwsRefused:
                # It may be for one of the others.
                items = items[:1]
                found = self._described(items)
        except AwsUnavailable as error:
            self._error = error
            raise
        by_name = {service.name: service for service in map(Service.from_api, found)}
        self._found |= {item.number: (began, by_name.get(item.name)) for item in items}

    def _described(self, items: Sequence[Item]) -> list[Json]:
        return self.aws.describe_services(items[0].cluster, [item.name for item in items])
