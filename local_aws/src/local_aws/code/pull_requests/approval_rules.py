"""Approval rules of a pull request, and whether they are satisfied."""

from __future__ import annotations

import hashlib
import time
import uuid

from local_aws.code.callers import caller
from local_aws.code.pull_requests import approval_content, events, records, templates
from local_aws.code.pull_requests.records import PullRequest
from local_aws.control.protocol import Data, Operation, Place, ServiceError

_AT_MOST = 30


def operations() -> dict[str, Operation]:
    """Operations of the rules of one pull request."""
    return {
        "CreatePullRequestApprovalRule": _create,
        "DeletePullRequestApprovalRule": _delete,
        "UpdatePullRequestApprovalRuleContent": _update,
        "EvaluatePullRequestApprovalRules": _evaluate,
    }


def from_templates(request: PullRequest) -> dict[str, Data]:
    """The rules that a new request gets: of each template of its repository that is for its destination."""
    rules = {}
    for template in templates.of_repository(request.place, request.repository):
        if approval_content.parse(template.content).is_for(request.destination):
            origin = {"approvalRuleTemplateId": template.id, "approvalRuleTemplateName": template.name}
            rule = _rule(template.name, template.content, template.user)
            rules[template.name] = {**rule, "originApprovalRuleTemplate": origin}
    return rules


def evaluation(request: PullRequest) -> Data:
    """AWS's Evaluation of the newest revision. Without a rule a request is approved."""
    approvals = request.approvals.get(request.revision, {})
    approvers = [arn for arn, state in approvals.items() if state == "APPROVE"]
    met: list[str] = []
    unmet: list[str] = []
    for name, rule in request.rules.items():
        content = approval_content.parse(rule["approvalRuleContent"])
        (met if content.is_satisfied(approvers) else unmet).append(name)
    is_overridden = request.revision in request.overrides
    return {
        "approved": is_overridden or not unmet,
        "overridden": is_overridden,
        "approvalRulesSatisfied": met,
        "approvalRulesNotSatisfied": unmet,
    }


def _evaluate(place: Place, data: Data) -> Data:
    request = records.find(place, data["pullRequestId"])
    records.current(request, data["revisionId"])
    return {"evaluation": evaluation(request)}


def _create(place: Place, data: Data) -> Data:
    name = data["approvalRuleName"]
    with records.lock:
        request = records.find_open(place, data["pullRequestId"])
        if name in request.rules:
            raise ServiceError("ApprovalRuleNameAlreadyExistsException", f"{name} exists")
        if len(request.rules) >= _AT_MOST:
            raise ServiceError("NumberOfRulesExceededException", f"a pull request has at most {_AT_MOST} rules")
        _check(data["approvalRuleContent"])
        request.rules[name] = _rule(name, data["approvalRuleContent"], caller())
        request.touch()
    _send_event(request, "pullRequestApprovalRuleCreated", request.rules[name])
    return {"approvalRule": request.rules[name]}


def _delete(place: Place, data: Data) -> Data:
    with records.lock:
        request = records.find_open(place, data["pullRequestId"])
        rule = request.rules.get(data["approvalRuleName"])
        if rule is None:
            # AWS's operation has no error for a rule that is not there.
            return {"approvalRuleId": ""}
        if "originApprovalRuleTemplate" in rule:
            raise ServiceError("CannotDeleteApprovalRuleFromTemplateException", "the rule is a template's")
        del request.rules[data["approvalRuleName"]]
        request.touch()
    _send_event(request, "pullRequestApprovalRuleDeleted", rule)
    return {"approvalRuleId": rule["approvalRuleId"]}


def _update(place: Place, data: Data) -> Data:
    with records.lock:
        request = records.find_open(place, data["pullRequestId"])
        rule = request.rules.get(data["approvalRuleName"])
        if rule is None:
            raise ServiceError("ApprovalRuleDoesNotExistException", f"no rule {data['approvalRuleName']}")
        if "originApprovalRuleTemplate" in rule:
            raise ServiceError("CannotModifyApprovalRuleFromTemplateException", "the rule is a template's")
        if data.get("existingRuleContentSha256") not in (None, rule["ruleContentSha256"]):
            raise ServiceError("InvalidRuleContentSha256Exception", "the content is another one")
        _check(data["newRuleContent"])
        changed = _rule(rule["approvalRuleName"], data["newRuleContent"], caller())
        kept = {name: rule[name] for name in ("approvalRuleId", "creationDate")}
        request.rules[data["approvalRuleName"]] = {**changed, **kept}
        request.touch()
    _send_event(request, "pullRequestApprovalRuleUpdated", changed | kept)
    return {"approvalRule": changed | kept}


def _rule(name: str, content: str, user: str) -> Data:
    now = time.time()
    return {
        "approvalRuleId": str(uuid.uuid4()),
        "approvalRuleName": name,
        "approvalRuleContent": content,
        "ruleContentSha256": hashlib.sha256(content.encode()).hexdigest(),
        "lastModifiedDate": now,
        "creationDate": now,
        "lastModifiedUser": user,
    }


def _check(content: str) -> None:
    try:
        approval_content.parse(content)
    except ValueError as error:
        raise ServiceError("InvalidApprovalRuleContentException", str(error)) from None


def _send_event(request: PullRequest, event: str, rule: Data) -> None:
    events.send(
        request,
        event,
        caller(),
        approvalRuleContentSha256=rule["ruleContentSha256"],
        approvalRuleId=rule["approvalRuleId"],
        approvalRuleName=rule["approvalRuleName"],
    )
