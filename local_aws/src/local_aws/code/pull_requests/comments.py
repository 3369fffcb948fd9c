"""Comments on pull requests.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_PostCommentForPullRequest.html
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

from local_aws.code.callers import caller
from local_aws.code.paging import paged
from local_aws.code.pull_requests import events, records
from local_aws.code.pull_requests.records import PullRequest
from local_aws.control.protocol import Data, Operation, Place, ServiceError

_AT_MOST = 10_240


@dataclass(slots=True)
class Comment:
    """A comment of ``author`` on the difference of two commits, and on a place in it if ``location`` is not None."""

    place: Place
    request: str
    repository: str
    before: str
    after: str
    location: Data | None
    content: str
    author: str
    token: str | None
    id: str = field(default_factory=lambda: f"{uuid.uuid4()}:{uuid.uuid4()}")
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)

    def view(self) -> Data:
        view = {
            "commentId": self.id,
            "content": self.content,
            "creationDate": self.created,
            "lastModifiedDate": self.modified,
            "authorArn": self.author,
            "deleted": False,
            "clientRequestToken": self.token,
            "callerReactions": [],
            "reactionCounts": {},
        }
        return {name: value for name, value in view.items() if value is not None}

    def where(self) -> Data:
        """What it is on, as PostCommentForPullRequest and GetCommentsForPullRequest say it."""
        found = {
            "repositoryName": self.repository,
            "pullRequestId": self.request,
            "beforeCommitId": self.before,
            "afterCommitId": self.after,
        }
        return found if self.location is None else {**found, "location": self.location}


_comments: dict[tuple[Place, str], Comment] = {}


def operations() -> dict[str, Operation]:
    """Operations of comments."""
    return {
        "PostCommentForPullRequest": _post,
        "GetCommentsForPullRequest": _list,
        "GetComment": lambda place, data: {"comment": _find(place, data["commentId"]).view()},
        "UpdateComment": _update,
    }


def repository_of(place: Place, comment: str) -> str:
    """The repository's name of a comment, or empty: what a call is authorized on."""
    found = _comments.get((place, comment))
    return found.repository if found else ""


def _find(place: Place, comment: str) -> Comment:
    found = _comments.get((place, comment))
    if found is None:
        raise ServiceError("CommentDoesNotExistException", f"{comment} does not exist")
    return found


def _post(place: Place, data: Data) -> Data:
    request = records.find(place, data["pullRequestId"])
    repository = records.associated(request, data["repositoryName"])
    before, after = (
        repository.full_commit(data[name], "CommitDoesNotExistException")
        for name in ("beforeCommitId", "afterCommitId")
    )
    if before == after:
        raise ServiceError("BeforeCommitIdAndAfterCommitIdAreSameException", "before and after are the same commit")
    _check(data["content"])
    made = Comment(
        place, request.id, request.repository, before, after, data.get("location"), data["content"], caller(),
        data.get("clientRequestToken"),
    )  # fmt: skip
    with records.lock:
        same = _with_token(made)
        if same is None:
            _comments[place, made.id] = made
            request.touch()
    if same is None:
        _send_event(request, "commentOnPullRequestCreated", made)
    return {**made.where(), "comment": (same or made).view()}


def _with_token(made: Comment) -> Comment | None:
    """The comment that was made with the token. Raises IdempotencyParameterMismatchException for another one."""
    for other in _comments.values():
        if not made.token or (other.place, other.author, other.token) != (made.place, made.author, made.token):
            continue
        if (other.where(), other.content) != (made.where(), made.content):
            raise ServiceError("IdempotencyParameterMismatchException", "the token came with other parameters before")
        return other
    return None


def _list(place: Place, data: Data) -> Data:
    request = records.find(place, data["pullRequestId"])
    if data.get("repositoryName"):
        records.associated(request, data["repositoryName"])
    found = [
        each
        for each in _comments.values()
        if (each.place, each.request) == (place, request.id)
        and data.get("beforeCommitId") in (None, each.before)
        and data.get("afterCommitId") in (None, each.after)
    ]
    page = paged("comments", found, data)
    threads: list[Data] = []
    for comment in page.pop("comments"):
        where = comment.where()
        thread = next((each for each in threads if {**each, "comments": None} == {**where, "comments": None}), None)
        if thread is None:
            thread = {**where, "comments": []}
            threads.append(thread)
        thread["comments"].append(comment.view())
    return {"commentsForPullRequestData": threads, **page}


def _update(place: Place, data: Data) -> Data:
    found = _find(place, data["commentId"])
    if caller() != found.author:
        raise ServiceError("CommentNotCreatedByCallerException", "only its author may change a comment")
    _check(data["content"])
    found.content, found.modified = data["content"], time.time()
    _send_event(records.find(place, found.request), "commentOnPullRequestUpdated", found)
    return {"comment": found.view()}


def _check(content: str) -> None:
    if not content:
        raise ServiceError("CommentContentRequiredException", "a comment has a content")
    if len(content) > _AT_MOST:
        raise ServiceError("CommentContentSizeLimitExceededException", f"a comment has at most {_AT_MOST} characters")


def _send_event(request: PullRequest, event: str, comment: Comment) -> None:
    on = {"commentId": comment.id, "beforeCommitId": comment.before, "afterCommitId": comment.after}
    events.send_comment(request, event, caller(), on)
