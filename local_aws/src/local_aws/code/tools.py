"""The programs that a build finds: a ``python3`` with nothing installed, the real ``aws`` and the real ``git``."""

from __future__ import annotations

import shlex
import sys
import threading
from pathlib import Path

from local_aws.control.settings import settings

_SYSTEM = "/usr/local/bin:/usr/bin:/bin"
_lock = threading.Lock()
# The credential helper signs for Amazon's hosts alone, unless it is told otherwise; here CodeCommit is at 127.0.0.1.
# For "store" and "erase" the AWS CLI does nothing, and takes a second to start.
_AWS = """\
case "$1 $2 $*" in
"codecommit credential-helper "*" store" | "codecommit credential-helper "*" erase") exec cat > /dev/null ;;
"codecommit credential-helper codecommit credential-helper get") set -- "$@" --ignore-host-check ;;
esac
exec env -u PYTHONPATH {python} -I -m awscli "$@\""""


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
        _program(folder / "aws", _AWS.format(python=shlex.quote(sys.executable)))
    return f"{folder}:{_SYSTEM}"


def git_settings(region: str, has_helper: bool) -> dict[str, str]:
    """Environment variables of Git: CodeCommit's address leads here, and ``has_helper`` says whether the buildspec asks
    for AWS's credential helper (``git-credential-helper: yes``)."""
    pairs = [
        (f"url.{settings.endpoint}/v1/repos/.insteadOf", f"https://git-codecommit.{region}.amazonaws.com/v1/repos/")
    ]
    if has_helper:
        pairs += [("credential.helper", "!aws codecommit credential-helper $@"), ("credential.UseHttpPath", "true")]
    found = {"GIT_CONFIG_COUNT": str(len(pairs)), "GIT_TERMINAL_PROMPT": "0"}
    for number, (name, value) in enumerate(pairs):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def _program(file: Path, command: str) -> None:
    if not file.exists():
        file.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        file.chmod(0o755)
