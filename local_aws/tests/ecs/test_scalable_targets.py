"""Application Auto Scaling: scalable targets of ECS services, as something that reads them sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local_aws import LocalAws
from support.policies import allow, denied
from support.reviews import refused
from support.services import World


@pytest.fixture
def scaling(aws: LocalAws, world: World) -> Any:
    """A client, for a cluster and a service of the test's name."""
    world.create(desired=0)
    return aws.client("application-autoscaling")


def _on(name: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{name}/{name}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }


def test_a_registered_service_is_described(scaling: Any, name: str) -> None:
    # WHEN a service is registered, and again with one of its limits
    made = scaling.register_scalable_target(**_on(name), MinCapacity=1, MaxCapacity=4, Tags={"a": "b"})
    scaling.register_scalable_target(**_on(name), MaxCapacity=6, SuspendedState={"ScheduledScalingSuspended": True})

    # THEN it is described with both
    (found,) = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[f"service/{name}/{name}", "service/other/other"]
    )["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 6)
    assert found["ScalableTargetARN"] == made["ScalableTargetARN"]
    assert found["RoleARN"].endswith("/AWSServiceRoleForApplicationAutoScaling_ECSService")
    assert found["SuspendedState"] == {
        "DynamicScalingInSuspended": False,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": True,
    }
    assert scaling.list_tags_for_resource(ResourceARN=made["ScalableTargetARN"])["Tags"] == {"a": "b"}

    # AND no more once it is deregistered
    scaling.deregister_scalable_target(**_on(name))
    answer = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[f"service/{name}/{name}"])
    assert answer["ScalableTargets"] == []
    assert refused(lambda: scaling.deregister_scalable_target(**_on(name))) == "ObjectNotFoundException"


def test_targets_come_in_pages(aws: LocalAws, scaling: Any, world: World, name: str) -> None:
    for number in range(3):
        service = f"{name}-{number}"
        aws.client("ecs").create_service(
            cluster=name, serviceName=service, taskDefinition=world.register("app:1"), desiredCount=0
        )
        on = {**_on(name), "ResourceId": f"service/{name}/{service}"}
        scaling.register_scalable_target(**on, MinCapacity=0, MaxCapacity=1)
    names = [f"service/{name}/{name}-{number}" for number in range(3)]
    pages = scaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="ecs", ResourceIds=names, PaginationConfig={"PageSize": 2}
    )
    assert [[each["ResourceId"] for each in page["ScalableTargets"]] for page in pages] == [names[:2], names[2:]]


def test_what_cannot_be_registered_is_refused(scaling: Any, name: str) -> None:
    register = scaling.register_scalable_target
    limits = {"MinCapacity": 1, "MaxCapacity": 2}
    for wrong in (
        {**_on(name), **limits, "ResourceId": "service/none/none"},
        {**_on(name), **limits, "ResourceId": name},
        {**_on(name), **limits, "MinCapacity": 3},
        {**_on(name), "MinCapacity": 1},
        {**_on(name), **limits, "ServiceNamespace": "lambda"},
        {**_on(name), **limits, "ScalableDimension": "ec2:spot-fleet-request:TargetCapacity"},
    ):
        assert refused(lambda wrong=wrong: register(**wrong)) == "ValidationException"  # type: ignore[misc]


def test_describing_is_authorized_on_star(scaling: Any, as_role: Callable[..., Callable[[str], Any]]) -> None:
    action = "application-autoscaling:DescribeScalableTargets"
    as_role(allow(action, "*"))("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")
    narrow = as_role(allow(action, "arn:aws:application-autoscaling:us-west-2:111111111111:scalable-target/*"))
    error = denied(lambda: narrow("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs"))
    assert f"{action} on resource: *" in error


def test_registering_is_authorized_on_targets(
    scaling: Any, as_role: Callable[..., Callable[[str], Any]], name: str
) -> None:
    action = "application-autoscaling:RegisterScalableTarget"
    arn = "arn:aws:application-autoscaling:us-west-2:111111111111:scalable-target/*"
    given = {**_on(name), "MinCapacity": 1, "MaxCapacity": 2}
    as_role(allow(action, arn))("application-autoscaling").register_scalable_target(**given)
    other = as_role(allow("application-autoscaling:DescribeScalableTargets", "*"))
    denied(lambda: other("application-autoscaling").register_scalable_target(**given))
