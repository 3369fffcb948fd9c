"""The only package that talks to AWS: sessions, assumed roles, retries, clients.

Everything else takes and returns plain data. Nothing is created or imported from botocore before the first call.
"""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ecs_gitops.aws import observability, read_only
from ecs_gitops.aws.calls import attempt, read_raw
from ecs_gitops.aws.dependencies import Lookups
from ecs_gitops.aws.ecs import Ecs
from ecs_gitops.aws.eventbridge import Scheduling
from ecs_gitops.aws.rate_limit import Pace
from ecs_gitops.model import names
from ecs_gitops.model.identity import Target

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.session import Session

# Longer than an invocation lasts, in seconds; a role that was assumed by a role has an hour.
_RENEW_BEFORE_EXPIRY = 1_000.0
# Threads of one invocation that make calls at once, and so the connections that a client keeps.
CONCURRENCY = 8
# The sessions of a warm sandbox, of two megabytes each with their clients: every place of a large release.
SESSIONS_KEPT = 40
# Looking for the garbage that they leave takes half a second in a full sandbox: not for each of them.
_GO_AT_ONCE = 10


class Aws(Ecs, Scheduling, Lookups):
    """The calls that the deployer makes in one account and Region, as that account's deploy role.

    Every method raises :class:`AwsUnavailable` when AWS throttles, fails or cannot be reached for longer than the
    client's own retries last, and :class:`AwsRefused` for any other error answer.
    """


@dataclass(slots=True)
class _Assumed:
    aws: Aws
    expires: float


# The one that was used last is the last one.
_assumed: dict[Target, _Assumed] = {}


def connect(target: Target) -> Aws:
    """Assume the target's role, once for as long as the credentials last in this Lambda sandbox."""
    known = _assumed.pop(target, None)
    if known is None or _is_old(known):
        _make_room()
        known = _assume(target)
    _assumed[target] = known
    return known.aws


def _is_old(session: _Assumed) -> bool:
    return session.expires - time.time() < _RENEW_BEFORE_EXPIRY


def _make_room() -> None:
    """Let go of sessions that are of no use any more, and of those that were not used for longest."""
    going = [target for target, session in _assumed.items() if _is_old(session)]
    left = [target for target in _assumed if target not in going]
    going += left[:_GO_AT_ONCE] if len(left) >= SESSIONS_KEPT else []
    for target in going:
        del _assumed[target]
    if going:
        # Clients and their sessions refer to each other, and garbage is seldom looked for: ecs_gitops.lambdas.
        gc.collect()


def _assume(target: Target) -> _Assumed:
    observability.trace_aws_calls()
    sts: Any = new_session().create_client("sts", region_name=target.region, config=_config())
    asked = {"RoleArn": target.role_arn, "RoleSessionName": names.session_name(target.session_name)}
    if target.only_looks:
        asked["Policy"] = read_only.POLICY
    given = attempt("assume_role", lambda: sts.assume_role(**asked))["Credentials"]
    session = new_session()
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

    return _Assumed(Aws(client, _pace(target)), given["Expiration"].timestamp())


def _pace(target: Target) -> Pace:
    """The pace of the place's other sessions: ECS counts the calls of an account and Region."""
    place = (target.account, target.region)
    shared = (session.aws.pace for other, session in _assumed.items() if (other.account, other.region) == place)
    return next(shared, None) or Pace.from_environment()


def new_session() -> Session:
    """A session of botocore's that shares what botocore reads of its data with all others."""
    # Not boto3's: docs/adr/0010-cold-start.md.
    from botocore.session import Session

    session = Session()
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


def own_client(service: str, region: str, *, read_timeout: float, attempts: int) -> BaseClient:
    """A client for what a function does as itself, without a role that is assumed: it renews the function's own
    credentials. ``read_timeout`` (seconds) and ``attempts`` say how long a call may take at most."""
    observability.trace_aws_calls()
    config = _config(connect_timeout=3, read_timeout=read_timeout, attempts=attempts)
    return new_session().create_client(service, region_name=region, config=config)


def _config(*, connect_timeout: float = 5, read_timeout: float = 30, attempts: int = 5) -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=CONCURRENCY,
        user_agent_extra="ecs-gitops",
    )
