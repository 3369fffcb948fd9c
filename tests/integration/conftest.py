"""Services on the local AWS, for releases of the state machine, functions, layer and roles that ship."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from integration.permission_scenarios import World
from local_aws import LocalAws
from local_aws.samples import create_service, register_app, wait_until_steady
from playground.stack import CLUSTER, Stack


@pytest.fixture
def aws(stack: Stack) -> LocalAws:
    ecs = stack.aws.client("ecs")
    if CLUSTER not in "".join(ecs.list_clusters()["clusterArns"]):
        ecs.create_cluster(clusterName=CLUSTER)
    return stack.aws


@pytest.fixture(scope="session")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> World:
    """What the scenarios of permissions and of failures run on; its names are its own."""
    return World(stack, tmp_path_factory.mktemp("world"))


@pytest.fixture
def minutes(settings: Callable[..., None]) -> Callable[[float], None]:
    """Set how many seconds a minute of bake time takes."""
    return lambda seconds: settings(minuteSeconds=seconds)


@pytest.fixture
def service(aws: LocalAws) -> Callable[..., dict[str, Any]]:
    """Make a steady service with a name of its own on image ``app:1``; its manifest item."""

    def make(image: str = "app:2", name: str = "", desired: int = 1, **more: Any) -> dict[str, Any]:
        name = name or f"r-{uuid.uuid4().hex[:8]}"
        register_app(aws, name)
        create_service(aws, CLUSTER, name, name, desired)
        wait_until_steady(aws, CLUSTER, (name,))
        return {"service": "app", "clusterName": CLUSTER, "serviceName": name, "image": image, **more}

    return make


@pytest.fixture
def slow_rollouts(settings: Callable[..., None]) -> Callable[[], None]:
    """Call it, and a rollout takes ten seconds, in which others can come: a simulated second is a quarter of one."""
    return lambda: settings(secondSeconds=0.25, rolloutSeconds=40.0)
