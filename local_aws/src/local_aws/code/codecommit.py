"""CodeCommit: repositories that are real bare Git repositories, with the control plane that Terraform needs.

https://docs.aws.amazon.com/codecommit/latest/APIReference/
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

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

    @property
    def arn(self) -> str:
        return self.place.arn("codecommit", self.name)

    @property
    def folder(self) -> Path:
        return settings.folder / "git" / f"{self.name}.git"

    def git(self, *arguments: str) -> str:
        """What git prints, for a command in the bare repository."""
        command = ["git", "--git-dir", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def refs(self) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ", 1) for line in lines)


_repositories: dict[tuple[Place, str], Repository] = {}
_tags = Tags()


def start() -> None:
    """Put CodeCommit behind the server's router."""
    serve(
        "codecommit",
        "CodeCommit_20150413",
        {
            "CreateRepository": _create,
            "GetRepository": lambda place, data: {"repositoryMetadata": _view(find(place, data["repositoryName"]))},
            "DeleteRepository": _delete,
            "UpdateRepositoryDescription": _describe,
            "GetBranch": _branch,
            "GetCommit": _commit,
            "ListTagsForResource": lambda _, data: {"tags": _tags.by_arn.get(data["resourceArn"], {})},
            "TagResource": lambda _, data: _tags.put(data["resourceArn"], data["tags"]),
            "UntagResource": lambda _, data: _tags.remove(data["resourceArn"], data["tagKeys"]),
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


def pushed(repository: Repository, before: dict[str, str], after: dict[str, str]) -> None:
    """Send the event of each branch that a push created, updated or deleted.

    https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
    """
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
            "callerUserArn": f"arn:aws:iam::{repository.place.account}:user/git",
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
    shutil.rmtree(gone.folder, ignore_errors=True)
    _tags.by_arn.pop(gone.arn, None)
    return {"repositoryId": gone.id}


def _describe(place: Place, data: Data) -> Data:
    find(place, data["repositoryName"]).description = data.get("repositoryDescription")
    return {}


def _view(repository: Repository) -> Data:
    host = f"git-codecommit.{repository.place.region}.amazonaws.com/v1/repos/{repository.name}"
    view = {
        "accountId": repository.place.account,
        "repositoryId": repository.id,
        "repositoryName": repository.name,
        "repositoryDescription": repository.description,
        "creationDate": repository.created,
        "lastModifiedDate": repository.created,
        "cloneUrlHttp": f"https://{host}",
        "cloneUrlSsh": f"ssh://{host}",
        "Arn": repository.arn,
        "kmsKeyId": repository.key,
    }
    return {name: value for name, value in view.items() if value is not None}


def _branch(place: Place, data: Data) -> Data:
    repository = find(place, data["repositoryName"])
    commit = repository.refs().get(f"refs/heads/{data['branchName']}")
    if commit is None:
        raise ServiceError("BranchDoesNotExistException", f"{data['branchName']} does not exist")
    return {"branch": {"branchName": data["branchName"], "commitId": commit}}


def _commit(place: Place, data: Data) -> Data:
    repository = find(place, data["repositoryName"])
    try:
        told = repository.git("show", "--no-patch", "--format=%H%x00%an%x00%ae%x00%at%x00%B", data["commitId"])
    except subprocess.CalledProcessError:
        raise ServiceError("CommitIdDoesNotExistException", f"{data['commitId']} does not exist") from None
    commit, name, email, at, message = told.split("\0", 4)
    author = {"name": name, "email": email, "date": f"{at} +0000"}
    return {"commit": {"commitId": commit, "author": author, "committer": author, "message": message}}
