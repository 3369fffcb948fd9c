"""The ASGI application: `/_local/...` control endpoints and Git beside ministack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from ministack import app as ministack_app
from ministack.services import stepfunctions

from .code import git_http, services
from .mends import notices, states_trace
from .settings import SETTINGS, load

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def application() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """ministack's application with our endpoints in front of it."""
    services.register()
    _apply_settings({})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith("/_local/"):
            await _control(scope, receive, send)
        elif scope["type"] == "http" and path.startswith(git_http.PREFIX):
            await _git(scope, receive, send)
        else:
            await ministack_app.app(scope, receive, send)

    return app


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _git(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    body = await read_body(receive)
    query = scope.get("query_string", b"").decode("latin-1")
    status, answer_headers, answer = await asyncio.to_thread(
        git_http.answer, scope["method"], scope["path"], query, headers, body
    )
    await _send(send, status, answer_headers, answer)


async def _control(scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_body(receive)
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    try:
        status, answer = 200, _answer(scope["method"], scope["path"].removeprefix("/_local/"), query, body)
    except KeyError:
        status, answer = 404, {"error": "there is no such control endpoint"}
    except ValueError as error:
        status, answer = 400, {"error": str(error)}
    await _send(send, status, {"Content-Type": "application/json"}, json.dumps(answer).encode())


def _answer(method: str, name: str, query: dict[str, list[str]], body: bytes) -> object:
    after = int(query.get("after", ["0"])[0])
    match method, name:
        case "GET", "health":
            return {"status": "ok"}
        case "GET", "settings":
            return SETTINGS.as_dict()
        case "POST", "settings":
            return _apply_settings(load(body.decode()))
        case "GET", "trace":
            return states_trace.TRACE.after(after)
        case "GET", "notices":
            return notices.NOTICES.after(after)
        case "GET", "events":
            return notices.EVENTS.after(after)
    raise KeyError(name)


def _apply_settings(values: dict[str, object]) -> object:
    SETTINGS.update(values)
    stepfunctions._SFN_WAIT_SCALE = SETTINGS.wait_scale
    return SETTINGS.as_dict()


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
