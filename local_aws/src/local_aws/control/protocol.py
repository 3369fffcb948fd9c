"""AWS's JSON 1.1 protocol for services of our own: a table of operations behind the server's router."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack import app
from ministack.core import router
from ministack.core.responses import get_account_id, get_region

log = logging.getLogger(__name__)

Data = dict[str, Any]


class ServiceError(Exception):
    """An error answer: ``code`` as the service's API reference names it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Place:
    """The account and Region that a request is for."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


Operation = Callable[[Place, Data], Data]


def serve(service: str, target_prefix: str, operations: Mapping[str, Operation], instead_of: bool = False) -> None:
    """Answer ``target_prefix.OPERATION`` with ``operations``; ``instead_of`` leaves what is missing to ministack."""
    fallback = app.SERVICE_HANDLERS.get(service) if instead_of else None
    if not instead_of:
        router.SERVICE_PATTERNS[service] = {"target_prefixes": [target_prefix], "host_patterns": []}

    async def handler(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        name = str(headers.get("x-amz-target", "")).rsplit(".", 1)[-1]
        if name not in operations and fallback is not None:
            return await fallback(method, path, headers, body, query)
        place = Place(get_account_id(), get_region())
        return await asyncio.to_thread(_answer, operations.get(name), name, place, body)

    app.SERVICE_HANDLERS[service] = handler


def _answer(operation: Operation | None, name: str, place: Place, body: Any) -> Any:
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    try:
        if operation is None:
            raise ServiceError("UnknownOperationException", f"{name} is not played by the local AWS")
        return 200, headers, json.dumps(operation(place, json.loads(body or b"{}"))).encode()
    except ServiceError as error:
        headers["x-amzn-errortype"] = error.code
        return 400, headers, json.dumps({"__type": error.code, "message": str(error)}).encode()


class Tags:
    """Tags of a service's resources by ARN, in the shape ``{key: value}``."""

    def __init__(self) -> None:
        self.by_arn: dict[str, dict[str, str]] = {}

    def listed(self, arn: str) -> list[dict[str, str]]:
        return [{"key": key, "value": value} for key, value in sorted(self.by_arn.get(arn, {}).items())]

    def put(self, arn: str, tags: Any) -> Data:
        pairs = tags.items() if isinstance(tags, dict) else ((tag["key"], tag["value"]) for tag in tags or [])
        self.by_arn.setdefault(arn, {}).update(pairs)
        return {}

    def remove(self, arn: str, keys: list[str]) -> Data:
        for key in keys:
            self.by_arn.get(arn, {}).pop(key, None)
        return {}
