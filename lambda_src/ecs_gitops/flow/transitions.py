"""The steps of an item, and which may follow which. Pure.

Nothing else changes an item's step or gives it a result, so this table has every possible sequence::

    PENDING ─► PRE_DEPLOY ⇄ PRE_DEPLOY_QUEUED         ROLL_BACK ─► ROLLING_BACK ─► RESTORE_SETTINGS
       │           └─► PRE_DEPLOY_RUNNING                 ▲
       │                     └─► UPDATE                   │ a failure after the change was begun,
       ├────────────────────────────┴─► ROLLING_OUT ──────┤ or with the release
       └─ what runs is judged again ───────┴─► POST_DEPLOY ⇄ … RUNNING

The deploy state acts on an item that is PENDING, PRE_DEPLOY, UPDATE, POST_DEPLOY, ROLL_BACK or RESTORE_SETTINGS. In all
other steps the item waits for AWS, and ValidateDeploy watches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecs_gitops.ecs.deployment_settings import differs
from ecs_gitops.model.item import Item, join_texts
from ecs_gitops.model.progress import Progress, Result
from ecs_gitops.model.status import ChangeKind, Hook, Judgement, OnFailure, Status, Step
from ecs_gitops.verdict import hooks

TRANSITIONS: Mapping[Step | Status, frozenset[Step]] = {
    Step.PENDING: frozenset({Step.PRE_DEPLOY, Step.ROLLING_OUT, Step.POST_DEPLOY, Step.ROLL_BACK}),
    Step.PRE_DEPLOY: frozenset({Step.PRE_DEPLOY_RUNNING, Step.PRE_DEPLOY_QUEUED}),
    Step.PRE_DEPLOY_QUEUED: frozenset({Step.PRE_DEPLOY}),
    # RunTask is called again for a task that never ran.
    Step.PRE_DEPLOY_RUNNING: frozenset({Step.UPDATE, Step.PRE_DEPLOY_QUEUED}),
    Step.UPDATE: frozenset({Step.ROLLING_OUT, Step.ROLL_BACK}),
    Step.ROLLING_OUT: frozenset({Step.POST_DEPLOY, Step.ROLL_BACK}),
    Step.POST_DEPLOY: frozenset({Step.POST_DEPLOY_RUNNING, Step.POST_DEPLOY_QUEUED, Step.ROLL_BACK}),
    Step.POST_DEPLOY_QUEUED: frozenset({Step.POST_DEPLOY, Step.ROLL_BACK}),
    Step.POST_DEPLOY_RUNNING: frozenset({Step.POST_DEPLOY_QUEUED, Step.ROLL_BACK}),
    Step.ROLL_BACK: frozenset({Step.ROLLING_BACK, Step.ROLL_BACK}),
    Step.ROLLING_BACK: frozenset({Step.ROLL_BACK, Step.RESTORE_SETTINGS}),
    Step.RESTORE_SETTINGS: frozenset(),
    # With the whole release.
    Status.DEPLOYED: frozenset({Step.ROLL_BACK}),
    Status.FAILED: frozenset({Step.ROLL_BACK}),
}


def move(item: Item, step: Step, **progress: Any) -> Item:
    """The item at ``step``, with these members of its progress; the progress text is cleared. Raises
    :class:`ValueError` for a step that may not follow: that is a fault of this package."""
    before = item.status or item.progress.step
    if step not in TRANSITIONS.get(before, frozenset()):
        raise ValueError(f"{item.name}: {step} cannot follow {before}")
    return replace(item, progress=replace(item.progress, step=step, **{"text": None, **progress}), result=None)


def end(item: Item, status: Status, now: float | None = None, reason: str | None = None, **result: Any) -> Item:
    """The item with its result. ``reason`` replaces the old reason; with ``now`` (epoch seconds) the result has the
    time that the item took. Members of an old result that are not given stay."""
    known = item.result or Result(status=status)
    since = None if item.is_final else item.progress.began or item.progress.since
    seconds = round(now - since, 1) if now is not None and since else known.seconds
    judgement = known.judgement if item.is_final else item.progress.judgement
    if status.is_good:
        judgement = Judgement.GOOD
    made = {"running": known.running, "was_rolled_back": is_rolling_back(item), "judgement": judgement} | result
    return replace(item, result=Result(status=status, reason=reason or item.reason, seconds=seconds, **made))


def fail(item: Item, reason: str, now: float | None = None, **result: Any) -> Item:
    """The item, FAILED for ``reason``."""
    return end(item, Status.FAILED, now, reason, **result)


def fail_unknown(item: Item, cause: str, *, may_be_changed: bool) -> Item:
    """The item, FAILED where it has no result because a state of the state machine failed with ``cause``. An unknown
    result is never reported as a success. ``may_be_changed``: whether its target may have been changed."""
    if item.is_final:
        return item
    reached = "may have been changed" if may_be_changed else "was not reached"
    return fail(item, f"unknown: the item {reached}; {cause}", may_be_changed=may_be_changed)


def is_rolling_back(item: Item) -> bool:
    """Whether a rollback of the item was begun, or is its next step."""
    return item.progress.step.is_rollback if item.result is None else item.result.was_rolled_back


def roll_back(item: Item, why: str, judgement: Judgement = Judgement.FAILED) -> Item:
    """The item at step ROLL_BACK: the deploy state is going to roll it back to the revision before. ``judgement`` is
    the verdict on what it is rolled back from. An item that has its result goes back with the release."""
    if item.result is not None:
        failed = item.result.judgement is Judgement.FAILED
        judgement = Judgement.FAILED if failed else Judgement.RETURNED
        item = replace(item, progress=Progress())
    item = move(item, Step.ROLL_BACK, reason=why, since=None, doubted_since=None, judgement=judgement)
    return item.with_watched(record=None)


def after_failure(item: Item, why: str, now: float, judgement: Judgement = Judgement.FAILED) -> Item:
    """The item after the change of its target failed: to be rolled back, where that is desired and possible, or
    FAILED."""
    if item.progress.step.is_rollback:
        return fail(item, join_texts(f"could not roll back: {why}", item.reason) or "", now)
    failed = {"judgement": judgement}
    if item.change.kind in (ChangeKind.JOIN, ChangeKind.JUDGE) and item.change.previous is None:
        return fail(item, f"{why}; left as it is: this release did not deploy it", now, **failed)
    if item.desired.on_failure is OnFailure.STOP:
        left = f"left as it is (onFailure: stop): the service points to {item.change.revision}"
        return fail(item, f"{why}; {left}", now, running=item.change.revision, **failed)
    is_settings_alone = item.change.kind in (ChangeKind.CONFIGURE, ChangeKind.JUDGE)
    if item.change.previous is None or (item.change.previous == item.change.revision and not is_settings_alone):
        runs = item.change.revision
        left = f"could not roll back: no earlier revision is known, so {runs} is left as it is"
        return fail(item, f"{why}; {left}", now, running=runs, **failed)
    return roll_back(item, why, judgement)


def hold(item: Item, revision: str, now: float, by: str, note: str | None = None) -> Item:
    """The item, HELD while the target runs ``revision``: it failed, and the manifest's item has not changed since.
    ``by`` is the mark of the execution that failed; ``note`` says what was done all the same."""
    name = f"the release {by.rpartition(':')[2]}" if ":" in by else "an earlier release"
    reason = (
        f"{name} rolled this back, and the manifest's item is the same as then: revert it, or "
        "change it, or set forceNewDeployment"
    )
    reason = join_texts(reason, note) or reason
    return end(item.with_change(previous=revision), Status.HELD, now, reason, running=revision)


def unchanged(item: Item, revision: str, now: float, reason: str | None = None) -> Item:
    """The item, UNCHANGED: the desired state runs as ``revision``."""
    return end(item.with_change(previous=revision, revision=revision), Status.UNCHANGED, now, reason)


def good(item: Item, now: float, reason: str | None = None, *, runs_nothing: bool = False) -> Item:
    """The item, DEPLOYED; UNCHANGED where what ran already was judged again, with the settings that it had.
    ``runs_nothing``: its desired count is 0."""
    if item.change.kind is ChangeKind.JUDGE:
        before, owned = item.change.previous_settings, item.service.deployment or {}
        if before is None or not differs(before, owned):
            return end(item, Status.UNCHANGED, now, reason, runs_nothing=runs_nothing)
        # With the release the settings alone go back: the revision is good.
        item = item.with_change(previous=item.change.revision)
    return end(item, Status.DEPLOYED, now, reason, runs_nothing=runs_nothing)


def untouched(item: Item, why: str, now: float) -> Item:
    """The item, FAILED before its service was updated, after a revision was registered for it: nothing of the service
    was changed."""
    item = item.with_change(revision=None, previous=None)
    return fail(item, f"{why}; the service was not changed", now, judgement=Judgement.UNTOUCHED)


# --- hooks ---------------------------------------------------------------------------------------------------------

_QUEUED = {Hook.PRE_DEPLOY: Step.PRE_DEPLOY_QUEUED, Hook.POST_DEPLOY: Step.POST_DEPLOY_QUEUED}
_RUNNING = {Hook.PRE_DEPLOY: Step.PRE_DEPLOY_RUNNING, Hook.POST_DEPLOY: Step.POST_DEPLOY_RUNNING}
_AGAIN = {Hook.PRE_DEPLOY: Step.PRE_DEPLOY, Hook.POST_DEPLOY: Step.POST_DEPLOY}


def run_hook(item: Item, state: Mapping[str, str], now: float) -> Item:
    """The item, after its hook's task was started; ``state`` is :func:`ecs_gitops.verdict.hooks.run_state`."""
    return move(item, _RUNNING[_hook(item)], hook=state, since=now)


def queue_hook(item: Item, why: str, now: float, stretch: float = 1.0) -> Item | None:
    """The item, whose hook's task ECS could not place and which is tried again later; None where that does not help."""
    state = hooks.queued_state(item, why, now, stretch)
    if state is None:
        return None
    text = f"hook {hooks.hook_name(item)}: waits until ECS can place its task: {why}"
    return move(item, _QUEUED[_hook(item)], hook=state, since=float(state["since"]), text=text)


def try_hook_again(item: Item) -> Item:
    """The item, for whose hook RunTask is due to be called again."""
    return move(item, _AGAIN[_hook(item)], text=item.progress.text)


def _hook(item: Item) -> Hook:
    hook = item.progress.step.hook
    if hook is None:
        raise ValueError(f"{item.name} is at no hook, but at {item.progress.step}")
    return hook
