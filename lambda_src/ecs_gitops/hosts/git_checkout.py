"""A manifest in a git checkout: its source, as git tells it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from ecs_gitops.model.source import Source, first_line

# A checkout may hold a bare repository among its files, whose own settings would name programs for git to run.
_ONLY_DATA = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false")


def of_checkout(manifest: Path) -> Source:
    """The source as git tells it in the manifest's folder; nothing known where git does not have the manifest."""

    def git(*arguments: str) -> str | None:
        command = ["git", *_ONLY_DATA, "-C", str(manifest.resolve().parent), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, errors="replace")
        except (OSError, subprocess.SubprocessError):
            return None
        return first_line(done.stdout)

    if not git("ls-files", "--", manifest.resolve().name):
        return Source()
    remote = git("config", "--get", "remote.origin.url") or git("rev-parse", "--show-toplevel") or ""
    return Source(
        # The last part alone, which is the name; what stands before it may be a password.
        repository=first_line(re.split(r"[/:@]", remote.rstrip("/"))[-1].removesuffix(".git")),
        branch=git("symbolic-ref", "--short", "--quiet", "HEAD"),
        commit_id=git("rev-parse", "HEAD"),
        author=git("log", "-1", "--format=%an"),
        subject=git("log", "-1", "--format=%s"),
    )
