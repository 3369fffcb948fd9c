"""What releases remember of a service: what was good, the last attempt, and what was not good. Pure.

The rules are in :mod:`ecs_gitops.plan.memory`, and in docs/architecture/memory.md. Revisions are written
``family:revision``. Digests are by the containers' names in the manifest, settings are ECS's
``deploymentConfiguration``, times are epoch seconds by the functions' clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecs_gitops.model import event_data
from ecs_gitops.model.codec import Codec
from ecs_gitops.model.status import Judgement, Proof
from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What a rollback restores. ``revision`` is None where no earlier good one is known. ``settings`` are all settings
    of the service before the release changed them."""

    revision: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    settings: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A revision that was good, with the digests that it ran."""

    revision: str
    digests: Mapping[str, str] = field(default_factory=dict)
    proof: Proof = Proof.PROVEN


# In place of the deployment's id, where no release began it: it is never taken back.
OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A release's attempt to deploy an item. ``execution`` is the release's mark, ``fingerprint`` identifies the item's
    text, ``digests`` are those of its images' tags. ``revision`` and ``deployment`` (its id in the service's
    ``deployments``) are None until they are known; ``deployment`` is :data:`OTHERS` where it joined what somebody else
    began. ``written`` are all settings that the attempt writes, forward and in a rollback. ``good_before`` was good
    before it. ``by`` says who judged."""

    execution: str
    fingerprint: str
    digests: Mapping[str, str] = field(default_factory=dict)
    revision: str | None = None
    deployment: str | None = None
    has_post_deploy: bool = False
    rollback_to: Earlier | None = None
    written: tuple[Json, ...] = ()
    good_before: Good | None = None
    verdict: Judgement = Judgement.OPEN
    by: str = ""
    at: float = 0.0

    @property
    def unproven_revision(self) -> str | None:
        """The attempt's revision, as long as nothing proves it. A change of settings alone puts no revision in
        doubt."""
        return self.revision if self.verdict.is_unproven and not self.is_of_settings_alone else None

    @property
    def is_of_settings_alone(self) -> bool:
        """Whether the attempt changes no revision."""
        earlier = self.rollback_to.revision if self.rollback_to is not None else None
        return earlier is not None and earlier == self.revision


@dataclass(frozen=True, slots=True, kw_only=True)
class NotGood:
    """A revision that failed, or was never proven. ``needs_hook``: its hook postDeploy failed, so only a hook that
    succeeds makes it good."""

    revision: str
    why: str = ""
    needs_hook: bool = False


# More are not worth knowing: a rollback goes to one of the last revisions.
NOT_GOOD_AT_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The memory of one service."""

    good: Good | None = None
    attempt: Attempt | None = None
    not_good: tuple[NotGood, ...] = ()

    def is_not_good(self, revision: str) -> bool:
        return any(each.revision == revision for each in self.not_good)


_GOOD = Codec(Good)
_EARLIER = Codec(Earlier, {"settings": event_data.CONFIGURATION})
_ATTEMPT = Codec(
    Attempt,
    {"written": event_data.CONFIGURATIONS},
    {"rollback_to": _EARLIER, "good_before": _GOOD},
)
MEMORY = Codec(Memory, {}, {"good": _GOOD, "attempt": _ATTEMPT, "not_good": Codec(NotGood)})
NOTHING = Memory()
