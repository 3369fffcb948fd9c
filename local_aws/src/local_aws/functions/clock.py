"""What a function's process gets before anything of its own: the simulated clock.

This module runs in that process, where it sees the standard library alone; :mod:`local_aws.functions.runtime` puts it
in front of ministack's program and tells it the clock's course with each invocation.

``time.time``, ``time.time_ns`` and ``time.sleep`` go by the simulated clock, and with them the context's remaining
time. ``datetime.now`` and the monotonic clock stay the machine's: botocore signs with the one, threads wait by the
other. A function that takes longer than its timeout ends as on AWS; but the machine does not compute any faster, so it
has two real seconds at least.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any, NoReturn

_LEAST_SECONDS = 2.0

real_time, real_sleep = time.time, time.sleep
_writing = threading.Lock()


class _Clock:
    """It was ``simulated`` at ``real``, and a simulated second takes ``second`` real ones."""

    second, real, simulated = 1.0, 0.0, 0.0
    deadline: threading.Timer | None = None


_clock = _Clock()


def install() -> None:
    """Let the process live by the simulated clock."""
    vars(time).update(time=now, time_ns=lambda: int(now() * 1e9), sleep=sleep)


def begin(sent: dict[str, Any]) -> None:
    """An invocation begins. ``sent`` is what the server says beside the event."""
    _clock.second, _clock.real, _clock.simulated = sent.get("clock") or (1.0, 0.0, 0.0)
    if _clock.deadline is not None:
        _clock.deadline.cancel()
        _clock.deadline = None
    if _clock.second != 1.0:
        timeout = float(os.environ.get("_LAMBDA_TIMEOUT", "3"))
        told = f"Task timed out after {timeout:.2f} seconds"
        _clock.deadline = threading.Timer(max(_LEAST_SECONDS, timeout * _clock.second), end, [told])
        _clock.deadline.daemon = True
        _clock.deadline.start()


def now() -> float:
    """The simulated time."""
    return _clock.simulated + (real_time() - _clock.real) / _clock.second


def sleep(seconds: float) -> None:
    """Sleep for simulated seconds."""
    real_sleep(seconds * _clock.second)


def end(error: str, kind: str = "") -> NoReturn:
    """End the process; ``error`` is what Lambda says of it, ``kind`` how it names it."""
    with _writing:
        told = {"status": "error", "error": error} | ({"class": kind} if kind else {})
        out = sys.__stdout__
        if out is not None:
            out.write(json.dumps(told) + "\n")
            out.flush()
        os._exit(1)
