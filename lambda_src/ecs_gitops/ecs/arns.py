"""Names of clusters, roles and task definitions as ARNs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_CLUSTER = "default"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
_SERVICE_LINKED = ":role/aws-service-role/"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a short name means something: ``partition`` as in ``aws``, the Region and the account."""

    partition: str
    region: str
    account: str

    def cluster(self, name: str) -> str:
        """The ARN of a cluster; of the default cluster for an empty name. An ARN stays as it is."""
        return self._of_ecs("cluster", name or DEFAULT_CLUSTER)

    def task_definition(self, name: str) -> str:
        """The ARN of ``family:revision``. That of a family alone names no revision. An ARN stays as it is."""
        return self._of_ecs("task-definition", name)

    def role(self, name: str) -> str:
        """The ARN of a role by its name or its path and name. An ARN stays as it is."""
        return name if _is_arn(name) else f"arn:{self.partition}:iam::{self.account}:role/{name.lstrip('/')}"

    def _of_ecs(self, kind: str, name: str) -> str:
        return name if _is_arn(name) else f"arn:{self.partition}:ecs:{self.region}:{self.account}:{kind}/{name}"


def is_service_linked(role: str) -> bool:
    """Whether the ARN is that of a role that belongs to an AWS service, which AWS takes where no role is given."""
    return _SERVICE_LINKED in role


def _is_arn(name: str) -> bool:
    return name.startswith("arn:")
