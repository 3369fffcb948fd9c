"""CodeCommit: branches, and what is read of commits and files."""

from __future__ import annotations

import base64
import subprocess

from local_aws.code import codecommit
from local_aws.code.callers import caller
from local_aws.code.codecommit import Repository
from local_aws.code.paging import paged
from local_aws.control.protocol import Data, Operation, Place, ServiceError

_MODES = {"100644": "NORMAL", "100755": "EXECUTABLE", "120000": "SYMLINK"}


def operations() -> dict[str, Operation]:
    """Operations of branches, commits and files."""
    return {
        "CreateBranch": _create,
        "GetBranch": _get,
        "ListBranches": _list,
        "DeleteBranch": _delete,
        "GetCommit": _commit,
        "GetFile": _file,
        "GetDifferences": _differences,
    }


def _create(place: Place, data: Data) -> Data:
    repository, name = codecommit.find(place, data["repositoryName"]), data["branchName"]
    before = repository.refs()
    if f"refs/heads/{name}" in before:
        raise ServiceError("BranchNameExistsException", f"{name} exists")
    commit = repository.full_commit(data["commitId"], "CommitDoesNotExistException")
    try:
        repository.git("check-ref-format", f"refs/heads/{name}")
    except subprocess.CalledProcessError:
        raise ServiceError("InvalidBranchNameException", f"{name} is no branch name") from None
    repository.move(f"refs/heads/{name}", commit, "")
    codecommit.pushed(repository, before, {**before, f"refs/heads/{name}": commit}, caller())
    return {}


def _get(place: Place, data: Data) -> Data:
    repository = codecommit.find(place, data["repositoryName"])
    commit = repository.refs().get(f"refs/heads/{data['branchName']}")
    if commit is None:
        raise ServiceError("BranchDoesNotExistException", f"{data['branchName']} does not exist")
    return {"branch": {"branchName": data["branchName"], "commitId": commit}}


def _list(place: Place, data: Data) -> Data:
    refs = codecommit.find(place, data["repositoryName"]).refs()
    found = [ref.removeprefix("refs/heads/") for ref in refs if ref.startswith("refs/heads/")]
    return paged("branches", found, data)


def _delete(place: Place, data: Data) -> Data:
    repository, name = codecommit.find(place, data["repositoryName"]), data["branchName"]
    if name == repository.default_branch:
        raise ServiceError("DefaultBranchCannotBeDeletedException", f"{name} is the default branch")
    before = repository.refs()
    commit = before.get(f"refs/heads/{name}")
    if commit is None:
        return {}
    repository.git("update-ref", "-d", f"refs/heads/{name}", commit)
    codecommit.pushed(repository, before, {r: c for r, c in before.items() if r != f"refs/heads/{name}"}, caller())
    return {"deletedBranch": {"branchName": name, "commitId": commit}}


def _commit(place: Place, data: Data) -> Data:
    repository = codecommit.find(place, data["repositoryName"])
    found = repository.full_commit(data["commitId"], "CommitIdDoesNotExistException")
    # git pads no member, and a message may have any line in it: it comes last.
    form = "--format=%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B"
    tree, parents, *who, message = repository.git("show", "--no-patch", form, found).split("\0", 8)
    author, committer = (
        {"name": name, "email": email, "date": f"{at} +0000"} for name, email, at in (who[:3], who[3:])
    )
    return {
        "commit": {
            "commitId": found,
            "treeId": tree,
            "parents": parents.split(),
            "message": message,
            "author": author,
            "committer": committer,
            "additionalData": "",
        }
    }


def _file(place: Place, data: Data) -> Data:
    repository, path = codecommit.find(place, data["repositoryName"]), data["filePath"].strip("/")
    commit = repository.commit_of(data.get("commitSpecifier") or repository.default_branch)
    mode, blob = entry(repository, commit, path)
    if mode not in _MODES:
        raise ServiceError("FileDoesNotExistException", f"{path} does not exist")
    command = ["git", "--git-dir", str(repository.folder), "cat-file", "blob", blob]
    content = subprocess.run(command, check=True, capture_output=True).stdout
    return {
        "commitId": commit,
        "blobId": blob,
        "filePath": path,
        "fileMode": _MODES[mode],
        "fileSize": len(content),
        "fileContent": base64.b64encode(content).decode(),
    }


def entry(repository: Repository, commit: str, path: str) -> tuple[str, str]:
    """Mode and id of what is at a path of a commit; empty ones if nothing is."""
    fields = repository.git("ls-tree", commit, "--", path).partition("\t")[0].split()
    return (fields[0], fields[2]) if fields else ("", "")


def _differences(place: Place, data: Data) -> Data:
    """The files that differ between two commits, or all of one."""
    repository = codecommit.find(place, data["repositoryName"])
    after = repository.commit_of(data["afterCommitSpecifier"])
    # Git knows this tree without its being there.
    before = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    if data.get("beforeCommitSpecifier"):
        before = repository.commit_of(data["beforeCommitSpecifier"])
    found = []
    for line in repository.git("diff-tree", "-r", "--no-renames", before, after).splitlines():
        fields, _, path = line.partition("\t")
        old_mode, mode, old_blob, blob, kind = fields.lstrip(":").split(" ")
        difference: Data = {"changeType": kind if kind in "AMD" else "M"}
        if kind != "A":
            difference["beforeBlob"] = {"blobId": old_blob, "path": path, "mode": old_mode}
        if kind != "D":
            difference["afterBlob"] = {"blobId": blob, "path": path, "mode": mode}
        found.append(difference)
    page = paged("differences", found, {"nextToken": data.get("NextToken"), "maxResults": data.get("MaxResults")})
    return {("NextToken" if name == "nextToken" else name): value for name, value in page.items()}
