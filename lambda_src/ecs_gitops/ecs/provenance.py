"""Tags on new task definition revisions: where they come from, and what they replaced. Pure.

The tags are the deployer's memory. A handler that is run again finds its own execution's name on the revision that a
service runs, and in ``ecs-gitops:previous`` what ran before, so neither is lost with the process that wrote them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_gitops.ecs.task_definition import short
from ecs_gitops.model import sanitize
from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.names import fitted

PREFIX = "ecs-gitops:"
EXECUTION = PREFIX + "execution"
PREVIOUS = PREFIX + "previous"
RELEASE = PREFIX + "release"
COMMIT = PREFIX + "commit"
REPOSITORY = PREFIX + "repository"
# What the images' tags meant when the revision was registered.
DIGEST = PREFIX + "digest"
# On the revision that a target returned to, one for each target: what was rolled back from it.
_ROLLED_BACK = PREFIX + "rolled-back-"
# On a revision that failed on a target and was left there, one for each target.
_FAILED = PREFIX + "failed-"

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html
_TAGS_AT_MOST = 50
_VALUE_AT_MOST = 256
# Of a text of an input that may be anything.
_SHORT = 200
# A digest that was cut any shorter says nothing.
_TELLING = len("sha256:") + 12
_NOT_IN_A_VALUE = re.compile(r"[^\w +\-=.:/@]")


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


def of_input(deployment: object, arn: str, name: str) -> Release:
    """The release as far as an execution's input, which may be anything, tells of it."""
    known = deployment if isinstance(deployment, Mapping) else {}
    source = known.get("source")
    source = source if isinstance(source, Mapping) else {}
    return Release(
        execution_arn=arn,
        execution_name=name,
        started_at=0.0,
        release=_short(known.get("release")),
        repository=_short(source.get("repository")),
        branch=_short(source.get("branch")),
        commit_id=_short(source.get("commitId")),
        author=_short(source.get("author")),
        subject=_short(source.get("subject")),
    )


def tags_for(
    release: Release, previous: str, existing: Mapping[str, str], digests: Mapping[str, str]
) -> dict[str, str]:
    """Tags of a new revision: those that the replaced one had, and ours in place of older ones of ours.

    ``digests`` is what each container's image tag means now, as far as it is known. Raises :class:`ItemFailed` when the
    definition's own tags leave no room for the two that rollback needs; the others are left out, last first, where
    there is no room.
    """
    kept = {key: value for key, value in existing.items() if not key.startswith((PREFIX, "aws:"))}
    ours = {EXECUTION: release.mark, PREVIOUS: short(previous)}
    told = (
        (DIGEST, digest_tag(digests)),
        (COMMIT, release.commit_id),
        (RELEASE, release.release),
        (REPOSITORY, release.repository),
    )
    for key, value in told:
        if value and len(kept) + len(ours) < _TAGS_AT_MOST:
            ours[key] = value
    if len(kept) + len(ours) > _TAGS_AT_MOST:
        raise ItemFailed(
            f"the task definition has {len(kept)} tags; ECS takes {_TAGS_AT_MOST} and ecs-gitops needs two: remove some"
        )
    return {**kept, **{key: _clean(value) for key, value in ours.items()}, EXECUTION: _execution(release)}


def is_ours(tags: Mapping[str, str], release: Release) -> bool:
    """Whether a revision with these tags was registered by this very execution."""
    return tags.get(EXECUTION) == _execution(release)


def digest_tag(digests: Mapping[str, str]) -> str | None:
    """``web=sha256:…`` for each container, the digests cut where there are many; None when nothing is known."""
    for length in (71, 39, 19):
        told = " ".join(f"{name}={digest[:length]}" for name, digest in sorted(digests.items()))
        if len(told) <= _VALUE_AT_MOST:
            break
    return _clean(told) or None


def digests_of(tags: Mapping[str, str]) -> dict[str, str]:
    """What a revision's tag tells of its containers' digests: each the digest or its beginning."""
    pairs = (part.partition("=") for part in tags.get(DIGEST, "").split())
    return {name: digest for name, _, digest in pairs if digest.startswith("sha256:") and len(digest) >= _TELLING}


def fingerprint(wanted: Mapping[str, Any]) -> str:
    """What tells one wanted state of an item from another."""
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]


def rolled_back_key(target: str) -> str:
    """The tag that remembers what was rolled back of a target (``cluster/service``, ``bus/rule``, …)."""
    return _ROLLED_BACK + _short_hash(target)


def failed_key(target: str) -> str:
    """The tag that remembers what failed on a target and was left there."""
    return _FAILED + _short_hash(target)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def previous_of(tags: Mapping[str, str], live: str) -> str:
    """``family:revision`` that a revision with these tags replaced; ``live`` itself where no tag tells."""
    return short(tags.get(PREVIOUS, live))


def _execution(release: Release) -> str:
    """The execution's mark as a tag's value, which tells it from every other one."""
    return fitted(release.mark, _NOT_IN_A_VALUE, _VALUE_AT_MOST)


def _clean(value: str) -> str:
    return _NOT_IN_A_VALUE.sub("_", value)[:_VALUE_AT_MOST]


def _short(value: object) -> str | None:
    return sanitize.line(str(value), _SHORT) or None if isinstance(value, str | int | float) else None


def _text(value: object) -> str | None:
    return None if value is None else sanitize.line(str(value)) or None
