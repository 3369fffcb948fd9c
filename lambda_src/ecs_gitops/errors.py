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


class AwsRefused(EcsGitopsError):
    """AWS understood a call and said no; saying it again would not help. Becomes the reason of one item.

    ``code`` is AWS's error code (``AccessDeniedException``, ``ClusterNotFoundException``, …), ``operation`` the API
    operation as botocore names it.
    """

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message


class ItemFailed(EcsGitopsError):
    """One item cannot be deployed, for a reason that a person can act on. Its siblings go on."""
