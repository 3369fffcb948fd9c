"""A look at 500 services: DescribeServices, ten in each call, and what the deployer reads of the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from bench.probes import sandbox

SERVICES, EVENTS, LOOKS = 500, 100, 5
_PER_CALL = 10


def measured(_given: Mapping[str, Any]) -> dict[str, Any]:
    """``cpuMs``: of one look, the median of several, after a first one that is not counted."""
    from ecs_gitops import aws
    from ecs_gitops.aws.rate_limit import RateLimiter
    from ecs_gitops.ecs.service import Service

    names = [f"web-{number}" for number in range(SERVICES)]
    bodies = [_body(names[start : start + _PER_CALL]) for start in range(0, SERVICES, _PER_CALL)]
    calls = aws.calls_of(aws.Credentials("a", "b", "c"), sandbox.REGION, RateLimiter(sleep=lambda _: None))
    taken = []
    for _ in range(LOOKS + 1):
        sandbox.answer_requests(_one_after_the_other(bodies))
        began = time.process_time()
        found = [Service.from_api(each) for each in calls.describe_services("shop", names)]
        taken.append((time.process_time() - began) * 1000)
        if [len(each.events) for each in found] != [EVENTS] * SERVICES:
            raise RuntimeError("the look has not read every service with its events")
    return {"cpuMs": round(median(taken[1:]), 1)}


def _one_after_the_other(bodies: Iterable[bytes]) -> sandbox.Answer:
    left = iter(bodies)
    return lambda _request: (200, next(left))


def _body(names: list[str]) -> bytes:
    return json.dumps({"services": [sandbox.service(name, EVENTS) for name in names], "failures": []}).encode()
