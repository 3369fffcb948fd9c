"""Every call to AWS that was made: when, by whom, what, and whether it was let in.

Calls come over HTTP, or are a service's own on behalf of a role (Step Functions', CodePipeline's, EventBridge's). Who
called is the name of the role, or of the user, or ``root``.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.router import extract_access_key_id

from local_aws.control import clock

OK, ERROR, DENIED, THROTTLED = "ok", "error", "denied", "throttled"
_KEPT = 1_000_000


@dataclass(slots=True)
class _Log:
    """``(simulated time, principal, action, outcome)`` of each; the older half is dropped when there are too many."""

    calls: list[tuple[float, str, str, str]] = field(default_factory=list)
    dropped: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


_log = _Log()
# The action that the request at hand was authorized for, and who made it.
_action: ContextVar[str] = ContextVar("action", default="")
_outcome: ContextVar[str] = ContextVar("outcome", default="")


def mend() -> None:
    """Note what is asked for; after :func:`enforcement.mend`, whose refusals are to be seen."""
    find, refuse = iam_actions.extract_iam_action, iam_actions.access_denied_response

    def extract_iam_action(service: str, *request: Any) -> Any:
        found = find(service, *request)
        _action.set(found or "")
        return found

    def access_denied_response(service: str, action: str, principal_arn: str, *rest: Any, **options: Any) -> Any:
        add(principal_arn, action, DENIED)
        return refuse(service, action, principal_arn, *rest, **options)

    iam_actions.extract_iam_action, iam_actions.access_denied_response = extract_iam_action, access_denied_response
    for service, handler in app.SERVICE_HANDLERS.items():
        app.SERVICE_HANDLERS[service] = _counted(service, handler)


def _counted(service: str, handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def counted(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        _outcome.set("")
        action = _action.get() or f"{service}:{method}"
        answer = await handler(method, path, headers, body, query)
        identity = iam_evaluator.resolve_caller_identity(extract_access_key_id(headers, query)) or {}
        add(identity.get("userArn", ""), action, _outcome.get() or (OK if answer[0] < 400 else ERROR))
        return answer

    return counted


def mark(outcome: str) -> None:
    """The request at hand is not executed."""
    _outcome.set(outcome)


def add(principal_arn: str, action: str, outcome: str = OK) -> None:
    """Note a call that the principal made."""
    call = (round(clock.now(), 3), sys.intern(_name(principal_arn)), sys.intern(action), outcome)
    with _log.lock:
        _log.calls.append(call)
        if len(_log.calls) > _KEPT:
            _log.dropped += _KEPT // 2
            del _log.calls[: _KEPT // 2]


def since(n: int) -> list[list[Any]]:
    """``[number, simulated time, principal, action, outcome]`` of each call from number ``n`` on."""
    with _log.lock:
        first = max(0, n - _log.dropped)
        return [[_log.dropped + first + at, *call] for at, call in enumerate(_log.calls[first:])]


def counts(n: int) -> list[list[Any]]:
    """``[principal, action, outcome, how often]`` of the calls from number ``n`` on."""
    with _log.lock:
        found = Counter(call[1:] for call in _log.calls[max(0, n - _log.dropped) :])
    return [[*what, often] for what, often in sorted(found.items())]


def _name(arn: str) -> str:
    """``deployer`` of ``arn:aws:sts::1:assumed-role/deployer/session``; the last part of a user's or role's path."""
    resource = arn.split(":", 5)[-1]
    parts = resource.split("/")
    return parts[1] if parts[0] == "assumed-role" and len(parts) > 1 else parts[-1] or "anonymous"
