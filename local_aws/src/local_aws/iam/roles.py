"""Service roles: a service assumes a role if the role trusts it, and each of its calls needs the role's permission."""

from __future__ import annotations

import contextvars
import json
import re
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import request_scope

from local_aws.control import calls


class NotTrusted(Exception):
    """The role does not let the service assume it, or is not there."""


class Denied(Exception):
    """The role's policies do not allow the call; the text is AWS's own."""


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials of an assumed role."""

    account: str
    arn: str
    access_key_id: str
    secret_access_key: str
    session_token: str

    def environment(self) -> dict[str, str]:
        """As environment variables of the AWS SDKs."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_SESSION_NAME = re.compile(r"[\w+=,.@-]*", re.ASCII)


def mend() -> None:
    """Let sessions begin at the same time: ministack counts the expired ones while others are added. And refuse the
    names of sessions that STS refuses; ministack takes any."""
    from ministack import app
    from ministack.services import sts

    handle = app.SERVICE_HANDLERS["sts"]

    async def handle_request(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        given = parse_qs((body or b"").decode(errors="replace"), keep_blank_values=True)
        wrong = _wrong_name(given.get("RoleSessionName", [""])[0]) if given.get("Action") == ["AssumeRole"] else ""
        if wrong:
            told = f"1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: {wrong}"
            return sts._error(400, "ValidationError", told, ns="sts")
        return await handle(method, path, headers, body, query)

    app.SERVICE_HANDLERS["sts"] = handle_request
    register, lock = sts.register_session, threading.Lock()

    def register_session(access_key: str, session: dict[str, Any]) -> None:
        with lock:
            register(access_key, session)

    sts.register_session = register_session


def _wrong_name(name: str) -> str:
    if len(name) < 2:
        return "Member must have length greater than or equal to 2"
    if len(name) > 64:
        return "Member must have length less than or equal to 64"
    return (
        ""
        if _SESSION_NAME.fullmatch(name)
        else f"Member must satisfy regular expression pattern: {_SESSION_NAME.pattern}"
    )


def assume(role_arn: str, service: str, name: str, source_arn: str) -> Session:
    """Assume ``role_arn`` as ``service`` (``codebuild.amazonaws.com``) on behalf of ``source_arn``.

    The trust policy is evaluated with ``aws:SourceAccount`` and ``aws:SourceArn``, as AWS sets them for services.
    Raises :class:`NotTrusted`.
    """
    from ministack.services import iam, sts

    account, role_name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account, None, role_name)
    if role is None:
        raise NotTrusted(f"role {role_arn} does not exist")
    trust = role["AssumeRolePolicyDocument"]
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn="*",
        region="",
        service_context={"aws:sourceaccount": source_arn.split(":")[4], "aws:sourcearn": source_arn},
    )
    statements = [
        {**statement, "Resource": "*"}
        for statement in _listed((json.loads(trust) if isinstance(trust, str) else trust)["Statement"])
    ]
    decision = iam_evaluator.evaluate_resource_policy({"Statement": statements}, context, service=service).decision
    if decision != "Allow":
        raise NotTrusted(f"{role_arn} does not trust {service}")
    arn = f"arn:aws:sts::{account}:assumed-role/{role_name}/{name[:64]}"
    session = Session(account, arn, f"ASIA{uuid.uuid4().hex[:16].upper()}", uuid.uuid4().hex, uuid.uuid4().hex)
    sts.register_session(
        session.access_key_id,
        {
            "Arn": arn,
            "UserId": f"{role_name}:{name[:64]}",
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "Expiration": time.time() + 3600,
        },
    )
    return session


def require(session: Session, action: str, resource: str, region: str, **context: Any) -> None:
    """Raise :class:`Denied` unless the session may do ``action`` on ``resource``."""

    def evaluate() -> Any:
        # A context of its own: the request that led here was signed by somebody else.
        iam_evaluator._verified_key.set(session.access_key_id)
        iam_evaluator.pin_request_origin("127.0.0.1", True)
        with request_scope(session.account, region):
            return iam_evaluator.enforce(
                session.access_key_id,
                action,
                action.split(":")[0],
                region,
                resource_arn=resource,
                service_context=context,
            )

    denied = contextvars.Context().run(evaluate)
    calls.add(session.arn, action, calls.DENIED if denied else calls.OK)
    if denied:
        who = getattr(denied, "principal_arn", "the role")
        explicit = getattr(denied, "decision", "") == "Deny"
        raise Denied(iam_actions.identity_denial_message(action, who, resource, explicit))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
