"""A sandbox that stays warm over two hundred releases. Each is another execution, whose sessions are new.

A release has two places, each checked and deployed: four sessions, with clients of three services to keep the time
short. Revisions have 40 kilobytes. So the sandbox keeps as many sessions and task definitions as it ever does (forty,
and 16 MB) when the tenth release is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.probes import clients, sandbox

RELEASES, FIRST = 200, 10
_PLACES = 2
_SERVICES = ("ecs", "ecr", "secretsmanager")


def measured(_given: Mapping[str, Any]) -> dict[str, Any]:
    """Megabytes: ``firstMb`` after the tenth release, ``lastMb`` after the last one, ``peakMb`` at most; and the
    ``sessions`` that are kept."""
    sandbox.set_environment()
    clients.answer_calls(characters=300)
    first = kept = 0.0
    for number in range(1, RELEASES + 1):
        kept = clients.release(f"run-{number}", places=_PLACES, definitions=20, services=_SERVICES)
        if number == FIRST:
            first = sandbox.memory("VmRSS")
    last, peak = sandbox.memory("VmRSS"), sandbox.memory("VmHWM")
    return {"firstMb": round(first, 1), "lastMb": round(last, 1), "peakMb": round(peak, 1), "sessions": kept}
