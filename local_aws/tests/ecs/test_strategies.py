"""Native deployment strategies: stages, traffic, bake times, stop and alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from local_aws.samples import create_alarm
from support.services import World

_CANARY = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 1,
    "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": 1},
}
_LINEAR = {
    "strategy": "LINEAR",
    "bakeTimeInMinutes": 0,
    "linearConfiguration": {"stepPercent": 40, "stepBakeTimeInMinutes": 0},
}


def _is_over(world: World) -> bool:
    return bool(world.deployments()[0]["status"] not in ("IN_PROGRESS", "ROLLBACK_IN_PROGRESS"))


def _start(world: World, until: Callable[..., Any], configuration: dict[str, Any]) -> None:
    world.create(desired=1, deploymentConfiguration=configuration)
    until(lambda: _is_over(world))
    world.update(taskDefinition=world.register("app:2"))


@pytest.mark.parametrize(
    ("configuration", "weights"),
    [
        ({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1}, [0, 100]),
        (_CANARY, [0, 10, 100]),
        (_LINEAR, [0, 40, 80, 100]),
    ],
)
def test_traffic_shifts_in_the_strategys_steps(
    world: World, until: Callable[..., Any], configuration: dict[str, Any], weights: list[int]
) -> None:
    _start(world, until, configuration)
    seen: list[tuple[str, float]] = []

    def look() -> str:
        newest = world.deployments()[0]
        seen.append((newest["lifecycleStage"], newest["targetServiceRevision"]["requestedProductionTrafficWeight"]))
        return str(newest["status"])

    until(look, lambda status: status == "SUCCESSFUL")
    assert list(dict.fromkeys(weight for _, weight in seen)) == weights
    assert seen[0][0] == "SCALE_UP"
    assert {"PRODUCTION_TRAFFIC_SHIFT", "CLEAN_UP"} <= {stage for stage, _ in seen}
    # A rollout state is told of rolling deployments alone.
    assert all("rolloutState" not in each for each in world.service()["deployments"])
    assert (
        world.deployments()[0]["sourceServiceRevisions"][0]["arn"]
        == (world.deployments()[1]["targetServiceRevision"]["arn"])
    )


def test_stopping_rolls_back_while_it_goes_on_and_is_refused_afterwards(
    world: World, until: Callable[..., Any]
) -> None:
    _start(world, until, _CANARY)
    old = world.deployments()[1]["targetServiceRevision"]["arn"]
    going = until(
        lambda: world.deployments()[0],
        lambda each: each["targetServiceRevision"]["requestedProductionTrafficWeight"] == 10,
    )
    world.ecs.stop_service_deployment(serviceDeploymentArn=going["serviceDeploymentArn"], stopType="ROLLBACK")
    over = until(lambda: world.deployments()[0], lambda each: each["status"] == "ROLLBACK_SUCCESSFUL")
    assert over["rollback"]["serviceRevisionArn"] == old
    (revision,) = world.ecs.describe_service_revisions(serviceRevisionArns=[old])["serviceRevisions"]
    assert world.service()["taskDefinition"] == revision["taskDefinition"]
    with pytest.raises(ClientError) as caught:
        world.ecs.stop_service_deployment(serviceDeploymentArn=going["serviceDeploymentArn"])
    assert caught.value.response["Error"]["Code"] == "ConflictException"


def test_an_alarm_rolls_back(aws: LocalAws, world: World, until: Callable[..., Any]) -> None:
    cloudwatch = aws.client("cloudwatch")
    create_alarm(aws, world.name)
    alarms = {"alarmNames": [world.name], "enable": True, "rollback": True}
    _start(world, until, {**_CANARY, "alarms": alarms})
    cloudwatch.set_alarm_state(AlarmName=world.name, StateValue="ALARM", StateReason="a test")
    over = until(lambda: world.deployments()[0], lambda each: each["status"] == "ROLLBACK_SUCCESSFUL")
    assert over["alarms"] == {
        "status": "TRIGGERED",
        "alarmNames": [world.name],
        "triggeredAlarmNames": [world.name],
    }


def test_at_most_twenty_deployments_are_described_and_unknown_ones_are_missing(world: World) -> None:
    arn = "arn:aws:ecs:us-west-2:111111111111:service-deployment/c/s/nothing"
    assert world.ecs.describe_service_deployments(serviceDeploymentArns=[arn])["failures"] == [
        {"arn": arn, "reason": "MISSING"}
    ]
    with pytest.raises(ClientError):
        world.ecs.describe_service_deployments(serviceDeploymentArns=[arn] * 21)
