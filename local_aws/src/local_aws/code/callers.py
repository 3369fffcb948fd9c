"""Who calls CodeCommit: by its API, and by Git with AWS credentials."""

from __future__ import annotations

import secrets
from typing import Any

from botocore.credentials import Credentials
from ministack.core import iam_evaluator

from local_aws.control.git_signature import is_fresh, sign
from local_aws.control.protocol import Place
from local_aws.iam.roles import Session


def caller() -> str:
    """The ARN of who makes the API call at hand: of a role, with the session's name."""
    return str(iam_evaluator.caller_arn())


def git_session(user: str, password: str, host: str, path: str, place: Place) -> Session | None:
    """The credentials that Git came with, or None if they are not valid in ``place``, or not for this path and host."""
    key, _, token = user.partition("%")
    found: Any = iam_evaluator.resolve_credential(key, place.account, token)
    stamp, _, _ = password.partition("Z")
    if not isinstance(found, iam_evaluator.ResolvedCredential) or not is_fresh(stamp):
        return None
    credentials = Credentials(key, found.secret_access_key, token or None)
    expected = sign(credentials, host.rsplit(":", 1)[0], path, place.region, stamp)
    if not secrets.compare_digest(expected.encode(), password.encode()):
        return None
    return Session(place.account, found.principal_arn, key, found.secret_access_key, token)
