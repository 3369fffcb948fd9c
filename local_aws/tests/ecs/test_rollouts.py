"""ECS rollouts: they take time, and images behave by their name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.services import BREAKER, World


def test_a_rollout_goes_from_in_progress_to_completed(world: World, until: Callable[..., Any]) -> None:
    # GIVEN a service that runs its first revision
    created = world.create()
    assert created["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    until(world.is_steady)
    before = world.service()

    # WHEN a new revision is deployed
    deployment = world.update(taskDefinition=world.register("app:2"))

    # THEN its deployment is in progress beside the old one, pending first, and completed alone in the end
    primary, active = world.service()["deployments"]
    assert (primary["id"], primary["rolloutState"], active["id"]) == (
        deployment,
        "IN_PROGRESS",
        before["deployments"][0]["id"],
    )
    assert primary["rolloutStateReason"] == f"ECS deployment {deployment} in progress."
    assert primary["pendingCount"] > 0
    until(world.is_steady)
    after = world.service()
    assert [each["id"] for each in after["deployments"]] == [deployment]
    assert (after["runningCount"], after["pendingCount"]) == (2, 0)
    assert after["deployments"][0]["rolloutStateReason"] == f"ECS deployment {deployment} completed."


def test_tasks_are_started_by_their_deployment(world: World, until: Callable[..., Any]) -> None:
    world.create()
    until(world.is_steady)
    deployment = world.service()["deployments"][0]["id"]
    arns = world.ecs.list_tasks(cluster=world.name, serviceName=world.name)["taskArns"]
    tasks = world.ecs.describe_tasks(cluster=world.name, tasks=arns)["tasks"]
    assert [(task["startedBy"], task["lastStatus"]) for task in tasks] == [(deployment, "RUNNING")] * 2
    assert {container["name"] for container in tasks[0]["containers"]} == {"app", "sidecar"}
    by_deployment = world.ecs.list_tasks(cluster=world.name, startedBy=deployment)["taskArns"]
    assert sorted(by_deployment) == sorted(arns)


@pytest.mark.parametrize(
    ("image", "stop_code", "reason"),
    [
        ("app:broken", "TaskFailedToStart", "CannotPullContainerError"),
        ("app:crash", "EssentialContainerExited", "Essential container"),
    ],
)
def test_a_bad_image_triggers_the_circuit_breaker_which_rolls_back(
    world: World, until: Callable[..., Any], image: str, stop_code: str, reason: str
) -> None:
    # GIVEN a steady service with the circuit breaker
    world.create(deploymentConfiguration=BREAKER)
    until(world.is_steady)
    good = world.service()["deployments"][0]["id"]

    # WHEN a bad image is deployed
    bad = world.update(taskDefinition=world.register(image))
    until(lambda: world.deployments()[0], lambda seen: seen["status"] == "ROLLBACK_SUCCESSFUL")

    # THEN the service is back on the old revision, and the tasks say why
    until(world.is_steady)
    assert [each["id"] for each in world.service()["deployments"]] == [good]
    failed = [task for task in world.stopped() if task["startedBy"] == bad]
    of_themselves = [task for task in failed if task["stopCode"] != "ServiceSchedulerInitiated"]
    assert {task["stopCode"] for task in of_themselves} == {stop_code}
    assert all(reason in task["stoppedReason"] for task in of_themselves)
    messages = " ".join(event["message"] for event in world.service()["events"])
    assert f"(deployment {bad}) deployment failed: tasks failed to start." in messages
    assert f"rolling back to deployment {good}" in messages


def test_a_crashed_container_has_its_exit_code(world: World, until: Callable[..., Any]) -> None:
    world.create(desired=1)
    until(world.is_steady)
    bad = world.update(taskDefinition=world.register("app:crash"))
    task = until(lambda: [each for each in world.stopped() if each["startedBy"] == bad])[0]
    exit_codes = {each["name"]: each["exitCode"] for each in task["containers"]}
    # The essential container fails, the other one is killed with it.
    assert exit_codes["app"] == 1


def test_an_image_that_cannot_be_pulled_is_told_on_the_container(world: World, until: Callable[..., Any]) -> None:
    world.create(desired=1)
    until(world.is_steady)
    bad = world.update(taskDefinition=world.register("app:broken"))
    task = until(lambda: [each for each in world.stopped() if each["startedBy"] == bad])[0]
    assert task["containers"][0]["reason"].startswith("CannotPullContainerError")
    world.update(desiredCount=0)


def test_without_rollback_the_deployment_stays_failed(world: World, until: Callable[..., Any]) -> None:
    world.create(deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}})
    until(world.is_steady)
    bad = world.update(taskDefinition=world.register("app:broken"))
    failed = until(lambda: world.service()["deployments"], lambda seen: seen[0]["rolloutState"] == "FAILED")
    assert (failed[0]["id"], failed[0]["rolloutStateReason"]) == (
        bad,
        "ECS deployment circuit breaker: tasks failed to start.",
    )
    assert failed[0]["failedTasks"] >= 3
    # The old tasks go on.
    assert world.service()["runningCount"] == 2
    assert world.deployments()[0]["status"] == "STOPPED"


def test_without_the_breaker_a_bad_image_goes_on_failing(world: World, until: Callable[..., Any]) -> None:
    world.create(desired=1)
    until(world.is_steady)
    world.update(taskDefinition=world.register("app:broken"))
    primary = until(lambda: world.service()["deployments"][0], lambda seen: seen["failedTasks"] >= 2)
    assert primary["rolloutState"] == "IN_PROGRESS"
    world.update(desiredCount=0)


def test_an_image_that_never_comes_up_stays_pending(world: World, until: Callable[..., Any]) -> None:
    world.create(desired=1)
    until(world.is_steady)
    world.update(taskDefinition=world.register("app:never"))
    until(lambda: world.service()["deployments"][0], lambda seen: seen["pendingCount"] == 1)
    assert world.service()["deployments"][0]["rolloutState"] == "IN_PROGRESS"


def test_a_desired_count_of_zero_completes(world: World, until: Callable[..., Any]) -> None:
    world.create(desired=0)
    deployment = world.update(taskDefinition=world.register("app:2"))
    until(world.is_steady)
    service = world.service()
    assert (service["deployments"][0]["id"], service["runningCount"]) == (deployment, 0)


def test_a_newer_deployment_supersedes(world: World, until: Callable[..., Any]) -> None:
    world.create()
    until(world.is_steady)
    world.update(taskDefinition=world.register("app:never"))
    newer = world.update(taskDefinition=world.register("app:3"))
    until(world.is_steady)
    assert world.service()["deployments"][0]["id"] == newer
    assert [each["status"] for each in world.deployments()] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
