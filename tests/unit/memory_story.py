"""What happens in a world of the model: pushes, and what people and faults do between and during them.

A story is data: it can be printed, made smaller by hand, and played again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Moments of a release that have no number: right after the effect of its first call of this name.
AFTER = {"run_task": -1, "update_service": -2}
# The same for rules and schedules.
AFTER_OF_TRIGGERS = {"register_task_definition": -3, "put_targets": -4, "update_schedule": -5}


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody does, or that happens to the ledger; see :class:`unit.memory_world.World` for the
    kinds."""

    kind: str
    service: str = ""
    value: Any = None


@dataclass(frozen=True, slots=True)
class Push:
    """A release. ``during``: acts right before the call with that number, or at one of :data:`AFTER` or
    :data:`AFTER_OF_TRIGGERS`. ``abort``:
    the moment at which the execution is aborted; then its function ``dies``, ``goes on``, or the execution is
    ``redriven``. ``faults``: how many calls fail, of one. ``refused``: calls for which a permission is missing."""

    manifest: dict[str, Any]
    during: tuple[tuple[int, Act], ...] = ()
    abort: int | None = None
    ends: str = "dies"
    faults: float = 0.0
    refused: tuple[str, ...] = ()
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """``settings``: the services, with their deployment settings. ``stale``: how old ECS's answers may be, in seconds.
    ``skew``: by how much the functions' clock differs from ECS's. ``images``: what each tag is at first.
    ``slow``: how long a call takes; ``pause``: how long one of a function that goes on takes, at random where it is 0.
    ``left_failed``: services whose first revision has the tag of one that failed, as versions before the ledger left
    it. ``sidecars``: services with a second container, which Git need not manage."""

    seed: int
    settings: dict[str, dict[str, Any]]
    images: dict[tuple[str, str], str]
    steps: tuple[Act | Push, ...] = ()
    stale: float = 0.0
    skew: float = 0.0
    left_failed: tuple[str, ...] = ()
    slow: float = 0.0
    pause: float = 0.0
    sidecars: tuple[str, ...] = ()
