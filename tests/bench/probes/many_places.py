"""A release to forty places, each checked and deployed, with the clients of all services in use and as many task
definitions as are kept. STS and ECS are answered in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.probes import clients, sandbox

PLACES = 40


def measured(_given: Mapping[str, Any]) -> dict[str, Any]:
    """``peakMb``: megabytes at most; ``sessions``: how many are kept."""
    sandbox.set_environment()
    clients.answer_calls(characters=30)
    kept = clients.release("run-1", places=PLACES, definitions=60)
    return {"peakMb": sandbox.memory("VmHWM"), "sessions": kept}
