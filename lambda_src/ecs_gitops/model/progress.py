"""The progress of an item without a result, and the result. Pure.

There are two clocks, and their times are never compared: ``deployed_at`` is ECS's time, all others are the functions'.
Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecs_gitops.model.codec import Codec
from ecs_gitops.model.status import Judgement, Status, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The deployment that an item waits for, or that it ended with.

    ``deployment`` is its id in the service's ``deployments``, ``record`` the id of its service deployment, where that
    is known. ``is_followed``: somebody else started it, and it took the place of ours."""

    deployment: str | None = None
    record: str | None = None
    deployed_at: float | None = None
    is_followed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``began``: when the item was begun; ``since``: when the current wait began. ``text``: the progress, for people;
    ``reason``: the reason that the result is going to have.

    ``doubted_since``: since when a newer deployment is possible that ECS's answers do not show. ``paused``: ids of the
    PAUSE hooks for which people got a message; ``awaits_action``: whether the deployment waits for a person now.

    ``hook``: of the hook's task: task (its id), container, log; and while ECS cannot place it: attempts, since, due.
    ``rollbacks``: how often a rollback was begun. ``has_rollback_settings``: the service has settings for a rollback,
    and the settings from before have to be restored. ``judgement``: the verdict on what is being rolled back."""

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
    judgement: Judgement = Judgement.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """``running`` is the revision that the target runs, where it is not the one that was deployed. ``seconds``: how
    long the item took. ``was_rolled_back``: whether a rollback was begun, whether or not it succeeded. ``judgement``:
    the verdict that is remembered. ``runs_nothing``: it was good with a desired count of 0. ``may_be_changed``: whether
    the target was changed is not known."""

    status: Status
    reason: str | None = None
    running: str | None = None
    seconds: float | None = None
    was_rolled_back: bool = False
    judgement: Judgement = Judgement.OPEN
    runs_nothing: bool = False
    may_be_changed: bool = False


WATCHED = Codec(Watched)
PROGRESS = Codec(Progress)
RESULT = Codec(Result)
