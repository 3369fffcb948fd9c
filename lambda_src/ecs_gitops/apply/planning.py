"""The plans of the services that a slice is about to change, and what is written down before it changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.ecs.deployment_settings import differs, merged, original_settings, rollback_settings
from ecs_gitops.ecs.service import Service, is_settled
from ecs_gitops.ecs.task_definition import arn
from ecs_gitops.ledger import upgrade
from ecs_gitops.live.attempts import settle, with_marks
from ecs_gitops.live.service_state import read_service_state, running_digests
from ecs_gitops.model.errors import AwsUnavailable
from ecs_gitops.model.identity import short
from ecs_gitops.model.memory import NOTHING, OTHERS, Attempt, Earlier, Memory
from ecs_gitops.model.status import Hook, Judgement, Step
from ecs_gitops.plan.decision import Decision, Deploy, Join, Judge, Unchanged
from ecs_gitops.plan.memory import intent, is_of, needing_hook, settings_before
from ecs_gitops.plan.services import LiveService, ServicePlan, plan_service
from ecs_gitops.verdict.rollout import SHOWN_WITHIN

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.ledger import Ledger
    from ecs_gitops.ledger.targets import Memories
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

# Seconds. What is remembered is written by who held the fence so short before.
_FENCE_SECONDS = 5.0
# Seconds after which ECS's answers have settings that were written.
_SETTINGS_SHOWN_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A service that is about to be changed. ``live`` and ``plan`` are None after the hook preDeploy, when the plan was
    made before. ``remembered`` is what was read, ``intent`` what is to be written before the act; None where nothing
    has to be."""

    item: Item
    service: Service
    read_at: float
    remembered: Memory
    intent: Memory | None = None
    live: LiveService | None = None
    plan: ServicePlan | None = None


def plan_item(
    aws: Aws,
    release: Release,
    item: Item,
    service: Service,
    memories: Memories,
    now: float,
    read_at: float,
) -> Planned:
    """The plan of a pending service. Raises :class:`ItemFailed` when it cannot be deployed, and what the calls raise.
    ``now`` is epoch seconds, ``read_at`` the functions' monotonic time of the read of ``service``."""
    remembered = memories.get(item.desired.identity, NOTHING)
    if item.progress.step is Step.UPDATE:
        made = _attempt(release, item, service, remembered, now)
        return Planned(item, service, read_at, remembered, intent(remembered, made))
    live = read_service_state(aws, item, service)
    known = upgrade.remembered(memories, item, short(arn(live.definition)), live.tags)
    memory = with_marks(aws, item, live, settle(aws, item, service, known, release))
    plan = plan_service(item, live, release, memory, now)
    # What is written names the plan, which the item has only when it is begun.
    planned = replace(item, change=plan.change)
    decision = plan.decision
    _require_current(remembered.attempt, release, live, decision, now)
    _require_current_settings(remembered.attempt, live, now)
    if not (
        isinstance(decision, Deploy)
        or (isinstance(decision, Unchanged | Judge) and decision.configure)
        or (isinstance(decision, Join) and not decision.is_ours)
    ):
        return Planned(item, service, read_at, remembered, None, live, plan)
    if isinstance(decision, Join):
        # Somebody's deployment runs what it pulled. The tag may name another image by now.
        planned = planned.with_change(digests={**planned.change.digests, **live.running})
    made = _attempt(release, planned, service, memory, now, forward=plan.configuration)
    if not isinstance(decision, Deploy):
        made = replace(made, revision=short(arn(live.definition)), deployment=_began_by(decision, service))
        if is_of(memory.attempt, short(arn(live.definition)), live.tags):
            # It goes on with what an earlier release began: that is no attempt that failed. Its hook may have.
            kept = memory if item.has_hook(Hook.POST_DEPLOY) else needing_hook(memory)
            memory = replace(kept, attempt=None)
    return Planned(item, service, read_at, remembered, intent(memory, made), live, plan)


def settings_since(planned: Planned, service: Service, configuration: Json, owned: Json) -> Json:
    """The settings to write: those of the plan, with what somebody has changed since, as far as that is not what is
    written down. ``service`` is a newer read than the plan's, ``owned`` are Git's settings."""
    if service.configuration == planned.service.configuration:
        return configuration
    return merged(settings_before(planned.intent or planned.remembered, service), owned)


def _require_current(
    attempt: Attempt | None, release: Release, live: LiveService, decision: Decision, now: float
) -> None:
    """Raise :class:`AwsUnavailable` where a run before this one may have deployed, and ECS's answer may be older than
    that: what it shows as done would be what ran before. A deployment would only be begun again."""
    if attempt is None or attempt.execution != release.mark or attempt.verdict is not Judgement.OPEN:
        return
    if isinstance(decision, Deploy) or attempt.is_of_settings_alone:
        return
    if not is_of(attempt, short(arn(live.definition)), live.tags) and now - attempt.at < SHOWN_WITHIN:
        raise AwsUnavailable("ECS does not show yet what this release began")


def _require_current_settings(attempt: Attempt | None, live: LiveService, now: float) -> None:
    """Raise :class:`AwsUnavailable` where a release wrote settings alone a moment ago, and ECS's answer has those from
    before: a rollback would restore what Git had changed already."""
    if attempt is None or attempt.verdict is not Judgement.GOOD or not attempt.is_of_settings_alone:
        return
    shown, earlier = live.service.configuration, attempt.rollback_to
    if earlier is None or not attempt.written or now - attempt.at >= _SETTINGS_SHOWN_WITHIN:
        return
    before = earlier.settings or {}
    # What the service did not have is written down as its default.
    if differs(shown, attempt.written[0]) and not differs(original_settings(shown, before), before):
        raise AwsUnavailable("ECS does not show yet the settings that the last release wrote")


def _began_by(decision: Join | Judge | Unchanged, service: Service) -> str | None:
    """The deployment that an attempt goes on with: a release's own, or somebody else's; None for settings alone."""
    if isinstance(decision, Unchanged):
        return None
    return service.primary.id if decision.is_taken_back and service.primary is not None else OTHERS


def _attempt(
    release: Release,
    item: Item,
    service: Service,
    memory: Memory,
    now: float,
    forward: Mapping[str, object] | None = None,
) -> Attempt:
    """The attempt that is about to be made, with all that is needed after a death. A rollback writes nothing down."""
    live, before, owned = service.configuration, settings_before(memory, service), item.service.deployment or {}
    back = original_settings(before, owned)
    forward = dict(forward) if forward is not None else merged(before, owned)
    # What an earlier release left behind stands until this one's own settings do.
    written = [each for each in (forward, rollback_settings(back), dict(live)) if each != before]
    # ECS's answer may be older than what an earlier release wrote a moment ago.
    written += [each for each in _written_just_before(memory.attempt, now) if each not in (*written, before)]
    target = item.change.previous
    digests = item.change.previous_digests or (known_digests(memory, target) if target else {})
    earlier = Earlier(revision=target, digests=digests, settings=back)
    return Attempt(
        execution=release.mark,
        fingerprint=item.desired.content_hash,
        digests=item.change.digests,
        revision=item.change.revision,
        has_post_deploy=item.has_hook(Hook.POST_DEPLOY),
        rollback_to=earlier,
        written=tuple(written),
        at=round(now, 1),
    )


def _written_just_before(attempt: Attempt | None, now: float) -> tuple[Json, ...]:
    """The settings of an earlier attempt that did not end good, as long as an answer may not have them yet."""
    if attempt is None or attempt.verdict is Judgement.GOOD or now - attempt.at >= _SETTINGS_SHOWN_WITHIN:
        return ()
    return attempt.written


def known_digests(memory: Memory, revision: str) -> Mapping[str, str]:
    """The digests that a revision ran, as they are remembered."""
    earlier = memory.attempt.rollback_to if memory.attempt is not None else None
    for known in (earlier, memory.good):
        if known is not None and known.revision == revision and known.digests:
            return known.digests
    return {}


def with_digests(aws: Aws, planned: Sequence[Planned]) -> list[Planned]:
    """The plans with the digests of the images that run now: a rollback restores images as they were, also where a tag
    has moved since."""
    going = [each for each in planned if _may_go_back(each)]
    digests = {short(arn): found for arn, found in running_digests(aws, [each.service for each in going]).items()}
    done = []
    for each in planned:
        plan, attempt = each.plan, each.intent.attempt if each.intent is not None else None
        target = plan.change.previous if plan is not None else None
        if plan is None or target is None:
            done.append(each)
            continue
        if attempt is None or each.intent is None:
            done.append(_with_remembered_digests(each, plan, target))
            continue
        found = _digests_of(target, each, digests.get(target) or {})
        change = replace(plan.change, previous_digests=found)
        if attempt.rollback_to is not None and attempt.rollback_to.revision == target:
            attempt = replace(attempt, rollback_to=replace(attempt.rollback_to, digests=found))
        done.append(replace(each, plan=replace(plan, change=change), intent=replace(each.intent, attempt=attempt)))
    return done


def _digests_of(target: str, planned: Planned, running: Images) -> Images:
    """The digests with which a rollback restores its target. Where that is being deployed again, what is pulled now may
    be another image than the one that was good."""
    known, service = known_digests(planned.remembered, target), planned.service
    if service.primary is not None and target == short(service.runs) and not is_settled(service, service.primary):
        return {**running, **known}
    return running or known


def _may_go_back(planned: Planned) -> bool:
    """Whether what runs beside it now is what a rollback goes to, of this release or of one after it."""
    decision = planned.plan.decision if planned.plan is not None else None
    return isinstance(decision, Deploy) or (isinstance(decision, Join) and planned.intent is not None)


def _with_remembered_digests(planned: Planned, plan: ServicePlan, target: str) -> Planned:
    """The plan of what is judged, or was begun before this function was repeated: nothing of it is written, and a
    rollback restores the images that are remembered."""
    if not isinstance(plan.decision, Join | Judge):
        return planned
    found = known_digests(planned.remembered, target) or plan.change.previous_digests
    return replace(planned, plan=replace(plan, change=replace(plan.change, previous_digests=found)))


def write_intents(ledger: Ledger, planned: Sequence[Planned]) -> list[Planned]:
    """Write what every plan needs to be written before its act, in one write. Returns the plans that may go on: one
    whose memory was changed by somebody else meanwhile is to be planned anew.

    Raises :class:`FenceLost`, :class:`LedgerUnavailable` and :class:`LedgerRefused`: then nothing may be changed."""
    needed = {each.item.desired.identity: each for each in planned if each.intent is not None}
    changed: set[str] = set()

    def write(memories: Memories) -> Memories:
        # Planning may have taken long, and what is remembered belongs to who holds the fence.
        ledger.fence.require(is_rollback=False, within=_FENCE_SECONDS)
        changed.clear()
        after = dict(memories)
        for name, each in needed.items():
            known = memories.get(name, NOTHING)
            if known not in (each.remembered, each.intent):
                changed.add(name)
            elif each.intent is not None:
                after[name] = each.intent
        return after

    if needed:
        ledger.targets.update(write)
    return [each for each in planned if each.item.desired.identity not in changed]
