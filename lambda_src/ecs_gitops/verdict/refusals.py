"""Messages for errors of AWS: what happened, and what a person can do. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.model.desired import DesiredService
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed, LedgerRefused

if TYPE_CHECKING:
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item


def failure_text(error: Exception, batch: Batch, item: Item | None = None) -> str:
    """The reason of an item that failed with ``error``, whatever that is. Where the item's state is unknown, it says
    so."""
    if isinstance(error, ItemFailed):
        return str(error)
    if isinstance(error, AwsRefused):
        is_service = item is not None and isinstance(item.desired, DesiredService)
        return explain(error, batch, item.cluster if item is not None and is_service else None)
    if isinstance(error, AwsUnavailable):
        return f"AWS did not take the calls in time, so the item's state is unknown: {error}"
    if isinstance(error, LedgerRefused):
        return str(error)
    return f"internal error ({type(error).__name__}), so the item's state is unknown"


def is_expected(error: Exception) -> bool:
    """Whether an error has a text for people. Any other error is a fault of this package."""
    return isinstance(error, ItemFailed | AwsRefused | AwsUnavailable | LedgerRefused)


def explain(error: AwsRefused, batch: Batch, cluster: str | None = None) -> str:
    """The message about AWS's refusal, with what a person can do."""
    if error.code == "ClusterNotFoundException":
        return f"cluster {cluster!r} does not exist in account {batch.account}, Region {batch.region}"
    if error.operation == "assume_role":
        return (
            f"could not assume {batch.role_arn}: {error.code}: {error.message}; is modules/deploy_role applied in "
            f"account {batch.account}, and does it trust this deployer's function roles?"
        )
    if error.code.startswith("AccessDenied") and "iam:PassRole" in error.message:
        return f"{error}; add the role to pass_role_arns of the deploy role"
    if error.code.startswith("AccessDenied"):
        return f"{error}; widen the scope of the deploy role {batch.role_arn}"
    return str(error)
