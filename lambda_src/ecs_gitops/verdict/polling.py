"""The wait before the next poll of what a batch waits for. Pure; times are epoch seconds by the functions' clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Seconds between two polls. At first, people wait for the end of a rollout.
SHORTEST_WAIT = 2
LONGEST_WAIT_AT_FIRST, AT_FIRST = 10, 600.0
LONGEST_WAIT = 30
# A rollout that bakes for hours is polled less often: a history has 25,000 events, and a poll takes nine.
_LONGEST_OF_ALL = 300
_LONG_WAIT_SHARE = 1 / 60
# The next poll comes after this share of the time since the start, so the end of a rollout is noticed that much late.
_WAIT_SHARE = 0.1

# The same where all rollouts wait for a person.
_LONGEST_PAUSE = 900
_PAUSE_SHARE = 1 / 30


def wait_seconds(started: Sequence[float], deadlines: Sequence[float], now: float, stretch: float = 1.0) -> int:
    """Seconds until the next poll of rollouts that started at these times: short first, longer later, never past the
    first deadline, at least 1. A ``stretch`` above 1 makes the waits longer by this factor, also the shortest one. That
    may go past a deadline: the history has no room for a poll at each, see :mod:`ecs_gitops.flow.event_budget`."""
    youngest = now - max(started)
    usual = LONGEST_WAIT_AT_FIRST if youngest < AT_FIRST and stretch == 1 else LONGEST_WAIT
    longest = min(_LONGEST_OF_ALL, max(usual * stretch, youngest * _LONG_WAIT_SHARE))
    wait = min(max(youngest * _WAIT_SHARE, SHORTEST_WAIT) * stretch, longest)
    shortest = 1 if stretch == 1 else min(_LONGEST_OF_ALL, SHORTEST_WAIT * stretch)
    return round(max(shortest, min(wait, *(deadline - now for deadline in deadlines))))


def pause_seconds(started: Sequence[float], deadlines: Sequence[float], now: float) -> int:
    """Seconds until the next poll of rollouts that all wait for a person. The wait is long, as ECS goes on by itself
    when the person answers, and as the execution's history needs room for a day of polls."""
    youngest = now - max(started)
    wait = min(_LONGEST_PAUSE, youngest * _PAUSE_SHARE)
    return max(1, round(min(wait, *(deadline - now for deadline in deadlines))))
