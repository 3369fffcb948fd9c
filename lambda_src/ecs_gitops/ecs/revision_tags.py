"""Tags on task definition revisions: where they come from, and what they replaced. Pure.

The tags are the deployer's memory. A handler that is run again finds its own execution's name on the revision that a
service runs, and in ``ecs-gitops:previous`` what ran before, so neither is lost with the process that wrote them.
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
# What the images' tags meant when the revision was registered.
DIGEST = PREFIX + "digest"
# On the revision that a target returned to, one for each target: what was rolled back from it.
_ROLLED_BACK = PREFIX + "rolled-back-"
# On a revision that failed on a target and was left there, one for each target.
_FAILED = PREFIX + "failed-"

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html
_TAGS_AT_MOST = 50
_VALUE_AT_MOST = 256
# A digest that was cut any shorter says nothing.
_TELLING = len("sha256:") + 12
_NOT_IN_A_VALUE = re.compile(r"[^\w +\-=.:/@]")


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
        (COMMIT, release.source.commit_id),
        (RELEASE, release.release),
        (REPOSITORY, release.source.repository),
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
