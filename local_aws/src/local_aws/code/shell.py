"""One shell in which a build's commands run one after the other, so that ``export`` and ``cd`` last."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path


class Shell:
    """A ``sh`` process. ``folder`` is for the files that pass commands in and exit codes out, ``directory`` is where it
    starts, ``tell`` gets its output line by line."""

    def __init__(self, folder: Path, directory: Path, environment: dict[str, str], tell: Callable[[str], None]) -> None:
        self._folder, self._count = folder, 0
        self._process = subprocess.Popen(
            ["/bin/sh"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, args=(tell,), daemon=True)
        self._reader.start()

    def _read(self, tell: Callable[[str], None]) -> None:
        for line in self._process.stdout or ():
            tell(line.rstrip("\n"))

    def run(self, command: str, deadline: float) -> int:
        """The exit code of a command, also of one that ends the shell. Raises TimeoutError past ``deadline``
        (monotonic)."""
        self._count += 1
        script, code = self._folder / f"command-{self._count}", self._folder / f"code-{self._count}"
        script.write_text(command + "\n", encoding="utf-8")
        try:
            self._send(f". '{script}' < /dev/null\necho $? > '{code}.part' && mv '{code}.part' '{code}'\n")
        except OSError:
            return self._process.wait() or 1
        while not code.exists():
            if self._process.poll() is not None and not code.exists():
                return self._process.returncode or 1
            if time.monotonic() > deadline:
                self._process.kill()
                raise TimeoutError
            time.sleep(0.02)
        return int(code.read_text(encoding="utf-8"))

    def variable(self, name: str, deadline: float) -> str:
        """The value of a variable in the shell; empty when it is not set or the shell has ended."""
        file = self._folder / f"variable-{name}"
        if self.run(f"printf '%s' \"${{{name}-}}\" > '{file}'", deadline) != 0 or not file.exists():
            return ""
        return file.read_text(encoding="utf-8")

    def _send(self, text: str) -> None:
        if self._process.stdin is None:
            raise OSError("the shell takes no input")
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def close(self) -> None:
        """End the shell, and read what it still wrote."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join(timeout=5)
