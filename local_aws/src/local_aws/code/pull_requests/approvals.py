"""Approvals of a revision, and the override of its rules."""

from __future__ import annotations

from local_aws.code.callers import caller
from local_aws.code.pull_requests import events, records
from local_aws.control.protocol import Data, Operation, Place, ServiceError


def operations() -> dict[str, Operation]:
    """Operations of approvals and overrides."""
    return {
        "UpdatePullRequestApprovalState": _approve,
        "GetPullRequestApprovalStates": _states,
        "OverridePullRequestApprovalRules": _override,
        "GetPullRequestOverrideState": _override_state,
    }


def _approve(place: Place, data: Data) -> Data:
    state, who = data["approvalState"], caller()
    if state not in ("APPROVE", "REVOKE"):
        raise ServiceError("InvalidApprovalStateException", "the state is APPROVE or REVOKE")
    with records.lock:
        request = records.find_open(place, data["pullRequestId"])
        records.current(request, data["revisionId"])
        if who == request.author:
            raise ServiceError("PullRequestCannotBeApprovedByAuthorException", f"{who} is the author of {request.id}")
        request.approvals.setdefault(request.revision, {})[who] = state
        request.touch()
    events.send(request, "pullRequestApprovalStateChanged", who, approvalStatus=state)
    return {}


def _states(place: Place, data: Data) -> Data:
    request = records.find(place, data["pullRequestId"])
    found = request.approvals.get(data["revisionId"], {})
    return {"approvals": [{"userArn": arn, "approvalState": state} for arn, state in found.items()]}


def _override(place: Place, data: Data) -> Data:
    status, who = data["overrideStatus"], caller()
    if status not in ("OVERRIDE", "REVOKE"):
        raise ServiceError("InvalidOverrideStatusException", "the status is OVERRIDE or REVOKE")
    with records.lock:
        request = records.find_open(place, data["pullRequestId"])
        records.current(request, data["revisionId"])
        if status == "OVERRIDE" and request.revision in request.overrides:
            raise ServiceError("OverrideAlreadySetException", f"{request.id} is overridden already")
        request.overrides.pop(request.revision, None)
        if status == "OVERRIDE":
            request.overrides[request.revision] = who
        request.touch()
    events.send(request, "pullRequestApprovalRuleOverridden", who, overrideStatus=status)
    return {}


def _override_state(place: Place, data: Data) -> Data:
    request = records.find(place, data["pullRequestId"])
    who = request.overrides.get(data["revisionId"])
    return {"overridden": who is not None, **({"overrider": who} if who else {})}
