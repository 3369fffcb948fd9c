"""Tags on new task definition revisions: where they come from, and what they replaced. Pure.

The tags are the deployer's memory. A handler that is run again finds its own execution's name on the revision that a
service runs, and in ``ecs-gitops:previous`` what ran before, so neither is lost with the process that wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_gitops.errors import ItemFailed

PREFIX = "ecs-gitops:"
EXECUTION = PREFIX + "execution"
PREVIOUS = PREFIX + "previous"
RELEASE = PREFIX + "release"
COMMIT = PREFIX + "commit"
REPOSITORY = PREFIX + "repository"

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html
_TAGS_AT_MOST = 50
_VALUE_AT_MOST = 256
_NOT_IN_A_VALUE = re.compile(r"[^\w\s+\-=.:/@]")


@dataclass(frozen=True, slots=True)
class Release:
    """What a release is known by: the state machine's execution and the commit that it came from."""

    execution_arn: str
    execution_name: str
    started_at: float
    release: str | None = None
    repository: str | None = None
    branch: str | None = None
    commit_id: str | None = None
    author: str | None = None
    subject: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Release:
        """The ``release`` member of the state machine's data, as :meth:`to_json` wrote it."""
        return cls(
            execution_arn=str(data["executionArn"]),
            execution_name=str(data["executionName"]),
            started_at=float(str(data["startedAt"])),
            release=_text(data.get("release")),
            repository=_text(data.get("repository")),
            branch=_text(data.get("branch")),
            commit_id=_text(data.get("commitId")),
            author=_text(data.get("author")),
            subject=_text(data.get("subject")),
        )

    def to_json(self) -> dict[str, object]:
        """Members: executionArn, executionName, startedAt (epoch seconds), and those known of release, repository,
        branch, commitId, author, subject."""
        known = {
            "executionArn": self.execution_arn,
            "executionName": self.execution_name,
            "startedAt": self.started_at,
            "release": self.release,
            "repository": self.repository,
            "branch": self.branch,
            "commitId": self.commit_id,
            "author": self.author,
            "subject": self.subject,
        }
        return {key: value for key, value in known.items() if value is not None}

    @property
    def mark(self) -> str:
        """What tells this execution's revisions from all others: ``STATE_MACHINE:EXECUTION``."""
        machine = self.execution_arn.split(":")[-2] if self.execution_arn.count(":") >= 7 else "manual"
        return f"{machine}:{self.execution_name}"


def tags_for(release: Release, previous: str, existing: Mapping[str, str]) -> dict[str, str]:
    """Tags of a new revision: those that the replaced one had, and ours in place of older ones of ours.

    Raises :class:`ItemFailed` when the definition's own tags leave no room for the two that rollback needs; the other
    three are left out, last first, where there is no room.
    """
    kept = {key: value for key, value in existing.items() if not key.startswith((PREFIX, "aws:"))}
    ours = {EXECUTION: release.mark, PREVIOUS: previous}
    for key, value in ((COMMIT, release.commit_id), (RELEASE, release.release), (REPOSITORY, release.repository)):
        if value and len(kept) + len(ours) < _TAGS_AT_MOST:
            ours[key] = value
    if len(kept) + len(ours) > _TAGS_AT_MOST:
        raise ItemFailed(
            f"the task definition has {len(kept)} tags; ECS takes {_TAGS_AT_MOST} and ecs-gitops needs two: remove some"
        )
    return {**kept, **{key: _clean(value) for key, value in ours.items()}}


def is_ours(tags: Mapping[str, str], release: Release) -> bool:
    """Whether a revision with these tags was registered by this very execution."""
    return tags.get(EXECUTION) == _clean(release.mark)


def _clean(value: str) -> str:
    return _NOT_IN_A_VALUE.sub("_", value)[:_VALUE_AT_MOST]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
