"""Names of what a release deploys to: targets, clusters, task definition revisions. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# The event bus and schedule group where the manifest names none.
DEFAULT_BUS = "default"
DEFAULT_GROUP = "default"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a batch is deployed: an account and Region, and the role to assume there.

    ``session_name``: any text, such as an execution's name; what STS does not take is replaced. ``is_read_only``: the
    session may do only what :mod:`ecs_gitops.aws.session_policy` allows.
    """

    account: str
    region: str
    role_arn: str
    session_name: str
    is_read_only: bool = False


def short(reference: str) -> str:
    """``family:revision`` of a task definition's ARN."""
    return reference.rsplit("/", 1)[-1]


def family(reference: str) -> str:
    """The family of a task definition's ARN, of ``family:revision``, or of a family."""
    return short(reference).partition(":")[0]
