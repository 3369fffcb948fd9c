"""What tells apart the things that a release names: task definition revisions, clusters, sessions. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# The cluster, event bus and schedule group that are meant where none is named.
DEFAULT_CLUSTER = "default"
DEFAULT_BUS = "default"
DEFAULT_GROUP = "default"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a batch is deployed: an account and Region, and the role to assume there.

    ``session_name``: any text, such as an execution's name; it is made fit. ``only_looks``: the session may do no more
    than :mod:`ecs_gitops.aws.session_policy` allows.
    """

    account: str
    region: str
    role_arn: str
    session_name: str
    only_looks: bool = False


def short(reference: str) -> str:
    """``family:revision`` of a task definition's ARN."""
    return reference.rsplit("/", 1)[-1]


def family(reference: str) -> str:
    """The family of a task definition's ARN, of ``family:revision``, or of a family."""
    return short(reference).partition(":")[0]
