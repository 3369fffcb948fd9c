"""Act as an IAM role, the way an AWS service does: only if the role trusts it, only what its policies allow."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

import boto3
from botocore.config import Config
from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import EvalContext
from ministack.services import iam, sts

from .settings import PLACE

_SESSION_SECONDS = 3600.0


class RoleError(Exception):
    """The service cannot assume the role."""


def account_and_name(role_arn: str) -> tuple[str, str]:
    """The account and the name in a role's ARN."""
    _, _, _, _, account, resource = role_arn.split(":", 5)
    return account, resource.rsplit("/", 1)[-1]


def check_trust(role_arn: str, service: str) -> None:
    """Raise RoleError unless the role is there and its trust policy names the service, e.g. `codebuild.amazonaws.com`."""
    account, name = account_and_name(role_arn)
    refusal = f"{service} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    role = iam._roles.get_scoped(account, None, name)
    if role is None:
        raise RoleError(refusal)
    trust = role["AssumeRolePolicyDocument"]
    statements = (json.loads(trust) if isinstance(trust, str) else trust).get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        named = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and service in ([named] if isinstance(named, str) else named):
            return
    raise RoleError(refusal)


def credentials(role_arn: str, service: str, session_name: str) -> dict[str, str]:
    """Temporary credentials of the role for a service, as AWS_... environment variables. Raises RoleError."""
    check_trust(role_arn, service)
    account, name = account_and_name(role_arn)
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(40)
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        "UserId": f"{name}:{session_name}",
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": time.time() + _SESSION_SECONDS,
    }
    sts.register_session(key, session)
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


class RoleSession:
    """boto3 clients that call this server with a role's credentials."""

    def __init__(self, role_arn: str, service: str, session_name: str, region: str) -> None:
        keys = credentials(role_arn, service, session_name)
        self._session = boto3.session.Session(
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=keys["AWS_SESSION_TOKEN"],
            region_name=region,
        )

    def client(self, service: str) -> Any:
        """A client for one service."""
        return self._session.client(
            service,  # type: ignore[call-overload]
            endpoint_url=PLACE.endpoint,
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )


def denial(
    role_arn: str, session_name: str, action: str, resource: str, region: str, context: dict[str, Any] | None = None
) -> str:
    """AWS's words when the role's policies do not allow an in-process call; "" when they do."""
    account, name = account_and_name(role_arn)
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}"
    request = EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
        service_context={key.lower(): value for key, value in (context or {}).items()},
    )
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    result = iam_evaluator.evaluate(request, iam_evaluator._gather_role_policies(name, account), *limits)
    if result.decision == "Allow":
        return ""
    return str(iam_actions.identity_denial_message(action, principal, resource, result.decision == "Deny"))
