"""Every error that the package raises on purpose.

The class names are API: Step Functions reports a handler's exception class as the error name, and the state
machine's ``Retry`` and ``Catch`` match on it. Renaming one is a breaking change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecs_gitops.model import sanitize

if TYPE_CHECKING:
    from ecs_gitops.model.problem import Problem


class EcsGitopsError(Exception):
    """Base of all errors of this package."""


# More would push the first ones out of view.
_PROBLEMS_SHOWN = 100
_TEXT_AT_MOST = 20_000


class InvalidManifest(EcsGitopsError):
    """The manifest, or the execution input made from it, is wrong. Never retried: only a new push can correct it.

    ``problems`` are all problems, up to ten thousand, in the file's order; ``total`` is their number where only some
    are known here. The text has one line for each of the first hundred, as far as the state machine's data has room.
    """

    def __init__(self, file: str, problems: Sequence[Problem], total: int | None = None) -> None:
        self.file = sanitize.escaped(file)
        self.problems = tuple(problems)
        self.total = max(total or 0, len(self.problems))
        lines: list[str] = []
        for problem in self.problems[:_PROBLEMS_SHOWN]:
            lines.append(problem.text(file))
            if sum(map(len, lines)) > _TEXT_AT_MOST:
                break
        more = self.total - len(lines)
        super().__init__("\n".join(lines + [f"{self.file}: ... and {more} more problems"] * (more > 0)))

    @property
    def lines(self) -> list[str]:
        """One line for each problem that is known here."""
        return [problem.text(self.file) for problem in self.problems]


class UnknownAccount(EcsGitopsError):
    """An item names an account for which no role to assume is configured. Never retried."""


class ReleaseTooLarge(EcsGitopsError):
    """The release has more accounts and Regions than the state machine can carry. Never retried."""


class InvalidEvent(EcsGitopsError):
    """A handler got an event that the state machine never sends. Never retried."""


class AwsUnavailable(EcsGitopsError):
    """AWS throttled or failed longer than a call's own retries last. The state machine retries it."""

    def __init__(self, message: str) -> None:
        super().__init__(sanitize.line(message))


class LedgerUnavailable(EcsGitopsError):
    """The ledger's bucket failed, or could not be reached, for longer than a call's own retries last. The state machine
    retries it."""


class LedgerRefused(EcsGitopsError):
    """S3 or KMS denied a function access to the ledger. Never retried: rights, key or bucket have to be corrected."""


class ReleaseInProgress(EcsGitopsError):
    """Another release of this instance runs, or may run. Never retried: a person decides."""


class FenceLost(EcsGitopsError):
    """Another release has taken over: this one must not change anything any more. Never retried."""


class InvalidSettings(EcsGitopsError):
    """The instance's settings are missing, or not in this version's format. Never retried: Terraform writes them."""


class AwsRefused(EcsGitopsError):
    """AWS refused a call, and would refuse it again. Becomes the reason of one item.

    ``code`` is AWS's error code (``AccessDeniedException``, ``ClusterNotFoundException``, …), ``operation`` the API
    operation as botocore names it; ``resources`` are the ids that some answers name.
    """

    def __init__(self, operation: str, code: str, message: str, resources: Sequence[str] = ()) -> None:
        # AWS's message may quote text from outside.
        self.operation = operation
        self.code = sanitize.line(code)
        self.message = sanitize.line(message)
        super().__init__(f"{operation}: {self.code}: {self.message}")
        self.resources = tuple(resources)

    @property
    def is_denied(self) -> bool:
        """Whether the caller lacks the right to make the call."""
        return self.code.startswith("AccessDenied")


class ItemFailed(EcsGitopsError):
    """One item cannot be deployed, for a reason that a person can act on. The other items go on."""
