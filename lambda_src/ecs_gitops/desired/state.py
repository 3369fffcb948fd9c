"""The desired state of an item, by the real names of its containers, with a fingerprint. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.ecs.ecr import ecr_image
from ecs_gitops.model.desired import DesiredService
from ecs_gitops.model.status import Hook

if TYPE_CHECKING:
    from ecs_gitops.ecs.task_definition import Container
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class DesiredState:
    """``images`` and ``digests`` have the containers' real names; ``digests`` are those of the images' tags now, as far
    as they are known. ``fingerprint`` identifies the item's text, ``asked_digests`` are the digests of all its images
    by the manifest's names: together they say whether a person asks for the same as before."""

    images: Images
    digests: Images
    configuration: Json | None
    force: bool
    has_post_deploy: bool
    fingerprint: str
    asked_digests: Images


def desired_state(item: Item, containers: Mapping[str, Container]) -> DesiredState:
    """The item's desired state. ``containers`` maps the manifest's container names to the real ones."""
    desired, digests = item.desired, item.change.digests
    service = desired if isinstance(desired, DesiredService) else None
    return DesiredState(
        images={containers[name].name: deployed_image(item, name) for name in desired.images},
        digests={
            containers[name].name: digest
            for name, digest in digests.items()
            if not desired.pin_digest and not _has_digest(desired.images[name])
        },
        configuration=service.deployment if service else None,
        force=service.force_new_deployment if service else False,
        has_post_deploy=item.has_hook(Hook.POST_DEPLOY),
        fingerprint=desired.content_hash,
        asked_digests=digests,
    )


def deployed_image(item: Item, name: str) -> str:
    """The image for the task definition: with its digest where the item has ``pinDigest``."""
    image = ecr_image(item.desired.images[name])
    if item.desired.pin_digest and image is not None and name in item.change.digests:
        return image.pinned(item.change.digests[name])
    return item.desired.images[name]


def _has_digest(image: str) -> bool:
    return "@" in image
