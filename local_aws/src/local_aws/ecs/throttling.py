"""ECS's token buckets, per account and Region.

AWS throttles ECS calls by bucket: a call takes a token, and without one it is ThrottlingException and not executed.
Off until it is asked for. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
"""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core.responses import get_account_id, get_region

from local_aws.control import calls, clock

# Bucket: tokens at once, and tokens per simulated second after that.
PUBLISHED: dict[str, tuple[float, float]] = {
    "registrations": (20, 1),
    "definitions": (50, 20),
    "updates": (50, 5),
    "services": (100, 20),
    "service_deployments": (50, 20),
    "tasks": (100, 20),
    "tags": (20, 10),
}
_BUCKETS = {
    "RegisterTaskDefinition": "registrations",
    "DeregisterTaskDefinition": "registrations",
    "DescribeTaskDefinition": "definitions",
    "ListTaskDefinitions": "definitions",
    "ListTaskDefinitionFamilies": "definitions",
    "CreateService": "updates",
    "UpdateService": "updates",
    "DeleteService": "updates",
    "DescribeServices": "services",
    "ListServices": "services",
    "DescribeServiceDeployments": "service_deployments",
    "ListServiceDeployments": "service_deployments",
    "DescribeTasks": "tasks",
    "ListTasks": "tasks",
    "TagResource": "tags",
}
_limits: dict[str, tuple[float, float]] = {}
# Account, Region, bucket: tokens left, and when that was.
_left: dict[tuple[str, str, str], tuple[float, float]] = {}
_lock = threading.Lock()


def use(wanted: Any) -> None:
    """True: the published buckets; a mapping: other limits for some of them; false: none. They begin full."""
    others = wanted if isinstance(wanted, dict) else {}
    unknown = others.keys() - PUBLISHED.keys()
    if unknown:
        raise ValueError(f"there is no bucket {sorted(unknown)[0]}: they are {', '.join(PUBLISHED)}")
    changed = {name: (float(burst), float(rate)) for name, (burst, rate) in others.items()}
    with _lock:
        _limits.clear()
        _left.clear()
        if wanted or isinstance(wanted, dict):
            _limits.update({**PUBLISHED, **changed})


def mend() -> None:
    """Let ECS throttle; inside :func:`calls.mend`, which counts what is throttled."""
    app.SERVICE_HANDLERS["ecs"] = _limited(app.SERVICE_HANDLERS["ecs"])


def _limited(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def limited(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        if _limits and not _take(str(headers.get("x-amz-target", "")).rsplit(".", 1)[-1]):
            calls.mark(calls.THROTTLED)
            told = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "ThrottlingException"}
            return 400, told, json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()
        return await handler(method, path, headers, body, query)

    return limited


def _take(operation: str) -> bool:
    bucket = _BUCKETS.get(operation)
    if bucket is None:
        return True
    key = (get_account_id(), get_region(), bucket)
    with _lock:
        if bucket not in _limits:
            return True
        now, (burst, rate) = clock.now(), _limits[bucket]
        left, at = _left.get(key, (burst, now))
        left = min(burst, left + (now - at) * rate)
        _left[key] = (left - 1 if left >= 1 else left, now)
        return left >= 1
