"""Where a manifest comes from: repository, branch, commit, author, subject, as far as they are known."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecs_gitops.model import sanitize

_AT_MOST = 200
# A checkout may hold a bare repository among its files, whose own settings would name programs for git to run.
_ONLY_DATA = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false")


@dataclass(frozen=True, slots=True)
class Source:
    """Each is one line of at most 200 characters, or None where it is not known."""

    repository: str | None = None
    branch: str | None = None
    commit_id: str | None = None
    author: str | None = None
    subject: str | None = None

    def to_json(self) -> dict[str, str]:
        """Members repository, branch, commitId, author, subject; absent where not known."""
        names = {
            "repository": self.repository,
            "branch": self.branch,
            "commitId": self.commit_id,
            "author": self.author,
            "subject": self.subject,
        }
        return {name: value for name, value in names.items() if value}


def of_build(environment: Mapping[str, str]) -> Source | None:
    """The source as the build's environment tells it (docs/architecture.md); None outside a build.

    The commit's author and subject stand in a file that holds the answer of ``aws codecommit get-commit``. They are
    told to people only, so a file that is missing or odd is no error.
    """
    if not environment.get("ECS_GITOPS_COMMIT_ID"):
        return None
    commit = _commit(environment.get("ECS_GITOPS_COMMIT_FILE"))
    author = commit.get("author")
    return Source(
        repository=_line(environment.get("ECS_GITOPS_REPOSITORY")),
        branch=_line(environment.get("ECS_GITOPS_BRANCH")),
        commit_id=_line(environment.get("ECS_GITOPS_COMMIT_ID")),
        author=_line(author.get("name")) if isinstance(author, dict) else None,
        subject=_line(commit.get("message")),
    )


def checkout_of_build(environment: Mapping[str, str]) -> Path | None:
    """The folder with the commit's files, which the manifest must not lead out of; None outside a build."""
    folder = environment.get("ECS_GITOPS_CHECKOUT") if environment.get("ECS_GITOPS_COMMIT_ID") else None
    return Path(folder) if folder else None


def of_checkout(manifest: Path) -> Source:
    """The source as git tells it in the manifest's folder; nothing known where git does not have the manifest."""

    def git(*arguments: str) -> str | None:
        command = ["git", *_ONLY_DATA, "-C", str(manifest.resolve().parent), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, errors="replace")
        except (OSError, subprocess.SubprocessError):
            return None
        return _line(done.stdout)

    if not git("ls-files", "--", manifest.resolve().name):
        return Source()
    remote = git("config", "--get", "remote.origin.url") or git("rev-parse", "--show-toplevel") or ""
    return Source(
        # The last part alone, which is the name; what stands before it may be a password.
        repository=_line(re.split(r"[/:@]", remote.rstrip("/"))[-1].removesuffix(".git")),
        branch=git("symbolic-ref", "--short", "--quiet", "HEAD"),
        commit_id=git("rev-parse", "HEAD"),
        author=git("log", "-1", "--format=%an"),
        subject=git("log", "-1", "--format=%s"),
    )


def _commit(file: str | None) -> Mapping[str, object]:
    try:
        commit = json.loads(Path(file or "").read_text(encoding="utf-8"))["commit"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return commit if isinstance(commit, dict) else {}


def _line(value: object) -> str | None:
    """The first line with something in it, cut to size."""
    if not isinstance(value, str):
        return None
    return next((text for each in value.splitlines() if (text := sanitize.line(each, _AT_MOST))), None)
