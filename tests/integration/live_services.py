"""What services of the local AWS are, what was told of them, and what can happen to them meanwhile."""

from __future__ import annotations

import shlex
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from local_aws import LocalAws
from local_aws.samples import create_alarm, wait_until_steady
from playground.stack import CLUSTER, Stack


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


def waiting_commands(stack: Stack, queue: str, seen: list[dict[str, Any]]) -> list[str]:
    """The commands of the notice that a deployment waits."""
    seen += stack.notices(queue)
    waiting = [each for each in seen if each["MessageAttributes"]["status"]["Value"] == "AWAITING_ACTION"]
    lines = [line for each in waiting for line in each["Message"].splitlines()]
    return [line.partition(": ")[2].strip() for line in lines if "aws ecs" in line]


def obey(aws: LocalAws, command: str) -> None:
    """Run the command of a notice."""
    words = shlex.split(command)
    assert words[:3] == ["aws", "ecs", "continue-service-deployment"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    aws.client("ecs").continue_service_deployment(
        serviceDeploymentArn=given["--service-deployment-arn"], hookId=given["--hook-id"], action=given["--action"]
    )
