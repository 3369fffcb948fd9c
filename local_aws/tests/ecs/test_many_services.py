"""Many services at once, and the short cuts that make them quick."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local_aws import LocalAws
from local_aws.control.trace import Trace
from support.services import World

_MANY = 100


def test_a_hundred_services_roll_out_together(aws: LocalAws, name: str, until: Callable[..., Any]) -> None:
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName=name)
    containers = [{"name": "app", "image": "app:1", "memory": 64}]
    ecs.register_task_definition(family=name, containerDefinitions=containers)
    names = [f"{name}-{number}" for number in range(_MANY)]

    def in_tens(act: Callable[[list[str]], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        return [found for start in range(0, _MANY, 10) for found in act(names[start : start + 10])]

    def seen() -> list[dict[str, Any]]:
        return in_tens(lambda some: ecs.describe_services(cluster=name, services=some)["services"])

    def create(service: str) -> None:
        ecs.create_service(cluster=name, serviceName=service, taskDefinition=name, desiredCount=1)

    def force(service: str) -> None:
        ecs.update_service(cluster=name, service=service, forceNewDeployment=True)

    def are_steady(services: list[dict[str, Any]]) -> bool:
        return all([each.get("rolloutState") for each in one["deployments"]] == ["COMPLETED"] for one in services)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(create, names))
        until(seen, are_steady)
        began = time.monotonic()
        list(pool.map(force, names))
    until(seen, are_steady)
    assert time.monotonic() - began < 10
    cluster = ecs.describe_clusters(clusters=[name])["clusters"][0]
    assert (cluster["runningTasksCount"], cluster["activeServicesCount"]) == (_MANY, _MANY)
    assert len(ecs.list_tasks(cluster=name, serviceName=names[7])["taskArns"]) == 1


def test_services_of_one_name_in_two_clusters_are_apart(aws: LocalAws, name: str, until: Callable[..., Any]) -> None:
    ecs = aws.client("ecs")
    world = World(ecs, name)
    world.create(desired=2)
    ecs.create_cluster(clusterName=f"{name}-b")
    ecs.create_service(cluster=f"{name}-b", serviceName=name, taskDefinition=name, desiredCount=1)
    until(world.is_steady)
    world.update(taskDefinition=world.register("app:2"))
    until(world.is_steady)

    def running(cluster: str) -> int:
        return len(ecs.list_tasks(cluster=cluster, serviceName=name)["taskArns"])

    assert (running(name), running(f"{name}-b")) == (2, 1)


def test_the_trace_keeps_the_latest() -> None:
    trace = Trace(kept=4)
    for number in range(6):
        trace.add("test", number=number)
    assert [each["n"] for each in trace.since(0)] == [2, 3, 4, 5]
    assert [each["number"] for each in trace.since(4)] == [4, 5]
