"""EventBridge Scheduler: a schedule is kept as it was given, and an update resets what it leaves out.

ministack keeps the members that it knows, and answers with empty ones.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import scheduler

Data = dict[str, Any]
_OF_AWS = ("Arn", "Name", "GroupName", "CreationDate", "LastModificationDate")
_DEFAULTS = {"ScheduleExpressionTimezone": "UTC", "State": "ENABLED", "ActionAfterCompletion": "NONE"}
_RETRIES = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}


def mend() -> None:
    """Apply every mend of this module."""
    scheduler._create_schedule = _kept(scheduler._create_schedule)
    scheduler._update_schedule = _kept(scheduler._update_schedule)


def _kept(inner: Callable[[str, Data], Any]) -> Callable[[str, Data], Any]:
    def keep(name: str, body: Data) -> Any:
        answer = inner(name, body)
        if answer[0] == 200:
            key = f"{body.get('GroupName', 'default')}/{name}"
            given = {member: value for member, value in body.items() if member not in ("ClientToken", *_OF_AWS)}
            target = {**given["Target"], "RetryPolicy": {**_RETRIES, **given["Target"].get("RetryPolicy", {})}}
            own = {member: scheduler._schedules[key][member] for member in _OF_AWS}
            scheduler._schedules[key] = {**_DEFAULTS, **given, "Target": target, **own}
        return answer

    return keep
