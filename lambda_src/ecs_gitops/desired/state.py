"""The desired state of an item, by the real names of its containers, with a fingerprint. Pure."""

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
    """``images`` and ``digests`` have the containers' real names; ``digests`` are those of the images' tags now, as far
    as they are known. A revision with the tag ``key`` (or ``failed_key``) and the value ``fingerprint`` remembers that
    just this state was rolled back (or failed)."""

    images: Images
    digests: Images
    configuration: Json | None
    force: bool
    key: str
    failed_key: str
    fingerprint: str

    def was_rolled_back(self, tags: Mapping[str, str]) -> bool:
        """Whether this state was rolled back on the target, and the manifest has not changed since."""
        return tags.get(self.key) == self.fingerprint

    def has_failed(self, tags: Mapping[str, str]) -> bool:
        """Whether the revision failed on the target and was left there, or could not be rolled back: it was never
        proven good, whatever has changed in the manifest since."""
        return bool(tags.get(self.failed_key))


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
        key=rolled_back_key(desired.memory_key),
        failed_key=failed_key(desired.memory_key),
        fingerprint=fingerprint_of(item),
    )


def fingerprint_of(item: Item) -> str:
    """A hash of what the manifest asks for. It differs when anything in the manifest's item changes, or when a tag
    names another image."""
    if item.change.fingerprint is not None:
        return item.change.fingerprint
    return fingerprint({"content": item.desired.content_hash, "digests": dict(item.change.digests)})


def deployed_image(item: Item, name: str) -> str:
    """The image for the task definition: with its digest where the item has ``pinDigest``."""
    image = ecr_image(item.desired.images[name])
    if item.desired.pin_digest and image is not None and name in item.change.digests:
        return image.pinned(item.change.digests[name])
    return item.desired.images[name]


def _has_digest(image: str) -> bool:
    return "@" in image
