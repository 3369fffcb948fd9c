"""What comes next in a release: the check of everything, wave after wave, the way back, the report. Pure.

Where the deployer may deregister revisions, what failed is cleaned up before the report.

The state machine's data is ``{"release", "mode", "batches", "rest"}``: ``batches`` have the items that are worked on
now, ``rest`` all others. Each turn of the state machine works on ``batches`` and asks here what is next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecs_gitops.flow import leftover_revisions
from ecs_gitops.flow.event_budget import budget
from ecs_gitops.flow.transitions import end, fail, is_rolling_back, roll_back
from ecs_gitops.model import event_data
from ecs_gitops.model.batch import Batch, state_error
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.item import Item, join_names
from ecs_gitops.model.status import Kind, Mode, Next, OnFailure, Status

_SHAPES = {
    "batches": event_data.LIST_OR_NONE,
    "rest": event_data.LIST_OR_NONE,
    "mode": event_data.one_of(*Mode),
    "executionMinutes": event_data.COUNT,
}
# Seven days: what CodePipeline waits.
EXECUTION_MINUTES = 10_080
# Names that a reason shows.
_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Stage:
    """One turn: ``batches`` to work on, ``rest`` to carry along. No batches: the release is over. ``execution_minutes``
    are those that the whole execution may last; the check carries them, as what comes after it is measured by them."""

    batches: tuple[Batch, ...]
    rest: tuple[Batch, ...]
    mode: Mode = Mode.DEPLOY
    error: str | None = None
    execution_minutes: int = EXECUTION_MINUTES

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Stage:
        """From the state machine's data; ``error`` is there when a whole stage failed. Raises :class:`InvalidEvent`."""
        try:
            event_data.require(data, _SHAPES)
        except (ValueError, TypeError) as error:
            raise InvalidEvent(f"not a stage: {event_data.error_text(error)}") from error
        batches, rest = (tuple(Batch.from_json(each) for each in data.get(key) or ()) for key in ("batches", "rest"))
        _require_whole([*batches, *rest])
        minutes = data.get("executionMinutes", EXECUTION_MINUTES)
        return cls(batches, rest, Mode(data.get("mode", Mode.DEPLOY)), state_error(data.get("error")), minutes)

    def to_json(self) -> dict[str, Any]:
        return {
            **({"executionMinutes": self.execution_minutes} if self.mode == Mode.CHECK else {}),
            "mode": self.mode,
            "batches": [batch.to_json() for batch in self.batches],
            "rest": [batch.to_json() for batch in self.rest],
        }


def _require_whole(batches: Sequence[Batch]) -> None:
    """Every batch has items, every item a number of its own, and what it depends on is there."""
    numbers = [item.number for batch in batches for item in batch.items]
    known = set(numbers)
    if len(known) < len(numbers):
        raise InvalidEvent("not a stage: two items have the same number")
    if not all(batch.items for batch in batches):
        raise InvalidEvent("not a stage: a batch has no items")
    if not all(known.issuperset(item.desired.depends_on) for batch in batches for item in batch.items):
        raise InvalidEvent("not a stage: an item depends on one that is not there")


def following(done: Stage, *, deregisters: bool = False) -> Stage:
    """The stage after ``done``; one without batches when the release is over. ``deregisters``: whether revisions that
    failed are to be deregistered first."""
    if done.mode == Mode.CLEAN:
        # Whatever became of it: the items had their results before.
        return Stage(
            (), _merged(replace(b, mode=Mode.DEPLOY, error=None, keep=()) for b in [*done.batches, *done.rest])
        )
    if done.error is not None:
        # What was worked on may be done, half done or not begun.
        lost = tuple(_settled(replace(batch, error=batch.error or done.error)) for batch in done.batches)
        return Stage((), _merged([*lost, *done.rest]), done.mode, done.error)
    batches = _merged([*map(_settled, done.batches), *done.rest])
    if done.mode == Mode.CHECK:
        batches = _after_the_check(batches)
        allowed = budget(batches, done.execution_minutes, deregisters=deregisters)
        if not allowed.fits:
            return Stage((), _not_begun(batches), done.mode, allowed.refusal)
        batches = tuple(replace(batch, stretch=allowed.stretch) for batch in batches)
    batches, is_going_back = _going_back(batches)
    if not is_going_back:
        batches = _without_dependants(batches)
    waves = {item.desired.wave for batch in batches for item in batch.items if item.is_pending}
    if not waves:
        left = leftover_revisions.batches(batches) if deregisters and done.mode == Mode.DEPLOY else ()
        places = {batch.place for batch in left}
        return Stage(
            left, tuple(batch for batch in batches if batch.place not in places), Mode.CLEAN if left else Mode.DEPLOY
        )
    wave = max(waves) if is_going_back else min(waves)
    return Stage(*_split(batches, lambda item: item.is_pending and item.desired.wave == wave))


def _settled(batch: Batch) -> Batch:
    """An item without a result, because its state failed, is FAILED: unknown is not good."""
    if batch.error is None:
        return batch
    reached = "was not reached" if batch.mode == Mode.CHECK else "may have been changed"
    told = f"unknown: the item {reached}; {batch.error}"
    return replace(
        batch.with_items(item if item.is_final else fail(item, told) for item in batch.items),
        error=None,
    )


def _after_the_check(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """One bad item, and nothing is changed anywhere."""
    bad = [item for batch in batches for item in batch.items if _failed(item)]
    batches = tuple(replace(batch, mode=Mode.DEPLOY) for batch in batches)
    if not bad:
        return batches
    told = f"nothing was changed: {_named(bad)} did not pass the check before the release"
    return _mapped(batches, lambda item: end(item, Status.SKIPPED, reason=told) if not item.is_final else item)


def _not_begun(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    told = "nothing was changed: the release is larger than what one execution can carry"
    return _mapped(batches, lambda item: item if item.is_final else end(item, Status.SKIPPED, reason=told))


def _going_back(batches: Sequence[Batch]) -> tuple[tuple[Batch, ...], bool]:
    """Where an item failed that takes the release with it, everything that was changed is to return; what was not
    reached is left out. The second value tells whether the release is on its way back."""
    items = [item for batch in batches for item in batch.items]
    bad = [item for item in items if _failed(item) and item.desired.on_failure is OnFailure.ROLL_BACK_RELEASE]
    is_going_back = any(item.step is not None and item.step.is_rollback for item in items)
    if is_going_back or not bad:
        return tuple(batches), is_going_back
    if not any(item.is_pending or _may_be_changed(item) for item in items):
        return tuple(batches), False

    def returned(item: Item) -> Item:
        if _may_be_changed(item):
            told = f"rolled back with the release, because of {_named(bad)}"
            return roll_back(item, told if item.status == Status.DEPLOYED else f"{item.reason}; {told}")
        if item.is_pending:
            return end(item, Status.SKIPPED, reason=f"not begun: the release is rolled back, because of {_named(bad)}")
        return item

    return _mapped(batches, returned), any(map(_may_be_changed, items))


def _failed(item: Item) -> bool:
    return item.status is not None and item.status.is_bad


def _may_be_changed(item: Item) -> bool:
    """Whether this release changed, or may have changed, what the item is about, and did not try to return it yet."""
    if is_rolling_back(item):
        return False
    return item.status == Status.DEPLOYED or (item.status == Status.FAILED and item.change.revision is not None)


def _without_dependants(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """Items whose dependencies have not come to a good end are SKIPPED, and theirs, and so on. Those that wait for
    nothing but held ones are HELD, like these."""
    state = {item.number: item for batch in batches for item in batch.items}
    dependants: dict[int, list[int]] = {}
    for item in state.values():
        for needed in item.desired.depends_on:
            dependants.setdefault(needed, []).append(item.number)
    # A failure is told before a wait: who depends on a failed and on a held item is SKIPPED.
    for is_held in (False, True):
        lost = [item.number for item in state.values() if _is_missing(item) and (item.status == Status.HELD) is is_held]
        while lost:
            # One step of the way at a time: a chain may be as long as the release.
            waiting = dict.fromkeys(number for one in lost for number in dependants.get(one, ()))
            left = {number: _left_out(state[number], state) for number in waiting if state[number].is_pending}
            state |= left
            lost = list(left)
    return _mapped(batches, lambda item: state[item.number])


def _is_missing(item: Item) -> bool:
    """Whether what depends on it cannot be deployed."""
    return item.status is not None and not item.status.is_good


def _left_out(item: Item, state: Mapping[int, Item]) -> Item:
    """An item that cannot be deployed, because of what it depends on: SKIPPED or HELD, with the reason."""
    missing = [state[number] for number in item.desired.depends_on if _is_missing(state[number])]
    told = ", ".join(f"{each.name}, which is {each.status}" for each in missing[:_NAMES_SHOWN])
    more = f", and {len(missing) - _NAMES_SHOWN} more" if len(missing) > _NAMES_SHOWN else ""
    if all(each.status == Status.HELD for each in missing):
        return end(item, Status.HELD, reason=f"waits for {told}{more}; see there how to go on")
    return end(item, Status.SKIPPED, reason=f"depends on {told}{more}")


def _named(items: Sequence[Item]) -> str:
    return join_names([item.name for item in items], 3)


def _mapped(batches: Iterable[Batch], change: Callable[[Item], Item]) -> tuple[Batch, ...]:
    return tuple(batch.with_items(change(item) for item in batch.items) for batch in batches)


def _split(batches: Iterable[Batch], is_now: Callable[[Item], bool]) -> tuple[tuple[Batch, ...], tuple[Batch, ...]]:
    now, rest = [], []
    for batch in batches:
        chosen = tuple(item for item in batch.items if is_now(item))
        others = tuple(item for item in batch.items if not is_now(item))
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
