"""The rules of what is remembered between releases. Pure; docs/architecture/memory.md has them in words.

An attempt is written before anything is changed (:func:`intent`), its verdict when there is one (:func:`concluded`).
Until then it is OPEN, and the next release settles it (:func:`settled`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from ecs_gitops.ecs.deployment_settings import differs, put_back, rollback_settings
from ecs_gitops.ecs.revision_tags import EXECUTION, FAILED, PREVIOUS, execution_tag, is_of_machine
from ecs_gitops.ecs.service import Service, is_settled
from ecs_gitops.model.identity import short
from ecs_gitops.model.memory import NOT_GOOD_AT_MOST, OTHERS, Attempt, Good, Memory, NotGood
from ecs_gitops.model.status import Judgement, Proof

if TYPE_CHECKING:
    from ecs_gitops.desired.state import DesiredState
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json


class Ended(StrEnum):
    """How ECS's newest record of an attempt's revision ended. STOPPED: by a call, or superseded. NONE: there is no
    record, so the revision was never deployed."""

    GAVE_UP = "GAVE_UP"
    STOPPED = "STOPPED"
    SUCCESSFUL = "SUCCESSFUL"
    GOING_ON = "GOING_ON"
    NONE = "NONE"
    UNKNOWN = "UNKNOWN"


def is_of(attempt: Attempt | None, revision: str, tags: Mapping[str, str]) -> bool:
    """Whether ``revision``, which has ``tags``, is the attempt's."""
    if attempt is None:
        return False
    if attempt.is_of_settings_alone:
        return False
    if attempt.revision is not None:
        return attempt.revision == short(revision)
    return tags.get(EXECUTION) == execution_tag(attempt.execution)


def is_others(attempt: Attempt | None, execution: str) -> bool:
    """Whether an execution has written down that what runs the revision of its attempt is somebody else's."""
    return attempt is not None and attempt.execution == execution and attempt.deployment == OTHERS


def is_same_try(attempt: Attempt | None, desired: DesiredState) -> bool:
    """Whether Git asks for the same as the attempt did: the same text, and no tag that is known to have moved."""
    if attempt is None or attempt.fingerprint != desired.fingerprint:
        return False
    return not _has_moved(attempt.digests, desired.asked_digests)


def _has_moved(then: Images, now: Images) -> bool:
    return any(name in now and now[name] != digest for name, digest in then.items())


def is_held(memory: Memory, desired: DesiredState) -> bool:
    """Whether what Git asks for failed before, and nobody has changed it since. (Rule 5.)"""
    attempt = memory.attempt
    return attempt is not None and attempt.verdict is Judgement.FAILED and is_same_try(attempt, desired)


def settled(memory: Memory, revision: str | None, ended: Ended, deployment: str | None = None) -> Memory:
    """The memory, with a verdict on an attempt that is OPEN, as far as ECS's records have one. ``revision`` and
    ``deployment`` are the attempt's, where they are known by now. (Rule 4.)"""
    attempt = memory.attempt
    if attempt is None or attempt.verdict is not Judgement.OPEN:
        return memory
    attempt = replace(attempt, revision=attempt.revision or revision, deployment=attempt.deployment or deployment)
    if ended is Ended.GAVE_UP:
        attempt = replace(attempt, verdict=Judgement.FAILED, by="ECS")
    elif ended is Ended.NONE:
        attempt = replace(attempt, verdict=Judgement.UNTOUCHED, by="ECS")
    elif ended is Ended.SUCCESSFUL and not attempt.has_post_deploy:
        attempt = replace(attempt, verdict=Judgement.GOOD, by="ECS")
    return replace(memory, attempt=attempt)


def unproven(memory: Memory, revision: str, tags: Mapping[str, str], desired: DesiredState, release: Release) -> str:
    """Why a revision that runs, and is what Git asks for, has to be judged again; empty where it has not. (Rule 5.)"""
    attempt, revision = memory.attempt, short(revision)
    is_bad = memory.is_not_good(revision)
    if attempt is not None and is_of(attempt, revision, tags):
        if attempt.verdict is Judgement.GOOD:
            return "it was not good in an earlier release" if is_bad and desired.has_post_deploy else ""
        return f"the release {attempt.execution.rpartition(':')[2]} left it without a good verdict ({attempt.verdict})"
    if is_bad or _is_marked(memory, revision, tags):
        return "it was not good in an earlier release"
    if is_of_machine(tags, release) and (memory.good is None or memory.good.revision != revision):
        return "an earlier release deployed it, and no verdict on it is known"
    # A change of settings alone leaves no revision behind that somebody would have to mend.
    is_unproven = attempt is not None and attempt.verdict.is_unproven and not attempt.is_of_settings_alone
    if is_unproven and desired.has_post_deploy and is_same_try(attempt, desired):
        return "the last release of this did not end well, and somebody deployed it since"
    return ""


def _is_marked(memory: Memory, revision: str, tags: Mapping[str, str]) -> bool:
    """Whether the revision has the tag of one that failed, and no later release has proven it."""
    return FAILED in tags and (memory.good is None or memory.good.revision != revision)


@dataclass(frozen=True, slots=True)
class Target:
    """What a rollback goes to. ``why`` is None where it is what runs, and nothing is going on."""

    revision: str
    why: str | None = None


def rollback_target(
    service: Service, revision: str, tags: Mapping[str, str], memory: Memory, judged: str | None = None
) -> Target | None:
    """What a rollback goes to, fixed before our UpdateService; None where no earlier good revision is known.
    ``revision`` with ``tags`` is what the service runs, ``judged`` the revision that is judged, where that runs
    already. (Rule 8.)"""
    attempt, primary = memory.attempt, service.primary
    revision = short(revision)
    is_bad = memory.is_not_good(revision) or _is_marked(memory, revision, tags)
    is_bad = is_bad or (attempt is not None and attempt.verdict.is_unproven and is_of(attempt, revision, tags))
    is_over = primary is None or is_settled(service, primary)
    if is_over and not is_bad and revision != judged:
        return Target(revision)
    runs = f"what runs, {revision}, {'was not good' if is_bad else 'is still being rolled out'}"
    target = attempt.rollback_to.revision if attempt is not None and attempt.rollback_to is not None else None
    earlier = [target] if target is not None else []
    earlier += [memory.good.revision] if memory.good is not None else []
    beside = [d for d in service.deployments if not d.is_primary and d.running > 0]
    earlier += [short(d.task_definition) for d in sorted(beside, key=lambda d: d.created_at, reverse=True)]
    # The tag names what ran, good or not. Where the ledger has the attempt, it knows better.
    is_known = is_of(attempt, revision, tags) and attempt is not None and attempt.rollback_to is not None
    earlier += [short(tags[PREVIOUS])] if tags.get(PREVIOUS) and not is_known else []
    for each in earlier:
        if each == judged or _is_unproven(memory, each) or (each == revision and is_bad):
            continue
        # Where what runs was deployed again a moment ago, it is what ran before.
        then = "that deployment is replaced" if each == revision else f"a rollback goes to {each}"
        return Target(each, f"{runs}: {then}")
    return None


def _is_unproven(memory: Memory, revision: str) -> bool:
    attempt = memory.attempt
    return memory.is_not_good(revision) or (attempt is not None and attempt.unproven_revision == revision)


# --- settings (rule 10) -----------------------------------------------------------------------------------------------


def left_behind(memory: Memory, service: Service) -> bool:
    """Whether the service has settings that an attempt wrote which did not end good, and nobody has changed since."""
    return settings_before(memory, service) != dict(service.configuration)


def settings_before(memory: Memory, service: Service) -> Json:
    """The settings of the service before any attempt that did not end good: what a person has set, or what was before
    the attempt."""
    attempt, live = memory.attempt, service.configuration
    if attempt is None or attempt.rollback_to is None:
        return dict(live)
    before, written = attempt.rollback_to.settings or {}, attempt.written
    if attempt.verdict is Judgement.GOOD:
        written = _of_interrupted_rollback(attempt, service)
    made = put_back(live, before, written)
    return made if differs(live, made) else dict(live)


def _of_interrupted_rollback(attempt: Attempt, service: Service) -> tuple[Json, ...]:
    """The settings that a rollback of what had been good has left behind; none where it was not begun. A rollback
    writes nothing down before, so it is known by what runs, and by settings that nothing but a rollback wrote."""
    back = attempt.rollback_to
    if back is None or attempt.is_of_settings_alone or back.revision != short(service.runs):
        return ()
    form = rollback_settings(back.settings or {})
    is_of_rollback = attempt.written.count(form) == 1 and not differs(service.configuration, form)
    return (form,) if is_of_rollback else ()


# --- what is written --------------------------------------------------------------------------------------------------


def intent(memory: Memory, attempt: Attempt) -> Memory:
    """The memory with an attempt that is about to be made. What it replaces is not good, unless it ended well; what the
    same execution wrote before stays, as it may have died since. (Rules 1, 3, 6.)"""
    old = memory.attempt
    if old is not None and old.execution == attempt.execution:
        written = (*old.written, *(each for each in attempt.written if each not in old.written))
        back = attempt.rollback_to
        if old.rollback_to is not None:
            # A person may have changed settings since, while the hook preDeploy ran: they are what was before.
            settings = back.settings if back is not None else old.rollback_to.settings
            back = replace(old.rollback_to, settings=settings)
        kept = replace(attempt, written=written, rollback_to=back)
        if is_others(old, attempt.execution):
            kept = replace(kept, revision=kept.revision or old.revision, deployment=old.deployment)
        return replace(memory, attempt=replace(kept, good_before=old.good_before))
    return replace(_replaced(memory), attempt=replace(attempt, good_before=memory.good))


def _replaced(memory: Memory) -> Memory:
    """The memory without its attempt, whose revision is not good where it was never proven."""
    old = memory.attempt
    if old is not None and (revision := old.unproven_revision) is not None:
        memory = with_not_good(memory, NotGood(revision=revision, why=old.verdict, needs_hook=old.has_post_deploy))
    return replace(memory, attempt=None)


def with_not_good(memory: Memory, found: NotGood) -> Memory:
    """The memory with a revision that was not good; the oldest are forgotten."""
    others = tuple(each for each in memory.not_good if each.revision != found.revision)
    return replace(memory, not_good=(*others, found)[-NOT_GOOD_AT_MOST:])


def needing_hook(memory: Memory) -> Memory:
    """The memory, where the attempt's revision is judged without the hook postDeploy that failed or never ran: it is
    not good until such a hook has succeeded. (Rule 3.)"""
    attempt = memory.attempt
    if attempt is None or not attempt.has_post_deploy or (revision := attempt.unproven_revision) is None:
        return memory
    return with_not_good(memory, NotGood(revision=revision, why=attempt.verdict, needs_hook=True))


def proven(memory: Memory, good: Good, *, hook_ran: bool) -> Memory:
    """The memory after ``good`` was judged good. Where its hook failed before, only a hook proves it. (Rule 3.)"""
    kept = tuple(
        each
        for each in memory.not_good
        if each.revision != good.revision or (each.needs_hook and not hook_ran) or good.proof is Proof.ADOPTED
    )
    return replace(memory, good=good, not_good=kept)
