"""What is live in an account and Region, as it was listed for an import. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_gitops.ecs.ecs_targets import task_definition_of, task_targets
from ecs_gitops.ecs.service import Service, is_settled, require_deployable
from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.identity import short

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# The beginning of the target ARN of a schedule that makes an API call by itself.
_UNIVERSAL_TARGET = ":scheduler:::aws-sdk:"


@dataclass(frozen=True, slots=True)
class Described:
    """A task definition that a service or target runs; or the reason why there is none."""

    content: Json | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ListedService:
    """A service as ECS describes it. ``digests`` are those that its containers run, as far as they are known."""

    cluster: str
    name: str
    data: Json
    definition: Described = field(default_factory=lambda: Described(None))
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> str:
        """The task definition of its primary deployment."""
        return Service.from_api(self.data).runs


@dataclass(frozen=True, slots=True)
class ListedTrigger:
    """A rule on an event bus, or a schedule in a group: the other one of ``bus`` and ``group`` is None.
    ``definitions`` are by the reference that a target has. ``why``: why its targets could not be read."""

    name: str
    bus: str | None
    group: str | None
    is_enabled: bool = True
    managed_by: str = ""
    targets: tuple[Json, ...] = ()
    definitions: Mapping[str, Described] = field(default_factory=dict)
    why: str = ""

    @property
    def references(self) -> tuple[str, ...]:
        """The task definitions that its ECS targets run, each once."""
        return tuple(dict.fromkeys(map(task_definition_of, task_targets(self.targets))))

    @property
    def clusters(self) -> tuple[str, ...]:
        """The names of the clusters in which its targets run tasks."""
        return tuple(dict.fromkeys(short(str(target.get("Arn", ""))) for target in task_targets(self.targets)))

    @property
    def described(self) -> str:
        """``rule NAME``, with its bus or group where that is not the default one."""
        kind, place = ("rule", self.bus) if self.group is None else ("schedule", self.group)
        return f"{kind} {self.name}" if place == "default" else f"{kind} {place}/{self.name}"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is live in an account and Region. ``loose_tasks`` are the running tasks that neither a service nor a rule or
    schedule started: ``CLUSTER/FAMILY`` to their number. ``unread`` says what could not be read."""

    partition: str
    account: str
    region: str
    clusters: tuple[str, ...]
    services: tuple[ListedService, ...] = ()
    triggers: tuple[ListedTrigger, ...] = ()
    daemons: tuple[str, ...] = ()
    loose_tasks: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def why_not_released(service: ListedService) -> str | None:
    """Why a release cannot deploy this service; None if it can. A service with the scheduling strategy DAEMON can be
    deployed as any other."""
    try:
        live = Service.from_api(service.data)
        require_deployable(live, service.cluster, service.name)
    except ItemFailed:
        if live.status != "ACTIVE":
            return f"it is {live.status}"
        if live.is_managed_by_ecs:
            return "Express Mode: ECS manages its task definition"
        by = "CodeDeploy deploys it" if live.controller == "CODE_DEPLOY" else "another tool deploys it"
        return f"deployment controller {live.controller}: {by}"
    return None


def why_no_trigger(trigger: ListedTrigger) -> str | None:
    """Why a release cannot deploy to this rule or schedule; None if it can."""
    if trigger.why:
        return trigger.why
    if not trigger.references:
        if any(_UNIVERSAL_TARGET in str(target.get("Arn", "")) for target in trigger.targets):
            return "no ECS target: it makes an API call of its own"
        return "no ECS target"
    if trigger.managed_by:
        return f"managed by {trigger.managed_by}"
    return None


def concerns(service: ListedService) -> tuple[str, ...]:
    """What people should know of the service before its first release: a deployment that goes on, or has failed."""
    live = Service.from_api(service.data)
    primary = live.primary
    if primary is None or is_settled(live, primary):
        return ()
    if primary.rollout_state == "FAILED":
        return (f"its last deployment failed: {primary.rollout_reason or 'ECS gives no reason'}",)
    failed = f", with {primary.failed} failed tasks" if primary.failed else ""
    return (f"a deployment is going on{failed}",)
