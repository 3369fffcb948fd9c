"""Pull requests: how they are made, shown and closed."""

from __future__ import annotations

from typing import Any

from local_aws import LocalAws
from support.git import commit, git
from support.reviews import Review, refused


def test_a_request_is_shown_with_its_commits_and_its_author(review: Review) -> None:
    # WHEN a pull request is opened
    made = review.open(description="Why")

    # THEN it has the commits of both branches, and the caller's ARN with the session's name
    target = made["pullRequestTargets"][0]
    assert (target["sourceReference"], target["destinationReference"]) == ("refs/heads/change", "refs/heads/main")
    assert (target["sourceCommit"], target["destinationCommit"]) == (review.tip("change"), review.tip("main"))
    assert (target["mergeBase"], target["mergeMetadata"]) == (review.tip("main"), {"isMerged": False})
    assert (made["pullRequestStatus"], made["description"], made["approvalRules"]) == ("OPEN", "Why", [])
    assert made["authorArn"] == review.author.arn
    assert made["authorArn"].endswith("/author")
    assert review.again(made) == made


def test_a_push_to_the_source_is_a_new_revision(review: Review) -> None:
    made = review.open()
    pushed = review.push({"more.yaml": "b: 2\n"})
    now = review.again(made)
    assert now["revisionId"] != made["revisionId"]
    assert now["pullRequestTargets"][0]["sourceCommit"] == pushed

    # A push to the destination is none.
    moved = review.push({"other.yaml": "c: 1\n"}, "main")
    later = review.again(made)
    assert later["revisionId"] == now["revisionId"]
    assert later["pullRequestTargets"][0]["destinationCommit"] == moved


def test_requests_are_listed_in_pages_newest_first(review: Review) -> None:
    made = [review.open()["pullRequestId"] for _ in range(3)]
    review.codecommit.update_pull_request_status(pullRequestId=made[1], pullRequestStatus="CLOSED")
    list_them = review.codecommit.list_pull_requests
    page = list_them(repositoryName=review.name, maxResults=2)
    last = list_them(repositoryName=review.name, maxResults=2, nextToken=page["nextToken"])
    assert (page["pullRequestIds"] + last["pullRequestIds"], "nextToken" in last) == (made[::-1], False)
    assert list_them(repositoryName=review.name, pullRequestStatus="CLOSED")["pullRequestIds"] == [made[1]]
    assert list_them(repositoryName=review.name, authorArn=review.author.arn)["pullRequestIds"] == made[::-1]
    assert list_them(repositoryName=review.name, authorArn="arn:aws:iam::1:user/b")["pullRequestIds"] == []


def test_a_token_makes_one_request(review: Review) -> None:
    first = review.open(clientRequestToken="one")
    assert review.open(clientRequestToken="one")["pullRequestId"] == first["pullRequestId"]
    target = {"repositoryName": review.name, "sourceReference": "change"}
    create = review.codecommit.create_pull_request
    error = refused(lambda: create(title="Another", targets=[target], clientRequestToken="one"))
    assert error == "IdempotencyParameterMismatchException"


def test_what_cannot_be_a_request_is_refused(review: Review) -> None:
    create = review.codecommit.create_pull_request

    def error_of(source: str, destination: str = "main", title: str = "A", **more: Any) -> str:
        target = {"repositoryName": review.name, "sourceReference": source, "destinationReference": destination}
        return refused(lambda: create(title=title, targets=[target], **more))

    assert error_of("nothing") == "ReferenceDoesNotExistException"
    assert error_of("main") == "SourceAndDestinationAreSameException"
    assert error_of("change", title="x" * 151) == "InvalidTitleException"
    assert error_of("change", description="x" * 10_241) == "InvalidDescriptionException"
    assert refused(lambda: review.codecommit.get_pull_request(pullRequestId="0")) == "PullRequestDoesNotExistException"


def test_title_and_description_change_while_it_is_open(review: Review) -> None:
    number = review.open()["pullRequestId"]
    client = review.codecommit
    client.update_pull_request_title(pullRequestId=number, title="Better")
    answer = client.update_pull_request_description(pullRequestId=number, description="Because")["pullRequest"]
    assert (answer["title"], answer["description"]) == ("Better", "Because")

    closed = client.update_pull_request_status(pullRequestId=number, pullRequestStatus="CLOSED")["pullRequest"]
    assert closed["pullRequestStatus"] == "CLOSED"
    reopen = lambda: client.update_pull_request_status(pullRequestId=number, pullRequestStatus="OPEN")  # noqa: E731
    assert refused(reopen) == "InvalidPullRequestStatusUpdateException"
    error = refused(lambda: client.update_pull_request_title(pullRequestId=number, title="Late"))
    assert error == "PullRequestAlreadyClosedException"


def test_a_deleted_repository_has_no_requests(aws: LocalAws, review: Review) -> None:
    made = review.open()
    aws.client("codecommit").delete_repository(repositoryName=review.name)
    assert refused(lambda: review.again(made)) == "PullRequestDoesNotExistException"


def test_a_closed_request_stays_as_it_was(review: Review) -> None:
    made = review.open()
    review.codecommit.update_pull_request_status(pullRequestId=made["pullRequestId"], pullRequestStatus="CLOSED")
    git(review.clone, "checkout", "--quiet", "change")
    commit(review.clone, {"more.yaml": "late\n"}, "late")
    git(review.clone, "push", "--quiet", "origin", "change")
    assert review.again(made)["pullRequestTargets"] == made["pullRequestTargets"]
    assert review.again(made)["revisionId"] == made["revisionId"]
