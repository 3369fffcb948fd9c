"""A manifest in the pipeline's build: its source, as the build's environment tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ecs_gitops.model.source import Source, first_line


def of_build(environment: Mapping[str, str]) -> Source | None:
    """The source as the build's environment tells it (docs/architecture/contracts.md); None outside a build.

    The commit's author and subject stand in a file that holds the answer of ``aws codecommit get-commit``. They are
    told to people only, so a file that is missing or odd is no error.
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


def checkout_of_build(environment: Mapping[str, str]) -> Path | None:
    """The folder with the commit's files, which the manifest must not lead out of; None outside a build."""
    folder = environment.get("ECS_GITOPS_CHECKOUT") if environment.get("ECS_GITOPS_COMMIT_ID") else None
    return Path(folder) if folder else None


def _commit(file: str | None) -> Mapping[str, object]:
    try:
        commit = json.loads(Path(file or "").read_text(encoding="utf-8"))["commit"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return commit if isinstance(commit, dict) else {}
