"""The plan of a service: desired and live compared. Pure.

The check before a release makes it and stores the change. The deployment makes it again and compares, as somebody may
have changed the service in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import DesiredState, desired_state
from ecs_gitops.ecs.deployment_settings import merged
from ecs_gitops.ecs.task_definition import Container, arn, resolve
from ecs_gitops.model.change import Change
from ecs_gitops.model.identity import short
from ecs_gitops.plan.decision import Decision, Deploy, Join, decide

if TYPE_CHECKING:
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class LiveService:
    """The live state of a service. ``definition`` and ``tags`` are those of the task definition that it runs;
    ``running`` are digests that ECS resolved, where the tags do not have them; ``unknown`` is why these could not be
    read, None where they could or are not needed."""

    service: Service
    definition: Json
    tags: Mapping[str, str]
    running: Images = field(default_factory=dict)
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """``change`` can be stored as data. ``containers`` by the manifest's names; ``configuration`` is the desired
    ``deploymentConfiguration``; ``warnings`` are about containers."""

    change: Change
    decision: Decision
    desired: DesiredState
    containers: Mapping[str, Container]
    configuration: Json
    warnings: tuple[str, ...]


def plan_service(item: Item, live: LiveService, release: Release, now: float) -> ServicePlan:
    """The plan of a service. ``now`` is epoch seconds. Raises :class:`ItemFailed` when a container is missing."""
    containers, warnings = resolve(live.definition, item.desired.images)
    desired, service = desired_state(item, containers), live.service
    decision = decide(
        service,
        live.definition,
        live.tags,
        desired,
        release,
        running=live.running,
        now=now,
        timeout=item.timeout_minutes * 60,
    )
    configuration = merged(service.configuration, item.service.deployment or {})
    change = replace(
        item.change,
        kind=decision.kind,
        previous=short(decision.previous if isinstance(decision, Deploy | Join) else decision.revision),
        replaced=short(arn(live.definition)),
        previous_image=next(iter(containers.values())).image,
        fingerprint=desired.fingerprint,
    )
    return ServicePlan(change, decision, desired, containers, configuration, warnings)
