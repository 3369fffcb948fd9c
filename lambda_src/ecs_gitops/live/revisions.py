"""Revisions that cannot be deployed any more, and copies of them for a rollback.

ECS starts no task and no deployment with a revision that is INACTIVE (deregistered, as Terraform does with those that
it replaces) or DELETE_IN_PROGRESS. Both can be described, so a copy can be registered. A deleted revision cannot be
described. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deregister-task-definition-v2.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.ecs.ecr import ecr_image
from ecs_gitops.ecs.revision_tags import PREVIOUS, is_ours, tags_for
from ecs_gitops.ecs.task_definition import arn, images_of, with_images
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.model.identity import short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecs_gitops.aws import Aws
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

ACTIVE = "ACTIVE"


def status_of(definition: Json) -> str:
    """ACTIVE, INACTIVE, DELETE_IN_PROGRESS, or a status that ECS adds later."""
    return str(definition.get("status") or ACTIVE)


def is_active(definition: Json) -> bool:
    """Whether tasks and deployments can be started with it."""
    return status_of(definition) == ACTIVE


def is_pinned(reference: str) -> bool:
    """Whether a task definition's ARN or name has a revision; without one it means the newest ACTIVE one."""
    return ":" in short(reference)


def is_gone(error: AwsRefused) -> bool:
    """Whether ECS has no such revision. Other calls use its error code for other errors, so the call counts too."""
    return error.operation == "describe_task_definition" and error.code in (
        "ClientException",
        "InvalidParameterException",
    )


def gone(reference: str) -> str:
    """The message about a revision, or family, that does not exist."""
    if is_pinned(reference):
        return f"{short(reference)} was deleted, or never was"
    return f"{short(reference)} has no ACTIVE revision"


def described(aws: Aws, reference: str) -> tuple[Json, dict[str, str]]:
    """A task definition and its tags. Raises :class:`ItemFailed` when there is none, and what the call raises."""
    try:
        return aws.describe_task_definition(reference)
    except AwsRefused as error:
        if is_gone(error):
            raise ItemFailed(gone(reference)) from error
        raise


def usable(aws: Aws, release: Release, revision: str, ours: str) -> str:
    """The ARN of an ACTIVE revision with the content of ``revision``: itself, or a copy.

    ``ours`` is the revision that the copy replaces. A copy that an interrupted run of this execution registered is used
    again. Raises :class:`ItemFailed` when the revision is deleted, and what the calls raise."""
    try:
        definition, tags = aws.read_task_definition(revision)
    except AwsRefused as error:
        if is_gone(error):
            raise ItemFailed(f"{gone(revision)}, so there is nothing to return to") from error
        raise
    if is_active(definition):
        return arn(definition)
    return _left_behind(aws, release, definition, ours) or aws.register_task_definition(
        with_images(definition, {}), tags_for(release, ours, tags, {})
    )


def pinned(aws: Aws, release: Release, revision: str, ours: str, ran: Mapping[str, str]) -> str:
    """The ARN of a revision whose containers run what they ran before: ``revision``, or a copy with the digests ``ran``
    (by container) where a tag in ECR names another image by now, or where ECR does not say. What a tag names in other
    registries is never known, and their images stay as they are written. ``ours`` is the revision that it replaces.
    Raises what the calls raise."""
    definition, tags = aws.describe_task_definition(revision)
    moved = {
        name: f"{_without_tag(image)}@{ran[name]}"
        for name, image in images_of(definition).items()
        if name in ran and "@" not in image and _has_moved(aws, image, ran[name])
    }
    if not moved:
        return revision
    wanted = with_images(definition, moved)
    left = _left_behind(aws, release, {**wanted, "family": definition["family"]}, ours)
    return left or aws.register_task_definition(wanted, tags_for(release, ours, tags, {}))


def _has_moved(aws: Aws, image: str, ran: str) -> bool:
    """Whether an image's tag in ECR may name another digest than ``ran``."""
    ecr = ecr_image(image)
    if ecr is None:
        return False
    try:
        return aws.image_digests(*ecr.place, [ecr.reference]).get(ecr.reference) != ran
    except (AwsRefused, AwsUnavailable):
        # A rollback does not wait for the registry.
        return True


def _without_tag(image: str) -> str:
    head, slash, name = image.rpartition("/")
    return f"{head}{slash}{name.partition(':')[0]}"


def is_copy(tags: Mapping[str, str], release: Release, ours: str) -> bool:
    """Whether this very execution registered a revision with these tags to return from ``ours``."""
    return is_ours(tags, release) and short(tags.get(PREVIOUS, "")) == short(ours)


def _left_behind(aws: Aws, release: Release, definition: Json, ours: str) -> str | None:
    try:
        latest, tags = aws.describe_task_definition(definition["family"])
    except AwsRefused:
        return None
    is_it = is_copy(tags, release, ours) and images_of(latest) == images_of(definition)
    return arn(latest) if is_it else None
