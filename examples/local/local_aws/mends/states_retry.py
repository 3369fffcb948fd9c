"""Retry and Catch follow the Amazon States Language.

AWS: `MaxDelaySeconds` caps a retry's pause and nothing else does; `States.ALL` and `States.TaskFailed` do not catch
`States.Runtime` or `States.DataLimitExceeded`. ministack caps every pause at 60 s, ignores `MaxDelaySeconds` and
catches everything.
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

_HARD_CAP = 60
_UNCAUGHT = ("States.Runtime", "States.DataLimitExceeded")


def pause_seconds(retrier: dict[str, Any], attempts: int) -> float:
    """The pause before the next attempt, after `attempts` retries were made."""
    pause = float(retrier.get("IntervalSeconds", 1)) * float(retrier.get("BackoffRate", 2.0)) ** attempts
    return min(pause, float(retrier.get("MaxDelaySeconds", pause)))


def apply() -> None:
    """Replace how retriers and catchers are chosen."""
    find, matches = stepfunctions._find_matching_retrier, stepfunctions._error_matches

    def find_matching_retrier(retriers: Any, error: str, counts: dict[int, int]) -> tuple[Any, int]:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return None, index
        pause = pause_seconds(retrier, counts.get(index, 0))
        # ministack sleeps at most 60 s of what it is told: the rest is slept here.
        if pause > _HARD_CAP:
            stepfunctions._scaled_sleep(pause - _HARD_CAP)
        return {**retrier, "IntervalSeconds": min(pause, _HARD_CAP), "BackoffRate": 1.0}, index

    def error_matches(error_equals: list[str], error: str) -> bool:
        if error in _UNCAUGHT:
            return error in error_equals
        return bool(matches(error_equals, error))

    stepfunctions._find_matching_retrier = find_matching_retrier
    stepfunctions._error_matches = error_matches
