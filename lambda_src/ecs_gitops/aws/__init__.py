"""The only room that talks to AWS: sessions of assumed roles, clients, retries, rate limits.

The other rooms take and return plain data. botocore is imported with the first call, or by a handler that warms up.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from ecs_gitops.aws import observability, session_policy
from ecs_gitops.aws.calls import attempt, pass_raw_json
from ecs_gitops.aws.ecs_calls import EcsCalls
from ecs_gitops.aws.eventbridge_calls import EventBridgeCalls
from ecs_gitops.aws.inventory_calls import InventoryCalls
from ecs_gitops.aws.rate_limit import RateLimiter
from ecs_gitops.aws.reference_calls import ReferenceCalls
from ecs_gitops.model import names
from ecs_gitops.model.identity import Target

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.client import BaseClient

# Seconds. Longer than an invocation, so that credentials do not expire within one. They last an hour, as a role assumes
# the role.
_RENEW_BEFORE_EXPIRY = 1_000.0
# Threads of one invocation that make calls at once, and so the connections of a client.
CONCURRENCY = 8
# Sessions that a warm sandbox keeps: enough for all accounts and Regions of a large release. Each needs two megabytes.
MAX_SESSIONS = 40
# Sessions that are dropped together, because the garbage collection after it takes half a second in a full sandbox.
_DROPPED_AT_ONCE = 10


class Aws(EcsCalls, EventBridgeCalls, ReferenceCalls, InventoryCalls):
    """The calls that the deployer makes in one account and Region, as that account's deploy role.

    Every method raises :class:`AwsUnavailable` if AWS throttles, fails or cannot be reached until the client has no
    retries left, and :class:`AwsRefused` for any other error.
    """


@dataclass(slots=True)
class _Session:
    aws: Aws
    expires: float


# In the order of their last use.
_sessions: dict[Target, _Session] = {}


def connect(target: Target) -> Aws:
    """The calls in the target. The sandbox assumes its role once, until the credentials are about to expire."""
    known = _sessions.pop(target, None)
    if known is None or _expires_soon(known):
        _drop_sessions()
        known = _assume(target)
    _sessions[target] = known
    return known.aws


def _expires_soon(session: _Session) -> bool:
    return session.expires - time.time() < _RENEW_BEFORE_EXPIRY


def _drop_sessions() -> None:
    """Drop sessions that expire soon and, if there are still too many, the least recently used."""
    dropped = [target for target, session in _sessions.items() if _expires_soon(session)]
    rest = [target for target in _sessions if target not in dropped]
    dropped += rest[:_DROPPED_AT_ONCE] if len(rest) >= MAX_SESSIONS else []
    for target in dropped:
        del _sessions[target]
    if dropped:
        # Clients and their sessions refer to each other, and Python seldom collects garbage here: ecs_gitops.lambdas.
        gc.collect()


def _assume(target: Target) -> _Session:
    policy = session_policy.POLICY if target.is_read_only else None
    credentials, expires = assumed(target.role_arn, target.region, names.session_name(target.session_name), policy)
    made = calls_of(credentials, target.region, _rate_limiter(target))
    # What the check has read is not read again by the deployment after it.
    counterpart = _sessions.get(replace(target, is_read_only=not target.is_read_only))
    if counterpart is not None:
        made.share_revisions(counterpart.aws)
    return _Session(made, expires)


def assumed(role_arn: str, region: str, session_name: str, policy: str | None = None) -> tuple[Credentials, float]:
    """The credentials of a role, limited by the session ``policy`` where there is one, and when they expire (epoch
    seconds). Raises :class:`AwsUnavailable` and :class:`AwsRefused`."""
    sts = _sts(region)
    request = {"RoleArn": role_arn, "RoleSessionName": session_name, **({"Policy": policy} if policy else {})}
    given = attempt("assume_role", lambda: sts.assume_role(**request))["Credentials"]
    credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return credentials, given["Expiration"].timestamp()


@cache
def _sts(region: str) -> Any:
    """One client per sandbox, with the function's own role."""
    observability.trace_aws_calls()
    return OWN.client("sts", region)


def calls_of(
    credentials: Credentials, own_region: str, rate_limiter: RateLimiter, reader: str = "the deploy role"
) -> Aws:
    """The calls with these credentials in ``own_region``. ``reader`` says whose they are, for texts."""
    clients: dict[tuple[str, str | None], BaseClient] = {}
    lock = threading.Lock()

    def client(service: str, region: str | None = None) -> BaseClient:
        with lock:
            if (service, region) not in clients:
                created = credentials.client(service, region or own_region)
                pass_raw_json(created)
                clients[service, region] = created
            return clients[service, region]

    return Aws(client, rate_limiter, reader)


def _rate_limiter(target: Target) -> RateLimiter:
    """The limiter that all sessions of an account and Region share, because ECS counts their calls together."""
    place = (target.account, target.region)
    shared = (known.aws.rate_limiter for other, known in _sessions.items() if (other.account, other.region) == place)
    return next(shared, None) or RateLimiter.from_environment()


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of a role that was assumed. The default are those that boto3 finds: a function's own, or a person's."""

    key_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def client(self, service: str, region: str, config: Any = None) -> BaseClient:
        """A client of boto3 with these credentials."""
        # boto3's sessions are not thread-safe, its clients are.
        with _session_lock:
            created: BaseClient = session().client(
                service,  # type: ignore[call-overload]  # a literal type for each service; here they are data
                region_name=region,
                config=config or _config(),
                aws_access_key_id=self.key_id,
                aws_secret_access_key=self.secret,
                aws_session_token=self.token,
            )
        return created


OWN = Credentials()
_session_lock = threading.Lock()


@cache
def session() -> Session:
    """The one boto3 session of this process. A session costs as much as two clients, and two megabytes, so clients
    with other credentials are made by it as well."""
    from boto3.session import Session

    return Session()


def own_region() -> str | None:
    """The Region of the function that this code runs in; None where it runs in none."""
    return os.environ["AWS_REGION"] if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else None


def warm_up(*services: str) -> None:
    """Make the client that assumes roles, and load the models of these services, for the handlers' modules: while a
    function initializes, its processor is at full speed, however little memory it has. Makes no call."""
    if (region := own_region()) is not None:
        _sts(region)
    from botocore import UNSIGNED
    from botocore.config import Config

    for service in services:
        # Those of the role are not there yet. The Region does not matter either.
        OWN.client(service, "us-east-1", Config(signature_version=UNSIGNED))


def function_client(service: str, region: str, *, read_timeout: float, attempts: int) -> BaseClient:
    """A client with the function's own role: no role is assumed, and the credentials are renewed.

    ``read_timeout`` (seconds) and ``attempts`` limit how long a call may take."""
    observability.trace_aws_calls()
    return OWN.client(service, region, _config(connect_timeout=3, read_timeout=read_timeout, attempts=attempts))


def _config(*, connect_timeout: float = 5, read_timeout: float = 30, attempts: int = 5) -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=CONCURRENCY,
        user_agent_extra="ecs-gitops",
    )
