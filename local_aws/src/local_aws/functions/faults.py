"""Faults between a function and AWS, in the function's process, from a seed.

Each HTTP request that botocore makes may meet one of these, and each is one that AWS's clients do meet:

- ``throttle``: AWS refuses the call (ThrottlingException, "Rate exceeded"); it is not sent,
- ``5xx``: AWS answers 500 or 503; it is not sent,
- ``timeout-after``: the call takes effect, and no answer comes within the client's read timeout,
- ``reset``: the connection is closed, before the call takes effect or after,
- ``slow``: the answer takes one to five seconds more,
- ``death``: the call takes effect, and the process ends.

What happens to a request depends on the seed, the function, the number of its invocation, the operation, and how often
that was called in the invocation; nothing depends on the time. So that an end is always in reach, as it is on AWS:
not more than three requests in a row meet a fault, nor more than three of one call, nor its last attempt; and from the
third retry of a state on, nothing that costs the invocation.

Two members of the settings aim at a part of AWS that fails:

- ``only``: a list of ``{"function", "operation", "path"}``, patterns as of :mod:`fnmatch`. One left out matches all. A
  request that no entry matches meets nothing. S3's operations are HTTP methods, and its paths ``/BUCKET/KEY``.
- ``endless``: true spares no request. With a rate of 1, every call fails for as long as the setting stands.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import re
import threading
from collections import Counter
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from local_aws.functions import clock

KINDS = ("throttle", "5xx", "timeout-after", "reset", "slow", "death")
AIMS = ("function", "operation", "path")
_IN_A_ROW = 3
_COSTLY = ("timeout-after", "death")
_XML_ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"

_lock = threading.Lock()


class _Invocation:
    """What is known of the invocation at hand: what the server sent, and what was called how often."""

    def __init__(self, sent: dict[str, Any]) -> None:
        self.sent = sent
        self.calls: Counter[str] = Counter()
        self.in_a_row = 0

    def draw(self, request: Any) -> _Fault | None:
        """The fault that the request meets, if any."""
        wanted = self.sent["faults"]
        service, operation = _operation(request)
        path = unquote(urlsplit(request.url).path)
        attempt, attempts = _attempt(request)
        is_endless = bool(wanted.get("endless"))
        is_late = self.sent["late"] and not is_endless
        kinds = [each for each in wanted.get("kinds") or KINDS if not (is_late and each in _COSTLY)]
        with _lock:
            self.calls[operation] += 1
            number = self.calls[operation]
            key = f"{wanted['seed']}/{self.sent['function']}/{self.sent['invocation']}/{operation}/{number}"
            drawn, chosen, share = _numbers(key)
            is_spared = self.in_a_row >= _IN_A_ROW or attempt > _IN_A_ROW or attempt >= attempts
            is_met = self._is_aimed_at(operation, path) and (is_endless or not is_spared)
            if not is_met or not kinds or drawn >= float(wanted.get("rate", 0.1)):
                self.in_a_row = 0
                return None
            self.in_a_row += 1
        kind = kinds[int(chosen * len(kinds))]
        _tell(self.sent, kind=kind, operation=operation, path=path, number=number, attempt=attempt)
        return _Fault(kind, share, service)

    def _is_aimed_at(self, operation: str, path: str) -> bool:
        of = {"function": self.sent["function"], "operation": operation, "path": path}
        aims = self.sent["faults"].get("only")
        return aims is None or any(all(fnmatchcase(of[name], aim.get(name, "*")) for name in AIMS) for aim in aims)


class _Process:
    """The process runs one invocation after the other."""

    invocation = _Invocation({})
    is_hooked = False


def begin(sent: dict[str, Any]) -> None:
    """An invocation begins; ``sent["faults"]`` are the settings, or None."""
    _Process.invocation = _Invocation(sent)
    if sent.get("faults") and not _Process.is_hooked:
        _hook()


def _hook() -> None:
    try:
        from botocore.httpsession import URLLib3Session
    except ImportError:
        return
    send = URLLib3Session.send
    _Process.is_hooked = True

    def send_or_fail(self: Any, request: Any) -> Any:
        at_hand = _Process.invocation
        fault = at_hand.draw(request) if at_hand.sent.get("faults") else None
        return _play(fault, self, request, send) if fault else send(self, request)

    URLLib3Session.send = send_or_fail  # type: ignore[method-assign]


class _Fault:
    """A fault that was drawn; ``share`` in [0, 1) chooses among its forms."""

    def __init__(self, kind: str, share: float, service: str) -> None:
        self.kind, self.share, self.service = kind, share, service


def _numbers(key: str) -> list[float]:
    """Three numbers in [0, 1) that depend on the key alone."""
    digest = hashlib.sha256(key.encode()).digest()
    return [int.from_bytes(digest[at : at + 6], "big") / 2**48 for at in (0, 6, 12)]


def _operation(request: Any) -> tuple[str, str]:
    """``ecs`` and ``ecs:UpdateService``; for protocols that do not name it, the HTTP method instead."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", _text(request.headers.get("Authorization")))
    service = scope.group(1) if scope else "aws"
    target = _text(request.headers.get("X-Amz-Target")).rsplit(".", 1)[-1]
    if not target and "form" in _text(request.headers.get("Content-Type")):
        target = parse_qs(_text(request.body)).get("Action", [""])[0]
    return service, f"{service}:{target or request.method}"


def _attempt(request: Any) -> tuple[int, int]:
    """Which attempt of how many at most this is; without a word of the client's, four are taken for granted."""
    told = dict(re.findall(r"(attempt|max)=(\d+)", _text(request.headers.get("amz-sdk-request"))))
    return int(told.get("attempt", 1)), int(told.get("max", _IN_A_ROW + 1))


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")


def _play(fault: _Fault, session: Any, request: Any, send: Any) -> Any:
    from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

    is_late = fault.share >= 0.5
    if fault.kind == "throttle":
        return _answer(request, fault.service, *_throttled(fault.service))
    if fault.kind == "5xx":
        status, code = (503, "ServiceUnavailable") if is_late else (500, _failure(fault.service))
        return _answer(request, fault.service, status, code, "Service Unavailable. Please try again later.")
    if fault.kind == "slow":
        clock.sleep(1 + 4 * fault.share)
        return send(session, request)
    if fault.kind != "reset" or is_late:
        _ = send(session, request).content
    if fault.kind == "death":
        told = "Runtime exited with error: exit status 1"
        clock.end(f"RequestId: {_Process.invocation.sent['request_id']} Error: {told}", "Runtime.ExitError")
    if fault.kind == "timeout-after":
        clock.sleep(float(_Process.invocation.sent["faults"].get("timeoutSeconds", _read_timeout(session))))
        raise ReadTimeoutError(endpoint_url=request.url, error="Read timed out.")
    raise ConnectionClosedError(endpoint_url=request.url, request=request, error="Connection aborted.")


def _read_timeout(session: Any) -> float:
    timeout = session._timeout
    return float(getattr(timeout, "read_timeout", None) or (timeout if isinstance(timeout, int | float) else 60))


def _throttled(service: str) -> tuple[int, str, str]:
    if service == "s3":
        return 503, "SlowDown", "Please reduce your request rate."
    return 400, "Throttling" if service in ("sts", "sns") else "ThrottlingException", "Rate exceeded"


def _failure(service: str) -> str:
    return {"ecs": "ServerException", "s3": "InternalError"}.get(service, "InternalFailure")


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.read()


def _answer(request: Any, service: str, status: int, code: str, message: str) -> Any:
    """An error in the protocol of the request."""
    from botocore.awsrequest import AWSResponse

    headers: Any = {"Content-Type": "application/xml"}
    if service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    elif "form" in _text(request.headers.get("Content-Type")):
        body = _XML_ERROR.format(code, message)
    else:
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
        body = json.dumps({"__type": code, "message": message})
    return AWSResponse(request.url, status, headers, _Raw(body.encode()))


def _tell(sent: dict[str, Any], **what: Any) -> None:
    """Let the server note it in the trace."""
    server = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPConnection(server.hostname or "", server.port, timeout=5)
    told = {"function": sent["function"], "invocation": sent["invocation"], **what}
    try:
        connection.request("POST", "/_local/fault", json.dumps(told))
        connection.getresponse().read()
    except OSError:
        pass
    finally:
        connection.close()
