"""The trace: states as they are entered and left, pipeline actions as they change, faults."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Trace:
    """What a console would show. ``at`` is the machine's time. The older half is dropped when there are ``kept``
    entries."""

    kept: int = 200_000
    entries: list[dict[str, Any]] = field(default_factory=list)
    dropped: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, **what: Any) -> None:
        """Add an entry."""
        with self.lock:
            n = self.dropped + len(self.entries)
            self.entries.append({"n": n, "at": time.time(), "kind": kind, **what})
            if len(self.entries) > self.kept:
                self.dropped += self.kept // 2
                del self.entries[: self.kept // 2]

    def since(self, n: int) -> list[dict[str, Any]]:
        """The entries from number ``n`` on."""
        with self.lock:
            return self.entries[max(0, n - self.dropped) :]


trace = Trace()
