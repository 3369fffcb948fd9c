"""The events of pull requests on the default bus, in AWS's shape."""

from __future__ import annotations

from collections.abc import Callable

from support.callers import Caller
from support.queues import Events
from support.reviews import EVERYTHING, Review, rule

_STATE_CHANGE = "CodeCommit Pull Request State Change"


def test_a_new_request_is_an_event(review: Review, events: Events) -> None:
    made = review.open(description="Why")
    (event,) = events.receive(1)
    detail, target = event["detail"], made["pullRequestTargets"][0]
    assert (event["detail-type"], event["source"]) == (_STATE_CHANGE, "aws.codecommit")
    assert {name: value for name, value in detail.items() if name not in ("notificationBody",)} == {
        "event": "pullRequestCreated",
        "pullRequestId": made["pullRequestId"],
        "repositoryNames": [review.name],
        "title": "A change",
        "description": "Why",
        "author": review.author.arn,
        "callerUserArn": review.author.arn,
        "creationDate": detail["creationDate"],
        "lastModifiedDate": detail["lastModifiedDate"],
        "sourceReference": "refs/heads/change",
        "sourceCommit": target["sourceCommit"],
        "destinationReference": "refs/heads/main",
        "destinationCommit": target["destinationCommit"],
        "revisionId": made["revisionId"],
        "isMerged": "False",
        "pullRequestStatus": "Open",
    }


def test_a_push_to_the_source_is_an_event_with_the_new_revision(review: Review, events: Events) -> None:
    made = review.open()
    pushed = review.push({"more.yaml": "b: 2\n"})
    by_name = {event["detail"]["event"]: event["detail"] for event in events.receive(3)}
    assert by_name.keys() == {"pullRequestCreated", "referenceUpdated", "pullRequestSourceBranchUpdated"}
    updated = by_name["pullRequestSourceBranchUpdated"]
    assert (updated["sourceCommit"], updated["revisionId"]) == (pushed, review.again(made)["revisionId"])
    assert updated["revisionId"] != made["revisionId"]


def test_a_merge_is_an_event_of_the_request_and_of_the_branch(review: Review, events: Events) -> None:
    # GIVEN a request
    made, tip = review.open(), review.tip("main")

    # WHEN it is merged
    review.codecommit.merge_pull_request_by_squash(pullRequestId=made["pullRequestId"], repositoryName=review.name)

    # THEN there is an event of the request's end and one of the branch's update
    by_name = {event["detail"]["event"]: event for event in events.receive(3)}
    assert by_name.keys() == {"pullRequestCreated", "pullRequestMergeStatusUpdated", "referenceUpdated"}
    merged = by_name["pullRequestMergeStatusUpdated"]["detail"]
    assert (merged["isMerged"], merged["pullRequestStatus"]) == ("True", "Closed")
    assert (merged["mergeOption"], merged["destinationCommit"]) == ("SQUASH_MERGE", tip)
    moved = by_name["referenceUpdated"]
    assert moved["detail-type"] == "CodeCommit Repository State Change"
    assert {name: moved["detail"][name] for name in ("referenceName", "commitId", "oldCommitId", "callerUserArn")} == {
        "referenceName": "main",
        "commitId": review.tip("main"),
        "oldCommitId": tip,
        "callerUserArn": review.author.arn,
    }
    assert (moved["detail"]["mergeOption"], moved["detail"]["destinationCommitId"]) == ("SQUASH_MERGE", tip)


def test_a_closed_request_is_an_event(review: Review, events: Events) -> None:
    made = review.open()
    review.codecommit.update_pull_request_status(pullRequestId=made["pullRequestId"], pullRequestStatus="CLOSED")
    detail = events.receive(2)[1]["detail"]
    assert (detail["event"], detail["pullRequestStatus"]) == ("pullRequestStatusChanged", "Closed")
    assert detail["isMerged"] == "False"


def test_rules_and_approvals_are_events(review: Review, events: Events, sign_in: Callable[..., Caller]) -> None:
    made, reviewer, client = review.open(), sign_in(EVERYTHING), review.codecommit
    number, on = made["pullRequestId"], {"pullRequestId": made["pullRequestId"], "revisionId": made["revisionId"]}
    name = {"approvalRuleName": "reviewed"}
    client.create_pull_request_approval_rule(pullRequestId=number, **name, approvalRuleContent=rule())
    client.update_pull_request_approval_rule_content(pullRequestId=number, **name, newRuleContent=rule(2))
    reviewer.client("codecommit").update_pull_request_approval_state(**on, approvalState="APPROVE")
    client.override_pull_request_approval_rules(**on, overrideStatus="OVERRIDE")
    client.delete_pull_request_approval_rule(pullRequestId=number, **name)

    details = {event["detail"]["event"]: event["detail"] for event in events.receive(6)}
    assert set(details) == {
        "pullRequestCreated",
        "pullRequestApprovalRuleCreated",
        "pullRequestApprovalRuleUpdated",
        "pullRequestApprovalStateChanged",
        "pullRequestApprovalRuleOverridden",
        "pullRequestApprovalRuleDeleted",
    }
    assert details["pullRequestApprovalRuleCreated"]["approvalRuleName"] == "reviewed"
    approved = details["pullRequestApprovalStateChanged"]
    assert (approved["approvalStatus"], approved["callerUserArn"]) == ("APPROVE", reviewer.arn)
    assert approved["author"] == review.author.arn
    assert details["pullRequestApprovalRuleOverridden"]["overrideStatus"] == "OVERRIDE"


def test_comments_are_events(review: Review, events: Events) -> None:
    made = review.open()
    target = made["pullRequestTargets"][0]
    comment = review.codecommit.post_comment_for_pull_request(
        pullRequestId=made["pullRequestId"],
        repositoryName=review.name,
        beforeCommitId=target["destinationCommit"],
        afterCommitId=target["sourceCommit"],
        content="Good",
    )["comment"]
    review.codecommit.update_comment(commentId=comment["commentId"], content="Better")
    _, created, updated = events.receive(3)
    assert created["detail-type"] == updated["detail-type"] == "CodeCommit Comment on Pull Request"
    assert (created["detail"]["event"], updated["detail"]["event"]) == (
        "commentOnPullRequestCreated",
        "commentOnPullRequestUpdated",
    )
    assert created["detail"]["commentId"] == comment["commentId"]
    assert created["detail"]["afterCommitId"] == target["sourceCommit"]
