"""Git as a person uses it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_AUTHOR = ["-c", "user.name=A Person", "-c", "user.email=person@example.com"]


def git(where: Path, *arguments: str) -> str:
    """What git prints, without the settings of who runs the tests."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", *_AUTHOR, *arguments], cwd=where, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(where: Path, files: dict[str, str], message: str) -> str:
    """Commit the files; -> commit id."""
    for path, text in files.items():
        (where / path).write_text(text, encoding="utf-8")
    git(where, "add", "--all")
    git(where, "commit", "--quiet", "--message", message)
    return git(where, "rev-parse", "HEAD")
