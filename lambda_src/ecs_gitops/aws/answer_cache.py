"""A cache of AWS's answers in a warm sandbox, as text and with a limit on its size."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock


class AnswerCache:
    """Texts by key, together at most ``max_length`` characters: the least recently used ones are dropped."""

    def __init__(self, max_length: int) -> None:
        self._max_length, self._length = max_length, 0
        self._texts: OrderedDict[object, str] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """The characters in the cache."""
        return self._length

    def get(self, key: object) -> str | None:
        """The text of the key, if it is in the cache."""
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
            return self._texts.get(key)

    def put(self, key: object, text: str) -> None:
        """Add a text, or replace the key's text."""
        with self._lock:
            self._drop(key)
            self._texts[key] = text
            self._length += len(text)
            while self._length > self._max_length:
                self._drop(next(iter(self._texts)))

    def drop(self, key: object) -> None:
        """Remove the key's text, if there is one."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: object) -> None:
        self._length -= len(self._texts.pop(key, ""))
