"""Create, read, change and merge pull requests.

https://docs.aws.amazon.com/codecommit/latest/APIReference/
"""

from __future__ import annotations

from local_aws.code import codecommit
from local_aws.code.callers import caller
from local_aws.code.paging import paged
from local_aws.code.pull_requests import approval_rules, events, merging, records
from local_aws.code.pull_requests.records import PullRequest
from local_aws.control.protocol import Data, Operation, Place, ServiceError

_TITLE_AT_MOST, _DESCRIPTION_AT_MOST = 150, 10_240


def operations() -> dict[str, Operation]:
    """Operations of pull requests themselves."""
    return {
        "CreatePullRequest": _create,
        "GetPullRequest": lambda place, data: _shown(records.find(place, data["pullRequestId"])),
        "ListPullRequests": _list,
        "UpdatePullRequestTitle": _update_title,
        "UpdatePullRequestDescription": _update_description,
        "UpdatePullRequestStatus": _update_status,
        "MergePullRequestByFastForward": _merging(merging.FAST_FORWARD),
        "MergePullRequestBySquash": _merging(merging.SQUASH),
        "MergePullRequestByThreeWay": _merging(merging.THREE_WAY),
        "GetMergeConflicts": merging.merge_conflicts,
    }


def _create(place: Place, data: Data) -> Data:
    if not data.get("title"):
        raise ServiceError("TitleRequiredException", "a title is needed")
    targets = data.get("targets") or []
    if len(targets) != 1:
        code = "MultipleRepositoriesInPullRequestException" if targets else "TargetsRequiredException"
        raise ServiceError(code, "a pull request has one target")
    target = targets[0]
    repository = codecommit.find(place, target["repositoryName"])
    source = _reference(target["sourceReference"])
    destination = _reference(target.get("destinationReference") or repository.default_branch)
    refs = repository.refs()
    for reference in (source, destination):
        if reference not in refs:
            raise ServiceError("ReferenceDoesNotExistException", f"{reference} does not exist")
    if source == destination:
        raise ServiceError("SourceAndDestinationAreSameException", "source and destination are the same")
    _check_texts(data)
    with records.lock:
        made = PullRequest(
            place, records.next_id(), repository.name, data["title"], data.get("description"), caller(), source,
            destination, refs[source], data.get("clientRequestToken"),
        )  # fmt: skip
        same = _with_token(made)
        if same is not None:
            return _shown(same)
        made.rules.update(approval_rules.from_templates(made))
        records.add(made)
        events.send(made, "pullRequestCreated", made.author)
        return _shown(made)


def _with_token(made: PullRequest) -> PullRequest | None:
    """The request that was made with the token. Raises IdempotencyParameterMismatchException for another one."""
    for other in records.of_repository(made.place, made.repository):
        if not made.token or (other.token, other.author) != (made.token, made.author):
            continue
        if (other.title, other.source, other.destination) != (made.title, made.source, made.destination):
            raise ServiceError("IdempotencyParameterMismatchException", "the token came with other parameters before")
        return other
    return None


def _list(place: Place, data: Data) -> Data:
    repository = codecommit.find(place, data["repositoryName"])
    found = [
        request.id
        for request in records.of_repository(place, repository.name)
        if data.get("authorArn") in (None, request.author) and data.get("pullRequestStatus") in (None, request.status)
    ]
    return paged("pullRequestIds", found, data)


def _update_title(place: Place, data: Data) -> Data:
    request = records.find_open(place, data["pullRequestId"])
    if not data.get("title"):
        raise ServiceError("TitleRequiredException", "a title is needed")
    _check_texts(data)
    request.title = data["title"]
    request.touch()
    return _shown(request)


def _update_description(place: Place, data: Data) -> Data:
    request = records.find_open(place, data["pullRequestId"])
    _check_texts(data)
    request.description = data["description"]
    request.touch()
    return _shown(request)


def _update_status(place: Place, data: Data) -> Data:
    request = records.find(place, data["pullRequestId"])
    if data["pullRequestStatus"] not in ("OPEN", "CLOSED"):
        raise ServiceError("InvalidPullRequestStatusException", "the status is OPEN or CLOSED")
    with records.lock:
        if (request.status, data["pullRequestStatus"]) != ("OPEN", "CLOSED"):
            raise ServiceError("InvalidPullRequestStatusUpdateException", "the only update is from OPEN to CLOSED")
        request.destination_commit = request.destination_tip()
        request.status = "CLOSED"
        request.touch()
    events.send(request, "pullRequestStatusChanged", caller())
    return _shown(request)


def _merging(option: str) -> Operation:
    def merge(place: Place, data: Data) -> Data:
        with records.lock:
            request = records.find_open(place, data["pullRequestId"])
            repository = records.associated(request, data["repositoryName"])
            before = repository.refs()
            source, tip = before.get(request.source), before.get(request.destination)
            if source is None or tip is None:
                raise ServiceError("ReferenceDoesNotExistException", "the source or destination branch is gone")
            if data.get("sourceCommitId") not in (None, source):
                raise ServiceError("TipOfSourceReferenceIsDifferentException", f"the tip of the source is {source}")
            if not approval_rules.evaluation(request)["approved"]:
                raise ServiceError("PullRequestApprovalRulesNotSatisfiedException", "approval rules are not satisfied")
            _refuse_strategies(data)
            level = data.get("conflictDetailLevel") or "FILE_LEVEL"
            if merging.conflicts(repository, source, tip, option, level):
                raise ServiceError("ManualMergeRequiredException", f"{request.id} cannot be merged automatically")
            made = merging.merge(repository, source, tip, option, _author(request, data))
            repository.move(request.destination, made, tip)
            _set_merged(request, option, made, tip)
        who, base = caller(), repository.merge_base(source, tip)
        events.send(request, "pullRequestMergeStatusUpdated", who, mergeOption=option)
        ends = {"sourceCommitId": source, "destinationCommitId": tip, "baseCommitId": base, "mergeOption": option}
        codecommit.pushed(repository, before, {**before, request.destination: made}, who, ends)
        return _shown(request)

    return merge


def _set_merged(request: PullRequest, option: str, made: str, tip: str) -> None:
    request.merge = {"isMerged": True, "mergedBy": caller(), "mergeCommitId": made, "mergeOption": option}
    request.status, request.destination_commit = "CLOSED", tip
    request.touch()


def _refuse_strategies(data: Data) -> None:
    if data.get("conflictResolutionStrategy", "NONE") != "NONE" or data.get("conflictResolution"):
        raise ServiceError("InvalidConflictResolutionStrategyException", "the local AWS plays the strategy NONE alone")


def _author(request: PullRequest, data: Data) -> merging.Author:
    message = data.get("commitMessage") or f"Merged pull request {request.id}: {request.title}"
    return merging.Author(data.get("authorName") or caller().rsplit("/", 1)[-1], data.get("email") or "", message)


def _check_texts(data: Data) -> None:
    checks: list[tuple[str, int, str]] = [
        ("title", _TITLE_AT_MOST, "InvalidTitleException"),
        ("description", _DESCRIPTION_AT_MOST, "InvalidDescriptionException"),
    ]
    for name, at_most, code in checks:
        if len(data.get(name) or "") > at_most:
            raise ServiceError(code, f"the {name} has at most {at_most} characters")


def _reference(name: str) -> str:
    return name if name.startswith("refs/") else f"refs/heads/{name}"


def _shown(request: PullRequest) -> Data:
    return {"pullRequest": request.view()}
