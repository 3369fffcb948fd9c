"""Calls to CodeCommit for one pull request: one comment, whoever wrote or deleted it, and approvals of what is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecs_gitops.aws import pull_requests
from ecs_gitops.aws.pull_requests import PullRequest, PullRequests
from ecs_gitops.model.errors import AwsRefused

OWN = "arn:aws:sts::111111111111:assumed-role/shop-review/ecs-gitops-plan"
REQUEST = PullRequest("7", "revision", "refs/heads/change", "a" * 40, "refs/heads/main", "b" * 40)


class CodeCommit:
    """The calls of a boto3 client, with one pull request."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.tokens: dict[str, str] = {}
        self.approval_fails_with: str | None = None
        self.between: Callable[[], object] = lambda: None

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": OWN}

    def get_comments_for_pull_request(self, **_: str) -> dict[str, Any]:
        return {"commentsForPullRequestData": [{"comments": [dict(each) for each in self.comments]}]}

    def post_comment_for_pull_request(self, *, content: str, **more: str) -> dict[str, Any]:
        self.between()
        if self.tokens.setdefault(more["clientRequestToken"], content) != content:
            raise _refusal("IdempotencyParameterMismatchException")
        self.comments.append({"commentId": str(len(self.comments)), "authorArn": OWN, "content": content})
        return {}

    def update_comment(self, *, commentId: str, content: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        self.comments[int(commentId)]["content"] = content
        return {}

    def update_pull_request_approval_state(self, **_: str) -> dict[str, Any]:
        if self.approval_fails_with is not None:
            raise _refusal(self.approval_fails_with)
        return {}


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "x")


@pytest.fixture
def codecommit() -> CodeCommit:
    return CodeCommit()


@pytest.fixture
def requests(codecommit: CodeCommit, monkeypatch: pytest.MonkeyPatch) -> PullRequests:
    class Session:
        def client(self, *_: object, **__: object) -> CodeCommit:
            return codecommit

    monkeypatch.setattr(pull_requests, "assumed", lambda *_: (Session(), 0.0))
    return PullRequests("shop", "role", "ecs-gitops-plan", "us-west-2")


def _texts(codecommit: CodeCommit) -> list[str]:
    return [each["content"] for each in codecommit.comments if not each.get("deleted")]


def test_a_comment_that_somebody_deleted_is_made_anew(requests: PullRequests, codecommit: CodeCommit) -> None:
    # GIVEN a comment that was deleted
    requests.comment(REQUEST, "mark", "mark one")
    codecommit.comments[0]["deleted"] = True
    # WHEN the same commits are planned again, THEN there is a comment again, and one alone
    requests.comment(REQUEST, "mark", "mark two")
    requests.comment(REQUEST, "mark", "mark three")
    assert _texts(codecommit) == ["mark three"]


def test_two_builds_at_once_make_one_comment(requests: PullRequests, codecommit: CodeCommit) -> None:
    # GIVEN a build that comments between the look of another one and its comment, with another time in the text
    def other() -> None:
        codecommit.between = lambda: None
        requests.comment(REQUEST, "mark", "mark 10:00")

    codecommit.between = other
    # THEN there is one comment, that of the last
    requests.comment(REQUEST, "mark", "mark 10:01")
    assert _texts(codecommit) == ["mark 10:01"]


@pytest.mark.parametrize("code", ["RevisionNotCurrentException", "PullRequestAlreadyClosedException"])
def test_what_was_pushed_to_or_merged_meanwhile_is_not_approved_and_no_failure(
    requests: PullRequests, codecommit: CodeCommit, code: str
) -> None:
    codecommit.approval_fails_with = code
    requests.approve(REQUEST, is_good=True)
    # AND any other refusal is one
    codecommit.approval_fails_with = "AccessDeniedException"
    with pytest.raises(AwsRefused):
        requests.approve(REQUEST, is_good=True)
