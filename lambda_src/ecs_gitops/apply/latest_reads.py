"""Services of a slice, read again right before they are updated: several in one call, as long as that is fresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from ecs_gitops.aws.ecs_calls import SERVICES_PER_CALL
from ecs_gitops.ecs.service import Service

if TYPE_CHECKING:
    from ecs_gitops.apply.planning import Planned
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget

# A read that is older is made again before UpdateService, as somebody may have deployed since. Seconds.
_FRESH = 5.0


@dataclass(slots=True)
class LatestReads:
    """The newest read of each service of ``planned``. Threads of one run share it."""

    aws: Aws
    budget: TimeBudget
    planned: Sequence[Planned]
    _found: dict[int, tuple[float, Service | None]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def read(self, planned: Planned, *, anew: bool) -> Service | None:
        """The service as it is now, or was at most five seconds ago; None where there is none. ``anew``: it is read in
        any case. The services that come after it are read with it. Raises what the call raises."""
        with self._lock:
            read_at, service = self._found.get(planned.item.number, (planned.read_at, planned.service))
            if not anew and self.budget.monotonic() - read_at <= _FRESH:
                return service
            numbers = [each.item.number for each in self.planned]
            following = self.planned[numbers.index(planned.item.number) :]
            items = [each.item for each in following if each.item.cluster == planned.item.cluster][:SERVICES_PER_CALL]
            began = self.budget.monotonic()
            found = self.aws.describe_services(planned.item.cluster, [item.name for item in items])
            by_name = {service.name: service for service in map(Service.from_api, found)}
            self._found |= {item.number: (began, by_name.get(item.name)) for item in items}
            return self._found[planned.item.number][1]
