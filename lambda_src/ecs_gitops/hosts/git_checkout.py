"""The source of a manifest in a git checkout, from git."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from ecs_gitops.model.source import Source, first_line

# A checkout may contain a bare repository. Its settings could name programs, which git would run without these options.
_ONLY_DATA = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false")


def git_source(manifest: Path) -> Source:
    """The manifest's commit; an empty source if git does not track the manifest, or fails."""

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
        # Only the last part, which is the name. The rest may contain a password.
        repository=first_line(re.split(r"[/:@]", remote.rstrip("/"))[-1].removesuffix(".git")),
        branch=git("symbolic-ref", "--short", "--quiet", "HEAD"),
        commit_id=git("rev-parse", "HEAD"),
        author=git("log", "-1", "--format=%an"),
        subject=git("log", "-1", "--format=%s"),
    )
