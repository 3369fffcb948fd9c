"""Status words of a release: results and steps of items, modes of a batch, plans, check results. Pure.

The state machine's data, results and notices have these words as they are written here.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The result of an item."""

    UNCHANGED = "UNCHANGED"
    DEPLOYED = "DEPLOYED"
    FAILED = "FAILED"
    ROLLED_BACK = "ROLLED_BACK"
    SKIPPED = "SKIPPED"
    # Not deployed on purpose: what Git asks for was rolled back before, or the item depends on one that is held.
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
        """Whether a release with this result has failed. A held item is no failure: the release before reported it."""
        return self.is_bad or self is Status.SKIPPED


class ReleaseStatus(StrEnum):
    """The result of a release."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class Judgement(StrEnum):
    """The verdict on an attempt. OPEN: there is none, as when the execution was aborted, or when somebody else's
    deployment took the place of ours. FAILED: it failed itself. RETURNED: it was good or not judged, and was rolled
    back because another item failed. UNTOUCHED: nothing of the service was changed."""

    OPEN = "OPEN"
    GOOD = "GOOD"
    FAILED = "FAILED"
    RETURNED = "RETURNED"
    UNTOUCHED = "UNTOUCHED"

    @property
    def is_unproven(self) -> bool:
        """Whether the attempt's revision must not be rolled back to."""
        return self in (Judgement.OPEN, Judgement.FAILED)


class Proof(StrEnum):
    """How a revision is known to be good. ADOPTED: it was running, and nothing was known against it."""

    PROVEN = "PROVEN"
    ADOPTED = "ADOPTED"


class OnFailure(StrEnum):
    """What happens when an item fails, as the manifest has it."""

    STOP = "stop"
    ROLL_BACK = "rollback"
    ROLL_BACK_RELEASE = "rollbackRelease"

    @property
    def rolls_back(self) -> bool:
        """Whether the failed item itself is rolled back."""
        return self is not OnFailure.STOP


class Kind(StrEnum):
    """The kind of all items of a batch."""

    TASK = "task"
    SERVICE = "service"


class Mode(StrEnum):
    """What is done with a batch. CHECK only reads; PREPARE runs the hooks before the rollouts; CLEAN deregisters failed
    revisions when every item has its result."""

    CHECK = "CHECK"
    PREPARE = "PREPARE"
    DEPLOY = "DEPLOY"
    CLEAN = "CLEAN"


class Next(StrEnum):
    """What the state machine does next with a batch."""

    DEPLOY = "DEPLOY"
    WAIT = "WAIT"
    DONE = "DONE"


class Hook(StrEnum):
    """A hook, by its name in the manifest."""

    PRE_DEPLOY = "preDeploy"
    POST_DEPLOY = "postDeploy"


class Finding(StrEnum):
    """The result of a check, from the worst to the best."""

    FAILED = "FAILED"
    NOT_CHECKED = "NOT_CHECKED"
    WARNING = "WARNING"
    OK = "OK"


class ChangeKind(StrEnum):
    """What the plan does with a target."""

    NOTHING = "NOTHING"
    HELD = "HELD"
    # What is desired is being deployed already: that deployment is watched, and none is started.
    JOIN = "JOIN"
    # Only the settings differ: nothing is rolled out.
    CONFIGURE = "CONFIGURE"
    # What is desired runs, and was never proven: it is judged again, and nothing is rolled out.
    JUDGE = "JUDGE"
    DEPLOY = "DEPLOY"


class Step(StrEnum):
    """The step of an item without a result. :mod:`ecs_gitops.flow.transitions` says which step may follow which."""

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
        """Whether the item waits for AWS, and ValidateDeploy watches it. Otherwise the deploy state has to act."""
        return self in _WAITING

    @property
    def is_rollback(self) -> bool:
        return self in (Step.ROLL_BACK, Step.ROLLING_BACK, Step.RESTORE_SETTINGS)

    @property
    def hook(self) -> Hook | None:
        """The hook that the step belongs to; None for other steps."""
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
