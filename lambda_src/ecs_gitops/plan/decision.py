"""What to do with a service: nothing, deploy, or watch what is going on already. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ecs_gitops.ecs.deployment_settings import differs
from ecs_gitops.ecs.revision_tags import PREVIOUS, digests_of, is_ours, previous_of
from ecs_gitops.ecs.service import Deployment, Service, is_settled
from ecs_gitops.ecs.task_definition import arn, has_images
from ecs_gitops.model.images import Images

if TYPE_CHECKING:
    from ecs_gitops.desired.state import DesiredState
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What is wanted runs and its deployment is complete. ``configure``: the service's settings are not what they
    should be. ``forget``: an earlier rollback is over and done with, as the manifest went back too."""

    revision: str
    configure: bool = False
    forget: bool = False

    @property
    def needs_nothing(self) -> bool:
        return not self.configure and not self.forget


@dataclass(frozen=True, slots=True)
class Held:
    """What is wanted was rolled back, and the manifest asks for just the same: leave the service as it is."""

    revision: str


@dataclass(frozen=True, slots=True)
class Join:
    """What is wanted is already being deployed: judge that deployment, start none.

    ``is_ours`` says that this very execution started it before it was interrupted."""

    deployment: Deployment
    previous: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Deploy:
    """Register a new revision and update the service. ``previous`` is what to return to if that fails; ``why`` is
    told when it is not simply that the image differs."""

    previous: str
    why: str | None = None


Decision: TypeAlias = Unchanged | Held | Join | Deploy


def decide(
    service: Service,
    definition: Json,
    tags: Mapping[str, str],
    wanted: DesiredState,
    release: Release,
    *,
    running: Images,
    now: float,
    timeout: float,
) -> Decision:
    """What to do with a service whose primary deployment runs ``definition`` with ``tags``.

    ``running`` are the digests that the service's containers run, where its revision's tags do not tell. ``timeout``
    is how many seconds a deployment of another execution may be going on before it counts as stuck.
    """
    primary = service.primary
    revision = arn(definition)
    is_same = has_images(definition, wanted.images)
    if is_same and primary is not None and is_ours(tags, release):
        return Join(primary, previous_of(tags, revision), is_ours=True)
    if is_same and wanted.has_failed(tags):
        # It may look steady: its own check after the rollout failed, or it could not be returned.
        return Deploy(previous_of(tags, revision), "the last release of this failed and was left in place")
    previous = _last_good(service, revision, tags)
    if is_same and wanted.force:
        return Deploy(previous, "forceNewDeployment is set")
    moved = moved_tags(tags, wanted, running) if is_same else ()
    if not is_same or moved:
        if wanted.was_rolled_back(tags) and not wanted.force:
            return Held(revision)
        return Deploy(previous, f"the tag of {', '.join(moved)} names another image now" if moved else None)
    if primary is None or is_settled(service, primary):
        configure = wanted.configuration is not None and differs(service.configuration, wanted.configuration)
        if configure and wanted.was_rolled_back(tags) and not wanted.force:
            return Held(revision)
        return Unchanged(revision, configure, forget=bool(tags.get(wanted.key)))
    if primary.rollout_state == "FAILED":
        return Deploy(previous, "the last deployment of this image failed")
    if primary.failed > 0:
        return Deploy(previous, f"the deployment of this image that is going on has {primary.failed} failed tasks")
    if service.age(primary, now) > timeout:
        return Deploy(previous, "the deployment of this image that is going on does not come to an end")
    return Join(primary, previous, is_ours=False)


def moved_tags(tags: Mapping[str, str], wanted: DesiredState, running: Images) -> tuple[str, ...]:
    """The containers whose tag means another image than the one that was deployed, as far as both are known."""
    known = {**running, **digests_of(tags)}
    return tuple(
        name for name, digest in wanted.digests.items() if name in known and not digest.startswith(known[name])
    )


def _last_good(service: Service, revision: str, tags: Mapping[str, str]) -> str:
    """The revision to return to: the primary's if its deployment completed, else what still runs beside it, else what
    its tag says it replaced."""
    primary = service.primary
    if primary is None or is_settled(service, primary):
        return revision
    beside = [d for d in service.deployments if not d.is_primary and d.running > 0 and d.task_definition != revision]
    if beside:
        return max(beside, key=lambda d: d.created_at).task_definition
    return tags.get(PREVIOUS, revision)
