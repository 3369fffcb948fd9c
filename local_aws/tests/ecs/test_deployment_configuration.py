"""A service's deployment configuration: defaults, partial updates, refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.services import BREAKER, World

_CANARY: dict[str, Any] = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 20.0}}


def test_members_that_are_given_replace_and_the_others_stay(world: World, until: Callable[..., Any]) -> None:
    # GIVEN a service with some members given
    created = world.create(desired=1, deploymentConfiguration={"maximumPercent": 150, **BREAKER})
    assert created["deploymentConfiguration"] == {
        "maximumPercent": 150,
        "minimumHealthyPercent": 100,
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
        **BREAKER,
    }
    until(world.is_steady)

    # WHEN one is updated alone
    deployment = world.update(deploymentConfiguration={"minimumHealthyPercent": 50})

    # THEN the others are as they were, and nothing is deployed
    kept = {**created["deploymentConfiguration"], "minimumHealthyPercent": 50}
    service = world.service()
    assert service["deploymentConfiguration"] == kept
    assert ([each["id"] for each in service["deployments"]], len(world.deployments())) == ([deployment], 1)


def test_a_deployment_has_the_configuration_that_came_with_it(world: World, until: Callable[..., Any]) -> None:
    world.create(desired=1)
    until(world.is_steady)
    world.update(taskDefinition=world.register("app:2"), deploymentConfiguration=_CANARY)
    newest = world.deployments()[0]
    assert newest["deploymentConfiguration"]["strategy"] == "CANARY"
    assert newest["deploymentConfiguration"]["maximumPercent"] == 200
    world.ecs.stop_service_deployment(serviceDeploymentArn=newest["serviceDeploymentArn"], stopType="ROLLBACK")
    until(lambda: world.deployments()[0]["status"] == "ROLLBACK_SUCCESSFUL")

    # A change of the strategy leaves what belongs to the other one.
    world.update(deploymentConfiguration={"strategy": "ROLLING"})
    assert "canaryConfiguration" not in world.service()["deploymentConfiguration"]


@pytest.mark.parametrize(
    "configuration",
    [
        {"canaryConfiguration": {"canaryPercent": 10.0}},
        {"strategy": "LINEAR", "canaryConfiguration": {"canaryPercent": 10.0}},
        {"strategy": "CANARY", "linearConfiguration": {"stepPercent": 10.0}},
        {"strategy": "BLUE_GREEN"},
        {"minimumHealthyPercent": 100, "maximumPercent": 90},
        {"minimumHealthyPercent": 100, "maximumPercent": 100},
    ],
)
def test_what_does_not_fit_together_is_refused(world: World, configuration: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        world.create(desired=0, deploymentConfiguration=configuration)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"
    before = world.create(desired=0)["deploymentConfiguration"]
    with pytest.raises(ClientError) as caught:
        world.update(deploymentConfiguration=configuration)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"
    assert world.service()["deploymentConfiguration"] == before


def test_the_circuit_breaker_goes_with_a_native_strategy(world: World, until: Callable[..., Any]) -> None:
    world.create(desired=1, deploymentConfiguration={**_CANARY, **BREAKER})
    until(lambda: world.deployments()[0]["status"] == "SUCCESSFUL")
    world.update(taskDefinition=world.register("app:crash"))
    until(lambda: world.deployments()[0]["status"] == "ROLLBACK_SUCCESSFUL")
