"""The only module that talks to AWS: sessions, assumed roles, retries, clients.

Everything else takes and returns plain data. Nothing is created or imported from boto3 before the first call.

ECS task definitions and EventBridge targets are read and written as the JSON that AWS sends, past botocore's model:
a member that AWS adds next year is kept by a layer that was built today.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ecs_gitops import observability
from ecs_gitops.errors import AwsRefused, AwsUnavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from ecs_gitops.types import Json

T = TypeVar("T")

# DescribeServices takes ten services, DescribeTasks a hundred tasks (API reference of both).
SERVICES_PER_CALL = 10
TASKS_PER_CALL = 100

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
    }
)
_RAW_BODY: ContextVar[bytes | None] = ContextVar("raw_body", default=None)
_RENEW_BEFORE_EXPIRY = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Target:
    """Where a batch is deployed: an account and Region, and the role to assume there."""

    account: str
    region: str
    role_arn: str
    session_name: str


class Aws:
    """The calls that the deployer makes in one account and Region, as that account's deploy role.

    Every method raises :class:`AwsUnavailable` when AWS throttles, fails or cannot be reached for longer than the
    client's own retries last, and :class:`AwsRefused` for any other error answer.
    """

    def __init__(self, client: Callable[[str], BaseClient]) -> None:
        self._client = client

    # --- ECS -----------------------------------------------------------------------------------------------------

    def describe_services(self, cluster: str, names: Sequence[str]) -> list[Json]:
        """The services found among ``names``, in any order; those that ECS calls MISSING are left out."""
        found: list[Json] = []
        for part in _parts(names, SERVICES_PER_CALL):
            found += self._call("ecs", "describe_services", cluster=cluster, services=part).get("services", [])
        return found

    def describe_task_definition(self, reference: str) -> tuple[Json, dict[str, str]]:
        """A task definition as AWS sends it, and its tags. ``reference`` is an ARN, ``family:revision`` or family."""
        raw = self._call("ecs", "describe_task_definition", taskDefinition=reference, include=["TAGS"])["raw"]
        tags = {tag["key"]: tag.get("value", "") for tag in raw.get("tags") or []}
        return raw["taskDefinition"], tags

    def register_task_definition(self, content: Json, tags: dict[str, str]) -> str:
        """Register ``content`` as a new revision of its family; its ARN."""
        body = {**content, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
        answer = self._call_raw(
            "ecs", "register_task_definition", body, family=content["family"], containerDefinitions=[]
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def update_service(self, cluster: str, service: str, task_definition: str) -> Json:
        """Start a deployment of ``task_definition``; the service as it is then."""
        answer = self._call("ecs", "update_service", cluster=cluster, service=service, taskDefinition=task_definition)
        return dict(answer["service"])

    def stopped_tasks(self, cluster: str, service: str) -> list[Json]:
        """Up to a hundred stopped tasks of the service; ECS shows them for about an hour."""
        arns = self._call(
            "ecs",
            "list_tasks",
            cluster=cluster,
            serviceName=service,
            desiredStatus="STOPPED",
            maxResults=TASKS_PER_CALL,
        ).get("taskArns", [])
        if not arns:
            return []
        return list(self._call("ecs", "describe_tasks", cluster=cluster, tasks=arns).get("tasks", []))

    # --- EventBridge -----------------------------------------------------------------------------------------------

    def list_targets_by_rule(self, bus: str, rule: str) -> list[Json]:
        """Every target of the rule, as AWS sends it."""
        targets: list[Json] = []
        page: dict[str, str] = {}
        while True:
            raw = self._call("events", "list_targets_by_rule", Rule=rule, EventBusName=bus, **page)["raw"]
            targets += raw.get("Targets", [])
            if not raw.get("NextToken"):
                return targets
            page = {"NextToken": raw["NextToken"]}

    def put_targets(self, bus: str, rule: str, targets: Sequence[Json]) -> list[Json]:
        """Write targets back; the entries that EventBridge did not take (HTTP 200 says nothing about them)."""
        body = {"Rule": rule, "EventBusName": bus, "Targets": list(targets)}
        shape = [{"Id": target["Id"], "Arn": target["Arn"]} for target in targets]
        answer = self._call_raw("events", "put_targets", body, Rule=rule, Targets=shape)
        failed = list(answer.get("FailedEntries", []))
        missing = int(answer.get("FailedEntryCount", 0)) - len(failed)
        return failed + [{"ErrorCode": "unknown", "ErrorMessage": "not named by EventBridge"}] * max(0, missing)

    # --- how a call is made ------------------------------------------------------------------------------------------

    def _call_raw(self, api: str, method: str, body: Json, /, **shape: Any) -> Json:
        token = _RAW_BODY.set(json.dumps(body).encode())
        try:
            return self._call(api, method, **shape)
        finally:
            _RAW_BODY.reset(token)

    def _call(self, api: str, method: str, /, **parameters: Any) -> Json:
        client = self._client(api)
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
        raise AwsRefused(operation, code, message) from None
    except (HTTPClientError, CannotConnect, ConnectionError) as error:
        raise AwsUnavailable(f"{operation}: {type(error).__name__}") from None
    except BotoCoreError as error:
        # The text of a parameter validation error quotes the value, which may be a secret.
        raise AwsRefused(operation, type(error).__name__, "the call could not be made") from None


@dataclass(slots=True)
class _Assumed:
    aws: Aws
    expires: float


_assumed: dict[Target, _Assumed] = {}


def connect(target: Target) -> Aws:
    """Assume the target's role, once for as long as the credentials last in this Lambda sandbox."""
    known = _assumed.get(target)
    if known is None or known.expires - time.time() < _RENEW_BEFORE_EXPIRY:
        known = _assumed[target] = _assume(target)
    return known.aws


def _assume(target: Target) -> _Assumed:
    from boto3.session import Session

    observability.trace_aws_calls()
    sts = Session().client("sts", region_name=target.region, config=_config())
    answer = attempt(
        "assume_role", lambda: sts.assume_role(RoleArn=target.role_arn, RoleSessionName=target.session_name)
    )
    given = answer["Credentials"]
    session = Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        region_name=target.region,
    )
    clients: dict[str, BaseClient] = {}

    def client(service: str) -> BaseClient:
        if service not in clients:
            made = session.client(service, config=_config())  # type: ignore[call-overload]
            _read_raw(made)
            clients[service] = made
        return clients[service]

    return _Assumed(Aws(client), given["Expiration"].timestamp())


def _config() -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 5},
        user_agent_extra="ecs-gitops",
    )


def _read_raw(client: BaseClient) -> None:
    """Let the client pass on AWS's own JSON, both ways (botocore events ``before-parse`` and ``before-call``)."""
    events = client.meta.events
    for operation in ("ecs.DescribeTaskDefinition", "events.ListTargetsByRule"):
        events.register(f"before-parse.{operation}", _keep_answer)
    for operation in ("ecs.RegisterTaskDefinition", "events.PutTargets"):
        events.register(f"before-call.{operation}", _send_body)
    # botocore resolves the service id "EventBridge" in event names; both spellings are registered.
    events.register("before-parse.eventbridge.ListTargetsByRule", _keep_answer)
    events.register("before-call.eventbridge.PutTargets", _send_body)


def _keep_answer(response_dict: Json, customized_response_dict: Json, **_: object) -> None:
    if response_dict.get("status_code") == 200:
        customized_response_dict["raw"] = json.loads(response_dict["body"])


def _send_body(params: Json, **_: object) -> None:
    body = _RAW_BODY.get()
    if body is not None:
        params["body"] = body


def _parts(values: Sequence[str], size: int) -> Iterable[list[str]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])
