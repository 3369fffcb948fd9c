"""Plan a pull request: what its merge would do, in one comment, and an approval that depends on it.

The build of ``modules/plan`` runs it. What a branch has in it is data: see :mod:`ecs_gitops.hosts.merge_result`.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_gitops import manifest
from ecs_gitops.hosts.manifest_file import NotAManifest
from ecs_gitops.hosts.merge_result import GitFailed, NoMergeResult, Objects
from ecs_gitops.manifest.execution_input import render
from ecs_gitops.model import sanitize
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, InvalidManifest
from ecs_gitops.model.problem import Problem
from ecs_gitops.model.source import Source
from ecs_gitops.notify import review_comment
from ecs_gitops.notify.review_comment import Review

if TYPE_CHECKING:
    from ecs_gitops.aws.pull_requests import PullRequest, PullRequests
    from ecs_gitops.manifest import Manifest
    from ecs_gitops.plan.preview import ReleasePlan

log = logging.getLogger(__name__)

# Requests that are pushed to while they are reviewed are reviewed again, and not for ever.
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository whose requests are planned. ``destination``: the branch that is deployed. ``credentials`` are
    git's options that name the helper for fetches."""

    address: str
    destination: str
    manifest_path: str
    environment: Mapping[str, str]
    credentials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reviewer:
    """``plan`` makes the plan of a manifest, ``keep`` stores the whole text of one and says where it is.

    ``approves``: whether the request is approved, or its approval taken back."""

    requests: PullRequests
    repository: Repository
    instance: str
    home: tuple[str, str]
    plan: Callable[[Manifest], ReleasePlan]
    keep: Callable[[PullRequest, str], str]
    now: Callable[[], str]
    approves: bool

    def review_all(self) -> bool:
        """Review every open request whose comment is not about the commits that there are now; whether each could be
        planned. One that fails keeps no other from its review.

        A build runs this at its end: a request that was pushed to while two builds ran has no build of its own."""
        tried: dict[str, bool] = {}
        for _ in range(_ROUNDS):
            left = [number for number in self.requests.open_ids() if tried.get(number, True)]
            stale = [number for number in left if self._safely(self._is_stale, number)]
            if not stale:
                break
            for number in stale if self.approves else ():
                # All of them first: plans take time, and what was approved is no longer what would be merged.
                self._safely(self._take_back, number)
            tried |= {number: self._safely(self.review, number) for number in stale}
        return all(tried.values())

    def review_one(self, number: str) -> bool:
        """Review one request; False where it could not be planned or answered, whatever the reason is."""
        return self._safely(self.review, number)

    def _safely(self, act: Callable[[str], bool], number: str) -> bool:
        try:
            return act(number)
        except (AwsRefused, AwsUnavailable) as error:
            log.error("pull request %s could not be reviewed: %s", number, sanitize.line(str(error)))  # noqa: TRY400
        except Exception:
            log.exception("pull request %s could not be reviewed", number)
        return False

    def _open(self, number: str) -> PullRequest | None:
        """The request, if it is open and about the branch that is deployed."""
        request = self.requests.read(number)
        is_ours = request is not None and request.destination == f"refs/heads/{self.repository.destination}"
        return request if is_ours else None

    def _is_stale(self, number: str) -> bool:
        request = self._open(number)
        if request is None:
            return False
        known = self.requests.commented(request, review_comment.marker(self.instance))
        return known is None or review_comment.commits(request.source_commit, request.destination_commit) not in str(
            known.get("content")
        )

    def review(self, number: str) -> bool:
        """Review one request: comment, and approve or revoke. False where the plan could not be made, for a reason that
        is not the request's. A request that is not open, or is about another branch, is left alone."""
        for _ in range(_ROUNDS):
            request = self._open(number)
            if request is None:
                log.info("nothing to plan", extra={"pullRequest": number})
                return True
            review = self._reviewed(request)
            text = self._text(request, review)
            self._answer(request, review, text)
            log.info("planned", extra={"pullRequest": number, "isGood": review.is_good})
            if review.failure is not None:
                # The build fails, and its log says why.
                log.error("pull request %s could not be planned: %s", number, review.failure)
            if not self.approves or self._is_last(request, review, text):
                return review.failure is None
        return False

    def _answer(self, request: PullRequest, review: Review, text: str) -> None:
        """Comment, and approve or revoke after it. What is not good is revoked before it too: the comment may fail."""
        if self.approves and not review.is_good:
            self.requests.approve(request, is_good=False)
        self.requests.comment(request, review_comment.marker(self.instance), text)
        if self.approves:
            self.requests.approve(request, is_good=review.is_good)

    def _is_last(self, request: PullRequest, review: Review, text: str) -> bool:
        """Whether no other build has commented since with another result. It may have read newer commits, and have
        approved or revoked before this one did."""
        known = self.requests.commented(request, review_comment.marker(self.instance))
        content = str(known.get("content")) if known is not None else ""
        is_same = content.split("\n", 1)[0] == text.split("\n", 1)[0]
        commits = review_comment.commits(request.source_commit, request.destination_commit)
        return is_same and (review.failure is not None or commits in content)

    def _take_back(self, number: str) -> bool:
        request = self._open(number)
        if request is not None:
            self.requests.approve(request, is_good=False)
        return True

    def _text(self, request: PullRequest, review: Review) -> str:
        end = review_comment.marker(self.instance)
        if review.failure is None:
            # By these it is known later that the comment is about the commits that there are.
            end += f" {review_comment.commits(request.source_commit, request.destination_commit)}"
        head = self._head(request)
        comment = review_comment.comment(review, head, end, self.home)
        if comment.is_cut:
            at = self.keep(request, review_comment.comment(review, head, end, self.home, at_most=None).text)
            comment = review_comment.comment(review, head, end, self.home, whole=at)
        return comment.text

    def _head(self, request: PullRequest) -> list[str]:
        source, destination = request.source_commit[:12], request.destination_commit[:12]
        return [f"Merge of `{source}` into `{self.repository.destination}` at `{destination}`, planned {self.now()}."]

    def _reviewed(self, request: PullRequest) -> Review:
        path = self.repository.manifest_path
        try:
            # What git left running after its time may still write there.
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                content = self._content(request, Path(folder))
            checked = manifest.load(content, path)
            # As the pipeline's build does: what it refuses cannot be released.
            render(checked, Source(), path)
            return Review(plan=self.plan(checked.with_defaults()))
        except NoMergeResult as error:
            return Review(conflict=sanitize.line(str(error)))
        except NotAManifest as error:
            problem = Problem(0, 0, "", error.message, error.accepted)
            return Review(problems=InvalidManifest(path, [problem]).lines)
        except InvalidManifest as error:
            return Review(problems=error.lines)
        except (AwsRefused, AwsUnavailable, GitFailed) as error:
            return Review(failure=sanitize.line(str(error)))
        except Exception as error:
            # Told like any failure, so that an approval is taken back. The log has the rest.
            log.exception("pull request %s could not be planned", request.id)
            return Review(failure=f"{type(error).__name__}: the log of the build has the details")

    def _content(self, request: PullRequest, folder: Path) -> bytes:
        objects = Objects(folder / "objects.git", self.repository.environment, self.repository.credentials)
        branches = {"destination": request.destination, "source": request.source}
        objects.fetch(self.repository.address, branches)
        tree = objects.merged(request.destination_commit, request.source_commit)
        return objects.manifest(tree, self.repository.manifest_path)
