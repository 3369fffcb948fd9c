"""The stages of a release: the check of everything, wave after wave, the rollback, the report. Pure.

Where the deployer may deregister revisions, failed ones are deregistered before the report.

``batches`` have the items of this stage, ``rest`` all others. After each stage, :func:`following` gives the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from ecs_gitops.flow import leftover_revisions
from ecs_gitops.flow.event_budget import budget
from ecs_gitops.flow.transitions import end, fail, fail_unknown, is_rolling_back, roll_back
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.item import Item, join_names, join_texts
from ecs_gitops.model.status import ChangeKind, Hook, Kind, Mode, Next, OnFailure, Status, Step

# Seven days: CodePipeline's own timeout.
EXECUTION_MINUTES = 10_080
# What somebody else deployed is judged, and never rolled back.
_NOT_OURS = (ChangeKind.JOIN, ChangeKind.JUDGE)
_CHANGING = (ChangeKind.DEPLOY, ChangeKind.CONFIGURE)
# Names in a reason.
_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Stage:
    """``batches`` to work on, and ``rest``, which is only passed on. Without batches the release is over.
    ``execution_minutes`` is the execution's timeout; the stage CHECK has it, for the event budget."""

    batches: tuple[Batch, ...]
    rest: tuple[Batch, ...]
    mode: Mode = Mode.DEPLOY
    error: str | None = None
    execution_minutes: int = EXECUTION_MINUTES


def require_whole(batches: Sequence[Batch]) -> None:
    """Raise :class:`InvalidEvent` for a batch without items, a duplicate number, or a missing dependency."""
    numbers = [item.number for batch in batches for item in batch.items]
    known = set(numbers)
    if len(known) < len(numbers):
        raise InvalidEvent("not a stage: two items have the same number")
    if not all(batch.items for batch in batches):
        raise InvalidEvent("not a stage: a batch has no items")
    if not all(known.issuperset(item.desired.depends_on) for batch in batches for item in batch.items):
        raise InvalidEvent("not a stage: an item depends on one that is not there")


def following(done: Stage, *, deregisters: bool = False) -> Stage:
    """The stage after ``done``; one without batches when the release is over. ``deregisters``: whether failed revisions
    are deregistered first."""
    if done.mode is Mode.CLEAN:
        # Also after an error: the items had their results before.
        return Stage(
            (), _merged(replace(b, mode=Mode.DEPLOY, error=None, keep=()) for b in [*done.batches, *done.rest])
        )
    if done.error is not None:
        # The items of this stage may be done, half done or not begun.
        lost = tuple(_with_results(replace(batch, error=batch.error or done.error)) for batch in done.batches)
        return Stage((), _merged([*lost, *done.rest]), done.mode, done.error)
    batches = _merged([*map(_with_results, done.batches), *done.rest])
    if done.mode is Mode.PREPARE:
        batches = tuple(replace(batch, mode=Mode.DEPLOY) for batch in batches)
    if done.mode is Mode.CHECK:
        batches = _after_the_check(batches)
        allowed = budget(batches, done.execution_minutes, deregisters=deregisters)
        if not allowed.fits:
            return Stage((), _not_begun(batches), done.mode, allowed.refusal)
        batches = tuple(replace(batch, stretch=allowed.stretch) for batch in batches)
    batches, is_rollback = _rolled_back(batches)
    if not is_rollback:
        batches = _without_dependants(batches)
    waves = {item.wave for batch in batches for item in batch.items if item.is_pending}
    if not waves:
        left = leftover_revisions.batches(batches) if deregisters and done.mode is not Mode.CHECK else ()
        places = {batch.place for batch in left}
        return Stage(
            left, tuple(batch for batch in batches if batch.place not in places), Mode.CLEAN if left else Mode.DEPLOY
        )
    wave = max(waves) if is_rollback else min(waves)
    now = [item for batch in batches for item in batch.items if item.is_pending and item.wave == wave]
    first = {item.number for item in now if not is_rollback and _is_to_be_prepared(item)}
    if first and len(now) > 1:
        # The hooks preDeploy of a wave come before all of its updates, so that one that fails takes nothing back.
        stage = Stage(*_split(batches, first), Mode.PREPARE)
        return replace(stage, batches=tuple(replace(batch, mode=Mode.PREPARE) for batch in stage.batches))
    return Stage(*_split(batches, {item.number for item in now} | _neighbours(batches, wave)))


def _neighbours(batches: Sequence[Batch], wave: int) -> set[int]:
    """The numbers of the unchanged items whose rule or schedule is changed in this wave, because of another item: the
    task definition that they run is replaced, too."""
    found = set()
    for batch in batches:
        changed = {item.desired.identity for item in batch.items if item.is_pending and item.wave == wave}
        is_unchanged = (item for item in batch.items if item.status is Status.UNCHANGED)
        found |= {item.number for item in is_unchanged if item.desired.identity in changed}
    return found


def _is_to_be_prepared(item: Item) -> bool:
    """Whether its hook preDeploy has to run before its service is updated."""
    return item.step is Step.PENDING and item.change.kind is ChangeKind.DEPLOY and item.has_hook(Hook.PRE_DEPLOY)


def _with_results(batch: Batch) -> Batch:
    """The batch. Where its state failed, every item gets a result."""
    if batch.error is None:
        return batch
    may_be_changed = batch.mode is not Mode.CHECK
    items = [fail_unknown(item, batch.error, may_be_changed=may_be_changed) for item in batch.items]
    if batch.kind is Kind.TASK and may_be_changed:
        # What the unchanged ones beside them run is not known either.
        items = [item.with_change(revision=None) if item.status is Status.UNCHANGED else item for item in items]
    return replace(batch, items=tuple(items), error=None)


def _after_the_check(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """The batches in mode DEPLOY. If one item failed the check, all others are SKIPPED, and nothing is changed."""
    bad = [item for batch in batches for item in batch.items if _failed(item)]
    batches = tuple(replace(batch, mode=Mode.DEPLOY) for batch in batches)
    if not bad:
        return batches
    reason = f"nothing was changed: {_named(bad)} did not pass the check before the release"
    return _mapped(batches, lambda item: end(item, Status.SKIPPED, reason=reason) if not item.is_final else item)


def _not_begun(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    reason = "nothing was changed: the release is larger than what one execution can carry"
    return _mapped(batches, lambda item: item if item.is_final else end(item, Status.SKIPPED, reason=reason))


def _rolled_back(batches: Sequence[Batch]) -> tuple[tuple[Batch, ...], bool]:
    """Where an item with ``onFailure: rollbackRelease`` failed, every changed item is to be rolled back, and pending
    items are SKIPPED. The second value is whether the release is being rolled back."""
    items = [item for batch in batches for item in batch.items]
    bad = [item for item in items if _failed(item) and item.desired.on_failure is OnFailure.ROLL_BACK_RELEASE]
    is_rollback = any(item.step is not None and item.step.is_rollback for item in items)
    if is_rollback or not bad:
        return tuple(batches), is_rollback
    if not any(item.is_pending or _may_be_changed(item) for item in items):
        return tuple(batches), False

    def rolled_back(item: Item) -> Item:
        # Of what may be changed, and has no revision yet, a rollback reads what it goes to.
        is_known = item.change.revision is not None or item.result is None or not item.result.may_be_changed
        if _may_be_changed(item) and item.change.previous is None and is_known:
            why = "could not roll back with the release: no earlier revision is known"
            # It may have been said after an earlier stage.
            said = item.reason or ""
            reason = said if said.startswith(why) else join_texts(why, said)
            return fail(item, reason or why, running=item.change.revision)
        if _may_be_changed(item):
            reason = f"rolled back with the release, because of {_named(bad)}"
            return roll_back(item, reason if item.status is Status.DEPLOYED else f"{item.reason}; {reason}")
        if item.is_pending:
            return end(item, Status.SKIPPED, reason=f"not begun: the release is rolled back, because of {_named(bad)}")
        return item

    return _mapped(batches, rolled_back), any(map(_may_be_changed, items))


def _failed(item: Item) -> bool:
    return item.status is not None and item.status.is_bad


def _may_be_changed(item: Item) -> bool:
    """Whether this release changed, or may have changed, the item's target, and has not tried to roll it back."""
    if is_rolling_back(item) or (item.change.kind in _NOT_OURS and item.change.previous is None):
        return False
    if item.result is not None and item.result.may_be_changed:
        return item.change.kind in _CHANGING
    return item.status is Status.DEPLOYED or (item.status is Status.FAILED and item.change.revision is not None)


def _without_dependants(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """Items that depend on an item that was not deployed are SKIPPED, and those that depend on them too. Items that
    depend only on held ones are HELD."""
    state = {item.number: item for batch in batches for item in batch.items}
    dependants: dict[int, list[int]] = {}
    for item in state.values():
        for needed in item.desired.depends_on:
            dependants.setdefault(needed, []).append(item.number)
    # Failures first: an item that depends on a failed and on a held item is SKIPPED.
    for is_held in (False, True):
        lost = [item.number for item in state.values() if _is_missing(item) and (item.status is Status.HELD) is is_held]
        while lost:
            # A loop and no recursion, as a chain may be as long as the release.
            waiting = dict.fromkeys(number for one in lost for number in dependants.get(one, ()))
            left = {number: _left_out(state[number], state) for number in waiting if state[number].is_pending}
            state |= left
            lost = list(left)
    return _mapped(batches, lambda item: state[item.number])


def _is_missing(item: Item) -> bool:
    """Whether items that depend on it cannot be deployed."""
    return item.status is not None and not item.status.is_good


def _left_out(item: Item, state: Mapping[int, Item]) -> Item:
    """An item that cannot be deployed, because of what it depends on: SKIPPED or HELD, with the reason."""
    missing = [state[number] for number in item.desired.depends_on if _is_missing(state[number])]
    names = ", ".join(f"{each.name}, which is {each.status}" for each in missing[:_NAMES_SHOWN])
    more = f", and {len(missing) - _NAMES_SHOWN} more" if len(missing) > _NAMES_SHOWN else ""
    if all(each.status is Status.HELD for each in missing):
        return end(item, Status.HELD, reason=f"waits for {names}{more}; its reason says how to go on")
    return end(item, Status.SKIPPED, reason=f"depends on {names}{more}")


def _named(items: Sequence[Item]) -> str:
    return join_names([item.name for item in items], 3)


def _mapped(batches: Iterable[Batch], change: Callable[[Item], Item]) -> tuple[Batch, ...]:
    return tuple(batch.with_items(change(item) for item in batch.items) for batch in batches)


def _split(batches: Iterable[Batch], numbers: Set[int]) -> tuple[tuple[Batch, ...], tuple[Batch, ...]]:
    """The batches with the items that have these numbers, and with the others."""
    now, rest = [], []
    for batch in batches:
        chosen = tuple(item for item in batch.items if item.number in numbers)
        others = tuple(item for item in batch.items if item.number not in numbers)
        now += [replace(batch, items=chosen, next=Next.DEPLOY)] if chosen else []
        rest += [batch.with_items(others)] if others else []
    return tuple(now), tuple(rest)


def _merged(batches: Iterable[Batch]) -> tuple[Batch, ...]:
    found: dict[tuple[Kind, str, str], Batch] = {}
    for batch in batches:
        known = found.get(batch.place)
        found[batch.place] = batch if known is None else known.with_items(known.items + batch.items)
    made = [batch.with_items(sorted(batch.items, key=lambda item: item.number)) for batch in found.values()]
    return tuple(sorted(made, key=lambda batch: batch.items[0].number))
