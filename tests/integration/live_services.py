"""What services of the local AWS are, what was told of them, and what can happen to them meanwhile."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from local_aws import LocalAws
from local_aws.samples import create_alarm, wait_until_steady
from playground.stack import CLUSTER


def described(aws: LocalAws, item: dict[str, Any]) -> dict[str, Any]:
    services = aws.client("ecs").describe_services(cluster=CLUSTER, services=[item["serviceName"]])
    return dict(services["services"][0])


def live(aws: LocalAws, item: dict[str, Any]) -> str:
    """The revision that the service points to, as a number."""
    return str(described(aws, item)["taskDefinition"].rsplit(":", 1)[-1])


def returned(aws: LocalAws, item: dict[str, Any]) -> None:
    """The service is steady on the revision that it began with, with the strategy that it had."""
    wait_until_steady(aws, CLUSTER, (item["serviceName"],))
    after = described(aws, item)
    assert after["taskDefinition"].endswith(":1")
    assert after["deploymentConfiguration"]["strategy"] == "ROLLING"


def quiet_alarm(aws: LocalAws) -> str:
    """Make an alarm that is in OK; its name."""
    name = f"alarm-{uuid.uuid4().hex[:8]}"
    create_alarm(aws, name, minutes=2)
    return name


def composite_alarm(aws: LocalAws) -> str:
    """Make an alarm that is in ALARM when another one is; its name."""
    name = f"composite-{uuid.uuid4().hex[:8]}"
    aws.client("cloudwatch").put_composite_alarm(AlarmName=name, AlarmRule=f"ALARM({quiet_alarm(aws)})")
    return name


def wait_for(condition: Callable[[], bool], patience: float = 60.0) -> None:
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Run ``act`` beside what is in the block; what goes wrong in it fails the test."""
    with ThreadPoolExecutor(1) as pool:
        going_on = pool.submit(act)
        yield
        going_on.result()


def result(done: Any, item: dict[str, Any]) -> str:
    """The line of the cause that is about the item."""
    lines = done.cause.splitlines()
    return next((line for line in lines if line.startswith(item["serviceName"] + ":")), "")
