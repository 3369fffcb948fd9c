"""One thing that is wrong with a manifest, and where. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ecs_gitops.model import sanitize


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong: where (``path`` as in ``services[2].image``), what, and what is accepted."""

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
        """``file:line:column: path: message; accepted: …`` on one line, whatever of it was quoted from the file."""
        place = f"{file}:{self.line}:{self.column}: " if self.line else f"{file}: "
        told = f"{self.path}: {self.message}" if self.path else self.message
        return sanitize.escaped(place + told + (f"; accepted: {self.accepted}" if self.accepted else ""))
