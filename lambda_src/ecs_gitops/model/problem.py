"""A problem in a manifest, and where it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ecs_gitops.model import sanitize


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Where the problem is (``path`` as in ``services[2].image``), what it is, and what is accepted."""

    line: int
    column: int
    path: str
    message: str
    accepted: str = ""

    def to_json(self) -> dict[str, object]:
        """Members line and column (absent without a file), path, message, accepted."""
        place = {"line": self.line, "column": self.column} if self.line else {}
        return {**place, "path": self.path, "message": self.message, "accepted": self.accepted}

    def text(self, file: str) -> str:
        """``file:line:column: path: message; accepted: …`` on one line; quotations from the file are escaped."""
        place = f"{file}:{self.line}:{self.column}: " if self.line else f"{file}: "
        message = f"{self.path}: {self.message}" if self.path else self.message
        return sanitize.escaped(place + message + (f"; accepted: {self.accepted}" if self.accepted else ""))
