"""Imports of an account in memory, as `ecs-gitops init` makes them."""

from __future__ import annotations

from typing import Any

from ecs_gitops import manifest
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.desired.imported_values import Imported
from ecs_gitops.desired.importing import imported
from ecs_gitops.live.inventory import InventoryReader, Scope
from ecs_gitops.notify import import_text
from ecs_gitops.plan.preview import ReleasePlan
from unit.fake_aws import ACCOUNT, ARN, CLUSTER, REGION, FakeAws
from unit.machine import Machine, ReadOnly
from unit.previews import plan

CLUSTER_ARN = f"{ARN}:cluster/{CLUSTER}"


def target(definition: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """The target of a rule that runs a task."""
    ecs = {"TaskDefinitionArn": definition}
    return {"Id": str(number), "Arn": CLUSTER_ARN, "RoleArn": "role", "EcsParameters": ecs, **more}


def schedule(aws: FakeAws, name: str, definition: str, group: str = "default") -> None:
    """A schedule that runs a task."""
    own = {key: value for key, value in target(definition).items() if key != "Id"}
    aws.schedules[group, name] = {"Name": name, "GroupName": group, "ScheduleExpression": "rate(1 hour)", "Target": own}


def imports(
    aws: FakeAws,
    *,
    clusters: tuple[str, ...] | None = None,
    tasks: bool = True,
    pin: bool = False,
    home: str = REGION,
    concurrency: int = 1,
    timeout: float = 600,
) -> Imported:
    """What is live; a call that writes fails the test."""
    reads: Any = ReadOnly(aws)
    clock = lambda: aws.now  # noqa: E731
    budget = TimeBudget(clock() + timeout, clock, lambda _: None, concurrency=concurrency, monotonic=clock)
    found = InventoryReader(reads, budget).read(("aws", ACCOUNT, REGION), Scope(clusters, tasks, pin))
    return imported([found], home, pin=pin)


def planned(machine: Machine, found: Imported) -> ReleasePlan:
    """The plan of what an import writes."""
    return plan(machine, manifest.load(import_text.text(found).encode(), "deployment.yaml").to_json())
