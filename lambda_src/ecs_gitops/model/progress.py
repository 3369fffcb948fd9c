"""How far an item is that has no result yet, and its result. Pure.

There are two clocks, and their times are never compared: ``deployed_at`` is ECS's time, all others are the functions'.
Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecs_gitops.model.codec import Codec
from ecs_gitops.model.status import Status, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The deployment that an item waits for, or that it ended with.

    ``deployment`` is its id in the service's ``deployments``, ``record`` that of ECS's own record of it, where it is
    known. It ``is_followed`` when somebody else started it."""

    deployment: str | None = None
    record: str | None = None
    deployed_at: float | None = None
    is_followed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``began``: when the item's work began; ``since``: when the wait for what goes on now began. ``text``: how far it
    is, for people; ``reason``: what the result is going to say.

    ``doubted_since``: since when ECS's answers may hide a newer deployment. ``paused``: ids of the PAUSE hooks that
    people had a message of; ``awaits_action``: whether the deployment waits for a person now.

    ``hook``: of the hook's task: task (its id), container, log; and while no place was found for it, attempts, since,
    due. ``rollbacks``: how often a rollback was begun. ``has_rollback_settings``: the service's settings are those for
    a rollback, and those from before are to be put back."""

    step: Step = Step.PENDING
    began: float | None = None
    since: float | None = None
    text: str | None = None
    reason: str | None = None
    doubted_since: float | None = None
    paused: tuple[str, ...] = ()
    awaits_action: bool = False
    hook: Mapping[str, str] = field(default_factory=dict)
    rollbacks: int = 0
    has_rollback_settings: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """``running`` is the revision that the target runs, where it is not the one that was deployed. ``seconds``: how
    long the item took. ``was_rolled_back``: whether a rollback was begun, whatever came of it."""

    status: Status
    reason: str | None = None
    running: str | None = None
    seconds: float | None = None
    was_rolled_back: bool = False


WATCHED = Codec(Watched)
PROGRESS = Codec(Progress)
RESULT = Codec(Result)
