"""Every error that the package raises on purpose.

The class names are API: Step Functions reports a handler's exception class as the error name, and the state
machine's ``Retry`` and ``Catch`` match on it. Renaming one is a breaking change.
"""


class EcsGitopsError(Exception):
    """Base of all errors of this package."""


class InvalidManifest(EcsGitopsError):
    """The manifest, or the execution input made from it, is wrong. Never retried: only a new push mends it."""


class UnknownAccount(EcsGitopsError):
    """An item names an account for which no role to assume is configured. Never retried."""


class InvalidEvent(EcsGitopsError):
    """A handler got an event that the state machine never sends. Never retried."""


class AwsUnavailable(EcsGitopsError):
    """AWS throttled or failed longer than a call's own retries last. The state machine retries it."""
