"""A line of progress on a terminal."""

from __future__ import annotations

from threading import Lock
from types import TracebackType
from typing import TextIO


class Progress:
    """``read 12 of 40``, on one line that is removed at the end. Nothing where the stream is no terminal."""

    def __init__(self, stream: TextIO, total: int, verb: str = "read") -> None:
        self._stream, self._total, self._verb = stream, total, verb
        self._is_on, self._done, self._lock = stream.isatty(), 0, Lock()

    def __enter__(self) -> Progress:
        self._show()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._is_on:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def expect(self, more: int) -> None:
        """So many more are to be done."""
        with self._lock:
            self._total += more
            self._show()

    def step(self) -> None:
        """One more is done. Threads may call it at once."""
        with self._lock:
            self._done += 1
            self._show()

    def _show(self) -> None:
        if self._is_on:
            self._stream.write(f"\r\x1b[K{self._verb} {min(self._done, self._total)} of {self._total}")
            self._stream.flush()
