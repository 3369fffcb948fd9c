"""What the parts of the local AWS share: settings that can be changed while it runs, the trace, its own folder."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT = "111111111111"
REGION = "us-west-2"


@dataclass(slots=True)
class Settings:
    """``rollout_seconds``: how long an image takes until it runs."""

    rollout_seconds: float = 2.0


@dataclass(slots=True)
class Trace:
    """States as they are entered and left, pipeline actions as they change: what a console would show."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, **what: Any) -> None:
        with self.lock:
            self.entries.append({"n": len(self.entries), "at": time.time(), "kind": kind, **what})

    def since(self, n: int) -> list[dict[str, Any]]:
        with self.lock:
            return self.entries[n:]


settings = Settings()
trace = Trace()
folder = Path()
endpoint = ""


def use(path: Path, address: str) -> None:
    """Keep repositories, builds and passwords below ``path``; ``address`` is where the server answers."""
    global folder, endpoint
    folder, endpoint = path, address
    folder.mkdir(parents=True, exist_ok=True)
