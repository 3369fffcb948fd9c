"""Pull requests are planned, commented on once, and approved while the plan is good."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ecs_gitops.aws.pull_requests import PullRequest
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.notify import review_comment
from ecs_gitops.plan.preview import ReleasePlan
from ecs_gitops.release.review import Repository, Reviewer
from unit.git_remote import FOLDERS, Remote, remote_in
from unit.shop import GOOD


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return remote_in(tmp_path)


@dataclass
class Requests:
    """CodeCommit's pull requests in memory."""

    remote: Remote
    comments: dict[str, str] = field(default_factory=dict)
    approvals: dict[str, bool] = field(default_factory=dict)
    reads: int = 0
    # What happens at the n-th read.
    meanwhile: dict[int, Callable[[], object]] = field(default_factory=dict)
    # What happens right after the next comment.
    after_comment: list[Callable[[], object]] = field(default_factory=list)
    # Every approval and revocation.
    states: list[bool] = field(default_factory=list)

    def open_ids(self) -> list[str]:
        return ["1"]

    def read(self, number: str) -> PullRequest:
        self.reads += 1
        self.meanwhile.pop(self.reads, lambda: None)()
        source, destination = self.remote.git("rev-parse", "change"), self.remote.git("rev-parse", "main")
        return PullRequest(number, source[:8], "refs/heads/change", source, "refs/heads/main", destination)

    def commented(self, request: PullRequest, marker: str) -> dict[str, Any] | None:
        known = self.comments.get(request.id)
        return {"content": known, "commentId": "c"} if known and marker in known else None

    def comment(self, request: PullRequest, marker: str, content: str) -> None:
        assert marker in content
        self.comments[request.id] = content
        if self.after_comment:
            self.after_comment.pop(0)()

    def approve(self, request: PullRequest, *, is_good: bool) -> None:
        self.approvals[request.id] = is_good
        self.states.append(is_good)


@pytest.fixture
def requests(remote: Remote) -> Requests:
    remote.commit("change", GOOD + "# added\n", base="main")
    return Requests(remote)


@pytest.fixture
def reviewer(requests: Requests) -> Reviewer:
    repository = Repository(
        str(requests.remote.folder), "main", "deployment.yaml", {"PATH": os.environ["PATH"]}, FOLDERS
    )
    fake: Any = requests
    return Reviewer(
        fake,
        repository,
        "shop",
        ("111111111111", "us-west-2"),
        lambda _manifest: ReleasePlan(()),
        lambda _request, _text: "It is in the ledger.",
        lambda: "now",
        approves=True,
    )


def test_a_good_plan_is_commented_on_and_approved(requests: Requests, reviewer: Reviewer) -> None:
    assert reviewer.review("1")
    assert "ecs-gitops plan: nothing to do" in requests.comments["1"]
    assert requests.approvals == {"1": True}


@pytest.mark.parametrize(
    ("content", "plan", "tells"),
    [
        ("nonsense: 1\n", ReleasePlan(()), "the manifest is not valid"),
        (GOOD, ReleasePlan((), error="too large"), "too large"),
    ],
    ids=["invalid", "too large"],
)
def test_what_would_fail_takes_the_approval_back(
    requests: Requests, reviewer: Reviewer, content: str, plan: ReleasePlan, tells: str
) -> None:
    # GIVEN an approved request
    assert reviewer.review("1")
    # WHEN it is pushed to, and would fail now
    requests.remote.commit("change", content)
    assert replace(reviewer, plan=lambda _: plan).review("1")
    # THEN it is told, and not approved
    assert tells in requests.comments["1"]
    assert requests.approvals == {"1": False}


def test_a_plan_that_cannot_be_made_is_told_and_not_approved(
    requests: Requests, reviewer: Reviewer, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_manifest: object) -> ReleasePlan:
        raise AwsUnavailable("describe_services: ThrottlingException")

    assert not replace(reviewer, plan=fails).review("1")
    assert "could not be made" in requests.comments["1"]
    assert requests.approvals == {"1": False}
    # AND the log of the build, which shows messages alone, has the reason
    assert "pull request 1 could not be planned: describe_services: ThrottlingException" in caplog.messages
    # AND a later build tries it again, though its commits are the same
    assert reviewer.review_all()
    assert requests.approvals == {"1": True}


def test_a_request_that_is_pushed_to_while_it_is_planned_is_planned_again(
    requests: Requests, reviewer: Reviewer
) -> None:
    # GIVEN a push in the middle of the review of all
    requests.meanwhile[2] = lambda: None
    requests.meanwhile[3] = lambda: requests.remote.commit("change", GOOD + "# more\n")
    # WHEN all are reviewed
    assert reviewer.review_all()
    # THEN the comment is about the newest commit
    source, destination = requests.remote.git("rev-parse", "change"), requests.remote.git("rev-parse", "main")
    assert review_comment.commits(source, destination) in requests.comments["1"]
    # AND once it is, no other review is made
    written = requests.comments["1"]
    assert replace(reviewer, now=lambda: "later").review_all()
    assert requests.comments["1"] == written


def test_a_request_to_another_branch_is_left_alone(requests: Requests, reviewer: Reviewer) -> None:
    assert replace(reviewer, repository=replace(reviewer.repository, destination="release")).review("1")
    assert (requests.comments, requests.approvals) == ({}, {})


def test_an_approval_does_not_outlive_a_build_that_read_newer_commits(requests: Requests, reviewer: Reviewer) -> None:
    # GIVEN a build whose plan is good, and another one that reads a newer commit, which conflicts, and
    # comments and revokes between the first one's comment and its approval
    def other() -> None:
        requests.remote.commit("main", "nonsense: 1\n")
        assert reviewer.review("1")

    requests.after_comment.append(other)
    # WHEN the first one ends
    assert reviewer.review("1")
    # THEN the request is not approved, and the comment is about the newest commits
    assert "cannot be merged" in requests.comments["1"]
    assert requests.approvals == {"1": False}


def test_a_push_to_the_destination_takes_approvals_back_before_anything_is_planned(
    requests: Requests, reviewer: Reviewer
) -> None:
    # GIVEN an approved request, and a push to the deployed branch
    assert reviewer.review("1")
    requests.remote.commit("main", "# more\n" + GOOD)

    def plan(_manifest: object) -> ReleasePlan:
        assert requests.states == [True, False]
        return ReleasePlan(())

    # WHEN all are reviewed, THEN it is not approved while its plan is made
    assert replace(reviewer, plan=plan).review_all()
    assert requests.states == [True, False, True]


def test_whatever_fails_is_told_and_keeps_no_other_request_from_its_review(
    requests: Requests, reviewer: Reviewer, caplog: pytest.LogCaptureFixture
) -> None:
    # GIVEN an approved request
    assert reviewer.review("1")

    def fails(_manifest: object) -> ReleasePlan:
        raise RecursionError("SECRET")

    # WHEN the next plan fails with an error that nobody expects
    requests.remote.commit("main", "# more\n" + GOOD)
    assert not replace(reviewer, plan=fails).review_all()
    # THEN it is told, without the error's text, and the approval is taken back
    assert "RecursionError: the log of the build has the details" in requests.comments["1"]
    assert "SECRET" not in requests.comments["1"]
    assert requests.approvals == {"1": False}
    # AND an answer that fails is no traceback
    requests.after_comment.append(lambda: 1 / 0)
    assert not reviewer.review_one("1")

    # AND one that AWS refuses is logged with its reason
    def refuses() -> None:
        raise AwsRefused("update_comment", "AccessDeniedException", "no")

    requests.after_comment.append(refuses)
    assert not reviewer.review_one("1")
    assert caplog.messages[-1].startswith("pull request 1 could not be reviewed: ")
    assert "AccessDeniedException" in caplog.messages[-1]


def test_a_branch_that_was_deleted_is_told_once(requests: Requests, reviewer: Reviewer, tmp_path: Path) -> None:
    # GIVEN an open request whose branch is gone
    known = requests.read("1")
    requests.remote.git("checkout", "--quiet", "main")
    requests.remote.git("branch", "--delete", "--force", "change")
    requests.read = lambda _number: known  # type: ignore[method-assign]
    # WHEN it is reviewed, THEN that is told, and the build does not fail
    assert reviewer.review_all()
    assert "one of the two branches is no longer there" in requests.comments["1"]
    # AND later builds leave it alone
    requests.comments["1"] += "seen"
    assert reviewer.review_all()
    assert requests.comments["1"].endswith("seen")
