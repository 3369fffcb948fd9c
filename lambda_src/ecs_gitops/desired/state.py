"""What an item is to run: the images by the containers' real names, and what tells it from what was desired before.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.ecs.ecr import ecr_image
from ecs_gitops.ecs.revision_tags import failed_key, fingerprint, rolled_back_key
from ecs_gitops.model.identity import DEFAULT_CLUSTER

if TYPE_CHECKING:
    from ecs_gitops.ecs.task_definition import Container
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.items import Item
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


def desired_state(item: Item, containers: dict[str, Container]) -> DesiredState:
    """What is wanted of an item, by the real names of its containers."""
    images = {containers[name].name: deployed_image(item, name) for name in item.images}
    digests = {
        containers[name].name: digest
        for name, digest in item.digests.items()
        if not item.pin_digest and not _has_digest(item.images[name])
    }
    return DesiredState(
        images,
        digests,
        item.deployment,
        item.force_new_deployment,
        rolled_back_key(target(item)),
        failed_key(target(item)),
        item.mark or mark(item),
    )


def target(item: Item) -> str:
    """What the item deploys to, told apart from everything else in its account and Region."""
    if item.schedule_group is not None:
        return f"schedule {item.schedule_group}/{item.name}"
    if item.event_bus_name is not None:
        return f"rule {item.event_bus_name}/{item.name}"
    return f"service {item.cluster or DEFAULT_CLUSTER}/{item.name}"


def mark(item: Item) -> str:
    """What tells what the manifest wants of an item now from what it wanted before."""
    return fingerprint(
        {
            "images": dict(item.images),
            "digests": dict(item.digests),
            "deployment": item.deployment,
            "hooks": item.hooks,
            "pinDigest": item.pin_digest,
        }
    )


def deployed_image(item: Item, name: str) -> str:
    """The image that goes into the task definition: by its digest where the item says so."""
    image = ecr_image(item.images[name])
    if item.pin_digest and image is not None and name in item.digests:
        return image.pinned(item.digests[name])
    return item.images[name]


def _has_digest(image: str) -> bool:
    return "@" in image
