"""A list that grows while the server runs and that clients read from where they left off."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path


class Journal:
    """Numbered records in memory and, when a file is given, one JSON line each in it. Safe for threads."""

    def __init__(self) -> None:
        self._records: list[dict[str, object]] = []
        self._lock = threading.Lock()
        self.file: Path | None = None

    def add(self, **record: object) -> None:
        """Append a record; it gets `number` (from 1) and `time` (epoch seconds)."""
        with self._lock:
            full: dict[str, object] = {"number": len(self._records) + 1, "time": time.time(), **record}
            self._records.append(full)
            if self.file:
                with self.file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(full, default=str) + "\n")

    def after(self, number: int) -> list[dict[str, object]]:
        """The records with a number above `number`, oldest first."""
        with self._lock:
            return self._records[max(0, number) :]
