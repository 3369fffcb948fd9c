"""The base of all calls: rate limits, the two kinds of error, and JSON that bypasses botocore's model.

ECS task definitions, EventBridge targets and schedules are read and written as AWS's own JSON. So a member that AWS
adds next year is kept by a layer that was built today.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ecs_gitops.aws.rate_limit import RateLimiter
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable

if TYPE_CHECKING:
    from typing import Protocol

    from botocore.client import BaseClient

    from ecs_gitops.model.types import Json

    class Clients(Protocol):
        """Returns the client of a service, in the batch's Region if none is given."""

        def __call__(self, service: str, region: str | None = None) -> BaseClient: ...


T = TypeVar("T")

_TRANSIENT = frozenset(
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
        # The next invocation assumes the role again.
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
    }
)
_RAW_BODY: ContextVar[bytes | None] = ContextVar("raw_body", default=None)
_RAW_ANSWERS = (
    "ecs.DescribeTaskDefinition",
    "events.ListTargetsByRule",
    "eventbridge.ListTargetsByRule",
    "scheduler.GetSchedule",
)
_RAW_REQUESTS = (
    "ecs.RegisterTaskDefinition",
    "events.PutTargets",
    "eventbridge.PutTargets",
    "scheduler.UpdateSchedule",
)


class Calls:
    """Base of the classes with the calls of each service."""

    def __init__(
        self, client: Clients, rate_limiter: RateLimiter | None = None, reader: str = "the deploy role"
    ) -> None:
        self._client = client
        # Who makes the calls, for texts about what may not be read.
        self.reader = reader
        self.rate_limiter = rate_limiter or RateLimiter()

    def _call_raw(self, api: str, method: str, body: Json, /, **shape: Any) -> Json:
        token = _RAW_BODY.set(json.dumps(body).encode())
        try:
            return self._call(api, method, **shape)
        finally:
            _RAW_BODY.reset(token)

    def _call(self, api: str, method: str, /, *, in_region: str | None = None, **parameters: Any) -> Json:
        client = self._client(api, in_region)
        if api == "ecs":
            self.rate_limiter.wait(method)
        return attempt(method, lambda: getattr(client, method)(**parameters))


def attempt(operation: str, call: Callable[[], T]) -> T:
    """Make a call. botocore's errors become :class:`AwsUnavailable`, if a retry may help, else :class:`AwsRefused`."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as CannotConnect

    try:
        return call()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "Unknown")
        message = error.response.get("Error", {}).get("Message", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        # ECS answers so when registrations of one family overlap. A retry helps, although the code is ClientException.
        overlapping = code == "ClientException" and "Too many concurrent attempts" in message
        if overlapping or code in _TRANSIENT or status >= 500 or status == 429:
            raise AwsUnavailable(f"{operation}: {code}: {message}") from None
        resources = error.response.get("resourceIds")
        raise AwsRefused(operation, code, message, resources if isinstance(resources, list) else ()) from None
    except (HTTPClientError, CannotConnect, ConnectionError) as error:
        raise AwsUnavailable(f"{operation}: {type(error).__name__}") from None
    except BotoCoreError as error:
        # botocore's text quotes the invalid value, which may be a secret.
        raise AwsRefused(operation, type(error).__name__, "the call could not be made") from None


def pass_raw_json(client: BaseClient) -> None:
    """Make the client pass AWS's own JSON in both directions (botocore events ``before-parse`` and ``before-call``).

    In event names botocore uses the service id "EventBridge" or "events", so both are registered."""
    events = client.meta.events
    for operation in _RAW_ANSWERS:
        events.register(f"before-parse.{operation}", _keep_answer)
    for operation in _RAW_REQUESTS:
        events.register(f"before-call.{operation}", _send_body)
    events.register("before-parse.ecs.DescribeServices", _keep_events)


def _keep_answer(response_dict: Json, customized_response_dict: Json, **_: object) -> None:
    if response_dict.get("status_code") == 200:
        customized_response_dict["raw"] = json.loads(response_dict["body"])


def _keep_events(response_dict: Json, customized_response_dict: Json, **_: object) -> None:
    """The last hundred events of each service, by its ARN, beside the answer: through botocore's model they take half
    of the time of a look."""
    if response_dict.get("status_code") == 200:
        body = json.loads(response_dict["body"])
        events = {service.get("serviceArn"): service.pop("events", []) for service in body.get("services") or []}
        customized_response_dict["events"] = events
        response_dict["body"] = json.dumps(body).encode()


def _send_body(params: Json, **_: object) -> None:
    body = _RAW_BODY.get()
    if body is not None:
        params["body"] = body


def answered_at(answer: Json) -> datetime:
    """The time of an answer by AWS's clock: the HTTP header ``Date``. Raises :class:`ValueError` if there is none."""
    date = (answer.get("ResponseMetadata", {}).get("HTTPHeaders") or {}).get("date")
    if not date:
        raise ValueError("the answer has no Date")
    return parsedate_to_datetime(date)


def as_of(answer: Json) -> Json:
    """The member ``asOf``: the time of an answer by AWS's clock. Empty if it is not known."""
    try:
        return {"asOf": answered_at(answer)}
    except ValueError:
        return {}


def chunks(values: Sequence[str], size: int) -> Iterable[list[str]]:
    """``values`` in lists of at most ``size``."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])
