"""Comments on pull requests: who wrote them, who may change them, and their pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_aws import LocalAws
from support.callers import Caller
from support.reviews import EVERYTHING, Review, refused


def _post(review: Review, request: dict[str, Any], content: str, client: Any = None, **more: Any) -> dict[str, Any]:
    target = request["pullRequestTargets"][0]
    answer = (client or review.codecommit).post_comment_for_pull_request(
        pullRequestId=request["pullRequestId"],
        repositoryName=review.name,
        beforeCommitId=target["destinationCommit"],
        afterCommitId=target["sourceCommit"],
        content=content,
        **more,
    )
    return dict(answer)


def test_a_comment_has_the_arn_of_its_author(review: Review, sign_in: Callable[..., Caller]) -> None:
    # GIVEN a comment of somebody else than the request's author
    made, other = review.open(), sign_in(EVERYTHING, session="planner")
    answer = _post(review, made, "A plan", other.client("codecommit"))

    # THEN it is found by the request, with its author
    assert answer["pullRequestId"] == made["pullRequestId"]
    threads = review.codecommit.get_comments_for_pull_request(pullRequestId=made["pullRequestId"])
    (comment,) = threads["commentsForPullRequestData"][0]["comments"]
    assert (comment["content"], comment["authorArn"], comment["deleted"]) == ("A plan", other.arn, False)
    assert review.codecommit.get_comment(commentId=comment["commentId"])["comment"] == comment


def test_a_comment_is_changed_by_its_author_alone(review: Review, sign_in: Callable[..., Caller]) -> None:
    number = _post(review, review.open(), "one")["comment"]["commentId"]
    other = sign_in(EVERYTHING, session="other").client("codecommit")
    error = refused(lambda: other.update_comment(commentId=number, content="two"))
    assert error == "CommentNotCreatedByCallerException"
    changed = review.codecommit.update_comment(commentId=number, content="two")["comment"]
    assert (changed["content"], changed["lastModifiedDate"] > changed["creationDate"]) == ("two", True)


def test_another_session_of_the_same_role_is_another_author(
    aws: LocalAws, review: Review, make_role: Callable[..., str], name: str
) -> None:
    # GIVEN a comment of one session of a role
    role = make_role(f"{name}-planner", "111111111111", EVERYTHING)
    assume = aws.client("sts").assume_role
    answers = [assume(RoleArn=role, RoleSessionName=session) for session in ("build-1", "build-2", "build-1")]
    one, other, again = (
        Caller(aws.endpoint, each["AssumedRoleUser"]["Arn"], each["Credentials"]).client("codecommit")
        for each in answers
    )
    number = _post(review, review.open(), "A plan", one)["comment"]["commentId"]

    # THEN a session of another name may not change it, and one of the same name may
    error = refused(lambda: other.update_comment(commentId=number, content="Another"))
    assert error == "CommentNotCreatedByCallerException"
    again.update_comment(commentId=number, content="Another")


def test_a_comment_has_at_most_10240_characters(review: Review) -> None:
    made = review.open()
    answer = _post(review, made, "é" * 10_240)["comment"]
    assert len(answer["content"]) == 10_240
    assert refused(lambda: _post(review, made, "x" * 10_241)) == "CommentContentSizeLimitExceededException"
    update = review.codecommit.update_comment
    too_long = refused(lambda: update(commentId=answer["commentId"], content="x" * 10_241))
    assert too_long == "CommentContentSizeLimitExceededException"
    assert refused(lambda: _post(review, made, "")) == "CommentContentRequiredException"


def test_a_token_makes_one_comment(review: Review) -> None:
    made = review.open()
    first = _post(review, made, "one", clientRequestToken="t")["comment"]
    assert _post(review, made, "one", clientRequestToken="t")["comment"]["commentId"] == first["commentId"]
    error = refused(lambda: _post(review, made, "two", clientRequestToken="t"))
    assert error == "IdempotencyParameterMismatchException"


def test_comments_come_in_pages(review: Review) -> None:
    made = review.open()
    for number in range(5):
        _post(review, made, f"{number}")
    review.push({"more.yaml": "b: 2\n"})
    _post(review, review.again(made), "5")

    # WHEN they are read two at a time
    pages = []
    token: dict[str, str] = {}
    while True:
        page = review.codecommit.get_comments_for_pull_request(
            pullRequestId=made["pullRequestId"], maxResults=2, **token
        )
        pages.append([c["content"] for thread in page["commentsForPullRequestData"] for c in thread["comments"]])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}

    # THEN each comes once
    assert pages == [["0", "1"], ["2", "3"], ["4", "5"]]
    of_one = review.codecommit.get_comments_for_pull_request(
        pullRequestId=made["pullRequestId"],
        repositoryName=review.name,
        beforeCommitId=review.tip("main"),
        afterCommitId=review.tip("change"),
    )["commentsForPullRequestData"]
    assert [c["content"] for thread in of_one for c in thread["comments"]] == ["5"]


def test_what_cannot_be_commented_is_refused(review: Review) -> None:
    made = review.open()
    post = review.codecommit.post_comment_for_pull_request
    number, tip = made["pullRequestId"], review.tip("main")

    def error_of(before: str, after: str) -> str:
        commits = {"beforeCommitId": before, "afterCommitId": after}
        return refused(lambda: post(pullRequestId=number, repositoryName=review.name, content="x", **commits))

    assert error_of(tip, tip) == "BeforeCommitIdAndAfterCommitIdAreSameException"
    assert error_of(tip, "0" * 40) == "CommitDoesNotExistException"
    assert refused(lambda: review.codecommit.get_comment(commentId="none")) == "CommentDoesNotExistException"
