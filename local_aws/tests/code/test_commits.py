"""CodeCommit's API for branches, files and commits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from support.git import commit, git
from support.reviews import refused


@pytest.fixture
def codecommit(aws: LocalAws, clone: Path) -> Any:
    """A client, for a repository of the test's name with one commit on `main`."""
    commit(clone, {"a.yaml": "a: 1\n"}, "First")
    git(clone, "push", "--quiet", "origin", "main")
    return aws.client("codecommit")


def _tip(codecommit: Any, name: str, branch: str = "main") -> str:
    return str(codecommit.get_branch(repositoryName=name, branchName=branch)["branch"]["commitId"])


def test_branches_are_made_listed_and_deleted(codecommit: Any, name: str) -> None:
    on = {"repositoryName": name}
    codecommit.create_branch(**on, branchName="other", commitId=_tip(codecommit, name))
    assert codecommit.list_branches(**on)["branches"] == ["main", "other"]
    create = codecommit.create_branch
    assert refused(lambda: create(**on, branchName="other", commitId=_tip(codecommit, name))) == (
        "BranchNameExistsException"
    )
    assert refused(lambda: create(**on, branchName="third", commitId="0" * 40)) == "CommitDoesNotExistException"
    assert refused(lambda: codecommit.delete_branch(**on, branchName="main")) == "DefaultBranchCannotBeDeletedException"
    codecommit.delete_branch(**on, branchName="other")
    assert codecommit.list_branches(**on)["branches"] == ["main"]


def test_a_file_is_read_by_branch_or_commit(codecommit: Any, name: str, clone: Path) -> None:
    first = _tip(codecommit, name)
    commit(clone, {"a.yaml": "a: 2\n"}, "Second")
    git(clone, "push", "--quiet", "origin", "main")
    on = {"repositoryName": name, "filePath": "a.yaml"}
    assert codecommit.get_file(**on)["fileContent"] == b"a: 2\n"
    answer = codecommit.get_file(**on, commitSpecifier=first)
    assert (answer["fileContent"], answer["commitId"], answer["fileMode"]) == (b"a: 1\n", first, "NORMAL")
    assert refused(lambda: codecommit.get_file(**on, commitSpecifier="none")) == "CommitDoesNotExistException"
    missing = refused(lambda: codecommit.get_file(repositoryName=name, filePath="none"))
    assert missing == "FileDoesNotExistException"
    (changed,) = codecommit.get_differences(
        repositoryName=name, beforeCommitSpecifier=first, afterCommitSpecifier="main"
    )["differences"]
    assert (changed["changeType"], changed["afterBlob"]["path"]) == ("M", "a.yaml")


def test_a_commit_is_made_on_the_tip_alone(codecommit: Any, name: str, clone: Path) -> None:
    # WHEN files are written and deleted in one commit
    first = _tip(codecommit, name)
    made = codecommit.create_commit(
        repositoryName=name,
        branchName="main",
        parentCommitId=first,
        commitMessage="By the API",
        authorName="A Machine",
        putFiles=[{"filePath": "folder/b.yaml", "fileContent": b"b: 1\n"}],
        deleteFiles=[{"filePath": "a.yaml"}],
    )

    # THEN Git sees it
    git(clone, "pull", "--quiet", "origin", "main")
    assert git(clone, "rev-parse", "HEAD") == made["commitId"] == _tip(codecommit, name)
    assert git(clone, "ls-files") == "folder/b.yaml"
    assert git(clone, "log", "-1", "--format=%an: %s") == "A Machine: By the API"

    # AND the old tip is a parent no more
    put = {"repositoryName": name, "branchName": "main", "filePath": "c.yaml", "fileContent": b"c: 1\n"}
    assert refused(lambda: codecommit.put_file(**put, parentCommitId=first)) == "ParentCommitIdOutdatedException"
    assert refused(lambda: codecommit.put_file(**put)) == "ParentCommitIdRequiredException"


def test_one_file_is_put_and_deleted(codecommit: Any, name: str) -> None:
    on = {"repositoryName": name, "branchName": "main", "filePath": "a.yaml"}
    put = codecommit.put_file(**on, fileContent=b"a: 3\n", parentCommitId=_tip(codecommit, name))
    assert put["commitId"] == _tip(codecommit, name)
    same = refused(lambda: codecommit.put_file(**on, fileContent=b"a: 3\n", parentCommitId=put["commitId"]))
    assert same == "SameFileContentException"
    deleted = codecommit.delete_file(**on, parentCommitId=put["commitId"])
    assert deleted["blobId"] == put["blobId"]
    again = refused(lambda: codecommit.delete_file(**on, parentCommitId=deleted["commitId"]))
    assert again == "FileDoesNotExistException"
