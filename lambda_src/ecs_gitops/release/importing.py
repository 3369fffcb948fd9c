"""Read what is live in one or more Regions, and plan a manifest that was made of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.live.inventory import InventoryReader, Scope
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.item import join_names
from ecs_gitops.model.release import Release
from ecs_gitops.release.preview import Instance, Reader, preview

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.caller import Caller
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ecs.listed import Inventory
    from ecs_gitops.manifest import Manifest
    from ecs_gitops.plan.preview import ReleasePlan

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Import:
    """Where to read. ``connect`` gives the calls in an account and Region; ``expect`` and ``on_read`` are for
    progress."""

    caller: Caller
    connect: Callable[[str, str], Aws]
    budget: TimeBudget
    expect: Callable[[int], None] = lambda _: None
    on_read: Callable[[], None] = lambda: None

    def inventories(self, regions: Sequence[str], scope: Scope) -> list[Inventory]:
        """What is live in each Region. Raises :class:`AwsRefused`, also where none of them has a named cluster, and
        :class:`ecs_gitops.model.errors.AwsUnavailable`."""
        found = []
        for region in regions:
            reader = InventoryReader(self.connect(self.caller.account, region), self.budget, self.expect, self.on_read)
            found.append(reader.read((self.caller.partition, self.caller.account, region), scope))
        unknown = sorted(set(scope.clusters or ()) - {name for each in found for name in each.clusters})
        if unknown:
            named = f"cluster {join_names(unknown, _SHOWN)} in {', '.join(regions)} of account {self.caller.account}"
            raise AwsRefused("configuration", "NoCluster", f"there is no {named}")
        return found

    def planned(self, manifest: Manifest, instance: Instance) -> ReleasePlan:
        """The plan of a release of ``manifest``."""
        place = f"{self.caller.region}:{self.caller.account}"
        arn = f"arn:{self.caller.partition}:states:{place}:execution:ecs-gitops:plan"
        release = Release(arn, "plan", time.time(), manifest.release)
        reader = Reader(self.connect, self.budget, self.on_read)
        return preview(manifest.with_defaults(), instance, reader, release)
