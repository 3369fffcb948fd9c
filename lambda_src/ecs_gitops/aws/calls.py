"""How a call is made: retries, the two kinds of error, and JSON past botocore's model.

ECS task definitions, EventBridge targets and schedules are read and written as the JSON that AWS sends: a member that
AWS adds next year is kept by a layer that was built today.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ecs_gitops.aws.rate_limit import Pace
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable

if TYPE_CHECKING:
    from typing import Protocol

    from botocore.client import BaseClient

    from ecs_gitops.model.types import Json

    class Clients(Protocol):
        """Gives the client of a service, in the batch's Region or another one."""

        def __call__(self, service: str, region: str | None = None) -> BaseClient: ...


T = TypeVar("T")

_THROTTLES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "PriorRequestNotComplete",
        "ServerException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "InternalFailure",
        "InternalServerError",
        "InternalException",
        "ConcurrentModificationException",
        "ServiceNotStableException",
        # The next invocation assumes the role anew.
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
    }
)
_RAW_BODY: ContextVar[bytes | None] = ContextVar("raw_body", default=None)
_READ_RAW = (
    "ecs.DescribeTaskDefinition",
    "events.ListTargetsByRule",
    "eventbridge.ListTargetsByRule",
    "scheduler.GetSchedule",
)
_WRITTEN_RAW = ("ecs.RegisterTaskDefinition", "events.PutTargets", "eventbridge.PutTargets", "scheduler.UpdateSchedule")


class Calls:
    """What the calls of each service are made with."""

    def __init__(self, client: Clients, pace: Pace | None = None) -> None:
        self._client = client
        self.pace = pace or Pace()

    def _call_raw(self, api: str, method: str, body: Json, /, **shape: Any) -> Json:
        token = _RAW_BODY.set(json.dumps(body).encode())
        try:
            return self._call(api, method, **shape)
        finally:
            _RAW_BODY.reset(token)

    def _call(self, api: str, method: str, /, *, in_region: str | None = None, **parameters: Any) -> Json:
        client = self._client(api, in_region)
        if api == "ecs":
            self.pace.wait(method)
        return attempt(method, lambda: getattr(client, method)(**parameters))


def attempt(operation: str, call: Callable[[], T]) -> T:
    """Make a call; turn what botocore raises into the two errors that the rest of the package knows."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as CannotConnect

    try:
        return call()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "Unknown")
        message = error.response.get("Error", {}).get("Message", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        # ECS says this as a plain ClientException when registrations of one family overlap; it passes by itself.
        overlapping = code == "ClientException" and "Too many concurrent attempts" in message
        if overlapping or code in _THROTTLES or status >= 500 or status == 429:
            raise AwsUnavailable(f"{operation}: {code}: {message}") from None
        named = error.response.get("resourceIds")
        raise AwsRefused(operation, code, message, named if isinstance(named, list) else ()) from None
    except (HTTPClientError, CannotConnect, ConnectionError) as error:
        raise AwsUnavailable(f"{operation}: {type(error).__name__}") from None
    except BotoCoreError as error:
        # The text of a parameter validation error quotes the value, which may be a secret.
        raise AwsRefused(operation, type(error).__name__, "the call could not be made") from None


def read_raw(client: BaseClient) -> None:
    """Let the client pass on AWS's own JSON, both ways (botocore events ``before-parse`` and ``before-call``).

    botocore resolves the service id "EventBridge" in event names; both spellings are registered."""
    events = client.meta.events
    for operation in _READ_RAW:
        events.register(f"before-parse.{operation}", _keep_answer)
    for operation in _WRITTEN_RAW:
        events.register(f"before-call.{operation}", _send_body)


def _keep_answer(response_dict: Json, customized_response_dict: Json, **_: object) -> None:
    if response_dict.get("status_code") == 200:
        customized_response_dict["raw"] = json.loads(response_dict["body"])


def _send_body(params: Json, **_: object) -> None:
    body = _RAW_BODY.get()
    if body is not None:
        params["body"] = body


def sent_at(answer: Json) -> datetime:
    """When AWS sent an answer, by its own clock: the HTTP header ``Date``. Raises :class:`ValueError` where the answer
    does not tell."""
    sent = (answer.get("ResponseMetadata", {}).get("HTTPHeaders") or {}).get("date")
    if not sent:
        raise ValueError("the answer has no Date")
    return parsedate_to_datetime(sent)


def as_of(answer: Json) -> Json:
    """``asOf``: when AWS sent an answer. Empty where it does not tell."""
    try:
        return {"asOf": sent_at(answer)}
    except ValueError:
        return {}


def parts(values: Sequence[str], size: int) -> Iterable[list[str]]:
    """``values`` in lists of at most ``size``."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])
