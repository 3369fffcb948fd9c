"""The rules 5 to 13 and the fence broken: what is decided, where a rollback goes, settings, and other people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import ecs_gitops.apply.planning as planning
import ecs_gitops.ledger.fence as fence
import ecs_gitops.plan.decision as decision
import ecs_gitops.plan.memory as memory
import ecs_gitops.release.remember as remember
from ecs_gitops.apply.rollback import Rollback
from ecs_gitops.apply.service_change import ServiceChange
from ecs_gitops.ecs.deployment_settings import merged
from ecs_gitops.model.memory import Memory
from ecs_gitops.model.status import Judgement
from mutants import mutant

# --- 5 to 7: what is decided -----------------------------------------------------------------------------------------


@mutant("5")
def nothing_is_held(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decision, "is_held_by", lambda known, desired: False)


@mutant("5")
def what_was_returned_is_held(patch: pytest.MonkeyPatch) -> None:
    def is_held(known: Memory, desired: Any) -> bool:
        verdicts = (Judgement.FAILED, Judgement.RETURNED)
        attempt = known.attempt
        return attempt is not None and attempt.verdict in verdicts and memory.is_same_try(attempt, desired)

    patch.setattr(decision, "is_held_by", is_held)


@mutant("5")
def held_comes_before_what_runs(patch: pytest.MonkeyPatch) -> None:
    decide = decision.decide

    def wrong(service: Any, definition: Any, tags: Any, desired: Any, release: Any, known: Memory, **more: Any) -> Any:
        made = decide(service, definition, tags, desired, release, known, **more)
        if memory.is_held(known, desired) and not isinstance(made, decision.Join) and known.attempt is not None:
            return decision.Held(decision.short(decision.arn(definition)), known.attempt.execution)
        return made

    patch.setattr("ecs_gitops.plan.services.decide", wrong)


@mutant("5")
def forced_deployments_are_held(patch: pytest.MonkeyPatch) -> None:
    decide = decision.decide

    def wrong(service: Any, definition: Any, tags: Any, desired: Any, *more: Any, **options: Any) -> Any:
        return decide(service, definition, tags, replace(desired, force=False), *more, **options)

    patch.setattr("ecs_gitops.plan.services.decide", wrong)


@mutant("5")
def what_runs_is_never_judged_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decision, "unproven", lambda *a: "")


@mutant("5")
def what_was_mended_by_hand_is_not_judged(patch: pytest.MonkeyPatch) -> None:
    unproven = memory.unproven
    patch.setattr(decision, "unproven", lambda *a: "" if "somebody deployed it since" in unproven(*a) else unproven(*a))


@mutant("5")
def judging_again_runs_no_hook(patch: pytest.MonkeyPatch) -> None:
    judge = ServiceChange._judge

    def hookless(self: ServiceChange, item: Any, *more: Any) -> Any:
        service = replace(item.desired, hooks=None)
        done = judge(self, replace(item, desired=service), *more)
        return replace(done, desired=item.desired)

    patch.setattr(ServiceChange, "_judge", hookless)


@mutant("6")
def another_text_is_the_same_try(patch: pytest.MonkeyPatch) -> None:
    def is_held(known: Memory, desired: Any) -> bool:
        return known.attempt is not None and known.attempt.verdict is Judgement.FAILED

    patch.setattr(decision, "is_held_by", is_held)


@mutant("6")
def a_moved_tag_is_the_same_try(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory, "_has_moved", lambda then, now: False)


@mutant("7")
def a_moved_tag_is_no_change(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decision, "moved_tags", lambda *a: ())


# --- 8 and 9: where a rollback goes ----------------------------------------------------------------------------------


@mutant("8")
def not_good_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Memory, "is_not_good", lambda self, revision: False)
    patch.setattr(memory, "_is_unproven", lambda *a: False)
    patch.setattr(memory, "_is_marked", lambda *a: False)


@mutant("8")
def what_runs_is_always_the_target(patch: pytest.MonkeyPatch) -> None:
    target = memory.rollback_target

    def wrong(service: Any, revision: str, tags: Any, known: Memory, judged: str | None = None) -> Any:
        if judged is not None:
            return target(service, revision, tags, known, judged)
        return memory.Target(memory.short(revision))

    patch.setattr(decision, "rollback_target", wrong)


@mutant("8")
def what_was_good_comes_before_what_runs(patch: pytest.MonkeyPatch) -> None:
    target = memory.rollback_target

    def wrong(service: Any, revision: str, tags: Any, known: Memory, judged: str | None = None) -> Any:
        if known.good is not None and known.good.revision != judged:
            return memory.Target(known.good.revision)
        return target(service, revision, tags, known, judged)

    patch.setattr(decision, "rollback_target", wrong)


@mutant("9")
def images_are_not_restored_as_they_were(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rollback, "_as_it_was", lambda self, previous: previous)


# --- 10: settings ----------------------------------------------------------------------------------------------------


@mutant("10")
def settings_are_not_put_back_by_a_rollback(patch: pytest.MonkeyPatch) -> None:
    plan = planning.plan_service

    def careless(*given: Any) -> Any:
        made = plan(*given)
        return replace(made, change=replace(made.change, previous_settings=None))

    patch.setattr(planning, "plan_service", careless)


@mutant("10")
def settings_left_behind_are_not_seen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory, "put_back", lambda live, before, written: dict(live))


@mutant("10")
def a_persons_settings_are_put_back_too(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory, "put_back", lambda live, before, written: merged(live, before))


# --- 13, and the fence -----------------------------------------------------------------------------------------------


@mutant("13")
def nothing_is_read_before_the_call(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ServiceChange, "_current", lambda self, item, planned: planned.service)


@mutant("13")
def what_was_replaced_is_not_named(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("ecs_gitops.apply.service_change.begun_meanwhile", lambda *a: iter(()))


@mutant("fence")
def the_fence_is_never_read(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fence.Fence, "require", lambda self, **_: None)


@mutant("fence")
def a_running_release_is_taken_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fence.Fence, "_require_over", lambda *a: None)


@mutant("fence")
def nobody_waits_after_a_takeover(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fence, "_SETTLING_SECONDS", 0.0)
    patch.setattr(fence, "FRESH_SECONDS", 900.0)


@mutant("fence")
def a_lost_holder_writes_its_verdict(patch: pytest.MonkeyPatch) -> None:
    def after_slice(aws: Any, ledger: Any, release: Any, before: Any, after: Any, budget: Any) -> Any:
        careless = replace(ledger, fence=type("Open", (), {"require": lambda self, **_: None})())
        return original(aws, careless, release, before, after, budget)

    original = remember.after_slice
    patch.setattr(remember, "after_slice", after_slice)
