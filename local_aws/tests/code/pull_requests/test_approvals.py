"""Approval rules: who may approve, what an approval is for, and what a merge needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from support.callers import Caller
from support.reviews import EVERYTHING, Review, refused, rule

SignIn = Callable[..., Caller]


def _approve(caller: Caller, request: dict[str, Any], state: str = "APPROVE") -> None:
    caller.client("codecommit").update_pull_request_approval_state(
        pullRequestId=request["pullRequestId"], revisionId=request["revisionId"], approvalState=state
    )


def _evaluation(review: Review, request: dict[str, Any]) -> dict[str, Any]:
    answer = review.codecommit.evaluate_pull_request_approval_rules(
        pullRequestId=request["pullRequestId"], revisionId=request["revisionId"]
    )
    return dict(answer["evaluation"])


def _add_rule(review: Review, request: dict[str, Any], content: str, name: str = "reviewed") -> dict[str, Any]:
    answer = review.codecommit.create_pull_request_approval_rule(
        pullRequestId=request["pullRequestId"], approvalRuleName=name, approvalRuleContent=content
    )
    return dict(answer["approvalRule"])


def _merge(review: Review, request: dict[str, Any]) -> None:
    review.codecommit.merge_pull_request_by_fast_forward(
        pullRequestId=request["pullRequestId"], repositoryName=review.name
    )


def test_a_merge_waits_for_the_rules(review: Review, sign_in: SignIn) -> None:
    # GIVEN a request with a rule that names one role
    made, planner, stranger = review.open(), sign_in(EVERYTHING, session="plan"), sign_in(EVERYTHING)
    added = _add_rule(review, made, rule(1, [planner.arn.rsplit("/", 1)[0] + "/*"]))
    assert added["ruleContentSha256"] == hashlib.sha256(added["approvalRuleContent"].encode()).hexdigest()

    # WHEN nobody, or somebody else, approves, THEN it is not merged
    for approve in ((), (stranger,)):
        for each in approve:
            _approve(each, made)
        assert refused(lambda: _merge(review, made)) == "PullRequestApprovalRulesNotSatisfiedException"
    assert _evaluation(review, made) == {
        "approved": False,
        "overridden": False,
        "approvalRulesSatisfied": [],
        "approvalRulesNotSatisfied": ["reviewed"],
    }

    # WHEN a session of the role approves, THEN it is
    _approve(planner, made)
    assert _evaluation(review, made)["approvalRulesSatisfied"] == ["reviewed"]
    _merge(review, made)


def test_an_approval_is_for_one_revision(review: Review, sign_in: SignIn) -> None:
    # GIVEN an approved request
    made, reviewer = review.open(), sign_in(EVERYTHING, session="reviewer")
    _add_rule(review, made, rule())
    _approve(reviewer, made)
    assert _evaluation(review, made)["approved"] is True

    # WHEN its source is pushed to
    review.push({"more.yaml": "b: 2\n"})
    now = review.again(made)

    # THEN the approval counts no more, and the old revision takes none
    assert _evaluation(review, now)["approved"] is False
    assert refused(lambda: _approve(reviewer, made)) == "RevisionNotCurrentException"
    assert refused(lambda: _evaluation(review, made)) == "RevisionNotCurrentException"
    states = review.codecommit.get_pull_request_approval_states
    assert states(pullRequestId=made["pullRequestId"], revisionId=now["revisionId"])["approvals"] == []
    answer = states(pullRequestId=made["pullRequestId"], revisionId=made["revisionId"])["approvals"]
    assert answer == [{"userArn": reviewer.arn, "approvalState": "APPROVE"}]


def test_an_approval_can_be_revoked(review: Review, sign_in: SignIn) -> None:
    made, reviewer = review.open(), sign_in(EVERYTHING)
    _add_rule(review, made, rule())
    _approve(reviewer, made)
    _approve(reviewer, made, "REVOKE")
    assert _evaluation(review, made)["approved"] is False


def test_nobody_approves_their_own_request(review: Review) -> None:
    made = review.open()
    assert refused(lambda: _approve(review.author, made)) == "PullRequestCannotBeApprovedByAuthorException"


def test_as_many_as_the_rule_says(review: Review, sign_in: SignIn) -> None:
    made = review.open()
    _add_rule(review, made, rule(2))
    _approve(sign_in(EVERYTHING), made)
    assert _evaluation(review, made)["approved"] is False
    _approve(sign_in(EVERYTHING), made)
    assert _evaluation(review, made)["approved"] is True


@pytest.mark.parametrize(
    ("member", "is_enough"),
    [
        ("CodeCommitApprovers:111111111111:assumed-role/ROLE/reviewer", True),
        ("CodeCommitApprovers:111111111111:assumed-role/ROLE/*", True),
        ("CodeCommitApprovers:111111111111:*reviewer", True),
        ("CodeCommitApprovers:111111111111:ROLE/reviewer", True),
        ("CodeCommitApprovers:111111111111:ROLE/*", True),
        ("CodeCommitApprovers:111111111111:ROLE", False),
        # A role's session is not found by its session's name alone.
        ("CodeCommitApprovers:111111111111:reviewer", False),
        ("CodeCommitApprovers:222222222222:*", False),
        ("arn:aws:sts::111111111111:assumed-role/ROLE/reviewer", True),
        ("arn:aws:sts::111111111111:assumed-role/ROLE", False),
        ("arn:aws:sts::111111111111:assumed-role/*/reviewer", True),
        ("arn:aws:iam::111111111111:role/ROLE", False),
    ],
)
def test_the_pool_says_who_counts(review: Review, sign_in: SignIn, member: str, is_enough: bool) -> None:
    made, reviewer = review.open(), sign_in(EVERYTHING, session="reviewer")
    _add_rule(review, made, rule(1, [member.replace("ROLE", reviewer.arn.split("/")[1])]))
    _approve(reviewer, made)
    assert _evaluation(review, made)["approved"] is is_enough


def test_rules_are_changed_and_deleted(review: Review) -> None:
    made, client = review.open(), review.codecommit
    added, number = _add_rule(review, made, rule()), made["pullRequestId"]
    assert refused(lambda: _add_rule(review, made, rule())) == "ApprovalRuleNameAlreadyExistsException"
    update, delete = client.update_pull_request_approval_rule_content, client.delete_pull_request_approval_rule
    on = {"pullRequestId": number, "approvalRuleName": "reviewed"}
    error = refused(lambda: update(**on, newRuleContent=rule(3), existingRuleContentSha256="0" * 64))
    assert error == "InvalidRuleContentSha256Exception"
    sha256 = added["ruleContentSha256"]
    changed = update(**on, newRuleContent=rule(3), existingRuleContentSha256=sha256)["approvalRule"]
    assert (changed["approvalRuleContent"], changed["approvalRuleId"]) == (rule(3), added["approvalRuleId"])
    assert review.again(made)["approvalRules"] == [changed]
    assert delete(**on)["approvalRuleId"] == added["approvalRuleId"]
    assert review.again(made)["approvalRules"] == []
    assert refused(lambda: update(**on, newRuleContent=rule())) == "ApprovalRuleDoesNotExistException"


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "{}",
        rule().replace("2018-11-08", "2012-10-17"),
        rule(0),
        rule(1, ["somebody"]),
        rule().replace("Approvers", "People"),
        rule(references=["main"]),
        rule(references=["refs/heads/*"]),
        rule(references=["refs/heads/a"] * 101),
        rule().replace("Statements", "Statement"),
    ],
)
def test_a_rule_that_is_none_is_refused(review: Review, content: str) -> None:
    made = review.open()
    assert refused(lambda: _add_rule(review, made, content)) == "InvalidApprovalRuleContentException"


def test_rules_can_be_overridden_for_a_revision(review: Review) -> None:
    # GIVEN a request whose rules are not satisfied
    made, client = review.open(), review.codecommit
    _add_rule(review, made, rule())
    on = {"pullRequestId": made["pullRequestId"], "revisionId": made["revisionId"]}
    assert client.get_pull_request_override_state(**on)["overridden"] is False

    # WHEN they are overridden
    client.override_pull_request_approval_rules(**on, overrideStatus="OVERRIDE")

    # THEN their state says by whom, and it may be merged until that is revoked
    answer = client.get_pull_request_override_state(**on)
    assert (answer["overridden"], answer["overrider"]) == (True, review.author.arn)
    assert (_evaluation(review, made)["approved"], _evaluation(review, made)["overridden"]) == (True, True)
    again = refused(lambda: client.override_pull_request_approval_rules(**on, overrideStatus="OVERRIDE"))
    assert again == "OverrideAlreadySetException"
    client.override_pull_request_approval_rules(**on, overrideStatus="REVOKE")
    assert refused(lambda: _merge(review, made)) == "PullRequestApprovalRulesNotSatisfiedException"
