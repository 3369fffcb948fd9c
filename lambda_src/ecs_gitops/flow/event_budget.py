"""How many events a release may write into its execution's history, and how far apart its polls have to be. Pure.

Step Functions ends an execution whose history has 25,000 events, even in the middle of a rollout. So the largest
possible number is computed after the check, from the batches and waves with changes and from their timeouts. Where it
is too large, the release polls less often. Where that is not enough, the release is refused.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING

from ecs_gitops.model.batch import STRETCH_AT_MOST
from ecs_gitops.model.desired import DesiredService
from ecs_gitops.model.status import Hook, OnFailure
from ecs_gitops.verdict import polling

if TYPE_CHECKING:
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item

EVENTS_AT_MOST = 25_000
# The rest is for retries of states, whose number is not known.
USABLE = 21_600
# Events of a release as a whole, of a stage, of a batch in a stage, of a notice ahead of the report, of a poll (wait,
# function, choice), and of another run of the deploy function. docs/architecture/budgets.md, "History".
RELEASE, STAGE, BATCH, NOTICE, POLL, RUN = 14, 11, 13, 7, 9, 7
# Factors for the waits between polls, which are a tenth of the time since the start.
STRETCHES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0, 120.0, STRETCH_AT_MOST)


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``events``, with polls ``stretch`` times as far apart as usual; ``batches`` count once for each wave."""

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
        """The message when the release is refused: the numbers, and what to do."""
        return (
            f"nothing was changed: the release would take up to {self.events:,} events of its execution's history, and "
            f"may take {USABLE:,} (Step Functions ends an execution at {EVENTS_AT_MOST:,}). They come from "
            f"{self.batches} batches (one for each account, Region and kind with something to change, in each of "
            f"{self.waves} waves) that last up to {self.minutes:,} minutes one after the other. Split the manifest's "
            "change into several pushes, each with fewer accounts and Regions, or use fewer waves (dependsOn), shorter "
            "timeoutMinutes, or onFailure: stop, which needs no time for a rollback"
        )


def budget(batches: Sequence[Batch], execution_minutes: int, *, deregisters: bool = False) -> Budget:
    """The budget of the pending items of ``batches``, with the smallest ``stretch`` that fits. ``deregisters``: whether
    one more stage deregisters failed revisions."""
    waves = _waves(batches)
    seconds = execution_minutes * 60.0
    pending = [item for groups in waves.values() for items in groups for item in items]
    rolls_back_release = any(item.desired.on_failure is OnFailure.ROLL_BACK_RELEASE for item in pending)
    changing = sum(any(item.is_pending for item in batch.items) for batch in batches)
    last = STAGE + BATCH * changing if deregisters else 0
    made = Budget(0, 1.0, 0, 0, 0)
    for stretch in STRETCHES:
        made = _with(waves, seconds, stretch, rolls_back_release)
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
                of_batch.setdefault(item.wave, []).append(item)
        for wave, items in of_batch.items():
            found.setdefault(wave, []).append(items)
    return dict(sorted(found.items()))


def _with(waves: _Waves, seconds: float, stretch: float, rolls_back_release: bool) -> Budget:
    # A stage has, for each batch, the longest times of what it waits for. Stages follow one another, and all of them
    # have to end before the execution does.
    stages = [[_phases(items) for items in groups] for groups in waves.values()]
    if rolls_back_release:
        stages += [[(_rollout(items),) for items in groups] for groups in waves.values()]
    longest = [max(sum(phases) for phases in stage) for stage in stages]
    granted = _shared_out(longest, seconds)
    groups = [items for found in waves.values() for items in found]
    # A wave with hooks before its updates has one more stage for them.
    prepared = [[items for items in found if _phases_before(items)] for found in waves.values()]
    events = RELEASE + STAGE + BATCH * len(groups)
    events += sum((STAGE if found else 0) + (BATCH + RUN) * len(found) for found in prepared)
    for stage, time in zip(stages, granted, strict=True):
        events += STAGE + sum(_of_batch(phases, time, stretch) for phases in stage)
    events += _of_items(waves, seconds, stretch, has_rollback_stage=rolls_back_release)
    return Budget(events, stretch, len(groups), len(waves), round(sum(granted) / 60))


def _phases(items: Sequence[Item]) -> tuple[float, ...]:
    """The longest waits of a batch in seconds, one after the other: hook, rollout, hook, rollback. A hook counts twice:
    it may wait for a placement as long as for its end. The tries are so rare that they cost no more than polls."""
    services = [item for item in items if isinstance(item.desired, DesiredService)]
    if not services:
        return (0.0,)
    before, after = (max((_hook(item, hook) for item in services), default=0.0) for hook in Hook)
    back = max((_rollout([item]) for item in services if item.desired.on_failure.rolls_back), default=0.0)
    return tuple(filter(None, (before, before, _rollout(services), after, after, back)))


def _phases_before(items: Sequence[Item]) -> bool:
    return any(item.has_hook(Hook.PRE_DEPLOY) for item in items)


def _hook(item: Item, hook: Hook) -> float:
    found = item.service.hook(hook)
    return float(found.get("timeoutMinutes", item.timeout_minutes)) * 60 if found else 0.0


def _rollout(items: Sequence[Item]) -> float:
    if not any(isinstance(item.desired, DesiredService) for item in items):
        return 0.0
    return max(item.timeout_minutes for item in items) * 60.0


def _of_batch(phases: Sequence[float], seconds: float, stretch: float) -> int:
    waits = sum(RUN + POLL * _polls(phase, stretch) for phase in _shared_out(phases, seconds) if phase > 0)
    return BATCH + NOTICE + waits


def _of_items(waves: _Waves, seconds: float, stretch: float, *, has_rollback_stage: bool) -> int:
    """The additional events where a batch's items reach their steps at different times: a run of the deploy function
    for each step, and a poll soon after it. A batch does so at most as often as there is time for in the stages of its
    wave, and all waves have ``seconds`` together. ``has_rollback_stage``: whether a wave may have a second stage.

    The batches of a wave go on beside each other: as long as ``n`` of them have steps left, there are at most ``n``
    runs in a pause. So the time is worth most where the most batches have steps left."""
    pause = polling.SHORTEST_WAIT * stretch
    worth: list[tuple[int, float]] = []
    for groups in waves.values():
        left = max(sum(_phases(items)) + (_rollout(items) if has_rollback_stage else 0.0) for items in groups) / pause
        reached = 0.0
        steps = sorted(max(0, sum(len(_phases([i])) - 1 for i in items) - len(_phases(items))) for items in groups)
        for place, count in enumerate(steps):
            pauses = min(count - reached, left)
            worth.append((len(steps) - place, pauses))
            reached, left = reached + pauses, left - pauses
    runs, left = 0.0, seconds / pause
    for batches, pauses in sorted(worth, reverse=True):
        taken = min(pauses, left)
        runs, left = runs + batches * taken, left - taken
    return (RUN + POLL) * ceil(runs)


def _shared_out(caps: Sequence[float], total: float) -> list[float]:
    """``total`` divided as evenly as possible, each part at most its cap. That gives the most polls, as a long wait is
    polled less and less often."""
    left, granted = total, [0.0] * len(caps)
    for place, index in enumerate(sorted(range(len(caps)), key=lambda each: caps[each])):
        granted[index] = min(caps[index], left / (len(caps) - place))
        left -= granted[index]
    return granted


@lru_cache(maxsize=10_000)
def _polls(seconds: float, stretch: float) -> int:
    """How many polls are made in ``seconds``, if a poll itself takes no time."""
    now, polls = 0.0, 0
    while now < seconds:
        now += polling.wait_seconds([0.0], [seconds], now, stretch)
        polls += 1
    return polls
