"""A repository whose pull requests are planned in unit tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unit.shop import GOOD

# Git fetches from a folder here; the program allows addresses alone.
FOLDERS = ("-c", "protocol.file.allow=always")


@dataclass
class Remote:
    """A repository with the branches `main` and `change`."""

    folder: Path

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always")
        done = subprocess.run(["git", "-C", str(self.folder), *who, *arguments], check=True, capture_output=True)
        return done.stdout.decode().strip()

    def commit(self, branch: str, change: str | Callable[[Path], object], base: str = "") -> str:
        """A commit on a branch; its id."""
        self.git("checkout", "--quiet", *(["-B", branch, base] if base else [branch]))
        if callable(change):
            change(self.folder)
        else:
            (self.folder / "deployment.yaml").write_text(change)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD")


def remote_in(folder: Path) -> Remote:
    """A new repository in ``folder``, with a good manifest on `main`."""
    made = Remote(folder / "remote")
    made.folder.mkdir()
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("commit", "--allow-empty", "-qm", "First")
    made.commit("main", GOOD)
    return made
