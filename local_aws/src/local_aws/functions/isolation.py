"""A function sees the standard library, its code and its layers, and nothing that is installed beside the emulator.

AWS gives a function its runtime and its layers. ministack runs it on its own Python, whose packages would hide that
the layer lacks one.
"""

from __future__ import annotations

import shlex
import sys
import threading

from ministack.core import lambda_runtime

from local_aws.control.settings import settings


def mend() -> None:
    """Start Python functions without site-packages, PYTHONPATH and the user's own directories."""
    detect = lambda_runtime._detect_runtime_binary

    def detect_binary(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        return (_isolated_python() if runtime.startswith("python") else binary), script

    lambda_runtime._detect_runtime_binary = detect_binary


def _isolated_python() -> str:
    program = settings.folder / "isolated-python"
    if not program.exists():
        partial = settings.folder / f"isolated-python.{threading.get_ident()}"
        partial.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S "$@"\n', encoding="utf-8")
        partial.chmod(0o755)
        partial.rename(program)
    return str(program)
