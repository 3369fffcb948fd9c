"""CodeCommit's pull requests: read them, comment once, and approve.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_PostCommentForPullRequest.html
https://docs.aws.amazon.com/codecommit/latest/APIReference/API_UpdatePullRequestApprovalState.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_gitops.aws import assumed
from ecs_gitops.aws.calls import attempt
from ecs_gitops.model.errors import AwsRefused

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

COMMENT_AT_MOST = 10_240
_OTHER_CONTENT = "IdempotencyParameterMismatchException"
# A newer revision was pushed, or the request was merged or closed.
_NO_LONGER = ("RevisionNotCurrentException", "PullRequestAlreadyClosedException")
_GONE = ("PullRequestDoesNotExistException", "InvalidPullRequestIdException")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """An open pull request of the repository. The revision changes with each push to its source branch."""

    id: str
    revision: str
    source: str
    source_commit: str
    destination: str
    destination_commit: str


class PullRequests:
    """Calls for one repository, as a role with a fixed session name: CodeCommit knows who comments and approves by the
    session's ARN. Every method raises :class:`AwsUnavailable` and :class:`AwsRefused`."""

    def __init__(self, repository: str, role_arn: str, session_name: str, region: str) -> None:
        credentials, _ = assumed(role_arn, region, session_name)
        self._client: Any = credentials.client("codecommit", region)
        self._repository = repository
        sts: Any = credentials.client("sts", region)
        self._own_arn = str(attempt("get_caller_identity", sts.get_caller_identity)["Arn"])

    def open_ids(self) -> list[str]:
        """The ids of all open pull requests."""
        found: list[str] = []
        for page in self._pages("list_pull_requests", pullRequestStatus="OPEN"):
            found += page["pullRequestIds"]
        return found

    def read(self, pull_request_id: str) -> PullRequest | None:
        """The pull request; None where it is not open, or does not exist."""
        try:
            found = self._call("get_pull_request", pullRequestId=pull_request_id)["pullRequest"]
        except AwsRefused as error:
            if error.code in _GONE:
                return None
            raise
        targets = [each for each in found["pullRequestTargets"] if each["repositoryName"] == self._repository]
        if found["pullRequestStatus"] != "OPEN" or not targets:
            return None
        target = targets[0]
        return PullRequest(
            pull_request_id,
            found["revisionId"],
            target["sourceReference"],
            target["sourceCommit"],
            target["destinationReference"],
            target["destinationCommit"],
        )

    def commented(self, request: PullRequest, marker: str) -> Json | None:
        """Our comment with ``marker``: commentId and content. None where there is none yet."""
        for page in self._pages("get_comments_for_pull_request", pullRequestId=request.id):
            for known in (each for part in page["commentsForPullRequestData"] for each in part.get("comments", [])):
                if self._is_ours(known, marker):
                    return dict(known)
        return None

    def comment(self, request: PullRequest, marker: str, content: str) -> None:
        """Write our comment: the one with ``marker`` that we made before is replaced."""
        content = content[:COMMENT_AT_MOST]
        if self._updated(request, marker, content):
            return
        # Two builds at once make one comment.
        token = hashlib.sha256(f"{marker} {request.id} {request.source_commit}".encode()).hexdigest()
        try:
            self._post(request, content, token)
        except AwsRefused as error:
            if error.code != _OTHER_CONTENT:
                raise
            # Another build was first, or the comment that was made with this token is deleted.
            if not self._updated(request, marker, content):
                self._post(request, content, hashlib.sha256(f"{token} {content}".encode()).hexdigest())

    def _updated(self, request: PullRequest, marker: str, content: str) -> bool:
        """Write our comment anew; False where there is none."""
        known = self.commented(request, marker)
        if known is not None and known.get("content") != content:
            self._call("update_comment", commentId=known["commentId"], content=content)
        return known is not None

    def _post(self, request: PullRequest, content: str, token: str) -> None:
        self._call(
            "post_comment_for_pull_request",
            pullRequestId=request.id,
            repositoryName=self._repository,
            beforeCommitId=request.destination_commit,
            afterCommitId=request.source_commit,
            content=content,
            clientRequestToken=token,
        )

    def approve(self, request: PullRequest, *, is_good: bool) -> None:
        """Give our approval to the revision, or take it back. Where a newer revision was pushed in the meantime nothing
        is to be done: it has no approval, and its own review follows. Nor where the request is closed."""
        state = {"revisionId": request.revision, "approvalState": "APPROVE" if is_good else "REVOKE"}
        try:
            self._call("update_pull_request_approval_state", pullRequestId=request.id, **state)
        except AwsRefused as error:
            if error.code not in _NO_LONGER:
                raise

    def _is_ours(self, comment: Json, marker: str) -> bool:
        is_deleted = bool(comment.get("deleted"))
        return not is_deleted and comment.get("authorArn") == self._own_arn and marker in comment.get("content", "")

    def _pages(self, method: str, **parameters: Any) -> Iterator[Json]:
        token: Json = {}
        while True:
            page = self._call(method, repositoryName=self._repository, **parameters, **token)
            yield page
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def _call(self, method: str, **parameters: Any) -> Json:
        return dict(attempt(method, lambda: getattr(self._client, method)(**parameters)))
