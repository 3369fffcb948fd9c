"""What AWS's refusals mean, and what a person can do about them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.errors import AwsRefused


def explain(error: AwsRefused, batch: Batch, cluster: str | None = None) -> str:
    """What a person can do about an answer of AWS."""
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
