"""Calls with the caller's own credentials, or with a role that it assumes: for previews and for the import.

Credentials and Region are found as every AWS tool finds them: environment, profiles, SSO.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from ecs_gitops.aws import OWN, Aws, assumed, calls_of, function_client, session
from ecs_gitops.aws.calls import attempt
from ecs_gitops.aws.rate_limit import RateLimiter
from ecs_gitops.aws.session_policy import PREVIEW_POLICY
from ecs_gitops.model import sanitize
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable

_NO_PARAMETER = "ParameterNotFound"
# Shown in CloudTrail.
_SESSION_NAME = "ecs-gitops-plan"
_NO_CREDENTIALS = (
    "no AWS credentials were found: sign in (`aws sso login`), name a profile (AWS_PROFILE), or set the variables of "
    "the environment"
)
_HAVE_EXPIRED = (
    "the AWS credentials have expired: sign in again (`aws sso login`), or renew the variables of the environment"
)
# What botocore raises where a person has to sign in.
_SIGN_IN = ("NoCredentialsError", "TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError", "SSOError")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_TEXT_AT_MOST = 300
_NO_REGION = "no AWS Region is set: set AWS_REGION, or `region` in the profile"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and in which Region."""

    account: str
    arn: str
    region: str

    @property
    def partition(self) -> str:
        """``aws``, ``aws-cn``, …"""
        return self.arn.split(":")[1]


def identity(region: str | None = None) -> Caller:
    """The caller, in ``region`` or in that of the environment. Raises :class:`AwsRefused`, also where there are no
    credentials, they have expired, the configuration is not valid, or there is no Region, and
    :class:`AwsUnavailable`."""
    from botocore.exceptions import BotoCoreError

    try:
        # boto3 itself reads AWS_DEFAULT_REGION and the profile.
        region = region or os.environ.get("AWS_REGION") or session().region_name
        if not region:
            raise AwsRefused("configuration", "NoRegion", _NO_REGION)
        sts: Any = function_client("sts", region, read_timeout=10, attempts=3)
    except (BotoCoreError, ValueError) as error:
        # Before any call: a profile that there is none of, a file that cannot be read, half a key, no such Region.
        raise _not_valid(error) from None
    return _caller(sts, region)


def _caller(sts: Any, region: str) -> Caller:
    try:
        answer = attempt("get_caller_identity", sts.get_caller_identity)
    except AwsRefused as error:
        if error.code in _SIGN_IN:
            raise AwsRefused("configuration", error.code, _NO_CREDENTIALS) from None
        raise
    except AwsUnavailable as error:
        # A release assumes its role again. A person has to sign in again.
        if any(f" {code}: " in str(error) for code in _EXPIRED):
            raise AwsRefused("configuration", "ExpiredToken", _HAVE_EXPIRED) from None
        raise
    return Caller(str(answer["Account"]), str(answer["Arn"]), region)


def _not_valid(error: Exception) -> AwsRefused:
    text = sanitize.line(str(error), _TEXT_AT_MOST)
    return AwsRefused("configuration", type(error).__name__, f"the configuration of AWS cannot be used: {text}")


def connect_as_caller(region: str) -> Aws:
    """The calls with the caller's own credentials."""
    return calls_of(OWN, region, RateLimiter.from_environment(), "the caller")


def connect_with_role(role_arn: str, region: str) -> Aws:
    """The calls with a role. The session may only read, whatever the role may do. Raises :class:`AwsRefused` and
    :class:`AwsUnavailable`."""
    credentials, _ = assumed(role_arn, region, _SESSION_NAME, PREVIEW_POLICY)
    return calls_of(credentials, region, RateLimiter.from_environment(), f"the role {role_arn}")


def require_region(region: str) -> None:
    """Raise :class:`AwsUnavailable` for a Region that there is not: its calls would be tried again until all time is
    used up. A Region that is newer than botocore is told from a misspelt one by its address. Raises
    :class:`AwsRefused` for what cannot be a Region's name."""
    from botocore.exceptions import BotoCoreError

    known = session()
    partitions = known.get_available_partitions()
    # A proxy may know addresses that this machine does not.
    if any(region in known.get_available_regions("ecs", each) for each in partitions) or "https" in getproxies():
        return
    try:
        host = urlsplit(OWN.client("ecs", region).meta.endpoint_url).hostname
    except BotoCoreError as error:
        raise _not_valid(error) from None
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        raise AwsUnavailable(f"there is no Region {region}, as {host} has no address: check `region`") from None


def parameter(region: str, name: str) -> str | None:
    """The value of an SSM parameter; None if there is none. Raises :class:`AwsRefused` and :class:`AwsUnavailable`."""
    client: Any = function_client("ssm", region, read_timeout=10, attempts=3)
    try:
        return str(attempt("get_parameter", lambda: client.get_parameter(Name=name))["Parameter"]["Value"])
    except AwsRefused as error:
        if error.code == _NO_PARAMETER:
            return None
        raise


@dataclass(slots=True)
class Connections:
    """The calls in each account and Region, with the roles that are named for accounts, and in the caller's own account
    with its own credentials, unless ``is_own_allowed`` says otherwise. ``advice`` says how a role is named."""

    caller: Caller
    role_arns: Mapping[str, str]
    advice: str = "name one that may read it, --role-arn {account}=ARN"
    is_own_allowed: bool = True
    _known: dict[tuple[str, str], Aws | AwsRefused] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def connect(self, account: str, region: str) -> Aws:
        """Raises :class:`AwsRefused` where the account cannot be read, and :class:`AwsUnavailable`."""
        with self._lock:
            if (account, region) not in self._known:
                self._known[account, region] = self._connected(account, region)
            found = self._known[account, region]
        if isinstance(found, AwsRefused):
            raise found
        return found

    def _connected(self, account: str, region: str) -> Aws | AwsRefused:
        role = self.role_arns.get(account)
        require_region(region)
        if role is None and account == self.caller.account and self.is_own_allowed:
            return connect_as_caller(region)
        if role is None:
            why = f"no role is named for account {account}: {self.advice.format(account=account)}"
            return AwsRefused("connect", "NoRole", why)
        try:
            return connect_with_role(role, region)
        except AwsRefused as error:
            return AwsRefused(error.operation, error.code, f"could not assume {role}: {error.code}: {error.message}")
        except AwsUnavailable as error:
            raise AwsUnavailable(f"could not assume {role} in {region}: {error}") from None
