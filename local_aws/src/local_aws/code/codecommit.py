"""CodeCommit: repositories that are real bare Git repositories, with the control plane that Terraform needs.

What is in them is read and written in :mod:`local_aws.code.branches` and :mod:`local_aws.code.commits`.

https://docs.aws.amazon.com/codecommit/latest/APIReference/
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.control.protocol import Data, Place, ServiceError, Tags, serve
from local_aws.control.settings import settings
from local_aws.events.bus import emit


@dataclass(slots=True)
class Repository:
    place: Place
    name: str
    id: str
    created: float
    description: str | None
    key: str | None
    default: str | None = None

    @property
    def default_branch(self) -> str:
        """The branch that was set, or ``main``."""
        return self.default or "main"

    @property
    def arn(self) -> str:
        return self.place.arn("codecommit", self.name)

    @property
    def folder(self) -> Path:
        return settings.folder / "git" / f"{self.name}.git"

    def git(self, *arguments: str) -> str:
        """What git prints, for a command in the bare repository."""
        command = ["git", "--git-dir", str(self.folder), "-c", "core.quotePath=false", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def refs(self) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def commit_of(self, specifier: str) -> str:
        """The commit of a branch's, tag's or full reference's name, or of a full id. Raises
        CommitDoesNotExistException."""
        refs = self.refs()
        for name in (f"refs/heads/{specifier}", f"refs/tags/{specifier}", specifier):
            if name in refs:
                return self.git("rev-parse", f"{name}^{{commit}}")
        return self.full_commit(specifier, "CommitDoesNotExistException")

    def full_commit(self, commit: str, error: str) -> str:
        """A commit's full id, if it is there. Raises :class:`ServiceError` with the code ``error``."""
        try:
            return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
        except subprocess.CalledProcessError:
            raise ServiceError(error, f"{commit} does not exist") from None

    def merge_base(self, one: str, other: str) -> str:
        """The newest common ancestor of two commits, or empty."""
        command = ["git", "--git-dir", str(self.folder), "merge-base", one, other]
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()

    def move(self, reference: str, to: str, old: str) -> None:
        """Move a branch that is at ``old`` (empty: that is not there). Raises ConcurrentReferenceUpdateException."""
        try:
            self.git("update-ref", reference, to, old)
        except subprocess.CalledProcessError:
            raise ServiceError("ConcurrentReferenceUpdateException", f"{reference} has moved") from None


_repositories: dict[tuple[Place, str], Repository] = {}
_tags = Tags()
# What pull requests do when references moved (repository, before, after, who), and when a repository was deleted.
on_push: list[Callable[[Repository, dict[str, str], dict[str, str], str], None]] = []
on_delete: list[Callable[[Repository], None]] = []


def start() -> None:
    """Put CodeCommit behind the server's router."""
    from local_aws.code import branches, commits
    from local_aws.code.pull_requests import approval_rules, approvals, comments, operations, pushes, templates

    pushes.follow()
    parts = (branches, commits, operations, approval_rules, approvals, comments, templates)
    serve(
        "codecommit",
        "CodeCommit_20150413",
        {
            "CreateRepository": _create,
            "GetRepository": lambda place, data: {"repositoryMetadata": _view(find(place, data["repositoryName"]))},
            "DeleteRepository": _delete,
            "UpdateRepositoryDescription": _describe,
            "UpdateDefaultBranch": _update_default_branch,
            "ListTagsForResource": lambda _, data: {"tags": _tags.by_arn.get(data["resourceArn"], {})},
            "TagResource": lambda _, data: _tags.put(data["resourceArn"], data["tags"]),
            "UntagResource": lambda _, data: _tags.remove(data["resourceArn"], data["tagKeys"]),
            **{name: operation for part in parts for name, operation in part.operations().items()},
        },
    )


def find(place: Place, name: str) -> Repository:
    """The repository; raises RepositoryDoesNotExistException."""
    found = _repositories.get((place, name))
    if found is None:
        raise ServiceError("RepositoryDoesNotExistException", f"{name} does not exist")
    return found


def by_name(name: str) -> Repository | None:
    """The repository of that name in whichever account and Region: a clone URL tells neither here."""
    return next((repository for repository in _repositories.values() if repository.name == name), None)


def pushed(
    repository: Repository,
    before: dict[str, str],
    after: dict[str, str],
    who: str | None = None,
    merge: dict[str, Any] | None = None,
) -> None:
    """Send the event of each branch that a push or a merge created, updated or deleted.

    ``who``: the caller's ARN, None for the one Git user; ``merge``: members that a merge adds.
    https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
    """
    who = who or f"arn:aws:iam::{repository.place.account}:user/git"
    for ref in sorted({*before, *after}):
        old, new = before.get(ref), after.get(ref)
        if old == new or not ref.startswith("refs/heads/"):
            continue
        kind = "referenceUpdated" if old and new else "referenceCreated" if new else "referenceDeleted"
        detail = {
            "event": kind,
            "repositoryName": repository.name,
            "repositoryId": repository.id,
            "referenceType": "branch",
            "referenceName": ref.removeprefix("refs/heads/"),
            "referenceFullName": ref,
            "callerUserArn": who,
            **(merge or {}),
        }
        detail |= {"commitId": new} if new else {}
        detail |= {"oldCommitId": old} if old else {}
        place = repository.place
        emit(
            place.account,
            place.region,
            "aws.codecommit",
            "CodeCommit Repository State Change",
            detail,
            [repository.arn],
        )
    for follow in on_push:
        follow(repository, before, after, who)


def _create(place: Place, data: Data) -> Data:
    name = data["repositoryName"]
    if by_name(name):
        raise ServiceError("RepositoryNameExistsException", f"{name} exists")
    made = Repository(
        place, name, str(uuid.uuid4()), time.time(), data.get("repositoryDescription"), data.get("kmsKeyId")
    )
    shutil.rmtree(made.folder, ignore_errors=True)
    command = ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(made.folder)]
    subprocess.run(command, check=True, env={**os.environ, "GIT_TEMPLATE_DIR": ""})
    made.git("config", "http.receivepack", "true")
    _repositories[place, name] = made
    _tags.put(made.arn, data.get("tags"))
    return {"repositoryMetadata": _view(made)}


def _delete(place: Place, data: Data) -> Data:
    gone = _repositories.pop((place, data["repositoryName"]), None)
    if gone is None:
        return {}
    for forget in on_delete:
        forget(gone)
    shutil.rmtree(gone.folder, ignore_errors=True)
    _tags.by_arn.pop(gone.arn, None)
    return {"repositoryId": gone.id}


def _describe(place: Place, data: Data) -> Data:
    find(place, data["repositoryName"]).description = data.get("repositoryDescription")
    return {}


def _update_default_branch(place: Place, data: Data) -> Data:
    repository = find(place, data["repositoryName"])
    if f"refs/heads/{data['defaultBranchName']}" not in repository.refs():
        raise ServiceError("BranchDoesNotExistException", f"{data['defaultBranchName']} does not exist")
    repository.default = data["defaultBranchName"]
    repository.git("symbolic-ref", "HEAD", f"refs/heads/{repository.default}")
    return {}


def _default_branch(repository: Repository) -> str | None:
    """AWS has none until something is pushed; its first branch becomes it."""
    branches = [ref.removeprefix("refs/heads/") for ref in repository.refs() if ref.startswith("refs/heads/")]
    if repository.default or repository.default_branch in branches or not branches:
        return repository.default_branch if branches else None
    return branches[0]


def _view(repository: Repository) -> Data:
    host = f"git-codecommit.{repository.place.region}.amazonaws.com/v1/repos/{repository.name}"
    view = {
        "accountId": repository.place.account,
        "repositoryId": repository.id,
        "repositoryName": repository.name,
        "repositoryDescription": repository.description,
        "defaultBranch": _default_branch(repository),
        "creationDate": repository.created,
        "lastModifiedDate": repository.created,
        "cloneUrlHttp": f"https://{host}",
        "cloneUrlSsh": f"ssh://{host}",
        "Arn": repository.arn,
        "kmsKeyId": repository.key,
    }
    return {name: value for name, value in view.items() if value is not None}
