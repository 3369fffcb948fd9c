"""The words of a release: what becomes of items, what to do when one fails, what a batch is worked on for. Pure.

Each is a text too, and stands in the state machine's data, in results and in notices as it is written here.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What became of an item."""

    UNCHANGED = "UNCHANGED"
    DEPLOYED = "DEPLOYED"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"
    SKIPPED = "SKIPPED"
    # Left alone on purpose: what Git asks for was rolled back before, or it waits for an item that is held.
    HELD = "HELD"

    @property
    def is_good(self) -> bool:
        """Whether what Git asks for runs."""
        return self in (Status.UNCHANGED, Status.DEPLOYED)

    @property
    def is_bad(self) -> bool:
        """Whether the item itself failed."""
        return self in (Status.FAILED, Status.ROLLED_BACK)

    @property
    def fails_the_release(self) -> bool:
        """Whether a release with this result has failed. An item that is held is known already, and no failure."""
        return self.is_bad or self is Status.SKIPPED


class ReleaseStatus(StrEnum):
    """What became of a release."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class OnFailure(StrEnum):
    """What happens when an item fails, as the manifest has it."""

    STOP = "stop"
    ROLL_BACK = "rollback"
    ROLL_BACK_RELEASE = "rollbackRelease"

    @property
    def rolls_back(self) -> bool:
        """Whether the item itself is rolled back, whatever becomes of the others."""
        return self is not OnFailure.STOP


class Kind(StrEnum):
    """What the items of a batch are."""

    TASK = "task"
    SERVICE = "service"


class Mode(StrEnum):
    """What a batch is worked on for. CHECK reads and changes nothing; CLEAN deregisters revisions that failed, when
    every item has its result."""

    CHECK = "CHECK"
    DEPLOY = "DEPLOY"
    CLEAN = "CLEAN"


class Next(StrEnum):
    """What the state machine does next with a batch."""

    DEPLOY = "DEPLOY"
    WAIT = "WAIT"
    DONE = "DONE"


class Hook(StrEnum):
    """A hook of ours, by its name in the manifest."""

    PRE_DEPLOY = "preDeploy"
    POST_DEPLOY = "postDeploy"


class Finding(StrEnum):
    """What a check found, from the worst to the best."""

    FAILED = "FAILED"
    NOT_CHECKED = "NOT_CHECKED"
    WARNING = "WARNING"
    OK = "OK"


class ChangeKind(StrEnum):
    """What a target needs, by the plan."""

    NOTHING = "NOTHING"
    HELD = "HELD"
    # What is desired is being deployed already: that deployment is judged, none is started.
    JOIN = "JOIN"
    # The settings alone differ: nothing is rolled out.
    CONFIGURE = "CONFIGURE"
    DEPLOY = "DEPLOY"


class Step(StrEnum):
    """Where an item is that has no result yet. ecs_gitops.flow.transitions says which step may follow which."""

    PENDING = "PENDING"
    PRE_DEPLOY = "PRE_DEPLOY"
    PRE_DEPLOY_QUEUED = "PRE_DEPLOY_QUEUED"
    PRE_DEPLOY_RUNNING = "PRE_DEPLOY_RUNNING"
    UPDATE = "UPDATE"
    ROLLING_OUT = "ROLLING_OUT"
    POST_DEPLOY = "POST_DEPLOY"
    POST_DEPLOY_QUEUED = "POST_DEPLOY_QUEUED"
    POST_DEPLOY_RUNNING = "POST_DEPLOY_RUNNING"
    ROLL_BACK = "ROLL_BACK"
    ROLLING_BACK = "ROLLING_BACK"
    RESTORE_SETTINGS = "RESTORE_SETTINGS"

    @property
    def is_waiting(self) -> bool:
        """Whether something goes on at AWS that is watched. Else the deploy state has to act."""
        return self in _WAITING

    @property
    def is_rollback(self) -> bool:
        return self in (Step.ROLL_BACK, Step.ROLLING_BACK, Step.RESTORE_SETTINGS)

    @property
    def hook(self) -> Hook | None:
        """The hook that the step is about."""
        return _HOOKS.get(self)


_WAITING = frozenset(
    {
        Step.PRE_DEPLOY_QUEUED,
        Step.PRE_DEPLOY_RUNNING,
        Step.ROLLING_OUT,
        Step.POST_DEPLOY_QUEUED,
        Step.POST_DEPLOY_RUNNING,
        Step.ROLLING_BACK,
    }
)
_HOOKS = {
    Step.PRE_DEPLOY: Hook.PRE_DEPLOY,
    Step.PRE_DEPLOY_QUEUED: Hook.PRE_DEPLOY,
    Step.PRE_DEPLOY_RUNNING: Hook.PRE_DEPLOY,
    Step.POST_DEPLOY: Hook.POST_DEPLOY,
    Step.POST_DEPLOY_QUEUED: Hook.POST_DEPLOY,
    Step.POST_DEPLOY_RUNNING: Hook.POST_DEPLOY,
}
