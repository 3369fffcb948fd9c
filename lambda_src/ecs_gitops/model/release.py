"""A release: the state machine's execution, and the commit that it deploys. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_gitops.model import event_data, sanitize
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.source import MEMBERS, UNKNOWN, Source

_SHAPES = {
    "executionArn": event_data.TEXT,
    "executionName": event_data.TEXT,
    "startedAt": event_data.NUMBER,
    **dict.fromkeys(("release", *MEMBERS), event_data.TEXT_OR_NONE),
}
# Characters of a text from an unchecked input.
_SHORT = 200


@dataclass(frozen=True, slots=True)
class Release:
    """``started_at`` is in epoch seconds, 0 where it is not known; ``release`` is the manifest's name for it."""

    execution_arn: str
    execution_name: str
    started_at: float
    release: str | None = None
    source: Source = UNKNOWN

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Release:
        """The ``release`` member of the state machine's data, as :meth:`to_json` wrote it."""
        return cls(
            execution_arn=str(data["executionArn"]),
            execution_name=str(data["executionName"]),
            started_at=float(str(data["startedAt"])),
            release=_text(data.get("release")),
            source=Source.from_json(data, _text),
        )

    def to_json(self) -> dict[str, object]:
        """Members: executionArn, executionName, startedAt (epoch seconds), and those known of release, repository,
        branch, commitId, author, subject."""
        known = {"release": self.release} if self.release is not None else {}
        return {
            "executionArn": self.execution_arn,
            "executionName": self.execution_name,
            "startedAt": self.started_at,
            **known,
            **self.source.to_json(),
        }

    @property
    def mark(self) -> str:
        """The mark on revisions that this execution registers: ``STATE_MACHINE:EXECUTION``."""
        return f"{self.machine}:{self.execution_name}"

    @property
    def machine(self) -> str:
        """The name of the state machine."""
        return self.execution_arn.split(":")[-2] if self.execution_arn.count(":") >= 7 else "manual"


def of_input(deployment: object, arn: str, name: str) -> Release:
    """The release, as far as it can be read from an execution's unchecked input."""
    known = deployment if isinstance(deployment, Mapping) else {}
    source = known.get("source")
    return Release(
        execution_arn=arn,
        execution_name=name,
        started_at=0.0,
        release=_short(known.get("release")),
        source=Source.from_json(source if isinstance(source, Mapping) else {}, _short),
    )


def parse_release(data: Any) -> Release:
    """The ``release`` of an event. Raises :class:`InvalidEvent`."""
    try:
        return Release.from_json(event_data.require(data, _SHAPES, "release"))
    except event_data.WRONG as error:
        raise InvalidEvent(f"the event has no usable release: {event_data.error_text(error)}") from error


def _short(value: object) -> str | None:
    return sanitize.line(str(value), _SHORT) or None if isinstance(value, str | int | float) else None


def _text(value: object) -> str | None:
    return None if value is None else sanitize.line(str(value)) or None
