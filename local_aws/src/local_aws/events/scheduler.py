"""EventBridge Scheduler: a schedule is kept as it was given, and an update resets what it leaves out.

AWS refuses a ``StartDate`` of more than five minutes ago, except for one-time schedules, which ignore it; and one that
is not before the ``EndDate``. A rate counts from its ``StartDate`` or, without one, from its last update. ministack
keeps the members that it knows, answers with empty ones, takes any date, and counts a rate from the creation. It lives
by this machine's clock: here schedules live by the simulated one.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, scheduler

from local_aws.control import clock

Data = dict[str, Any]
_OF_AWS = ("Arn", "Name", "GroupName", "CreationDate", "LastModificationDate")
_DEFAULTS = {"ScheduleExpressionTimezone": "UTC", "State": "ENABLED", "ActionAfterCompletion": "NONE"}
_RETRIES = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
_PAST_AT_MOST = 300.0
_PAUSE_AT_MOST = 0.5


def mend() -> None:
    """Apply every mend of this module."""
    scheduler._create_schedule = _kept(scheduler._create_schedule)
    scheduler._update_schedule = _kept(scheduler._update_schedule)
    scheduler.time = SimpleNamespace(time=clock.now, sleep=_pause)


def _pause(seconds: float) -> None:
    """Between two looks at what is due: short, as the clock may become faster meanwhile."""
    time.sleep(min(_PAUSE_AT_MOST, clock.real(seconds)))


def _kept(inner: Callable[[str, Data], Any]) -> Callable[[str, Data], Any]:
    def keep(name: str, body: Data) -> Any:
        if told := _refusal(body):
            return scheduler._error(400, "ValidationException", told)
        answer = inner(name, body)
        if answer[0] == 200:
            key = f"{body.get('GroupName', 'default')}/{name}"
            given = {member: value for member, value in body.items() if member not in ("ClientToken", *_OF_AWS)}
            target = {**given["Target"], "RetryPolicy": {**_RETRIES, **given["Target"].get("RetryPolicy", {})}}
            own = {member: scheduler._schedules[key][member] for member in _OF_AWS}
            scheduler._schedules[key] = {**_DEFAULTS, **given, "Target": target, **own}
            _anchor(key, given)
        return answer

    return keep


def _refusal(body: Data) -> str | None:
    start, end = (scheduler._to_epoch(body.get(member)) for member in ("StartDate", "EndDate"))
    if str(body.get("ScheduleExpression", "")).startswith("at(") or start is None:
        return None
    if start < clock.now() - _PAST_AT_MOST:
        return "The StartDate you specify cannot be earlier than 5 minutes ago."
    if end is not None and start >= end:
        return "The StartDate must come before the EndDate."
    return None


def _anchor(key: str, schedule: Data) -> None:
    """Let ministack count a rate from its start or from now: it fires a period after it fired last."""
    period = eventbridge._parse_rate_seconds(schedule["ScheduleExpression"])
    start = scheduler._to_epoch(schedule.get("StartDate"))
    place = (get_account_id(), get_region(), key)
    scheduler._schedule_last_fired.pop(place, None)
    if period is not None:
        scheduler._schedule_last_fired[place] = clock.now() if start is None else start - period
