"""What AWS authorizes CodeCommit's calls on, and the branch that they change.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodecommit.html
"""

from __future__ import annotations

from typing import Any

from local_aws.code.pull_requests import comments, records
from local_aws.control.protocol import Place

_ON_A_BRANCH = ("CreateBranch", "CreateCommit", "PutFile", "DeleteFile", "DeleteBranch")


def authorized_on(data: dict[str, Any], region: str, account: str) -> str | None:
    """The repository's ARN: named, or that of the pull request or comment. None for calls on ``*``, such as those on
    templates."""
    place, name = Place(account, region), data.get("repositoryName")
    if not name and data.get("targets"):
        name = (data["targets"][0] or {}).get("repositoryName")
    if not name and data.get("pullRequestId"):
        name = records.repository_of(place, data["pullRequestId"])
    if not name and data.get("commentId"):
        name = comments.repository_of(place, data["commentId"])
    return place.arn("codecommit", name) if name else None


def keys(action: str, data: dict[str, Any], region: str, account: str) -> dict[str, Any]:
    """``codecommit:References``, the branch as ``refs/heads/NAME``, of calls that change one."""
    reference = ""
    if action in _ON_A_BRANCH and data.get("branchName"):
        reference = f"refs/heads/{data['branchName']}"
    elif action.startswith("MergePullRequestBy"):
        reference = records.destination_of(Place(account, region), str(data.get("pullRequestId")))
    return {"codecommit:References": reference} if reference else {}
