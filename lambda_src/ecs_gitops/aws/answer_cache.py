"""What a warm sandbox keeps of AWS's answers: as text, and no more of it than there is room for."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock


class Texts:
    """Texts by key. Those that were not used for longest go when all of them are longer than ``at_most`` characters."""

    def __init__(self, at_most: int) -> None:
        self._at_most, self._length = at_most, 0
        self._texts: OrderedDict[object, str] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Characters that are kept."""
        return self._length

    def get(self, key: object) -> str | None:
        """The text that is kept under the key."""
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
            return self._texts.get(key)

    def keep(self, key: object, text: str) -> None:
        """Keep a text, in place of an older one."""
        with self._lock:
            self._drop(key)
            self._texts[key] = text
            self._length += len(text)
            while self._length > self._at_most:
                self._drop(next(iter(self._texts)))

    def drop(self, key: object) -> None:
        """Forget what is kept under the key."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: object) -> None:
        self._length -= len(self._texts.pop(key, ""))
