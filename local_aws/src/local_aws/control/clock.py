"""The simulated clock: how long a second takes here, and what time it is for what is played.

ECS, Step Functions and the functions live by this clock. Whoever talks to this machine lives by the machine's own:
signatures, the emulator's other services, builds. At its first setting the simulated time is the real one; from then
on it goes ``1 / second`` times as fast. A later setting changes the speed and never the time: no clock goes back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Line:
    """``simulated`` is what it was at ``real`` (both epoch seconds); ``second``: how long a simulated one takes."""

    second: float = 1.0
    real: float = 0.0
    simulated: float = 0.0

    def at(self, real: float) -> float:
        """The simulated time at a time of this machine."""
        return self.simulated + (real - self.real) / self.second


@dataclass(slots=True)
class _Clock:
    line: Line


_clock = _Clock(Line())


def line() -> Line:
    """The clock's present course."""
    return _clock.line


def set_second(second: float) -> None:
    """Let a simulated second take ``second`` real ones, from now on. Raises :class:`ValueError`."""
    if not 0 < second <= 1:
        raise ValueError(f"secondSeconds is {second}, and must be more than 0 and at most 1")
    if second != _clock.line.second:
        at = time.time()
        _clock.line = Line(second, at, _clock.line.at(at))


def now() -> float:
    """The simulated time, in epoch seconds."""
    return _clock.line.at(time.time())


def iso() -> str:
    """The simulated time as AWS's services write it."""
    return written(now())


def written(moment: float) -> str:
    """Epoch seconds in AWS's format."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def real(seconds: float) -> float:
    """How long simulated seconds take."""
    return seconds * _clock.line.second


def sleep(seconds: float) -> None:
    """Sleep for simulated seconds."""
    time.sleep(real(seconds))
