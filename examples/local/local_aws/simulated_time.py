"""ECS, Step Functions and STS tell and take their time by the simulated clock.

On AWS all services and functions live by one clock. ministack's live by this machine's: here those of a release live
by :mod:`local_aws.clock`, so that a run can be ten times as fast and all its times still fit together. Credentials
expire by the simulated clock where their holder looks, and by the machine's where they are checked.
"""

from __future__ import annotations

import time
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from ministack.services import ecs, sts
from ministack.services import stepfunctions as sfn

from local_aws import clock
from local_aws.state import settings

_SECONDS_OF_STEADINESS = 0.5


def mend() -> None:
    """Apply every mend of this module."""
    ecs._iso = ecs.now_iso = sfn.now_iso = clock.iso
    ecs._ts = clock.now
    sts._future = lambda seconds: clock.written(clock.now() + seconds)
    sfn._scaled_sleep = lambda seconds: time.sleep(max(0.0, seconds * sfn._SFN_WAIT_SCALE))
    # The only other pause there is before an execution begins.
    sfn.time = SimpleNamespace(sleep=clock.sleep, time=time.time)
    sfn._sleep_until = _sleep_until
    invoke = sfn._invoke_resource_with_timeout

    def invoke_resource_with_timeout(resource: str, data: Any, timeout: float) -> Any:
        try:
            return invoke(resource, data, clock.real(timeout))
        except sfn._ExecutionError as error:
            if error.error == "States.Timeout":
                raise sfn._ExecutionError("States.Timeout", f"Task timed out after {timeout} seconds") from None
            raise

    sfn._invoke_resource_with_timeout = invoke_resource_with_timeout
    apply()


def apply() -> None:
    """Take over the clock's course and ``settings.wait_scale``, after either changed."""
    sfn._SFN_WAIT_SCALE = settings.wait_scale * clock.line().second
    ecs._ECS_DEPLOYMENT_STEADY_DELAY = clock.real(_SECONDS_OF_STEADINESS)


def _sleep_until(moment: str) -> None:
    try:
        until = datetime.fromisoformat(moment).timestamp()
    except (TypeError, ValueError):
        return
    sfn._scaled_sleep(until - clock.now())
