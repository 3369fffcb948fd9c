"""The plan of a service: desired and live compared. Pure.

The check before a release makes it and stores the change. The deployment makes it again and compares, as somebody may
have changed the service in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import DesiredState, desired_state
from ecs_gitops.ecs.deployment_settings import differs, merged, original_settings, rollback_settings
from ecs_gitops.ecs.revision_tags import digests_of, previous_of
from ecs_gitops.ecs.task_definition import Container, arn, resolve
from ecs_gitops.model.change import Change
from ecs_gitops.model.identity import short
from ecs_gitops.model.status import ChangeKind
from ecs_gitops.plan.decision import Decision, Deploy, Join, Judge, Unchanged, decide, moved_tags
from ecs_gitops.plan.memory import left_behind, settings_before

if TYPE_CHECKING:
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.memory import Memory
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True)
class LiveService:
    """The live state of a service. ``definition`` and ``tags`` are those of the task definition that it runs;
    ``running`` are digests that ECS resolved, where the tags do not have those that are asked for; ``unknown`` is why
    these could not be read, None where they could or are not needed."""

    service: Service
    definition: Json
    tags: Mapping[str, str]
    running: Images = field(default_factory=dict)
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """``change`` can be stored as data. ``containers`` by the manifest's names; ``configuration`` is the desired
    ``deploymentConfiguration``; ``configure``: whether the live one differs from it. ``before`` is the live one before
    any release that did not end good, where ``is_restored`` says that it is not the live one. ``warnings`` are about
    containers. ``adopted`` says which tags name another image than the one that runs, where the service is taken over
    as it runs."""

    change: Change
    decision: Decision
    desired: DesiredState
    containers: Mapping[str, Container]
    configuration: Json
    configure: bool
    before: Json
    is_restored: bool
    warnings: tuple[str, ...]
    adopted: tuple[str, ...] = ()


def plan_service(item: Item, live: LiveService, release: Release, memory: Memory, now: float) -> ServicePlan:
    """The plan of a service, with what is remembered of it. ``now`` is epoch seconds. Raises :class:`ItemFailed` when a
    container is missing."""
    containers, warnings = resolve(live.definition, item.desired.images)
    desired, service = desired_state(item, containers), live.service
    decision = decide(
        service,
        live.definition,
        live.tags,
        desired,
        release,
        memory,
        running=live.running,
        now=now,
        timeout=item.timeout_minutes * 60,
    )
    before = settings_before(memory, service)
    owned = item.service.deployment or {}
    is_left, is_held = left_behind(memory, service), decision.kind is ChangeKind.HELD
    # What is held is what was before the attempt, its settings too.
    configuration = before if is_held else merged(before, owned)
    previous = decision.previous if isinstance(decision, Deploy | Join | Judge) else decision.revision
    # A rollback without bake times writes settings, and those from before have to be restored after it.
    is_written = any(
        (
            differs(service.configuration, configuration),
            differs(service.configuration, before),
            rollback_settings(before) != merged({}, before),
        )
    )
    is_changed = decision.kind not in (ChangeKind.NOTHING, ChangeKind.HELD)
    # A run of this release began it, and died since: it is a deployment of its own.
    is_resumed, runs = isinstance(decision, Join) and decision.is_ours, short(arn(live.definition))
    change = replace(
        item.change,
        kind=ChangeKind.DEPLOY if is_resumed else decision.kind,
        previous=short(previous) if previous is not None else None,
        previous_settings=_to_restore(item, original_settings(before, owned) if is_written else None, is_resumed)
        if is_changed
        else item.change.previous_settings,
        left_settings=service.configuration if is_left and is_changed else None,
        replaced=previous_of(live.tags, runs) if is_resumed else runs,
        previous_digests=_running_digests(live, memory)
        if isinstance(decision, Unchanged)
        else item.change.previous_digests,
        previous_image=next(iter(containers.values())).image,
    )
    configure = differs(service.configuration, configuration)
    return ServicePlan(
        change,
        decision,
        desired,
        containers,
        configuration,
        configure,
        before,
        is_left,
        warnings,
        _adopted(live, desired) if isinstance(decision, Unchanged) else (),
    )


def _to_restore(item: Item, before: Json | None, is_resumed: bool) -> Json | None:
    """The settings that a rollback writes; None where nothing is written. Those of an earlier plan count only for what
    a run began with them: the check may have read an old answer."""
    return before or (item.change.previous_settings if is_resumed else None)


def _running_digests(live: LiveService, memory: Memory) -> Images:
    """The digests of what runs: as ECS resolved them now, or when it was found good, and else as its tags have them.
    Between the registration of a revision and its pull, a tag may have moved."""
    good = memory.good
    known = good.digests if good is not None and good.revision == short(arn(live.definition)) else {}
    return {**digests_of(live.tags), **known, **live.running}


def _adopted(live: LiveService, desired: DesiredState) -> tuple[str, ...]:
    return tuple(
        f"container {name}: the tag of {desired.images[name]} names another image now than the one that runs. The "
        "service is taken over as it runs; the release after this one deploys what the tag names then"
        for name in moved_tags(live.tags, desired, live.running)
    )
