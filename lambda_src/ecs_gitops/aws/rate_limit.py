"""Keep to ECS's rate limits, so that a large release is not throttled.

ECS limits calls per account and Region, in token buckets that several operations share. A batch has all items of an
account and Region, so one limiter sees all of its calls.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

# Bucket: burst (calls at once), and sustained rate (calls per second).
PUBLISHED: Mapping[str, tuple[float, float]] = {
    "registrations": (20, 1),
    "definitions": (50, 20),
    "updates": (50, 5),
    "services": (100, 20),
    "service_deployments": (50, 20),
    "tasks": (100, 20),
    "tags": (20, 10),
}
# Less than all: the account has other callers, and the time that a call takes to arrive varies.
_SHARE = 0.95
_BUCKETS = {
    "register_task_definition": "registrations",
    "deregister_task_definition": "registrations",
    "describe_task_definition": "definitions",
    "update_service": "updates",
    "describe_services": "services",
    "list_services": "services",
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
class RateLimiter:
    """Token buckets like those of ECS. ``limits`` are the account's: the published ones, or raised quotas."""

    limits: Mapping[str, tuple[float, float]] = field(default_factory=lambda: PUBLISHED)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def from_environment(cls) -> RateLimiter:
        """With raised quotas from ``ECS_GITOPS_ECS_LIMITS``: JSON, ``{"registrations": [20, 1], …}``."""
        raised = json.loads(os.environ.get("ECS_GITOPS_ECS_LIMITS") or "{}")
        return cls({**PUBLISHED, **{name: (float(burst), float(rate)) for name, (burst, rate) in raised.items()}})

    def wait(self, method: str) -> None:
        """Wait until ECS accepts another call of ``method`` (a client's method name). Other methods do not wait."""
        name = _BUCKETS.get(method)
        if name is not None and (pause := self._take(name)) > 0:
            self.sleep(pause)

    def accepted_within(self, seconds: float, *methods: str) -> int:
        """How many calls of each of ``methods`` ECS accepts in the next ``seconds``, one after the other."""
        with self._lock:
            buckets = [self._filled(_BUCKETS[method]) for method in methods]
            return int(min(max(0.0, bucket.left + bucket.rate * seconds) for bucket in buckets))

    def _take(self, name: str) -> float:
        """Take a token, and return the seconds to wait for it. A bucket in debt makes later calls wait longer."""
        with self._lock:
            bucket = self._filled(name)
            bucket.left -= 1
            return max(0.0, -bucket.left / bucket.rate)

    def _filled(self, name: str) -> _Bucket:
        """The bucket with what it has by now."""
        now = self.clock()
        burst, rate = (limit * _SHARE for limit in self.limits[name])
        bucket = self._buckets.setdefault(name, _Bucket(burst, burst, rate, now))
        bucket.left = min(bucket.burst, bucket.left + max(0.0, now - bucket.filled_at) * bucket.rate)
        bucket.filled_at = now
        return bucket
