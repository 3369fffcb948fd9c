"""The time that a handler has for calls and their retries: until shortly before its Lambda invocation ends."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from ecs_gitops.aws import CONCURRENCY
from ecs_gitops.model.errors import AwsUnavailable

T = TypeVar("T")

# What a handler needs after its last call: to return its result.
_RESERVE = 20.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 20.0


class LambdaContext(Protocol):
    """The part of Lambda's context object that the handlers use."""

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """Until when (epoch seconds) calls may be retried, and how many calls may run at once.

    ``sleep``, ``clock`` and ``monotonic`` exist for tests."""

    until: float
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    concurrency: int = CONCURRENCY
    monotonic: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, context: LambdaContext) -> TimeBudget:
        return cls(time.time() + context.get_remaining_time_in_millis() / 1000 - _RESERVE)

    @property
    def is_over(self) -> bool:
        return self.clock() >= self.until

    def at_most(self, seconds: float) -> TimeBudget:
        """This budget, used up after ``seconds`` from now at the latest."""
        return replace(self, until=min(self.until, self.clock() + seconds))

    def retry(self, act: Callable[[], T]) -> T:
        """Run ``act`` again while it raises :class:`AwsUnavailable`, with growing, jittered pauses.

        ``act`` must be safe to run again. Raises the last :class:`AwsUnavailable` when the budget is used up.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                return act()
            except AwsUnavailable:
                wait = pause * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
                if self.clock() + wait >= self.until:
                    raise
                self.sleep(wait)
                pause = min(pause * 2, _LONGEST_PAUSE)
