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
    """``rollout_seconds``: how long an image takes until it runs, in simulated seconds. ``wait_scale``: a factor on
    Step Functions' pauses alone, beside the clock's. ``instance_mib``: memory of each instance of a cluster.
    ``faults``: see :mod:`local_aws.functions.faults`."""

    rollout_seconds: float = 2.0
    wait_scale: float = 1.0
    instance_mib: int = 16_384
    faults: dict[str, Any] | None = None


@dataclass(slots=True)
class Trace:
    """States as they are entered and left, pipeline actions as they change: what a console would show. ``at`` is the
    machine's time. The older half is dropped when there are ``kept`` entries."""

    kept: int = 200_000
    entries: list[dict[str, Any]] = field(default_factory=list)
    dropped: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, **what: Any) -> None:
        with self.lock:
            n = self.dropped + len(self.entries)
            self.entries.append({"n": n, "at": time.time(), "kind": kind, **what})
            if len(self.entries) > self.kept:
                self.dropped += self.kept // 2
                del self.entries[: self.kept // 2]

    def since(self, n: int) -> list[dict[str, Any]]:
        with self.lock:
            return self.entries[max(0, n - self.dropped) :]


settings = Settings()
trace = Trace()
folder = Path()
endpoint = ""


def use(path: Path, address: str) -> None:
    """Keep repositories, builds and passwords below ``path``; ``address`` is where the server answers."""
    global folder, endpoint
    folder, endpoint = path, address
    folder.mkdir(parents=True, exist_ok=True)
