"""Keep to the rates at which ECS takes calls, so that a large release is not throttled in the first place.

ECS limits calls per account and Region, in buckets that are shared by several operations. A batch has all items of an
account and Region, and so all its calls come by here.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

# Bucket: calls at once, and calls per second after that.
PUBLISHED: Mapping[str, tuple[float, float]] = {
    "registrations": (20, 1),
    "definitions": (50, 20),
    "updates": (50, 5),
    "services": (100, 20),
    "service_deployments": (50, 20),
    "tasks": (100, 20),
    "tags": (20, 10),
}
# The account has other callers too, and calls that are sent a little late arrive a little early for the next one.
_SHARE = 0.95
_BUCKETS = {
    "register_task_definition": "registrations",
    "deregister_task_definition": "registrations",
    "describe_task_definition": "definitions",
    "update_service": "updates",
    "describe_services": "services",
    "list_service_deployments": "service_deployments",
    "describe_service_deployments": "service_deployments",
    "list_tasks": "tasks",
    "describe_tasks": "tasks",
    "tag_resource": "tags",
}


@dataclass(slots=True)
class _Bucket:
    left: float
    burst: float
    rate: float
    filled_at: float


@dataclass(slots=True)
class Pace:
    """Token buckets as ECS has them. ``limits`` are those of the account: published ones, or what it was granted."""

    limits: Mapping[str, tuple[float, float]] = field(default_factory=lambda: PUBLISHED)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def from_environment(cls) -> Pace:
        """With the limits that ``ECS_GITOPS_ECS_LIMITS`` raises: JSON, ``{"registrations": [20, 1], …}``."""
        raised = json.loads(os.environ.get("ECS_GITOPS_ECS_LIMITS") or "{}")
        return cls({**PUBLISHED, **{name: (float(burst), float(rate)) for name, (burst, rate) in raised.items()}})

    def wait(self, method: str) -> None:
        """Wait until ECS takes another call of ``method`` (a client's method name); others are not held up."""
        name = _BUCKETS.get(method)
        if name is not None and (pause := self._take(name)) > 0:
            self.sleep(pause)

    def _take(self, name: str) -> float:
        """Take a token, on credit where there is none: seconds until it is there."""
        with self._lock:
            now = self.clock()
            burst, rate = (limit * _SHARE for limit in self.limits[name])
            bucket = self._buckets.setdefault(name, _Bucket(burst, burst, rate, now))
            bucket.left = min(bucket.burst, bucket.left + max(0.0, now - bucket.filled_at) * bucket.rate)
            bucket.filled_at = now
            bucket.left -= 1
            return max(0.0, -bucket.left / bucket.rate)
