"""The decision on a service: nothing, hold, join a deployment that is going on, or deploy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from ecs_gitops.ecs import revision_tags
from ecs_gitops.ecs.deployment_settings import differs
from ecs_gitops.ecs.service import Deployment, Service, is_settled
from ecs_gitops.ecs.task_definition import arn, has_images
from ecs_gitops.model.images import Images
from ecs_gitops.model.status import ChangeKind

if TYPE_CHECKING:
    from ecs_gitops.desired.state import DesiredState
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The desired state runs, and its deployment is complete. ``configure``: the deployment settings differ from the
    desired ones. ``forget``: remove the tag of an earlier rollback, as the manifest was reverted too."""

    revision: str
    configure: bool = False
    forget: bool = False

    @property
    def kind(self) -> ChangeKind:
        return ChangeKind.CONFIGURE if self.configure else ChangeKind.NOTHING

    @property
    def needs_nothing(self) -> bool:
        return not self.configure and not self.forget


@dataclass(frozen=True, slots=True)
class Held:
    """The desired state was rolled back, and the manifest still asks for it: leave the service as it is."""

    revision: str
    kind: ClassVar = ChangeKind.HELD


@dataclass(frozen=True, slots=True)
class Join:
    """The desired state is being deployed already: watch that deployment, and start none.

    ``is_ours``: this execution started it, and was interrupted after that."""

    deployment: Deployment
    previous: str
    is_ours: bool
    kind: ClassVar = ChangeKind.JOIN


@dataclass(frozen=True, slots=True)
class Deploy:
    """Register a new revision and update the service. ``previous`` is the revision to roll back to; ``why`` is the
    reason for people, None where the image differs."""

    previous: str
    why: str | None = None
    kind: ClassVar = ChangeKind.DEPLOY


Decision: TypeAlias = Unchanged | Held | Join | Deploy


def decide(
    service: Service,
    definition: Json,
    tags: Mapping[str, str],
    desired: DesiredState,
    release: Release,
    *,
    running: Images,
    now: float,
    timeout: float,
) -> Decision:
    """What to do with a service whose primary deployment runs ``definition`` with ``tags``.

    ``running`` are the digests that the service's containers run, where its revision's tags do not have them. A
    deployment of another execution counts as stuck after ``timeout`` seconds. ``now`` is epoch seconds.
    """
    primary = service.primary
    revision = arn(definition)
    is_same = has_images(definition, desired.images)
    if is_same and primary is not None and revision_tags.is_ours(tags, release):
        return Join(primary, revision_tags.previous_of(tags, revision), is_ours=True)
    if is_same and desired.has_failed(tags):
        # The service may be steady all the same: only the hook after the rollout failed, or the rollback did.
        previous = revision_tags.previous_of(tags, revision)
        return Deploy(previous, "the last release of this failed and was left in place")
    previous = _last_good(service, revision, tags)
    if is_same and desired.force:
        return Deploy(previous, "forceNewDeployment is set")
    moved = moved_tags(tags, desired, running) if is_same else ()
    if not is_same or moved:
        if desired.was_rolled_back(tags) and not desired.force:
            return Held(revision)
        return Deploy(previous, f"the tag of {', '.join(moved)} names another image now" if moved else None)
    if primary is None or is_settled(service, primary):
        configure = desired.configuration is not None and differs(service.configuration, desired.configuration)
        if configure and desired.was_rolled_back(tags) and not desired.force:
            return Held(revision)
        return Unchanged(revision, configure, forget=bool(tags.get(desired.key)))
    if primary.rollout_state == "FAILED":
        return Deploy(previous, "the last deployment of this image failed")
    if primary.failed > 0:
        return Deploy(previous, f"the deployment of this image that is going on has {primary.failed} failed tasks")
    if service.age(primary, now) > timeout:
        return Deploy(previous, "the deployment of this image that is going on does not come to an end")
    return Join(primary, previous, is_ours=False)


def moved_tags(tags: Mapping[str, str], desired: DesiredState, running: Images) -> tuple[str, ...]:
    """The containers whose tag now has another digest than the one that was deployed, as far as both are known."""
    known = {**running, **revision_tags.digests_of(tags)}
    return tuple(
        name for name, digest in desired.digests.items() if name in known and not digest.startswith(known[name])
    )


def _last_good(service: Service, revision: str, tags: Mapping[str, str]) -> str:
    """The revision to roll back to: the primary's if its deployment completed, else the newest one that still runs
    beside it, else what its tag says it replaced."""
    primary = service.primary
    if primary is None or is_settled(service, primary):
        return revision
    beside = [d for d in service.deployments if not d.is_primary and d.running > 0 and d.task_definition != revision]
    if beside:
        return max(beside, key=lambda d: d.created_at).task_definition
    return tags.get(revision_tags.PREVIOUS, revision)
