"""The only package that talks to AWS: sessions, assumed roles, retries, clients.

Everything else takes and returns plain data. Nothing is created or imported from botocore before the first call.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_gitops import observability
from ecs_gitops.aws.calls import attempt, read_raw
from ecs_gitops.aws.ecs import Ecs
from ecs_gitops.aws.lookups import Lookups
from ecs_gitops.aws.pace import Pace
from ecs_gitops.aws.scheduling import Scheduling

if TYPE_CHECKING:
    from botocore.client import BaseClient

# Longer than an invocation lasts, in seconds; a role that was assumed by a role has an hour.
_RENEW_BEFORE_EXPIRY = 1_000.0
# Threads of one invocation that make calls at once, and so the connections that a client keeps.
CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class Target:
    """Where a batch is deployed: an account and Region, and the role to assume there."""

    account: str
    region: str
    role_arn: str
    session_name: str


class Aws(Ecs, Scheduling, Lookups):
    """The calls that the deployer makes in one account and Region, as that account's deploy role.

    Every method raises :class:`AwsUnavailable` when AWS throttles, fails or cannot be reached for longer than the
    client's own retries last, and :class:`AwsRefused` for any other error answer.
    """


@dataclass(slots=True)
class _Assumed:
    aws: Aws
    expires: float


_assumed: dict[Target, _Assumed] = {}


def connect(target: Target) -> Aws:
    """Assume the target's role, once for as long as the credentials last in this Lambda sandbox."""
    known = _assumed.get(target)
    if known is None or known.expires - time.time() < _RENEW_BEFORE_EXPIRY:
        known = _assumed[target] = _assume(target)
    return known.aws


def _assume(target: Target) -> _Assumed:
    # Not boto3's: docs/adr/0010-cold-start.md.
    from botocore.session import Session

    observability.trace_aws_calls()
    sts: Any = Session().create_client("sts", region_name=target.region, config=_config())
    answer = attempt(
        "assume_role", lambda: sts.assume_role(RoleArn=target.role_arn, RoleSessionName=target.session_name)
    )
    given = answer["Credentials"]
    session = Session()
    session.set_credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    clients: dict[tuple[str, str | None], BaseClient] = {}
    making = threading.Lock()

    def client(service: str, region: str | None = None) -> BaseClient:
        # Sessions are not thread-safe; the clients that they make are.
        with making:
            if (service, region) not in clients:
                made = session.create_client(service, region_name=region or target.region, config=_config())
                read_raw(made)
                clients[service, region] = made
            return clients[service, region]

    return _Assumed(Aws(client, Pace.from_environment()), given["Expiration"].timestamp())


def _config() -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 5},
        max_pool_connections=CONCURRENCY,
        user_agent_extra="ecs-gitops",
    )
