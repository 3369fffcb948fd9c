"""The tags of task definition revisions: which release registered them, and which revision they replaced. Pure.

A handler that runs again, after the first run died between two calls, knows its own revision by its execution's name.
What releases remember of each other is in the ledger (:mod:`ecs_gitops.ledger.targets`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.names import fitted
from ecs_gitops.model.release import Release

PREFIX = "ecs-gitops:"
EXECUTION = PREFIX + "execution"
PREVIOUS = PREFIX + "previous"
RELEASE = PREFIX + "release"
COMMIT = PREFIX + "commit"
REPOSITORY = PREFIX + "repository"
# The digests of the images' tags when the revision was registered.
DIGEST = PREFIX + "digest"
# On a revision that failed, as far as it takes tags: whoever loses the ledger still knows of it.
FAILED = PREFIX + "failed"
# Of versions without a ledger: on the revision that a rollback restored, a hash of what was rolled back;
# and on a revision that failed and was left. One for each target.
_ROLLED_BACK = PREFIX + "rolled-back-"
_FAILED_BEFORE = PREFIX + "failed-"

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html
_TAGS_AT_MOST = 50
VALUE_AT_MOST = 256
# A shorter beginning of a digest is not distinct enough.
_SHORTEST_DIGEST = len("sha256:") + 12
_NOT_IN_A_VALUE = re.compile(r"[^\w +\-=.:/@]")


def tags_for(
    release: Release, previous: str, existing: Mapping[str, str], digests: Mapping[str, str]
) -> dict[str, str]:
    """Tags of a new revision: our own tags for this release, and all other tags of the replaced revision.

    ``digests`` are the known digests of the containers' images. ECS limits the number of tags. Where there is no room,
    ours are left out, the last ones first. Raises :class:`ItemFailed` if there is no room for the two that a rollback
    needs, or if the name of the replaced revision does not fit into one.
    """
    others = {key: value for key, value in existing.items() if not key.startswith((PREFIX, "aws:"))}
    ours = {EXECUTION: release.mark, PREVIOUS: short(previous)}
    optional = (
        (DIGEST, digest_tag(digests)),
        (COMMIT, release.source.commit_id),
        (RELEASE, release.release),
        (REPOSITORY, release.source.repository),
    )
    for key, value in optional:
        if value and len(others) + len(ours) < _TAGS_AT_MOST:
            ours[key] = value
    if len(others) + len(ours) > _TAGS_AT_MOST:
        raise ItemFailed(
            f"the task definition has {len(others)} tags; ECS allows {_TAGS_AT_MOST}, and ecs-gitops needs two of "
            "them: remove some"
        )
    if len(ours[PREVIOUS]) > VALUE_AT_MOST:
        raise ItemFailed(
            f"{ours[PREVIOUS]} has {len(ours[PREVIOUS])} characters; a tag's value has {VALUE_AT_MOST} at most, and "
            "the revision to roll back to is kept in one: use a family with a shorter name"
        )
    return {**others, **{key: _clean(value) for key, value in ours.items()}, EXECUTION: execution_tag(release.mark)}


def is_ours(tags: Mapping[str, str], release: Release) -> bool:
    """Whether this execution registered a revision with these tags."""
    return tags.get(EXECUTION) == execution_tag(release.mark)


def digest_tag(digests: Mapping[str, str]) -> str | None:
    """``web=sha256:…`` for each container, with shortened digests if there are many; None without digests."""
    for length in (71, 39, 19):
        value = " ".join(f"{name}={digest[:length]}" for name, digest in sorted(digests.items()))
        if len(value) <= VALUE_AT_MOST:
            break
    return _clean(value) or None


def has_room(digests: Mapping[str, str]) -> bool:
    """Whether a tag's value has room for all of these digests."""
    return set(digests_of({DIGEST: digest_tag(digests) or ""})) == set(digests)


def digests_of(tags: Mapping[str, str]) -> dict[str, str]:
    """The containers' digests in a revision's tags; each may be only the beginning of a digest."""
    pairs = (part.partition("=") for part in tags.get(DIGEST, "").split())
    return {
        name: digest for name, _, digest in pairs if digest.startswith("sha256:") and len(digest) >= _SHORTEST_DIGEST
    }


def fingerprint(desired: Mapping[str, Any]) -> str:
    """A short hash of an item's desired state."""
    return hashlib.sha256(json.dumps(desired, sort_keys=True).encode()).hexdigest()[:16]


def old_marks(tags: Mapping[str, str], target: str) -> tuple[str | None, bool]:
    """What versions without a ledger remembered of a target (``service CLUSTER/NAME``) on the revision that it runs:
    the hash of what was rolled back, and whether the revision itself failed."""
    key = _short_hash(target)
    return tags.get(_ROLLED_BACK + key) or None, bool(tags.get(_FAILED_BEFORE + key))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def previous_of(tags: Mapping[str, str], live: str) -> str:
    """``family:revision`` that a revision with these tags replaced; ``live`` itself if there is no such tag."""
    return short(tags.get(PREVIOUS, live))


def execution_tag(mark: str) -> str:
    """An execution's mark (:attr:`Release.mark`) as a tag's value; it is unique."""
    return fitted(mark, _NOT_IN_A_VALUE, VALUE_AT_MOST)


def other_machine(tags: Mapping[str, str], release: Release) -> str | None:
    """The name of another state machine whose execution registered a revision with these tags; None where there is
    none."""
    machine, colon, _ = tags.get(EXECUTION, "").partition(":")
    return machine if colon and machine != release.machine else None


def is_of_machine(tags: Mapping[str, str], release: Release) -> bool:
    """Whether any execution of the release's state machine registered a revision with these tags."""
    return tags.get(EXECUTION, "").startswith(f"{release.machine}:")


def _clean(value: str) -> str:
    return _NOT_IN_A_VALUE.sub("_", value)[:VALUE_AT_MOST]
