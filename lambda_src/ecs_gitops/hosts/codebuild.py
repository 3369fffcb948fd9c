"""The source of a manifest in the pipeline's build, from the build's environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ecs_gitops.model.source import Source, first_line


def build_source(environment: Mapping[str, str]) -> Source | None:
    """The source in the build's environment variables (docs/architecture/contracts.md); None outside a build.

    The commit's author and subject are in a file with the output of ``aws codecommit get-commit``. Only people read
    them, so a missing or invalid file is not an error.
    """
    if not environment.get("ECS_GITOPS_COMMIT_ID"):
        return None
    commit = _commit(environment.get("ECS_GITOPS_COMMIT_FILE"))
    author = commit.get("author")
    return Source(
        repository=first_line(environment.get("ECS_GITOPS_REPOSITORY")),
        branch=first_line(environment.get("ECS_GITOPS_BRANCH")),
        commit_id=first_line(environment.get("ECS_GITOPS_COMMIT_ID")),
        author=first_line(author.get("name")) if isinstance(author, dict) else None,
        subject=first_line(commit.get("message")),
    )


def build_checkout(environment: Mapping[str, str]) -> Path | None:
    """The folder with the commit's files, which must contain the manifest; None outside a build."""
    folder = environment.get("ECS_GITOPS_CHECKOUT") if environment.get("ECS_GITOPS_COMMIT_ID") else None
    return Path(folder) if folder else None


def _commit(file: str | None) -> Mapping[str, object]:
    try:
        commit = json.loads(Path(file or "").read_text(encoding="utf-8"))["commit"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return commit if isinstance(commit, dict) else {}
