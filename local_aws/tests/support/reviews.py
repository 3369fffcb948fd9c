"""A repository with a branch to merge, and pull requests on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.callers import Caller
from support.git import commit, git
from support.policies import allow

EVERYTHING = allow("codecommit:*", "*")


@dataclass(frozen=True)
class Review:
    """`name`: of the repository. `clone`: on branch `change`, one commit ahead of `main`. `author` has all rights, and
    `codecommit` is their client."""

    name: str
    clone: Path
    author: Caller
    codecommit: Any

    def open(self, **more: Any) -> dict[str, Any]:
        """Open a pull request from `change` to `main`; as it is shown."""
        target = {"repositoryName": self.name, "sourceReference": "change", "destinationReference": "main"}
        made = self.codecommit.create_pull_request(title="A change", targets=[target], **more)
        return dict(made["pullRequest"])

    def push(self, files: dict[str, str], branch: str = "change") -> str:
        """Commit on a branch and push it; -> commit id."""
        git(self.clone, "checkout", "--quiet", "-B", branch, f"origin/{branch}")
        made = commit(self.clone, files, f"On {branch}")
        git(self.clone, "push", "--quiet", "origin", branch)
        return made

    def tip(self, branch: str) -> str:
        """The commit of a branch."""
        found = self.codecommit.get_branch(repositoryName=self.name, branchName=branch)
        return str(found["branch"]["commitId"])

    def again(self, request: dict[str, Any]) -> dict[str, Any]:
        """A pull request as it is now."""
        found = self.codecommit.get_pull_request(pullRequestId=request["pullRequestId"])
        return dict(found["pullRequest"])


def reviewed(clone: Path, name: str, author: Caller) -> Review:
    """Push `main` and `change` from the clone."""
    commit(clone, {"services.yaml": "a: 1\n\n\n\n\nz: 1\n"}, "First")
    git(clone, "push", "--quiet", "origin", "main")
    git(clone, "checkout", "--quiet", "-b", "change")
    commit(clone, {"more.yaml": "b: 1\n"}, "Second")
    git(clone, "push", "--quiet", "origin", "change")
    return Review(name, clone, author, author.client("codecommit"))


def rule(needed: int = 1, pool: list[str] | None = None, references: list[str] | None = None) -> str:
    """Content of an approval rule."""
    statement = {"Type": "Approvers", "NumberOfApprovalsNeeded": needed}
    document: dict[str, Any] = {
        "Version": "2018-11-08",
        "Statements": [statement | ({"ApprovalPoolMembers": pool} if pool else {})],
    }
    return json.dumps(document | ({"DestinationReferences": references} if references else {}))


def refused(act: Callable[[], Any]) -> str:
    """The name of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        act()
    return str(caught.value.response["Error"]["Code"])
