"""What a push does to open pull requests.

A push to the source is a new revision. A deleted source or destination closes the request. A destination that was fast
forwarded to the source's commit closes it, too: it is merged, whoever pushed and whatever the rules say. AWS's
documentation says the latter of a fast forward alone.
https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-close-pull-request.html
https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-merge-pull-request.html
"""

from __future__ import annotations

from local_aws.code import codecommit
from local_aws.code.codecommit import Repository
from local_aws.code.pull_requests import events, merging, records
from local_aws.code.pull_requests.records import PullRequest

Refs = dict[str, str]


def follow() -> None:
    """Follow every push from now on, and forget the requests of deleted repositories."""
    codecommit.on_push.append(_follow)
    codecommit.on_delete.append(lambda gone: records.drop(gone.place, gone.name))


def _follow(repository: Repository, before: Refs, after: Refs, who: str) -> None:
    with records.lock:
        for request in records.of_repository(repository.place, repository.name):
            if request.status == "OPEN":
                _follow_one(request, before, after, who)


def _follow_one(request: PullRequest, before: Refs, after: Refs, who: str) -> None:
    ends = (request.source, request.destination)
    if all(before.get(reference) == after.get(reference) for reference in ends):
        return
    if any(reference in before and reference not in after for reference in ends):
        _close(request, before)
        events.send(request, "pullRequestStatusChanged", who)
        return
    tip = after.get(request.source, request.source_commit)
    if tip != request.source_commit:
        request.source_commit, request.revision = tip, records.new_revision()
        request.touch()
        events.send(request, "pullRequestSourceBranchUpdated", who)
    if before.get(request.destination) != after.get(request.destination) == tip:
        _close(request, before)
        option = merging.FAST_FORWARD
        request.merge = {"isMerged": True, "mergedBy": who, "mergeCommitId": tip, "mergeOption": option}
        events.send(request, "pullRequestMergeStatusUpdated", who, mergeOption=option)


def _close(request: PullRequest, before: Refs) -> None:
    request.destination_commit = before.get(request.destination, "")
    request.status = "CLOSED"
    request.touch()
