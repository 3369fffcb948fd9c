"""The control address: settings that can be changed while the local AWS runs, and what it has seen."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from local_aws.code import git_http
from local_aws.control import calls, clock, simulated_time
from local_aws.control.settings import settings
from local_aws.control.trace import trace
from local_aws.ecs import throttling
from local_aws.functions import runtime
from local_aws.iam import denials

PREFIX = "/_local/"


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request below :data:`PREFIX`; the README lists the addresses."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body") or b""
        if not message.get("more_body"):
            break
    name, query = scope["path"].removeprefix(PREFIX), scope["query_string"].decode()
    status, told = 200, {}
    try:
        told = _ADDRESSES[name](int(query.partition("=")[2] or 0), json.loads(body or b"{}"))
    except KeyError as error:
        status, told = 404, {"error": f"there is no {error}"}
    except (TypeError, ValueError) as error:
        status, told = 400, {"error": str(error)}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told, default=str).encode()})


def _git() -> dict[str, Any]:
    return {"user": git_http.USER, "password": git_http.password(), "pid": os.getpid()}


def _clock() -> dict[str, Any]:
    course = clock.line()
    return {"now": clock.now(), "second": course.second, "real": course.real, "simulated": course.simulated}


def _fault(told: dict[str, Any]) -> dict[str, Any]:
    fault = {("fault" if name == "kind" else name): value for name, value in told.items()}
    trace.add("fault", **fault)
    return {}


def change(wanted: dict[str, Any]) -> dict[str, Any]:
    """Change the settings named. Raises :class:`ValueError`, and then changes none of those that come after."""
    for name, value in wanted.items():
        if name not in _SETTINGS:
            raise ValueError(f"there is no setting {name}")
        _SETTINGS[name](value)
    simulated_time.apply()
    return {}


def _rollout_seconds(value: Any) -> None:
    settings.rollout_seconds = float(value)


def _minute_seconds(value: Any) -> None:
    settings.minute_seconds = None if value is None else float(value)


def _instance_mib(value: Any) -> None:
    settings.instance_mib = int(value)


def _wait_scale(value: Any) -> None:
    settings.wait_scale = float(value)


_SETTINGS: dict[str, Callable[[Any], None]] = {
    "secondSeconds": lambda value: clock.set_second(float(value)),
    "rolloutSeconds": _rollout_seconds,
    "minuteSeconds": _minute_seconds,
    "waitScale": _wait_scale,
    "instanceMib": _instance_mib,
    "ecsBuckets": throttling.use,
    "faults": runtime.use_faults,
    "deny": denials.use,
}
_ADDRESSES: dict[str, Callable[[int, Any], Any]] = {
    "trace": lambda since, _: trace.since(since),
    "calls": lambda since, _: calls.since(since),
    "call-counts": lambda since, _: calls.counts(since),
    "clock": lambda *_: _clock(),
    "git": lambda *_: _git(),
    "settings": lambda _, wanted: change(wanted),
    "fault": lambda _, told: _fault(told),
}
