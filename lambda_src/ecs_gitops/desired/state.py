"""What an item is to run: the images by the containers' real names, and what tells it from what was desired before.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.ecs.ecr import ecr_image
from ecs_gitops.ecs.revision_tags import failed_key, fingerprint, rolled_back_key
from ecs_gitops.model.desired import DesiredService

if TYPE_CHECKING:
    from ecs_gitops.ecs.task_definition import Container
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What an item is to be. ``images`` by the containers' real names; ``digests`` what their tags mean now, as far as
    it is known; ``key`` and ``fingerprint`` are those of the tag that remembers what was rolled back."""

    images: Images
    digests: Images
    configuration: Json | None
    force: bool
    key: str
    failed_key: str
    fingerprint: str

    def was_rolled_back(self, tags: Mapping[str, str]) -> bool:
        """Whether just this was rolled back from the target, and not changed in the manifest since."""
        return tags.get(self.key) == self.fingerprint

    def has_failed(self, tags: Mapping[str, str]) -> bool:
        """Whether just this failed on the target and was left there, or could not be returned."""
        return tags.get(self.failed_key) == self.fingerprint


def desired_state(item: Item, containers: Mapping[str, Container]) -> DesiredState:
    """What is desired of an item, by the real names of its containers."""
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
        key=rolled_back_key(desired.identity),
        failed_key=failed_key(desired.identity),
        fingerprint=fingerprint_of(item),
    )


def fingerprint_of(item: Item) -> str:
    """What tells what the manifest asks of an item now from what it asked before."""
    if item.change.fingerprint is not None:
        return item.change.fingerprint
    service = item.desired if isinstance(item.desired, DesiredService) else None
    return fingerprint(
        {
            "images": dict(item.desired.images),
            "digests": dict(item.change.digests),
            "deployment": service.deployment if service else None,
            "hooks": service.hooks if service else None,
            "pinDigest": item.desired.pin_digest,
        }
    )


def deployed_image(item: Item, name: str) -> str:
    """The image that goes into the task definition: by its digest where the item says so."""
    image = ecr_image(item.desired.images[name])
    if item.desired.pin_digest and image is not None and name in item.change.digests:
        return image.pinned(item.change.digests[name])
    return item.desired.images[name]


def _has_digest(image: str) -> bool:
    return "@" in image
