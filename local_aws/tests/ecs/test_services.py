"""What ECS refuses, and what it says of services that are not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.services import World


def test_an_unknown_service_is_missing(world: World) -> None:
    world.ecs.create_cluster(clusterName=world.name)
    answer = world.ecs.describe_services(cluster=world.name, services=["nobody"])
    assert answer["services"] == []
    arn = f"arn:aws:ecs:us-west-2:111111111111:service/{world.name}/nobody"
    assert answer["failures"] == [{"arn": arn, "reason": "MISSING"}]


def test_an_unknown_cluster_is_an_error(world: World) -> None:
    with pytest.raises(ClientError) as caught:
        world.ecs.describe_services(cluster="nowhere", services=["nobody"])
    assert caught.value.response["Error"]["Code"] == "ClusterNotFoundException"


def test_a_deleted_service_is_inactive_and_takes_no_update(world: World) -> None:
    world.create()
    world.ecs.delete_service(cluster=world.name, service=world.name, force=True)
    service = world.service()
    assert (service["status"], service["desiredCount"], service["runningCount"]) == ("INACTIVE", 0, 0)
    with pytest.raises(ClientError) as caught:
        world.update(desiredCount=1)
    assert caught.value.response["Error"]["Code"] == "ServiceNotActiveException"


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_another_controller_takes_no_task_definition(world: World, controller: str) -> None:
    world.create(deploymentController={"type": controller})
    assert world.service()["deploymentController"] == {"type": controller}
    with pytest.raises(ClientError) as caught:
        world.update(taskDefinition=world.register("app:2"))
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"
    assert controller in str(caught.value)


def test_a_task_definition_is_kept_without_loss(world: World) -> None:
    # GIVEN members that are easily lost
    members: dict[str, Any] = {
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "ephemeralStorage": {"sizeInGiB": 40},
        "pidMode": "task",
        "ipcMode": "none",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/srv"}}],
        "placementConstraints": [],
        "proxyConfiguration": {"type": "APPMESH", "containerName": "sidecar", "properties": []},
        "enableFaultInjection": True,
    }

    # WHEN it is registered and described
    arn = world.register("app:1", tags=[{"key": "team", "value": "shop"}], **members)
    plain = world.ecs.describe_task_definition(taskDefinition=arn)
    tagged = world.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])

    # THEN every member is there, tags only when asked for
    assert {name: plain["taskDefinition"][name] for name in members} == members
    assert "tags" not in plain or plain["tags"] == []
    assert tagged["tags"] == [{"key": "team", "value": "shop"}]


def test_tags_are_merged_shown_and_taken_away(world: World) -> None:
    # GIVEN a service and a task definition with a tag
    service = world.create(desired=0, tags=[{"key": "team", "value": "shop"}])["serviceArn"]
    definition = world.register("app:1", tags=[{"key": "team", "value": "shop"}])

    # WHEN they are tagged
    for arn in (service, definition):
        world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "web"}, {"key": "commit", "value": "1"}])

    # THEN the tags are merged by key, and shown where they are asked for
    tags = [{"key": "team", "value": "web"}, {"key": "commit", "value": "1"}]
    described = world.ecs.describe_task_definition(taskDefinition=definition, include=["TAGS"])
    assert described["tags"] == tags
    found = world.ecs.describe_services(cluster=world.name, services=[world.name], include=["TAGS"])["services"]
    assert found[0]["tags"] == tags
    assert "tags" not in world.service()
    for arn in (service, definition):
        assert world.ecs.list_tags_for_resource(resourceArn=arn)["tags"] == tags
        world.ecs.untag_resource(resourceArn=arn, tagKeys=["team"])
        assert world.ecs.list_tags_for_resource(resourceArn=arn)["tags"] == tags[1:]

    # AND a deregistered definition takes none
    world.ecs.deregister_task_definition(taskDefinition=definition)
    with pytest.raises(ClientError) as caught:
        world.ecs.tag_resource(resourceArn=definition, tags=tags)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


def test_members_that_were_not_given_are_absent(world: World) -> None:
    found = world.ecs.describe_task_definition(taskDefinition=world.register("app:1"))["taskDefinition"]
    absent = {"taskRoleArn", "executionRoleArn", "pidMode", "ipcMode", "proxyConfiguration", "runtimePlatform"}
    assert absent.isdisjoint(found)


def test_service_events_tell_of_tasks(world: World, until: Callable[..., Any]) -> None:
    world.create(desired=1)
    until(world.is_steady)
    until(
        lambda: [event["message"] for event in world.service()["events"]],
        lambda seen: (
            any("has started 1 tasks: (task " in message for message in seen)
            and any("has reached a steady state." in message for message in seen)
        ),
    )


def test_a_service_needs_a_cluster_and_a_definition_that_are_there(world: World) -> None:
    world.ecs.create_cluster(clusterName=world.name)
    registered = world.register("app:1")
    for cluster, definition, code in (
        ("nowhere", registered, "ClusterNotFoundException"),
        (world.name, f"{world.name}:9", "ClientException"),
    ):
        with pytest.raises(ClientError) as caught:
            world.ecs.create_service(cluster=cluster, serviceName="s", taskDefinition=definition, desiredCount=0)
        assert caught.value.response["Error"]["Code"] == code


def test_at_most_ten_services_are_described(world: World) -> None:
    world.ecs.create_cluster(clusterName=world.name)
    with pytest.raises(ClientError) as caught:
        world.ecs.describe_services(cluster=world.name, services=[f"s{n}" for n in range(11)])
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


def test_a_family_means_its_newest_active_revision(world: World) -> None:
    # GIVEN two revisions, and the newer one deregistered
    first, second = world.register("app:1"), world.register("app:2")
    family = first.rsplit("/", 1)[-1].split(":")[0]
    world.ecs.deregister_task_definition(taskDefinition=second)

    # WHEN the family is described, THEN the older one is meant; the other one is described by its number
    assert world.ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]["taskDefinitionArn"] == first
    assert world.ecs.describe_task_definition(taskDefinition=second)["taskDefinition"]["status"] == "INACTIVE"

    # AND where none is active, there is none; what is deregistered is named by its number
    world.ecs.deregister_task_definition(taskDefinition=first)
    for call in (world.ecs.describe_task_definition, world.ecs.deregister_task_definition):
        with pytest.raises(world.ecs.exceptions.ClientException):
            call(taskDefinition=family)


def test_a_revision_that_is_being_deleted_stays_while_it_is_used_and_starts_nothing(world: World) -> None:
    # GIVEN a service, and its revision deregistered and deleted
    world.create("app:1")
    used = world.service()["taskDefinition"]
    spare = world.register("app:1")
    (refused,) = world.ecs.delete_task_definitions(taskDefinitions=[used])["failures"]
    assert "ACTIVE" in refused["reason"]
    for each in (used, spare):
        world.ecs.deregister_task_definition(taskDefinition=each)
    world.ecs.delete_task_definitions(taskDefinitions=[used, spare])

    # THEN it is described, and what nothing uses is gone
    assert world.ecs.describe_task_definition(taskDefinition=used)["taskDefinition"]["status"] == "DELETE_IN_PROGRESS"
    with pytest.raises(world.ecs.exceptions.ClientException, match="Unable to describe"):
        world.ecs.describe_task_definition(taskDefinition=spare)

    # AND neither a task nor a deployment can be started with it, nor is it tagged
    calls: list[Callable[[], Any]] = [
        lambda: world.ecs.run_task(cluster=world.name, taskDefinition=used),
        lambda: world.ecs.update_service(cluster=world.name, service=world.name, taskDefinition=used),
    ]
    for call in calls:
        with pytest.raises(world.ecs.exceptions.ClientException) as caught:
            call()
        assert "inactive" not in str(caught.value)
    with pytest.raises(world.ecs.exceptions.InvalidParameterException):
        world.ecs.tag_resource(resourceArn=used, tags=[{"key": "a", "value": "b"}])
