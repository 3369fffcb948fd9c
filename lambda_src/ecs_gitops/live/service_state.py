"""The live state of a service: ECS's answer, the task definition that it runs, and the digests of its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.desired.state import desired_state
from ecs_gitops.ecs.revision_tags import digests_of
from ecs_gitops.ecs.task_definition import has_images, resolve
from ecs_gitops.live.revisions import described
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.plan.services import LiveService

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ecs_gitops.aws import Aws
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json


def read_service_state(aws: Aws, item: Item, service: Service) -> LiveService:
    """Read the live state of a service. Raises :class:`ItemFailed` when its task definition was deleted or has not all
    containers, and what the calls raise."""
    definition, tags = described(aws, service.runs)
    containers, _ = resolve(definition, item.desired.images)
    desired = desired_state(item, containers)
    if not has_images(definition, desired.images):
        return LiveService(service, definition, tags)
    return LiveService(service, definition, tags, *_running(aws, service, desired.digests, tags))


def running_digests(aws: Aws, services: Sequence[Service]) -> dict[str, dict[str, str]]:
    """The digests that services run, as ECS resolved them: by the revision's ARN, and by the containers' names. Empty
    where they may not be read."""
    arns = list(dict.fromkeys(each for service in services for each in service.revisions))
    try:
        return digests_of_revisions(aws.describe_service_revisions(arns) if arns else [])
    except AwsRefused:
        return {}


def digests_of_revisions(revisions: Iterable[Json]) -> dict[str, dict[str, str]]:
    """The digests in ECS's service revisions: by the task definition's ARN, and by the containers' names."""
    found: dict[str, dict[str, str]] = {}
    for revision in revisions:
        for image in revision.get("containerImages") or []:
            if image.get("imageDigest"):
                known = found.setdefault(str(revision.get("taskDefinition")), {})
                known[image["containerName"]] = image["imageDigest"]
    return found


def _running(aws: Aws, service: Service, needed: Images, tags: Mapping[str, str]) -> tuple[Images, str | None]:
    """The digests that the service runs, as ECS resolved them, where its task definition's tags do not have what is
    ``needed``: somebody may have deployed the revision again, and have pulled another image than the release that
    tagged it. And why they could not be read, where the tags do not have them."""
    tagged = digests_of(tags)
    is_known = all(name in tagged and digest.startswith(tagged[name]) for name, digest in needed.items())
    if is_known or not service.revisions:
        return {}, None
    try:
        revisions = aws.describe_service_revisions(service.revisions)
    except AwsRefused as error:
        if needed.keys() <= tagged.keys():
            return {}, None
        return {}, f"whether the tag has moved since the service was deployed: {error}"
    # Several may be of one task definition, where it was deployed again: what the primary deployment runs counts.
    number = service.primary.id.rpartition("/")[2] if service.primary is not None else ""
    revisions.sort(key=lambda each: str(each.get("serviceRevisionArn")).rpartition("/")[2] == number)
    return digests_of_revisions(revisions).get(service.runs, {}), None
