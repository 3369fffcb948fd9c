"""Register a new revision once, also when the run that registered it died before it could use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ecs_gitops.provenance import PREVIOUS, Release, is_ours, tags_for
from ecs_gitops.task_definition import arn, has_images, with_images

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.types import Json


def register(
    aws: Aws,
    release: Release,
    definition: Json,
    tags: Mapping[str, str],
    images: Mapping[str, str],
    *,
    previous: str,
    is_retry: bool,
) -> str:
    """The ARN of a revision of ``definition`` with ``images``, tagged with where it comes from and ``previous``.

    With ``is_retry``, the revision that an earlier run of this execution left behind is taken instead of a second one.
    Raises what :func:`tags_for` and the calls raise.
    """
    if is_retry:
        latest, found = aws.describe_task_definition(definition["family"])
        if is_ours(found, release) and found.get(PREVIOUS) == previous and has_images(latest, images):
            return arn(latest)
    return aws.register_task_definition(with_images(definition, images), tags_for(release, previous, tags))
