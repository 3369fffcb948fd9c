"""A service and what is wanted of it, put side by side: read by the check before a release and by the deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import DesiredState, desired_state
from ecs_gitops.ecs.deployment_settings import merged
from ecs_gitops.ecs.revision_tags import digests_of
from ecs_gitops.ecs.task_definition import Container, has_images, resolve
from ecs_gitops.live.revisions import described
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.images import Images
from ecs_gitops.plan.decision import Decision, decide

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.items import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class Examined:
    """``containers`` by the manifest's names; ``configuration`` is the service's as it is to be."""

    definition: Json
    tags: dict[str, str]
    containers: dict[str, Container]
    warnings: tuple[str, ...]
    wanted: DesiredState
    configuration: Json
    decision: Decision
    # Why it is not known what the service's tags meant when it was deployed; None where it is, or does not matter.
    unknown: str | None = None

    @property
    def previous_image(self) -> str:
        """What the item's first container runs."""
        return next(iter(self.containers.values())).image


def examine(aws: Aws, release: Release, item: Item, service: Service, now: float) -> Examined:
    """Read what the service runs and decide. Raises :class:`ItemFailed` when a container is missing,
    and what the calls raise."""
    live = service.primary.task_definition if service.primary else service.task_definition
    definition, tags = described(aws, live)
    containers, warnings = resolve(definition, item.images)
    wanted = desired_state(item, containers)
    running, unknown = _running(aws, service, wanted, tags) if has_images(definition, wanted.images) else ({}, None)
    decision = decide(
        service, definition, tags, wanted, release, running=running, now=now, timeout=item.timeout_minutes * 60
    )
    configuration = merged(service.configuration, item.deployment or {})
    return Examined(definition, tags, containers, warnings, wanted, configuration, decision, unknown)


def _running(aws: Aws, service: Service, wanted: DesiredState, tags: dict[str, str]) -> tuple[Images, str | None]:
    """The digests that the service runs, as ECS resolved them, where its task definition's tags do not tell them; and
    why they are not known."""
    if not (set(wanted.digests) - set(digests_of(tags))) or not service.revisions:
        return {}, None
    try:
        revisions = aws.describe_service_revisions(service.revisions)
    except AwsRefused as error:
        return {}, f"whether the tag has moved since the service was deployed: {error}"
    live = service.primary.task_definition if service.primary else service.task_definition
    found = {
        image["containerName"]: image["imageDigest"]
        for revision in revisions
        if revision.get("taskDefinition") == live
        for image in revision.get("containerImages") or []
        if image.get("imageDigest")
    }
    return found, None
