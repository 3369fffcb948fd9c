"""How many events a release writes into its execution's history, and how long its looks have to be apart. Pure.

Step Functions ends an execution whose history has 25,000 events, whatever it is in the middle of. So the number is
computed when the check is over, from the places, waves and times of what is to be changed, and from the longest that
each may take. Where it is too large, looks are made less often; where that does not suffice, the release is refused.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ecs_gitops.model.desired import DesiredService
from ecs_gitops.model.status import Hook, OnFailure
from ecs_gitops.verdict import rollout

if TYPE_CHECKING:
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item

EVENTS_AT_MOST = 25_000
# What is left is for retries of states, whose number nobody knows.
USABLE = 20_000
# Events of a release as a whole, of a stage, of a batch in a stage, of a notice ahead of the report, of a look (wait,
# function, choice), and of another run of the deploy function. docs/architecture/budgets.md, "History".
RELEASE, STAGE, BATCH, NOTICE, LOOK, RUN = 14, 11, 13, 7, 9, 7
# How much less often than usual looks may be made: the next one comes after a tenth of the time gone by, times this.
STRETCHES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, slots=True)
class Budget:
    """``events`` at most with looks ``stretch`` times as far apart as usual; ``batches`` count once for each wave."""

    events: int
    stretch: float
    batches: int
    waves: int
    minutes: int

    @property
    def fits(self) -> bool:
        return self.events <= USABLE

    @property
    def refusal(self) -> str:
        """Why the release is not begun, with the numbers, and what to do."""
        return (
            f"nothing was changed: the release would take up to {self.events:,} events of its execution's history, and "
            f"may take {USABLE:,} (Step Functions ends an execution at {EVENTS_AT_MOST:,}). They come from "
            f"{self.batches} batches (one for each account, Region and kind with something to change, in each of "
            f"{self.waves} waves) that last up to {self.minutes:,} minutes one after the other. Split the manifest's "
            "change into several pushes, each with fewer accounts and Regions, or use fewer waves (dependsOn), shorter "
            "timeoutMinutes, or onFailure: stop, which needs no time for a way back"
        )


def budget(batches: Sequence[Batch], execution_minutes: int, *, deregisters: bool = False) -> Budget:
    """What the pending items of ``batches`` may need at most, with looks as often as they may be. ``deregisters``:
    whether a stage more deregisters revisions that failed."""
    waves = _waves(batches)
    seconds = execution_minutes * 60.0
    pending = [item for groups in waves.values() for items in groups for item in items]
    is_returned = any(item.desired.on_failure is OnFailure.ROLL_BACK_RELEASE for item in pending)
    changing = sum(any(item.is_pending for item in batch.items) for batch in batches)
    last = STAGE + BATCH * changing if deregisters else 0
    made = Budget(0, 1.0, 0, 0, 0)
    for stretch in STRETCHES:
        made = _with(waves, seconds, stretch, is_returned)
        made = replace(made, events=made.events + last)
        if made.fits:
            break
    return made


_Waves = Mapping[int, Sequence[Sequence["Item"]]]


def _waves(batches: Sequence[Batch]) -> _Waves:
    """The pending items by wave and batch, in the waves' order."""
    found: dict[int, list[list[Item]]] = {}
    for batch in batches:
        of_batch: dict[int, list[Item]] = {}
        for item in batch.items:
            if item.is_pending:
                of_batch.setdefault(item.desired.wave, []).append(item)
        for wave, items in of_batch.items():
            found.setdefault(wave, []).append(items)
    return dict(sorted(found.items()))


def _with(waves: _Waves, seconds: float, stretch: float, is_returned: bool) -> Budget:
    # A turn of the Map: for each batch the longest times of what it waits for. Turns follow one another, and all of
    # them have to end before the execution does.
    turns = [[_phases(items) for items in groups] for groups in waves.values()]
    if is_returned:
        turns += [[(_rollout(items),) for items in groups] for groups in waves.values()]
    longest = [max(sum(phases) for phases in turn) for turn in turns]
    granted = _shared_out(longest, seconds)
    groups = [items for found in waves.values() for items in found]
    events = RELEASE + STAGE + BATCH * len(groups)
    for turn, time in zip(turns, granted, strict=True):
        events += STAGE + sum(_of_batch(phases, time, stretch) for phases in turn)
    events += sum(_of_items(items, sum(granted), stretch) for items in groups)
    return Budget(events, stretch, len(groups), len(waves), round(sum(granted) / 60))


def _phases(items: Sequence[Item]) -> tuple[float, ...]:
    """The longest that a batch may wait, for what it waits for one after the other: hook, rollout, hook, way back. A
    hook may wait as long for a place as for its end; it is tried so seldom that it costs no more than looks."""
    services = [item for item in items if isinstance(item.desired, DesiredService)]
    if not services:
        return (0.0,)
    before, after = (max((_hook(item, hook) for item in services), default=0.0) for hook in Hook)
    back = max((_rollout([item]) for item in services if item.desired.on_failure.rolls_back), default=0.0)
    return tuple(filter(None, (before, before, _rollout(services), after, after, back)))


def _hook(item: Item, hook: Hook) -> float:
    found = item.service.hook(hook)
    return float(found.get("timeoutMinutes", item.timeout_minutes)) * 60 if found else 0.0


def _rollout(items: Sequence[Item]) -> float:
    if not any(isinstance(item.desired, DesiredService) for item in items):
        return 0.0
    return max(item.timeout_minutes for item in items) * 60.0


def _of_batch(phases: Sequence[float], seconds: float, stretch: float) -> int:
    waits = sum(RUN + LOOK * _looks(phase, stretch) for phase in _shared_out(phases, seconds) if phase > 0)
    return BATCH + NOTICE + waits


def _of_items(items: Sequence[Item], seconds: float, stretch: float) -> int:
    """What comes on top where a batch's items do not go on together: a run of the deploy function for each step, and a
    look soon after it; as often at most as there is time for."""
    steps = sum(len(_phases([item])) - 1 for item in items)
    at_most = seconds / (rollout.SHORTEST_WAIT * stretch)
    return (RUN + LOOK) * round(min(max(0, steps - len(_phases(items))), at_most))


def _shared_out(caps: Sequence[float], total: float) -> list[float]:
    """``total`` among what wants at most ``caps``, as evenly as they let it: looks are the most that way, as a wait
    that goes on is looked at less and less often."""
    left, granted = total, [0.0] * len(caps)
    for place, index in enumerate(sorted(range(len(caps)), key=lambda each: caps[each])):
        granted[index] = min(caps[index], left / (len(caps) - place))
        left -= granted[index]
    return granted


@lru_cache(maxsize=10_000)
def _looks(seconds: float, stretch: float) -> int:
    """How many looks are made in ``seconds``, where a look itself takes no time."""
    now, looks = 0.0, 0
    while now < seconds:
        now += rollout.wait_seconds([0.0], [seconds], now, stretch)
        looks += 1
    return looks
