"""The ``StartDate`` to write when a schedule is updated, so that a rate keeps its times. Pure.

EventBridge Scheduler refuses a ``StartDate`` of more than five minutes ago. A ``rate()`` counts from its ``StartDate``,
or from the last update without one. So an update without a start in the future would move a nightly ``rate(1 day)`` to
the hour of the release. A day of a rate is 24 hours in every time zone.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# Seconds. A start that has passed by less than this is written again: less than EventBridge's five minutes, because the
# clocks of EventBridge and of the function differ, and a call may be retried for a while.
_STILL_ACCEPTED = 120.0
_RATE = re.compile(r"\s*rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)\s*", re.IGNORECASE)
_AT = re.compile(r"\s*at\(\s*([^)\s]+)\s*\)\s*", re.IGNORECASE)
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}
# Seconds: the largest difference between a time zone and UTC.
_LARGEST_OFFSET = 14 * 3_600.0


def start_to_write(schedule: Json, now: float) -> float | None:
    """The ``StartDate`` (epoch seconds) to write; None to leave it out. ``schedule`` is GetSchedule's answer.

    A start in the future stays. An enabled rate gets the time of its next run, counted from its start or, without one,
    from its last update."""
    start = _epoch(schedule.get("StartDate"))
    if start is not None and start > now - _STILL_ACCEPTED and (start > now or _period(schedule) is None):
        return start
    run = next_run(schedule, now)
    end = _epoch(schedule.get("EndDate"))
    return None if run is None or (end is not None and run >= end) else run


def next_run(schedule: Json, now: float) -> float | None:
    """The next run of a rate (epoch seconds); None for other expressions and for a disabled schedule."""
    period = _period(schedule)
    starts = (_epoch(schedule.get(name)) for name in ("StartDate", "LastModificationDate", "CreationDate"))
    anchor = next((moment for moment in starts if moment is not None), None)
    if period is None or anchor is None or not _is_enabled(schedule):
        return None
    if anchor > now:
        return anchor
    # Whole seconds, as AWS's own clients write dates.
    return ceil(anchor + ((now - anchor) // period + 1) * period)


def concerns(schedule: Json, now: float) -> list[str]:
    """Warnings about an update of this schedule, each a sentence."""
    start, end = _epoch(schedule.get("StartDate")), _epoch(schedule.get("EndDate"))
    if (at := _one_time(schedule)) is not None:
        # EventBridge ignores both dates of a one-time schedule.
        warning = (
            f"the schedule's only run was at {_shown(at)}: it never runs again, and EventBridge may refuse the update"
        )
        return [warning] if at < now else []
    if end is not None and end <= now:
        return [f"the schedule ended at {_shown(end)}: it never runs again, and EventBridge may refuse the update"]
    run = next_run(schedule, now)
    if end is not None and run is not None and run >= end:
        return [f"the schedule has no run left before it ends at {_shown(end)}; the update itself may start one more"]
    if start is not None and start_to_write(schedule, now) is None:
        return [
            f"the schedule's StartDate {_shown(start)} is past: EventBridge does not accept it again, so it is left out"
        ]
    return []


def _period(schedule: Json) -> int | None:
    """Seconds between two runs of a rate."""
    match = _RATE.fullmatch(str(schedule.get("ScheduleExpression", "")))
    return int(match[1]) * _SECONDS[match[2].lower()] or None if match else None


def _one_time(schedule: Json) -> float | None:
    """The run of a one-time schedule; with a time zone other than UTC, the latest time of it. None for others."""
    match = _AT.fullmatch(str(schedule.get("ScheduleExpression", "")))
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    is_utc = schedule.get("ScheduleExpressionTimezone") in (None, "UTC")
    return moment if is_utc else moment + _LARGEST_OFFSET


def _is_enabled(schedule: Json) -> bool:
    return bool(schedule.get("State", "ENABLED") == "ENABLED")


def _epoch(moment: Any) -> float | None:
    """A time in GetSchedule's JSON, where it is a number."""
    is_number = isinstance(moment, (int, float)) and not isinstance(moment, bool)
    return float(moment) if is_number else None


def _shown(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
