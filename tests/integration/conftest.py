"""Services on the local AWS, for releases of the state machine, functions, layer and roles that ship."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_aws.client import LocalAws
from local_aws.stack import CLUSTER, Stack, create_service, wait_until_steady


@pytest.fixture
def aws(stack: Stack) -> LocalAws:
    ecs = stack.aws.client("ecs")
    if CLUSTER not in "".join(ecs.list_clusters()["clusterArns"]):
        ecs.create_cluster(clusterName=CLUSTER)
    return stack.aws


@pytest.fixture
def minutes(aws: LocalAws) -> Iterator[Callable[[float], None]]:
    """Set how many seconds a minute of bake time takes."""
    yield lambda seconds: aws.control("settings", {"minuteSeconds": seconds})
    aws.control("settings", {"minuteSeconds": 1.0})


@pytest.fixture
def service(aws: LocalAws) -> Callable[..., dict[str, Any]]:
    """Make a steady service with a name of its own on image ``app:1``; its manifest item."""

    def make(image: str = "app:2", name: str = "", desired: int = 1, **more: Any) -> dict[str, Any]:
        name = name or f"r-{uuid.uuid4().hex[:8]}"
        aws.client("ecs").register_task_definition(
            family=name, containerDefinitions=[{"name": "app", "image": "app:1", "memory": 64}]
        )
        create_service(aws, CLUSTER, name, name, desired)
        wait_until_steady(aws, CLUSTER, (name,))
        return {"service": "app", "clusterName": CLUSTER, "serviceName": name, "image": image, **more}

    return make


@pytest.fixture
def slow_rollouts(stack: Stack) -> Iterator[Callable[[], None]]:
    """Call it, and a rollout takes ten seconds, in which others can come: a simulated second is a quarter of one."""
    yield lambda: stack.aws.control("settings", {"secondSeconds": 0.25, "rolloutSeconds": 40.0})
    stack.aws.control("settings", {"secondSeconds": 1.0, "rolloutSeconds": 0.5})
