"""The programs that a build finds: a ``python3`` with nothing installed, and the real ``aws``."""

from __future__ import annotations

import shlex
import sys
import threading
from pathlib import Path

from local_aws.control.settings import settings

_SYSTEM = "/usr/local/bin:/usr/bin:/bin"
_lock = threading.Lock()


def search_path() -> str:
    """PATH of a build.

    ``python3`` is the interpreter behind this virtual environment without site-packages: what is installed here must
    not be what makes a build succeed. PYTHONPATH counts, as on AWS.
    """
    folder = settings.folder / "build-tools"
    base = getattr(sys, "_base_executable", "") or sys.executable
    with _lock:
        folder.mkdir(exist_ok=True)
        _program(folder / "python3", f'exec {shlex.quote(base)} -S -s "$@"')
        _program(folder / "aws", f'exec env -u PYTHONPATH {shlex.quote(sys.executable)} -I -m awscli "$@"')
    return f"{folder}:{_SYSTEM}"


def _program(file: Path, command: str) -> None:
    if not file.exists():
        file.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        file.chmod(0o755)
