"""An item of a release: what is desired, the change, the progress and the result. Pure.

Only :mod:`ecs_gitops.flow.transitions` changes a step. An item with a result is final, and its progress is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecs_gitops.model import event_data
from ecs_gitops.model.change import CHANGE, Change
from ecs_gitops.model.desired import SERVICE, TRIGGER, DesiredService, DesiredTrigger
from ecs_gitops.model.progress import PROGRESS, RESULT, WATCHED, Progress, Result, Watched
from ecs_gitops.model.status import ChangeKind, Hook, Kind, Status, Step
from ecs_gitops.model.types import Json

# Before the tasks, whose wave is -1 where they are not deployed after the services.
_FIRST = -2
_UNPLANNED, _NOT_BEGUN, _NOTHING_WATCHED = Change(), Progress(), Watched()


@dataclass(frozen=True, slots=True)
class Item:
    """``watched`` is the deployment that the item waits for, or that it ended with."""

    desired: DesiredService | DesiredTrigger
    change: Change = _UNPLANNED
    progress: Progress = _NOT_BEGUN
    watched: Watched = _NOTHING_WATCHED
    result: Result | None = None

    @property
    def number(self) -> int:
        return self.desired.number

    @property
    def name(self) -> str:
        return self.desired.name

    @property
    def wave(self) -> int:
        """The wave in which it is changed. What has to be judged again comes before anything is rolled out."""
        return _FIRST if self.change.kind is ChangeKind.JUDGE else self.desired.wave

    @property
    def service(self) -> DesiredService:
        """What is desired of a service. Raises :class:`TypeError` for a rule or schedule."""
        if not isinstance(self.desired, DesiredService):
            raise TypeError(f"{self.name} is no service")
        return self.desired

    @property
    def trigger(self) -> DesiredTrigger:
        """What is desired of a rule or schedule. Raises :class:`TypeError` for a service."""
        if not isinstance(self.desired, DesiredTrigger):
            raise TypeError(f"{self.name} is no rule or schedule")
        return self.desired

    @property
    def cluster(self) -> str:
        """The service's cluster."""
        return self.service.cluster

    @property
    def is_final(self) -> bool:
        """Whether the item has its result."""
        return self.result is not None

    @property
    def status(self) -> Status | None:
        """The result's status; None while the item is not final."""
        return self.result.status if self.result is not None else None

    @property
    def step(self) -> Step | None:
        """The step that the item is at; None when it is final."""
        return self.progress.step if self.result is None else None

    @property
    def is_pending(self) -> bool:
        """Whether the deploy state has to act on it."""
        return self.result is None and not self.progress.step.is_waiting

    @property
    def is_waiting(self) -> bool:
        """Whether the item waits for a deployment or a hook at AWS."""
        return self.result is None and self.progress.step.is_waiting

    @property
    def reason(self) -> str | None:
        """The reason for people, as far as it is known."""
        return self.result.reason if self.result is not None else self.progress.reason

    @property
    def hook(self) -> Json:
        """The hook of the item's step: command, container, timeout; empty where the step is about none."""
        hook = self.progress.step.hook
        return (self.service.hook(hook) or {}) if hook is not None else {}

    @property
    def timeout_minutes(self) -> int:
        """The timeout of a rollout of the item."""
        return self.change.timeout_minutes or self.desired.timeout_minutes

    @property
    def wrote_settings(self) -> bool:
        """Whether this release may have written settings of the service. An old answer of ECS need not show them."""
        return self.progress.has_rollback_settings or bool(self.service.deployment)

    def has_hook(self, hook: Hook) -> bool:
        """Whether the manifest has this hook for the item."""
        return isinstance(self.desired, DesiredService) and self.desired.hook(hook) is not None

    def with_change(self, **members: Any) -> Item:
        """The item with members of its change replaced."""
        return replace(self, change=replace(self.change, **members))

    def with_progress(self, **members: Any) -> Item:
        """The item with members of its progress replaced; the step is not among them."""
        return replace(self, progress=replace(self.progress, **members))

    def with_watched(self, **members: Any) -> Item:
        """The item with members of the deployment that it watches replaced."""
        return replace(self, watched=replace(self.watched, **members))

    def to_json(self) -> Json:
        """Members desired, change, watched, and progress or result; empty ones are left out."""
        desired = (
            SERVICE.write(self.desired) if isinstance(self.desired, DesiredService) else TRIGGER.write(self.desired)
        )
        progress = PROGRESS.write(_rounded(self.progress)) if self.result is None else {}
        parts = {
            "desired": desired,
            "change": CHANGE.write(self.change),
            "progress": progress,
            "watched": WATCHED.write(self.watched),
            "result": RESULT.write(self.result) if self.result is not None else {},
        }
        return {name: part for name, part in parts.items() if part}

    @classmethod
    def from_json(cls, kind: Kind, data: Any, path: str = "item") -> Item:
        """The item that :meth:`to_json` wrote. Raises :class:`ValueError`, :class:`KeyError` or :class:`TypeError` for
        anything else; ``path`` is its place in the data."""
        event_data.require(data, dict.fromkeys(_PARTS, event_data.MEMBERS), path)
        codec: Any = SERVICE if kind is Kind.SERVICE else TRIGGER
        return cls(
            desired=codec.read(data["desired"], f"{path}.desired"),
            change=CHANGE.read(data.get("change", {}), f"{path}.change"),
            progress=PROGRESS.read(data.get("progress", {}), f"{path}.progress"),
            watched=WATCHED.read(data.get("watched", {}), f"{path}.watched"),
            result=RESULT.read(data["result"], f"{path}.result") if "result" in data else None,
        )


_PARTS = ("desired", "change", "progress", "watched", "result")


def _rounded(progress: Progress) -> Progress:
    began, since = (value if value is None else round(value, 1) for value in (progress.began, progress.since))
    return replace(progress, began=began, since=since)


def join_names(names: Sequence[str], shown: int) -> str:
    """``a, b and 3 more``: at most ``shown`` names."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def join_texts(*parts: str | None) -> str | None:
    """What there is of the parts, in one text; None where there is nothing."""
    return "; ".join(part for part in parts if part) or None
