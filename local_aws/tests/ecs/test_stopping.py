"""Deployments that are stopped, by a request or by an alarm, and tasks that end over and over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from local_aws.samples import create_alarm
from support.services import BREAKER, World

_CANARY: dict[str, Any] = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 5,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 0},
}


@pytest.fixture
def alarm(aws: LocalAws, name: str) -> Callable[[str], None]:
    """`alarm(state)` sets the alarm of this test, of two minutes."""
    create_alarm(aws, name, minutes=2)
    put = aws.client("cloudwatch").set_alarm_state
    return lambda state: put(AlarmName=name, StateValue=state, StateReason="a test")


def _alarms(world: World, *, rollback: bool = True) -> dict[str, Any]:
    return {"alarms": {"alarmNames": [world.name], "enable": True, "rollback": rollback}}


def _status(world: World) -> str:
    return str(world.deployments()[0]["status"])


def _stop(world: World, kind: str) -> str:
    arn = str(world.deployments()[0]["serviceDeploymentArn"])
    world.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType=kind)
    return arn


def _is_going_on(world: World, configuration: dict[str, Any]) -> bool:
    """Whether the deployment is where it is to be stopped."""
    newest, service = world.deployments()[0], world.service()
    if configuration:
        return bool(newest["lifecycleStage"] == "BAKE_TIME")
    return bool(service["deployments"][0]["pendingCount"] == 1)


@pytest.mark.parametrize(("image", "configuration"), [("app:never", {}), ("app:2", _CANARY)])
def test_a_rollback_by_request_returns_to_the_revision_before(
    world: World, until: Callable[..., Any], image: str, configuration: dict[str, Any]
) -> None:
    # GIVEN a deployment that does not come up, or bakes
    world.create(desired=1, deploymentConfiguration=configuration)
    until(lambda: _status(world) == "SUCCESSFUL")
    before = world.service()
    assert "currentServiceDeployment" not in before
    world.update(taskDefinition=world.register(image))
    until(lambda: _is_going_on(world, configuration))
    service = world.service()
    assert service["currentServiceDeployment"] == world.deployments()[0]["serviceDeploymentArn"]
    assert [each["arn"] for each in service["currentServiceRevisions"]] == [
        each["targetServiceRevision"]["arn"] for each in world.deployments()
    ]

    # WHEN it is rolled back, and the request made again meanwhile
    stopped = _stop(world, "ROLLBACK")
    if _status(world) == "ROLLBACK_IN_PROGRESS":
        world.ecs.stop_service_deployment(serviceDeploymentArn=stopped, stopType="ROLLBACK")
    until(lambda: _status(world) == "ROLLBACK_SUCCESSFUL")

    # THEN the old revision is the service's only one, and nothing is left to stop
    service = until(world.service, lambda seen: len(seen["deployments"]) == 1)
    assert (service["taskDefinition"], service["deployments"][0]["id"]) == (
        before["taskDefinition"],
        before["deployments"][0]["id"],
    )
    assert (service["runningCount"], service["currentServiceRevisions"][0]["runningTaskCount"]) == (1, 1)
    assert "currentServiceDeployment" not in service
    with pytest.raises(ClientError) as caught:
        world.ecs.stop_service_deployment(serviceDeploymentArn=stopped, stopType="ROLLBACK")
    assert caught.value.response["Error"]["Code"] == "ConflictException"


@pytest.mark.parametrize(("image", "configuration"), [("app:never", {}), ("app:2", _CANARY)])
def test_an_abort_leaves_what_runs(
    world: World, until: Callable[..., Any], image: str, configuration: dict[str, Any]
) -> None:
    world.create(desired=1, deploymentConfiguration=configuration)
    until(lambda: _status(world) == "SUCCESSFUL")
    new = world.register(image)
    world.update(taskDefinition=new)
    until(lambda: _is_going_on(world, configuration))
    _stop(world, "ABORT")
    assert _status(world) == "STOPPED"
    service = world.service()
    assert (service["taskDefinition"], service["runningCount"]) == (new, 2 if configuration else 1)
    assert "currentServiceDeployment" not in service
    # The next deployment goes on from there.
    world.update(taskDefinition=world.register("app:3"), deploymentConfiguration={"strategy": "ROLLING"})
    until(lambda: _status(world) == "SUCCESSFUL")


def test_without_a_revision_before_a_rollback_fails(world: World, until: Callable[..., Any]) -> None:
    world.create("app:never", desired=1)
    _stop(world, "ROLLBACK")
    failed = until(lambda: world.deployments()[0], lambda seen: seen["status"] == "ROLLBACK_FAILED")
    assert failed["statusReason"] == "No rollback candidate was found to run the rollback."
    world.update(desiredCount=0)


def test_an_unknown_deployment_cannot_be_stopped(world: World) -> None:
    arn = "arn:aws:ecs:us-west-2:111111111111:service-deployment/c/s/nothing"
    with pytest.raises(ClientError) as caught:
        world.ecs.stop_service_deployment(serviceDeploymentArn=arn)
    assert caught.value.response["Error"]["Code"] == "ServiceDeploymentNotFoundException"


def test_the_circuit_breaker_does_not_see_tasks_that_end_later(world: World, until: Callable[..., Any]) -> None:
    # GIVEN a steady service with the circuit breaker
    world.create(desired=1, deploymentConfiguration=BREAKER)
    until(world.is_steady)

    # WHEN an image is deployed whose tasks run, and end a second later
    bad = world.update(taskDefinition=world.register("app:flap"))

    # THEN the deployment completes, and tasks are replaced one after the other
    until(lambda: _status(world) == "SUCCESSFUL")
    ended = until(lambda: [each for each in world.stopped() if each["startedBy"] == bad], lambda seen: len(seen) >= 4)
    assert {(each["stopCode"], each["containers"][0]["exitCode"]) for each in ended} == {
        ("EssentialContainerExited", 1)
    }
    (primary,) = world.service()["deployments"]
    assert (primary["id"], primary["rolloutState"], primary["failedTasks"]) == (bad, "COMPLETED", 0)
    started = [event for event in world.service()["events"] if "has started 1 tasks" in event["message"]]
    assert len(started) >= 5
    world.update(desiredCount=0)


@pytest.mark.parametrize("image", ["app:2", "app:never"])
def test_an_alarm_rolls_a_rolling_deployment_back(
    world: World, until: Callable[..., Any], alarm: Callable[[str], None], image: str
) -> None:
    # GIVEN a rolling deployment that goes on: its tasks do not come up, or its alarm is still being looked at
    world.create(desired=1)
    until(world.is_steady)
    before = world.service()
    bad = world.update(taskDefinition=world.register(image), deploymentConfiguration=_alarms(world))
    if image == "app:2":
        until(lambda: world.service()["deployments"], lambda seen: [d["runningCount"] for d in seen] == [1, 0])
    assert world.service()["deployments"][0]["rolloutState"] == "IN_PROGRESS"

    # WHEN the alarm rings
    alarm("ALARM")

    # THEN the service returns to the revision before
    over = until(lambda: world.deployments()[0], lambda seen: seen["status"] == "ROLLBACK_SUCCESSFUL")
    assert over["alarms"]["triggeredAlarmNames"] == [world.name]
    assert over["statusReason"] == f"ECS deployment alarm: {world.name} in ALARM state."
    until(world.is_steady)
    service = world.service()
    assert (service["taskDefinition"], service["runningCount"]) == (before["taskDefinition"], 1)
    messages = " ".join(event["message"] for event in service["events"])
    assert f"(deployment {bad}) deployment failed: ECS deployment alarm: {world.name} in ALARM state." in messages


def test_a_quiet_alarm_lets_a_rolling_deployment_complete(
    world: World, until: Callable[..., Any], alarm: Callable[[str], None]
) -> None:
    world.create(desired=1, deploymentConfiguration=_alarms(world))
    alarm("OK")
    until(world.is_steady)
    assert world.deployments()[0]["alarms"]["status"] == "MONITORING_COMPLETE"


def test_without_rollback_an_alarm_fails_the_deployment(
    world: World, until: Callable[..., Any], alarm: Callable[[str], None]
) -> None:
    world.create(desired=1)
    until(world.is_steady)
    new = world.register("app:never")
    world.update(taskDefinition=new, deploymentConfiguration=_alarms(world, rollback=False))
    alarm("ALARM")
    until(lambda: _status(world) == "STOPPED")
    service = world.service()
    assert (service["taskDefinition"], service["deployments"][0]["rolloutState"]) == (new, "FAILED")


def test_an_alarm_that_rang_before_is_not_looked_at(
    world: World, until: Callable[..., Any], alarm: Callable[[str], None]
) -> None:
    world.create(desired=1)
    until(world.is_steady)
    alarm("ALARM")
    world.update(taskDefinition=world.register("app:2"), deploymentConfiguration=_alarms(world))
    until(world.is_steady)
    assert (_status(world), world.deployments()[0]["alarms"]["status"]) == ("SUCCESSFUL", "DISABLED")
