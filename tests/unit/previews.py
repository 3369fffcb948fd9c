"""Plans of releases against an account in memory, as `ecs-gitops plan` makes them."""

from __future__ import annotations

import json
from typing import Any

from ecs_gitops import manifest
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.ledger.targets import Memories, Targets
from ecs_gitops.model.release import Release
from ecs_gitops.plan.preview import ReleasePlan
from ecs_gitops.release.preview import Instance, Reader, preview
from unit.fake_aws import ACCOUNT, REGION
from unit.machine import Machine, ReadOnly

EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:ecs-gitops:plan"


def plan(machine: Machine, deployment: dict[str, Any], **more: Any) -> ReleasePlan:
    """The plan of ``deployment``; a call that writes fails the test."""
    aws: Any = ReadOnly(machine.aws)

    def read(account: str, region: str) -> Memories | None:
        return Targets(machine.ledger, account, region, "service").read()

    clock = lambda: machine.aws.now  # noqa: E731
    budget = TimeBudget(clock() + 600, clock, lambda _: None, concurrency=1, monotonic=clock)
    checked = manifest.from_json(json.loads(json.dumps(deployment))).with_defaults()
    instance = Instance(machine.settings, True, read)
    release = Release(EXECUTION, "plan", clock())
    return preview(checked, instance, Reader(lambda _account, _region: aws, budget), release, **more)
