"""Register a new revision once, also after a run that registered it and died before it used it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from ecs_gitops.ecs.revision_tags import DIGEST, PREVIOUS, digest_tag, is_ours, tags_for
from ecs_gitops.ecs.task_definition import arn, images_of, with_images
from ecs_gitops.model.identity import short
from ecs_gitops.model.images import Images
from ecs_gitops.model.release import Release

if TYPE_CHECKING:
    from typing import TypeAlias

    from ecs_gitops.aws import Aws
    from ecs_gitops.model.types import Json

    _Key: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...], str | None]


@dataclass(slots=True)
class Registrar:
    """Registers the revisions of one batch. ``is_retry``: a run before this one may have stopped between two calls."""

    aws: Aws
    release: Release
    is_retry: bool
    _made: dict[_Key, str] = field(default_factory=dict)
    _tried: set[_Key] = field(default_factory=set)
    _families: dict[str, Lock] = field(default_factory=dict)
    _guard: Lock = field(default_factory=Lock)

    def revision(
        self, definition: Json, tags: Mapping[str, str], images: Images, *, previous: str, digests: Images
    ) -> str:
        """The ARN of a revision of ``definition`` with ``images``, tagged with source, ``previous`` and ``digests``.

        Items with the same revision, new images and digests share one. Raises what :func:`tags_for` and the calls
        raise. A failed call may have registered the revision all the same; the next run finds it."""
        key = (arn(definition), short(previous), tuple(sorted(images.items())), digest_tag(digests))
        # ECS refuses registrations of one family that overlap.
        with self._one_at_a_time(str(definition["family"])):
            if key not in self._made:
                is_retry = self.is_retry or key in self._tried
                self._tried.add(key)
                own = tags_for(self.release, previous, tags, digests)
                left = self._left_behind(definition, images, previous, own.get(DIGEST)) if is_retry else None
                self._made[key] = left or self.aws.register_task_definition(with_images(definition, images), own)
            return self._made[key]

    def _one_at_a_time(self, family: str) -> Lock:
        with self._guard:
            return self._families.setdefault(family, Lock())

    def _left_behind(self, definition: Json, images: Images, previous: str, digests: str | None) -> str | None:
        """The revision that an interrupted run of this execution registered."""
        latest, tags = self.aws.describe_task_definition(definition["family"])
        is_it = is_ours(tags, self.release) and short(tags.get(PREVIOUS, "")) == short(previous)
        # Another item may have registered one with these images, and with others, or digests, of its own containers.
        is_it = is_it and images_of(latest) == {**images_of(definition), **images} and tags.get(DIGEST) == digests
        return arn(latest) if is_it else None
