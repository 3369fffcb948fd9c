"""What a push does to open pull requests: a new revision, closed, merged."""

from __future__ import annotations

import pytest

from support.git import git
from support.queues import Events
from support.reviews import Review, rule


@pytest.mark.parametrize("branch", ["change", "release"])
def test_a_request_is_closed_when_one_of_its_branches_is_deleted(review: Review, events: Events, branch: str) -> None:
    # GIVEN a request between two branches, none of which is the default branch
    git(review.clone, "push", "--quiet", "origin", "main:release")
    target = {"repositoryName": review.name, "sourceReference": "change", "destinationReference": "release"}
    made = review.codecommit.create_pull_request(title="A change", targets=[target])["pullRequest"]

    # WHEN one of them is deleted
    git(review.clone, "push", "--quiet", "origin", "--delete", branch)

    # THEN the request is closed as it was
    now = review.again(made)
    assert now["pullRequestStatus"] == "CLOSED"
    assert now["pullRequestTargets"] == made["pullRequestTargets"]
    names = {event["detail"]["event"] for event in events.receive(4)}
    assert names == {"referenceCreated", "pullRequestCreated", "pullRequestStatusChanged", "referenceDeleted"}


def test_a_request_is_merged_when_git_fast_forwards_its_destination(review: Review, events: Events) -> None:
    # GIVEN a request, also one whose rule is not satisfied
    made = review.open()
    review.codecommit.create_pull_request_approval_rule(
        pullRequestId=made["pullRequestId"], approvalRuleName="reviewed", approvalRuleContent=rule()
    )

    # WHEN the source is pushed to the destination
    git(review.clone, "push", "--quiet", "origin", "change:main")

    # THEN the request is merged
    target = review.again(made)["pullRequestTargets"][0]
    assert (target["mergeMetadata"]["isMerged"], target["mergeMetadata"]["mergeOption"]) == (True, "FAST_FORWARD_MERGE")
    assert target["destinationCommit"] == made["pullRequestTargets"][0]["destinationCommit"]
    merged = [e["detail"] for e in events.receive(4) if e["detail"]["event"] == "pullRequestMergeStatusUpdated"]
    assert [(each["isMerged"], each["pullRequestStatus"]) for each in merged] == [("True", "Closed")]


def test_a_merge_commit_of_git_leaves_the_request_open(review: Review) -> None:
    made = review.open()
    git(review.clone, "checkout", "--quiet", "main")
    git(review.clone, "merge", "--quiet", "--no-ff", "--no-edit", "change")
    git(review.clone, "push", "--quiet", "origin", "main")
    assert review.again(made)["pullRequestStatus"] == "OPEN"


def test_a_push_to_other_branches_changes_nothing(review: Review) -> None:
    made = review.open()
    git(review.clone, "push", "--quiet", "origin", "change:other")
    git(review.clone, "push", "--quiet", "origin", "--delete", "other")
    assert review.again(made) == made


def test_a_push_to_the_source_and_the_destination_at_once_is_a_merge_of_the_new_commit(review: Review) -> None:
    made = review.open()
    git(review.clone, "commit", "--quiet", "--allow-empty", "--message", "Third")
    git(review.clone, "push", "--quiet", "origin", "change", "change:main")
    now = review.again(made)
    assert now["pullRequestTargets"][0]["mergeMetadata"]["mergeCommitId"] == review.tip("change")
    assert now["revisionId"] != made["revisionId"]
