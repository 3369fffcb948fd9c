"""The start of a schedule that is written back: UpdateSchedule takes no past one, and starts a rate anew. Pure.

EventBridge Scheduler refuses a ``StartDate`` of more than five minutes ago. A schedule with a ``rate()`` counts from
its ``StartDate``, or from its last update where it has none: without a start in the future, an update would move a
nightly ``rate(1 day)`` to the hour of the release. A day of a rate is 24 hours in every time zone.
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

# A start is kept until it is this many seconds past: less than EventBridge's five minutes, because the clocks of
# EventBridge and of the function differ, and a call may be retried for a while.
_KEPT_FOR = 120.0
_RATE = re.compile(r"\s*rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)\s*", re.IGNORECASE)
_AT = re.compile(r"\s*at\(\s*([^)\s]+)\s*\)\s*", re.IGNORECASE)
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}
# The hours by which the clock of a time zone differs from UTC at most.
_ZONES_DIFFER_BY = 14 * 3_600.0


def written_start(schedule: Json, now: float) -> float | None:
    """The ``StartDate`` (epoch seconds) to write; None where it is to be left out. ``schedule`` is GetSchedule's
    answer.

    A start in the future stays. A rate that is enabled gets the next time at which it is due, counted from its start
    or, without one, from its last update."""
    start = _epoch(schedule.get("StartDate"))
    if start is not None and start > now - _KEPT_FOR and (start > now or _period(schedule) is None):
        return start
    due = next_due(schedule, now)
    end = _epoch(schedule.get("EndDate"))
    return None if due is None or (end is not None and due >= end) else due


def next_due(schedule: Json, now: float) -> float | None:
    """When a rate is due next; None for any other expression, and for a schedule that is not enabled."""
    period = _period(schedule)
    given = (_epoch(schedule.get(name)) for name in ("StartDate", "LastModificationDate", "CreationDate"))
    anchor = next((moment for moment in given if moment is not None), None)
    if period is None or anchor is None or not _is_enabled(schedule):
        return None
    if anchor > now:
        return anchor
    # Whole seconds, as AWS's own clients write dates.
    return ceil(anchor + ((now - anchor) // period + 1) * period)


def concerns(schedule: Json, now: float) -> list[str]:
    """What a person should know before this schedule is written back, each in a sentence."""
    start, end = _epoch(schedule.get("StartDate")), _epoch(schedule.get("EndDate"))
    if (at := _one_time(schedule)) is not None:
        # EventBridge ignores both dates of a one-time schedule.
        told = (
            f"the schedule's only run was at {_shown(at)}: nothing runs any more, and EventBridge may refuse the update"
        )
        return [told] if at < now else []
    if end is not None and end <= now:
        return [f"the schedule ended at {_shown(end)}: nothing runs any more, and EventBridge may refuse the update"]
    due = next_due(schedule, now)
    if end is not None and due is not None and due >= end:
        return [f"the schedule has no run left before it ends at {_shown(end)}; the update itself may start one more"]
    if start is not None and written_start(schedule, now) is None:
        return [
            f"the schedule's StartDate {_shown(start)} is past: EventBridge does not take it again, so it is left out"
        ]
    return []


def _period(schedule: Json) -> int | None:
    """Seconds between two runs of a rate."""
    found = _RATE.fullmatch(str(schedule.get("ScheduleExpression", "")))
    return int(found[1]) * _SECONDS[found[2].lower()] or None if found else None


def _one_time(schedule: Json) -> float | None:
    """When a one-time schedule runs: at the latest, where its time zone is not UTC. None for one that comes again."""
    found = _AT.fullmatch(str(schedule.get("ScheduleExpression", "")))
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    is_utc = schedule.get("ScheduleExpressionTimezone") in (None, "UTC")
    return moment if is_utc else moment + _ZONES_DIFFER_BY


def _is_enabled(schedule: Json) -> bool:
    return bool(schedule.get("State", "ENABLED") == "ENABLED")


def _epoch(moment: Any) -> float | None:
    """A time of GetSchedule, which is a number on the wire."""
    is_number = isinstance(moment, (int, float)) and not isinstance(moment, bool)
    return float(moment) if is_number else None


def _shown(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
