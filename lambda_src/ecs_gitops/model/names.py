"""Names cut to what an AWS API accepts. Pure."""

from __future__ import annotations

import hashlib
import re

# Hexadecimal digits of the hash that keeps two names different after they were cut.
_HASH = 10
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_NOT_IN_A_SESSION = re.compile(r"[^A-Za-z0-9_+=,.@-]")
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
_NOT_IN_STARTED_BY = re.compile(r"[^A-Za-z0-9_/-]")


def fitted(text: str, not_allowed: re.Pattern[str], at_most: int, at_least: int = 1) -> str:
    """``text`` where it fits. Otherwise its beginning, an underscore in place of each character that is not allowed,
    and a hash of the whole: different texts stay different."""
    if at_least <= len(text) <= at_most and not not_allowed.search(text):
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH]
    return f"{not_allowed.sub('_', text)[: at_most - _HASH - 1]}-{digest}"


def session_name(execution: str) -> str:
    """The name of a role's session, made of an execution's name: 2 to 64 characters."""
    return fitted(execution, _NOT_IN_A_SESSION, 64, at_least=2)


def started_by(execution: str) -> str:
    """The ``startedBy`` of a task that an execution starts: at most 128 characters."""
    return fitted(f"ecs-gitops/{execution}", _NOT_IN_STARTED_BY, 128)
