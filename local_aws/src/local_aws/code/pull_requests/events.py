"""The events of pull requests on the default bus.

https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
"""

from __future__ import annotations

import time
from typing import Any

from local_aws.code.pull_requests.records import PullRequest
from local_aws.control.protocol import Data
from local_aws.events.bus import emit

_STATE_CHANGE = "CodeCommit Pull Request State Change"
_COMMENT = "CodeCommit Comment on Pull Request"


def send(request: PullRequest, event: str, caller: str, **more: Any) -> None:
    """Send a state change: ``event`` as AWS names it, ``more`` members that this event alone has.

    AWS writes whether the request is merged as ``"True"`` and ``"False"``, and its status as ``"Open"`` and
    ``"Closed"``.
    """
    detail = {
        "event": event,
        "pullRequestId": request.id,
        "repositoryNames": [request.repository],
        "title": request.title,
        "description": request.description or "",
        "author": request.author,
        "callerUserArn": caller,
        "creationDate": _written(request.created),
        "lastModifiedDate": _written(request.active),
        "sourceReference": request.source,
        "sourceCommit": request.source_commit,
        "destinationReference": request.destination,
        "destinationCommit": request.destination_tip(),
        "revisionId": request.revision,
        "isMerged": str(bool(request.merge["isMerged"])),
        "pullRequestStatus": request.status.capitalize(),
        "notificationBody": _body(request, f"{caller} updated the following PullRequest {request.id}."),
        **more,
    }
    _put(request, _STATE_CHANGE, detail)


def send_comment(request: PullRequest, event: str, caller: str, comment: Data) -> None:
    """Send that a comment was made or changed. ``comment``: id, and the two commits that it is on."""
    detail = {
        "event": event,
        "pullRequestId": request.id,
        "repositoryName": request.repository,
        "repositoryId": request.find_repository().id,
        "callerUserArn": caller,
        "notificationBody": _body(request, f"{caller} made a comment on the Pull Request {request.id}."),
        **comment,
    }
    _put(request, _COMMENT, detail)


def _put(request: PullRequest, detail_type: str, detail: Data) -> None:
    arn = request.find_repository().arn
    emit(request.place.account, request.place.region, "aws.codecommit", detail_type, detail, [arn])


def _body(request: PullRequest, what: str) -> str:
    return f"A pull request event occurred in the following AWS CodeCommit repository: {request.repository}. {what}"


def _written(at: float) -> str:
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(at))
