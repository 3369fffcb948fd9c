"""Small helpers for answers on the wire, shared by the mends and the Code services."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body, as ministack's handlers return them."""

Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]
"""A service's handler: method, path, headers (lower case), body, query parameters."""


class AwsError(Exception):
    """An error that a service answers: its code and message."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def reply(document: dict[str, Any], status: int = 200) -> Answer:
    """A JSON 1.1 answer."""
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()


def error_reply(error: AwsError) -> Answer:
    """The JSON 1.1 answer for an error."""
    status, headers, body = reply({"__type": error.code, "message": error.message}, error.status)
    return status, {**headers, "x-amzn-errortype": error.code}, body


def document(body: bytes) -> dict[str, Any]:
    """The JSON object of a request, `{}` when there is none."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def operation(headers: dict[str, str]) -> str:
    """The operation that `x-amz-target` names, "" without one."""
    return headers.get("x-amz-target", "").rsplit(".", 1)[-1]
