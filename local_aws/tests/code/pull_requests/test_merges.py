"""Merges of pull requests: by fast forward, squash and three ways, with AWS's idea of a conflict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from support.git import git
from support.reviews import Review, refused

_FAST, _SQUASH, _THREE = "fast_forward", "squash", "three_way"


def _merge(review: Review, how: str, request: dict[str, Any], **more: Any) -> dict[str, Any]:
    call = getattr(review.codecommit, f"merge_pull_request_by_{how}")
    answer = call(pullRequestId=request["pullRequestId"], repositoryName=review.name, **more)
    return dict(answer["pullRequest"])


@pytest.mark.parametrize(
    ("how", "option", "parents"),
    [(_FAST, "FAST_FORWARD_MERGE", ["main"]), (_SQUASH, "SQUASH_MERGE", ["main"]),
     (_THREE, "THREE_WAY_MERGE", ["main", "change"])],
)  # fmt: skip
def test_a_merge_moves_the_branch(
    aws: LocalAws, review: Review, tmp_path: Path, how: str, option: str, parents: list[str]
) -> None:
    # GIVEN a pull request
    made = review.open()
    tips = {branch: review.tip(branch) for branch in ("main", "change")}

    # WHEN it is merged
    ended = _merge(review, how, made)

    # THEN the destination has the change, with the parents of its kind of merge
    git(tmp_path, "clone", "--quiet", aws.clone_url(review.name), "after")
    assert (tmp_path / "after" / "more.yaml").read_text() == "b: 1\n"
    answer = review.codecommit.get_commit(repositoryName=review.name, commitId=review.tip("main"))["commit"]
    assert answer["parents"] == [tips[branch] for branch in parents]

    # AND the request is closed and merged, and shows the tips that were merged
    target = ended["pullRequestTargets"][0]
    assert ended["pullRequestStatus"] == "CLOSED"
    assert target["mergeMetadata"] == {
        "isMerged": True,
        "mergedBy": review.author.arn,
        "mergeCommitId": review.tip("main"),
        "mergeOption": option,
    }
    assert (target["sourceCommit"], target["destinationCommit"]) == (tips["change"], tips["main"])
    assert refused(lambda: _merge(review, how, made)) == "PullRequestAlreadyClosedException"


def test_a_merge_commit_has_the_message_and_author_of_the_call(review: Review) -> None:
    _merge(review, _SQUASH, review.open(), commitMessage="All at once", authorName="Ann", email="ann@example.com")
    answer = review.codecommit.get_commit(repositoryName=review.name, commitId=review.tip("main"))["commit"]
    assert answer["message"].strip() == "All at once"
    assert (answer["author"]["name"], answer["author"]["email"]) == ("Ann", "ann@example.com")


def test_a_fast_forward_needs_a_destination_that_has_not_moved(review: Review) -> None:
    made = review.open()
    review.push({"other.yaml": "c: 1\n"}, "main")
    assert refused(lambda: _merge(review, _FAST, made)) == "ManualMergeRequiredException"
    assert review.again(made)["pullRequestStatus"] == "OPEN"
    _merge(review, _THREE, made)


def test_two_changes_of_one_file_conflict_unless_lines_are_compared(review: Review) -> None:
    # GIVEN changes of one file at two places
    review.push({"services.yaml": "a: 2\n\n\n\n\nz: 1\n"}, "main")
    review.push({"services.yaml": "a: 1\n\n\n\n\nz: 2\n"}, "change")
    made = review.open()

    # THEN they are a conflict by file, which is the default, and none by line
    seen = {
        level: review.codecommit.get_merge_conflicts(
            repositoryName=review.name,
            sourceCommitSpecifier="change",
            destinationCommitSpecifier="main",
            mergeOption="THREE_WAY_MERGE",
            conflictDetailLevel=level,
        )
        for level in ("FILE_LEVEL", "LINE_LEVEL")
    }
    assert {level: answer["mergeable"] for level, answer in seen.items()} == {"FILE_LEVEL": False, "LINE_LEVEL": True}
    assert [each["filePath"] for each in seen["FILE_LEVEL"]["conflictMetadataList"]] == ["services.yaml"]
    assert refused(lambda: _merge(review, _SQUASH, made)) == "ManualMergeRequiredException"
    _merge(review, _SQUASH, made, conflictDetailLevel="LINE_LEVEL")
    answer = review.codecommit.get_file(repositoryName=review.name, filePath="services.yaml")
    assert answer["fileContent"] == b"a: 2\n\n\n\n\nz: 2\n"


def test_two_changes_of_one_line_are_a_conflict(review: Review) -> None:
    review.push({"services.yaml": "a: 2\n"}, "main")
    review.push({"services.yaml": "a: 3\n"}, "change")
    made, tip = review.open(), review.tip("main")
    for how in (_SQUASH, _THREE):
        error = refused(lambda how=how: _merge(review, how, made, conflictDetailLevel="LINE_LEVEL"))
        assert error == "ManualMergeRequiredException"
    assert (review.tip("main"), review.again(made)["pullRequestStatus"]) == (tip, "OPEN")


def test_a_merge_of_another_commit_than_the_tip_is_refused(review: Review) -> None:
    made, seen = review.open(), review.tip("change")
    review.push({"more.yaml": "b: 2\n"})
    error = refused(lambda: _merge(review, _FAST, made, sourceCommitId=seen))
    assert error == "TipOfSourceReferenceIsDifferentException"
    _merge(review, _FAST, made, sourceCommitId=review.tip("change"))


def test_a_request_belongs_to_one_repository(aws: LocalAws, review: Review) -> None:
    made, other = review.open(), f"{review.name}-other"
    aws.client("codecommit").create_repository(repositoryName=other)
    merge = review.codecommit.merge_pull_request_by_fast_forward
    error = refused(lambda: merge(pullRequestId=made["pullRequestId"], repositoryName=other))
    assert error == "RepositoryNotAssociatedWithPullRequestException"
