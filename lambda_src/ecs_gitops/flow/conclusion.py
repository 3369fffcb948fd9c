"""What is remembered of a service when its item has come to a verdict. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_gitops.flow.transitions import is_rolling_back
from ecs_gitops.model.memory import OTHERS, Attempt, Good, Memory, NotGood
from ecs_gitops.model.status import ChangeKind, Hook, Judgement, Proof, Status
from ecs_gitops.plan.memory import needing_hook, proven, with_not_good

if TYPE_CHECKING:
    from ecs_gitops.model.images import Images
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release


def concluded(memory: Memory, item: Item, release: Release, ran: Images | None = None) -> Memory:
    """The memory after what is known of the item by now. ``ran`` are the digests that its service runs, as ECS resolved
    them; None where they were not read. The same item may be concluded any number of times."""
    attempt = _known(memory.attempt, item, release)
    memory = replace(memory, attempt=attempt)
    status, revision = item.status, item.change.revision
    if status in (Status.DEPLOYED, Status.UNCHANGED) and revision is not None:
        return _good(memory, item, revision, release, ran)
    if status is Status.HELD and item.change.kind is ChangeKind.HELD:
        return _held(memory)
    is_over = item.is_final and item.status in (Status.FAILED, Status.ROLLED_BACK)
    if not is_over and not is_rolling_back(item):
        return memory
    judgement = item.result.judgement if item.result is not None else item.progress.judgement
    if attempt is not None and attempt.execution == release.mark:
        memory = _judged(memory, attempt, judgement)
    elif judgement is Judgement.FAILED and revision is not None:
        memory = _failed_again(memory, attempt, item, revision, release)
    return _moved(memory, item)


def _held(memory: Memory) -> Memory:
    """The memory with the verdict for which an item is held: ECS's records may not show it for ever."""
    attempt = memory.attempt
    if attempt is None or attempt.verdict is not Judgement.OPEN:
        return memory
    return replace(memory, attempt=replace(attempt, verdict=Judgement.FAILED, by="ECS"))


def _known(attempt: Attempt | None, item: Item, release: Release) -> Attempt | None:
    """The attempt, with its revision and its deployment where they are known by now."""
    if attempt is None or attempt.execution != release.mark:
        return attempt
    watched = item.watched
    deployment = None if watched.is_followed or is_rolling_back(item) else watched.deployment
    if watched.is_followed and item.change.kind is ChangeKind.JOIN:
        deployment = OTHERS
    return replace(
        attempt,
        revision=attempt.revision or item.change.revision,
        deployment=attempt.deployment or deployment,
    )


def _judged(memory: Memory, attempt: Attempt, judgement: Judgement) -> Memory:
    """The memory with the verdict on this release's own attempt. What was good before it is good again."""
    made = replace(attempt, verdict=judgement, by="the release")
    good = memory.good
    is_in_doubt = replace(attempt, verdict=Judgement.OPEN).unproven_revision is not None
    is_over = judgement not in (Judgement.OPEN, Judgement.GOOD)
    if is_over and is_in_doubt and good is not None and good.revision == attempt.revision:
        before = attempt.good_before
        # It may have been good before: somebody deployed it again, and it failed then.
        is_it = judgement is Judgement.FAILED and before is not None and before.revision == attempt.revision
        good = None if is_it else before
    return replace(memory, attempt=made, good=good)


def _failed_again(memory: Memory, attempt: Attempt | None, item: Item, revision: str, release: Release) -> Memory:
    """The memory after what ran already was judged again, and failed. So did the attempt: it is the attempt's revision,
    or the same text without a verdict, as where a release died before its revision was written down. Where none is
    remembered that could have left something behind, this was one, of what somebody else deployed."""
    asked, needs_hook = item.desired.content_hash, item.has_hook(Hook.POST_DEPLOY)
    is_open = attempt is not None and attempt.verdict is Judgement.OPEN and attempt.fingerprint == asked
    if attempt is not None and (attempt.revision == revision or is_open):
        by = f"the release {release.execution_name}"
        # What its hook judged, and is left as it is, was begun by somebody else, as far as anything told. What ECS gave
        # up, and is not watched, is the release's own.
        is_watched = item.watched.deployment is not None
        is_left = attempt.deployment is None and item.change.previous is None and is_watched
        attempt = replace(attempt, deployment=OTHERS if is_left else _whose(attempt))
        attempt = replace(attempt, revision=attempt.revision or revision, verdict=Judgement.FAILED, by=by)
        # It is this text that failed, with this hook.
        attempt = replace(attempt, fingerprint=asked, digests=item.change.digests or attempt.digests)
        attempt = replace(attempt, has_post_deploy=attempt.has_post_deploy or needs_hook)
    elif attempt is None or attempt.verdict is Judgement.GOOD:
        attempt = Attempt(
            execution=release.mark,
            fingerprint=asked,
            digests=item.change.digests,
            revision=revision,
            deployment=OTHERS,
            has_post_deploy=needs_hook,
            good_before=memory.good,
            verdict=Judgement.FAILED,
            by="the release",
        )
    found = NotGood(revision=revision, why="judged again", needs_hook=needs_hook)
    good = None if memory.good is not None and memory.good.revision == revision else memory.good
    return replace(with_not_good(memory, found), attempt=attempt, good=good)


def _whose(attempt: Attempt) -> str | None:
    """The attempt's deployment. Where it came to none, what runs its revision was deployed by somebody else."""
    return OTHERS if attempt.verdict is Judgement.UNTOUCHED else attempt.deployment


def _moved(memory: Memory, item: Item) -> Memory:
    """The memory after a rollback that went to a copy of what was good: the copy is as good."""
    result, target = item.result, memory.attempt.rollback_to if memory.attempt is not None else None
    if result is None or result.status is not Status.ROLLED_BACK or target is None or memory.good is None:
        return memory
    if result.running in (None, target.revision) or memory.good.revision != target.revision:
        return memory
    # The copy has the digests that ran, which may be others than when it was found good.
    copied = replace(memory.good, revision=str(result.running), digests=target.digests or memory.good.digests)
    return replace(memory, good=copied)


def _good(memory: Memory, item: Item, revision: str, release: Release, ran: Images | None) -> Memory:
    attempt, hook_ran = memory.attempt, item.has_hook(Hook.POST_DEPLOY)
    is_this = attempt is not None and attempt.execution == release.mark
    is_judged = item.status is Status.DEPLOYED or item.change.kind is ChangeKind.JUDGE
    is_its = attempt is not None and (is_this or attempt.revision == revision)
    # Where the desired count is 0, nothing ran.
    is_empty = item.result is not None and item.result.runs_nothing
    proof = Proof.PROVEN if is_judged and not is_empty else Proof.ADOPTED
    known = memory.good
    if proof is Proof.ADOPTED and known is not None and known.revision == revision:
        proof = known.proof
    # Of what is unchanged, the check has read what it runs. Of what is judged again, the item has the digests of the
    # rollback's target.
    is_read = item.change.previous == revision and item.change.kind is not ChangeKind.JUDGE
    ran = ran or (item.change.previous_digests if is_read else {})
    digests = ran or (known.digests if known is not None and known.revision == revision else {})
    if is_its and attempt is not None:
        if not hook_ran:
            memory = needing_hook(memory)
        attempt = replace(attempt, deployment=_whose(attempt), verdict=Judgement.GOOD, by="the release")
    elif attempt is not None and (attempt.fingerprint != item.desired.content_hash or is_judged):
        # The release has another text: coming back to the attempt's is a new try.
        if (bad := attempt.unproven_revision) not in (None, revision):
            found = NotGood(revision=bad or "", why=attempt.verdict, needs_hook=attempt.has_post_deploy)
            memory = with_not_good(memory, found)
        attempt = None
    elif attempt is not None:
        # The settings are those that Git asks for, and nothing of the attempt's is left behind.
        attempt = replace(attempt, written=())
    memory = replace(memory, attempt=attempt)
    return proven(memory, Good(revision=revision, digests=digests, proof=proof), hook_ran=hook_ran and is_judged)
