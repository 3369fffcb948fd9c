"""The decision on a service: nothing, hold, join a deployment that is going on, judge again, or deploy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from ecs_gitops.ecs import revision_tags
from ecs_gitops.ecs.deployment_settings import differs, merged
from ecs_gitops.ecs.service import Deployment, Service, is_settled
from ecs_gitops.ecs.task_definition import arn, has_images
from ecs_gitops.model.identity import short
from ecs_gitops.model.images import Images
from ecs_gitops.model.memory import NOTHING
from ecs_gitops.model.status import ChangeKind, Judgement
from ecs_gitops.plan.memory import is_held as is_held_by
from ecs_gitops.plan.memory import is_of, is_others, left_behind, rollback_target, settings_before, unproven

if TYPE_CHECKING:
    from ecs_gitops.desired.state import DesiredState
    from ecs_gitops.model.memory import Attempt, Memory
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


# Seconds by which clocks may differ.
_CLOCKS_APART = 180.0


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The desired state runs, and its deployment is complete. ``configure``: the service's settings are not what they
    should be."""

    revision: str
    configure: bool = False

    @property
    def kind(self) -> ChangeKind:
        return ChangeKind.CONFIGURE if self.configure else ChangeKind.NOTHING


@dataclass(frozen=True, slots=True)
class Held:
    """The desired state failed, and the manifest still asks for it: leave the service as it is. ``configure``: settings
    that an earlier release left behind have to be put back. ``is_going_on``: a rollback has not come to its end."""

    revision: str
    by: str
    configure: bool = False
    is_going_on: bool = False
    kind: ClassVar = ChangeKind.HELD


@dataclass(frozen=True, slots=True)
class Join:
    """The desired state is being deployed already: watch that deployment, and start none.

    ``is_ours``: this execution started it, and was interrupted after that. ``is_taken_back``: after a failure it is
    rolled back, as a release started it. ``previous`` is the revision to roll back to, None where there is none."""

    deployment: Deployment
    previous: str | None
    is_ours: bool
    is_taken_back: bool = True
    kind: ClassVar = ChangeKind.JOIN


@dataclass(frozen=True, slots=True)
class Judge:
    """The desired state runs, and was never proven: judge it again, and roll nothing out. ``previous`` is the revision
    to roll back to. ``is_taken_back``: after a failure; not what somebody else deployed. ``has_failed``: ECS gave its
    deployment up: that is the verdict where a release registered it, and no new one where a rollback went to it."""

    revision: str
    previous: str | None
    why: str
    configure: bool = False
    is_taken_back: bool = True
    has_failed: bool = False
    kind: ClassVar = ChangeKind.JUDGE


@dataclass(frozen=True, slots=True)
class Deploy:
    """Register a new revision and update the service. ``previous`` is the revision to roll back to, None where no good
    one is known; ``why`` is the reason for people, None where the image differs; ``note`` tells of a rollback's target
    that is not what runs."""

    previous: str | None
    why: str | None = None
    note: str | None = None
    kind: ClassVar = ChangeKind.DEPLOY


Decision: TypeAlias = Unchanged | Held | Join | Judge | Deploy


def decide(
    service: Service,
    definition: Json,
    tags: Mapping[str, str],
    desired: DesiredState,
    release: Release,
    memory: Memory,
    *,
    running: Images,
    now: float,
    timeout: float,
) -> Decision:
    """What to do with a service whose primary deployment runs ``definition`` with ``tags``.

    What runs comes before what is remembered (``memory``). ``running`` are the digests that the service's containers
    run, where its revision's tags do not have those that are asked for. A deployment of another execution counts as
    stuck after ``timeout`` seconds. ``now`` is epoch seconds.
    """
    primary, revision = service.primary, short(arn(definition))
    attempt, is_same = memory.attempt, has_images(definition, desired.images)
    is_ours = revision_tags.is_ours(tags, release) and not is_others(attempt, release.mark)
    if is_same and primary is not None and is_ours:
        return Join(primary, _previous_of_ours(memory, release, tags), is_ours=True)
    target = rollback_target(service, revision, tags, memory)
    previous, note = (target.revision, target.why) if target is not None else (None, None)
    if is_same and desired.force:
        return Deploy(previous, "forceNewDeployment is set", note)
    # Nothing is remembered of a service at its first release: it is taken over with the digests that it runs.
    tagged = revision_tags.digests_of(tags)
    compared = running if memory != NOTHING else {name: running[name] for name in running if name in tagged}
    moved = moved_tags(tags, desired, compared) if is_same else ()
    # What runs may be the attempt's revision, and the tag known to have moved since, though its digest was not then.
    is_new = bool(moved) and is_of(attempt, revision, tags)
    is_held = is_held_by(memory, desired) and not desired.force and not is_new
    is_over = primary is None or is_settled(service, primary)
    if not is_same or moved:
        if is_held and attempt is not None:
            return Held(revision, attempt.execution, left_behind(memory, service), not is_over)
        return Deploy(previous, f"the tag of {', '.join(moved)} names another image now" if moved else None, note)
    wanted = merged(settings_before(memory, service), desired.configuration or {})
    configure = differs(service.configuration, wanted)
    # What somebody else deployed is somebody else's, also where an earlier release joined it, or had it before.
    own = _is_own(attempt, primary) and is_of(attempt, revision, tags) and revision_tags.is_of_machine(tags, release)
    back = rollback_target(service, revision, tags, memory, judged=revision)
    to = back.revision if back is not None else None
    if is_over or primary is None:
        if why := unproven(memory, revision, tags, desired, release):
            if desired.has_post_deploy and definition.get("status", "ACTIVE") != "ACTIVE":
                return Deploy(previous, f"{why}, and no hook can run with its revision, which was deregistered", note)
            return Judge(revision, to, why, configure, is_taken_back=own)
        if configure and is_held and attempt is not None and not left_behind(memory, service):
            return Held(revision, attempt.execution)
        return Unchanged(revision, configure)
    is_late = service.age(primary, now) > timeout
    if is_held and not own and primary.rollout_state == "FAILED" and _is_rolled_back_to(attempt, primary, timeout):
        # The images are those that failed with the attempt.
        why = "ECS gave up what the rollback went to, too, and the manifest's item is the same as then"
        return Judge(
            revision, None, f"{why}: change it, or set forceNewDeployment", is_taken_back=False, has_failed=True
        )
    decision = _of_what_goes_on(primary, Deploy(previous, note=note), own=own, is_held=is_held, is_late=is_late)
    return replace(decision, previous=to, is_taken_back=own) if isinstance(decision, Join) else decision


def _is_own(attempt: Attempt | None, primary: Deployment | None) -> bool:
    """Whether the attempt may have begun the primary deployment, as far as the ledger has it."""
    if attempt is None or attempt.verdict is Judgement.UNTOUCHED:
        return False
    return primary is None or attempt.deployment in (None, primary.id)


def _is_rolled_back_to(attempt: Attempt | None, primary: Deployment, timeout: float) -> bool:
    """Whether the attempt's rollback may have begun the deployment: it is of its target, and began when the rollout and
    a hook can have failed, and not long after."""
    if attempt is None or attempt.rollback_to is None:
        return False
    is_in_time = abs(primary.created_at - attempt.at) <= 2 * timeout + _CLOCKS_APART
    return is_in_time and attempt.rollback_to.revision == short(primary.task_definition)


def _of_what_goes_on(
    primary: Deployment, deploy: Deploy, *, own: bool, is_held: bool, is_late: bool
) -> Deploy | Join | Judge:
    """What to do where the desired state is being deployed. ``own``: an earlier release registered it; ``is_held``: it
    failed then, and the manifest has not changed."""
    if primary.rollout_state == "FAILED" and own and is_held:
        why = "ECS gave its deployment up, and the manifest's item is the same as then"
        return Judge(short(primary.task_definition), None, why, has_failed=True)
    if primary.rollout_state == "FAILED":
        return replace(deploy, why="the last deployment of this image failed")
    # What a release began is followed to its end, also where that is a failure again.
    if primary.failed > 0 and not own:
        why = f"the deployment of this image that is going on has {primary.failed} failed tasks"
        return replace(deploy, why=why)
    if is_late and not own:
        return replace(deploy, why="the deployment of this image that is going on does not come to an end")
    return Join(primary, deploy.previous, is_ours=False)


def _previous_of_ours(memory: Memory, release: Release, tags: Mapping[str, str]) -> str | None:
    """What this execution's own deployment is rolled back to: what it wrote down before it deployed, or else what its
    revision's tag names."""
    attempt = memory.attempt
    if attempt is not None and attempt.execution == release.mark:
        return attempt.rollback_to.revision if attempt.rollback_to is not None else None
    return short(tags[revision_tags.PREVIOUS]) if tags.get(revision_tags.PREVIOUS) else None


def moved_tags(tags: Mapping[str, str], desired: DesiredState, running: Images) -> tuple[str, ...]:
    """The containers whose tag now has another digest than the one that runs, as far as both are known. What ECS pulled
    comes before what the revision's tags say: somebody may have deployed it again."""
    known = {**revision_tags.digests_of(tags), **running}
    return tuple(
        name for name, digest in desired.digests.items() if name in known and not digest.startswith(known[name])
    )
