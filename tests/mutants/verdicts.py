"""The rules 1 to 4 broken: intents, and verdicts on attempts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import ecs_gitops.apply.planning as planning
import ecs_gitops.flow.conclusion as conclusion
import ecs_gitops.ledger.fence as fence
import ecs_gitops.live.attempts as attempts
import ecs_gitops.plan.memory as memory
from ecs_gitops.model.errors import LedgerRefused, LedgerUnavailable
from ecs_gitops.model.memory import Memory
from ecs_gitops.model.status import Judgement, Proof
from mutants import mutant

# --- 1 and 2: intents ------------------------------------------------------------------------------------------------


@mutant("1")
def no_intent_is_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planning, "write_intents", lambda targets, planned: planned)


@mutant("1")
def an_intent_that_cannot_be_written_is_no_obstacle(patch: pytest.MonkeyPatch) -> None:
    write = planning.write_intents

    def careless(targets: Any, planned: Any) -> Any:
        try:
            return write(targets, planned)
        except (LedgerUnavailable, LedgerRefused):
            return planned

    patch.setattr(planning, "write_intents", careless)


@mutant("1")
def the_intent_does_not_have_the_settings_that_are_written(patch: pytest.MonkeyPatch) -> None:
    make = planning._attempt
    patch.setattr(planning, "_attempt", lambda *a, **k: replace(make(*a, **k), written=()))


@mutant("1")
def the_intent_does_not_have_the_rollbacks_target(patch: pytest.MonkeyPatch) -> None:
    make = planning._attempt
    patch.setattr(planning, "_attempt", lambda *a, **k: replace(make(*a, **k), rollback_to=None))


@mutant("2")
def a_rollback_waits_for_the_ledger(patch: pytest.MonkeyPatch) -> None:
    require = fence.Fence.require
    patch.setattr(fence.Fence, "require", lambda self, *, is_rollback, **more: require(self, is_rollback=False, **more))


# --- 3 and 4: verdicts -----------------------------------------------------------------------------------------------


@mutant("3")
def returned_is_a_failure(patch: pytest.MonkeyPatch) -> None:
    judged = conclusion._judged
    patch.setattr(
        conclusion,
        "_judged",
        lambda m, a, j: judged(m, a, Judgement.FAILED if j is Judgement.RETURNED else j),
    )


@mutant("3")
def untouched_is_a_failure(patch: pytest.MonkeyPatch) -> None:
    judged = conclusion._judged
    patch.setattr(
        conclusion,
        "_judged",
        lambda m, a, j: judged(m, a, Judgement.FAILED if j is Judgement.UNTOUCHED else j),
    )


@mutant("3")
def superseded_is_a_failure(patch: pytest.MonkeyPatch) -> None:
    judged = conclusion._judged
    patch.setattr(conclusion, "_judged", lambda m, a, j: judged(m, a, Judgement.FAILED if j is Judgement.OPEN else j))


@mutant("3")
def a_failure_is_good(patch: pytest.MonkeyPatch) -> None:
    def judged(known: Memory, attempt: Any, judgement: Judgement) -> Memory:
        made = replace(attempt, verdict=Judgement.GOOD if judgement is Judgement.FAILED else judgement)
        return replace(known, attempt=made)

    patch.setattr(conclusion, "_judged", judged)


@mutant("3")
def what_failed_is_not_kept_as_not_good(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory, "with_not_good", lambda known, found: known)
    patch.setattr(conclusion, "with_not_good", lambda known, found: known)


@mutant("3")
def any_good_takes_it_out_of_not_good(patch: pytest.MonkeyPatch) -> None:
    def proven(known: Memory, good: Any, *, hook_ran: bool) -> Memory:
        return replace(known, good=good, not_good=tuple(e for e in known.not_good if e.revision != good.revision))

    patch.setattr(conclusion, "proven", proven)


@mutant("3")
def good_is_what_was_returned(patch: pytest.MonkeyPatch) -> None:
    judged = conclusion._judged

    def wrong(known: Memory, attempt: Any, judgement: Judgement) -> Memory:
        after = judged(known, attempt, judgement)
        if attempt.revision is None:
            return after
        return replace(after, good=conclusion.Good(revision=attempt.revision, proof=Proof.PROVEN))

    patch.setattr(conclusion, "_judged", wrong)


@mutant("4")
def what_is_open_counts_as_good(patch: pytest.MonkeyPatch) -> None:
    def settled(known: Memory, revision: str | None, *_more: Any) -> Memory:
        if known.attempt is None or known.attempt.verdict is not Judgement.OPEN:
            return known
        made = replace(known.attempt, revision=known.attempt.revision or revision, verdict=Judgement.GOOD)
        return replace(known, attempt=made)

    patch.setattr(attempts, "settled", settled)


@mutant("4")
def what_is_open_counts_as_failed(patch: pytest.MonkeyPatch) -> None:
    def settled(known: Memory, revision: str | None, *_more: Any) -> Memory:
        if known.attempt is None or known.attempt.verdict is not Judgement.OPEN:
            return known
        made = replace(known.attempt, revision=known.attempt.revision or revision, verdict=Judgement.FAILED)
        return replace(known, attempt=made)

    patch.setattr(attempts, "settled", settled)


@mutant("4")
def a_rollout_that_came_up_is_good_without_its_hook(patch: pytest.MonkeyPatch) -> None:
    settled = memory.settled

    def hookless(known: Memory, *given: Any) -> Memory:
        if known.attempt is not None:
            known = replace(known, attempt=replace(known.attempt, has_post_deploy=False))
        return settled(known, *given)

    patch.setattr(attempts, "settled", hookless)


@mutant("4")
def stopped_by_somebody_counts_as_given_up(patch: pytest.MonkeyPatch) -> None:
    settled = memory.settled
    gave_up, stopped = memory.Ended.GAVE_UP, memory.Ended.STOPPED
    patch.setattr(attempts, "settled", lambda m, r, e, d: settled(m, r, gave_up if e is stopped else e, d))


@mutant("4")
def given_up_counts_as_stopped_by_somebody(patch: pytest.MonkeyPatch) -> None:
    settled = memory.settled
    gave_up, stopped = memory.Ended.GAVE_UP, memory.Ended.STOPPED
    patch.setattr(attempts, "settled", lambda m, r, e, d: settled(m, r, stopped if e is gave_up else e, d))
