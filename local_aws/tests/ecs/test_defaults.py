"""What ECS adds to task definitions and services, and keeps of them."""

from __future__ import annotations

from typing import Any

from local_aws import LocalAws
from support.services import World

_ROLE = "arn:aws:iam::111111111111:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


def _registered(aws: LocalAws, name: str, **members: Any) -> dict[str, Any]:
    """A definition with one container as DescribeTaskDefinition gives it; `container`: members of the container."""
    container = {"name": "app", "image": "app:1", "memory": 64, **members.pop("container", {})}
    ecs: Any = aws.client("ecs")
    made = ecs.register_task_definition(family=name, containerDefinitions=[container], **members)["taskDefinition"]
    found: dict[str, Any] = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
    assert made == found
    return found


def test_a_container_has_its_defaults(aws: LocalAws, name: str) -> None:
    # GIVEN a definition with what is needed, WHEN it is described, THEN ECS's defaults are there, and no network mode
    found = _registered(aws, name, volumes=[{"name": "data"}])
    assert found["containerDefinitions"] == [
        {
            "name": "app",
            "image": "app:1",
            "memory": 64,
            "cpu": 0,
            "essential": True,
            "portMappings": [],
            "environment": [],
            "mountPoints": [],
            "volumesFrom": [],
            "systemControls": [],
        }
    ]
    assert (found["volumes"], found["placementConstraints"]) == ([{"name": "data", "host": {}}], [])
    assert not {"networkMode", "taskRoleArn", "executionRoleArn", "pidMode"} & found.keys()


def test_ports_health_checks_and_quantities(aws: LocalAws, name: str) -> None:
    container = {
        "portMappings": [{"containerPort": 80}, {"containerPort": 53, "hostPort": 53, "protocol": "udp"}],
        "healthCheck": {"command": ["CMD", "check"], "retries": 5},
    }
    for mode, host_port in (("awsvpc", 80), ("bridge", 0)):
        found = _registered(aws, name, container=container, networkMode=mode, cpu="1 vCPU", memory="0.5GB")
        app = found["containerDefinitions"][0]
        assert (found["networkMode"], found["cpu"], found["memory"]) == (mode, "1024", "512")
        assert app["portMappings"] == [
            {"containerPort": 80, "hostPort": host_port, "protocol": "tcp"},
            {"containerPort": 53, "hostPort": 53, "protocol": "udp"},
        ]
        assert app["healthCheck"] == {"command": ["CMD", "check"], "interval": 30, "timeout": 5, "retries": 5}


def test_a_service_has_its_defaults(world: World) -> None:
    created = world.create(desired=0)
    expected = {
        "launchType": "EC2",
        "schedulingStrategy": "REPLICA",
        "availabilityZoneRebalancing": "ENABLED",
        "placementConstraints": [],
        "placementStrategy": [],
        "roleArn": _ROLE,
        "propagateTags": "NONE",
    }
    for found in (created, world.service()):
        assert {name: found.get(name) for name in expected} == expected
        assert not {"platformVersion", "networkConfiguration", "capacityProviderStrategy"} & found.keys()


def test_a_service_keeps_what_it_was_made_with(world: World) -> None:
    volume = [{"name": "data", "managedEBSVolume": {"roleArn": _ROLE, "sizeInGiB": 1}}]
    strategy = [{"type": "spread", "field": "instanceId"}]
    world.create(
        desired=0,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        availabilityZoneRebalancing="DISABLED",
        placementStrategy=strategy,
        volumeConfigurations=volume,
    )
    found = world.service()
    assert (found["platformVersion"], found["availabilityZoneRebalancing"]) == ("LATEST", "DISABLED")
    assert found["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"
    assert found["placementStrategy"] == strategy
    assert found["deployments"][0]["volumeConfigurations"] == volume


def test_a_daemon_has_percentages_of_its_own(world: World) -> None:
    configuration = world.create(desired=0, schedulingStrategy="DAEMON")["deploymentConfiguration"]
    assert (configuration["maximumPercent"], configuration["minimumHealthyPercent"]) == (100, 0)
    assert world.service()["availabilityZoneRebalancing"] == "DISABLED"
