"""ECS, Step Functions and STS tell and take their time by the simulated clock.

On AWS all services and functions live by one clock. ministack's live by this machine's: here those of a release live
by :mod:`local_aws.control.clock`, so that a run can be ten times as fast and all its times still fit together.
Credentials expire by the simulated clock where their holder looks, and by the machine's where they are checked.

The HTTP header ``Date`` of services that tell times is simulated too, for callers with a role (functions and what acts
for them). A user gets the machine's: Go's SDK, which Terraform uses, corrects its signatures by that header.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import ecs, sts
from ministack.services import stepfunctions as sfn

from local_aws.control import clock
from local_aws.control.settings import settings

_SECONDS_OF_STEADINESS = 0.5
_DATED = ("ecs", "events", "scheduler")


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
    for service in _DATED:
        app.SERVICE_HANDLERS[service] = _dated(app.SERVICE_HANDLERS[service])
    apply()


def _dated(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def dated(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        status, answered, content = await handler(method, path, headers, body, query)
        identity = iam_evaluator.resolve_caller_identity(extract_access_key_id(headers, query)) or {}
        if ":assumed-role/" in identity.get("userArn", ""):
            answered = {**answered, "Date": formatdate(clock.now(), usegmt=True)}
        return status, answered, content

    return dated


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
