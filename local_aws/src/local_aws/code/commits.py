"""CodeCommit: commits that its API makes.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateCommit.html
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local_aws.code import codecommit
from local_aws.code.branches import entry
from local_aws.code.callers import caller
from local_aws.code.codecommit import Repository
from local_aws.control.protocol import Data, Operation, Place, ServiceError

_MODES = {"NORMAL": "100644", "EXECUTABLE": "100755", "SYMLINK": "120000"}


@dataclass(frozen=True, slots=True)
class Change:
    """A file to write (``content`` is base64) or, with None, to delete."""

    path: str
    content: str | None
    mode: str = "NORMAL"


def operations() -> dict[str, Operation]:
    """Operations that commit."""
    return {"CreateCommit": _create, "PutFile": _put, "DeleteFile": _delete}


def _create(place: Place, data: Data) -> Data:
    if data.get("setFileModes") or any("fileContent" not in each for each in data.get("putFiles") or []):
        raise ServiceError("InvalidParameterException", "the local AWS plays putFiles with content, and deleteFiles")
    changes = [
        Change(each["filePath"], each["fileContent"], each.get("fileMode") or "NORMAL")
        for each in data.get("putFiles") or []
    ]
    changes += [Change(each["filePath"], None) for each in data.get("deleteFiles") or []]
    if not changes:
        raise ServiceError("FileEntryRequiredException", "a commit changes a file")
    return _commit(place, data, changes, data.get("authorName"))


def _put(place: Place, data: Data) -> Data:
    change = Change(data["filePath"], data["fileContent"], data.get("fileMode") or "NORMAL")
    answer = _commit(place, data, [change], data.get("name"), no_change="SameFileContentException")
    written = (answer["filesAdded"] + answer["filesUpdated"])[0]
    return {"commitId": answer["commitId"], "treeId": answer["treeId"], "blobId": written["blobId"]}


def _delete(place: Place, data: Data) -> Data:
    answer = _commit(place, data, [Change(data["filePath"], None)], data.get("name"))
    gone = answer["filesDeleted"][0]
    ids = {name: answer[name] for name in ("commitId", "treeId")}
    return {**ids, "blobId": gone["blobId"], "filePath": data["filePath"]}


def _commit(
    place: Place, data: Data, changes: list[Change], author: str | None, no_change: str = "NoChangeException"
) -> Data:
    repository, reference = codecommit.find(place, data["repositoryName"]), f"refs/heads/{data['branchName']}"
    before = repository.refs()
    parent = before.get(reference)
    _check_parent(repository, before, parent, data)
    answer: Data = {"filesAdded": [], "filesUpdated": [], "filesDeleted": []}
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        if parent:
            _git(repository, index, "read-tree", parent)
        for change in changes:
            kind, line = _apply(repository, index, parent, change)
            answer[kind].append(line)
        tree = _git(repository, index, "write-tree")
    if parent and tree == repository.git("rev-parse", f"{parent}^{{tree}}"):
        raise ServiceError(no_change, "the files are as they were")
    made = _write(repository, tree, parent, author, data)
    repository.move(reference, made, parent or "")
    codecommit.pushed(repository, before, {**before, reference: made}, caller())
    return {"commitId": made, "treeId": tree, **answer}


def _check_parent(repository: Repository, refs: dict[str, str], parent: str | None, data: Data) -> None:
    given = data.get("parentCommitId")
    if parent is None:
        if refs:
            raise ServiceError("BranchDoesNotExistException", f"{data['branchName']} does not exist")
        return
    if not given:
        raise ServiceError("ParentCommitIdRequiredException", "the tip of the branch is needed as its parent")
    repository.full_commit(given, "ParentCommitDoesNotExistException")
    if given != parent:
        raise ServiceError("ParentCommitIdOutdatedException", f"the tip of the branch is {parent}")


def _apply(repository: Repository, index: Path, parent: str | None, change: Change) -> tuple[str, Data]:
    mode, blob = entry(repository, parent, change.path) if parent else ("", "")
    if change.content is None:
        if not blob:
            raise ServiceError("FileDoesNotExistException", f"{change.path} does not exist")
        _git(repository, index, "update-index", "--index-info", given=f"0 {'0' * 40}\t{change.path}\n".encode())
        return "filesDeleted", {"absolutePath": change.path, "blobId": blob}
    content = base64.b64decode(change.content)
    written = _git(repository, index, "hash-object", "-w", "--stdin", given=content)
    _git(repository, index, "update-index", "--add", "--cacheinfo", f"{_MODES[change.mode]},{written},{change.path}")
    answer = {"absolutePath": change.path, "blobId": written, "fileMode": change.mode}
    return ("filesUpdated" if mode else "filesAdded"), answer


def _write(repository: Repository, tree: str, parent: str | None, author: str | None, data: Data) -> str:
    from local_aws.code.pull_requests.merging import Author, commit_tree

    name = author or caller().rsplit("/", 1)[-1]
    message = data.get("commitMessage") or "Changed by the API"
    return commit_tree(repository, tree, [parent] if parent else [], Author(name, data.get("email") or "", message))


def _git(repository: Repository, index: Path, *arguments: str, given: bytes | None = None) -> str:
    """What git prints, for a command on an index of its own."""
    command = ["git", "--git-dir", str(repository.folder), *arguments]
    environment = {**os.environ, "GIT_INDEX_FILE": str(index)}
    return (
        subprocess.run(command, check=True, capture_output=True, env=environment, input=given).stdout.decode().strip()
    )
