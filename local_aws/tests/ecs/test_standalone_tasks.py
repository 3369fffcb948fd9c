"""RunTask: tasks that do their work and end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from support.services import World

_FARGATE: dict[str, Any] = {
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
}
_NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}


@pytest.fixture
def world(aws: LocalAws, name: str) -> World:
    made = World(aws.client("ecs"), name)
    made.ecs.create_cluster(clusterName=name)
    return made


def _run(world: World, image: str = "app:1", command: str = "", **members: Any) -> str:
    """Run a one-off task; -> ARN."""
    overrides = {"containerOverrides": [{"name": "app", "command": command.split()}]} if command else {}
    answer = world.ecs.run_task(
        cluster=world.name, taskDefinition=world.register(image), overrides=overrides, **members
    )
    assert answer["failures"] == []
    return str(answer["tasks"][0]["taskArn"])


def _task(world: World, arn: str) -> dict[str, Any]:
    (found,) = world.ecs.describe_tasks(cluster=world.name, tasks=[arn])["tasks"]
    return dict(found)


def _exit_codes(task: dict[str, Any]) -> dict[str, int | None]:
    return {container["name"]: container.get("exitCode") for container in task["containers"]}


def test_a_task_comes_up_works_and_ends(world: World, until: Callable[..., Any]) -> None:
    # GIVEN a task of a command
    definition = world.register("app:1", **_FARGATE)

    # WHEN it is run
    overrides = {"containerOverrides": [{"name": "app", "command": ["migrate", "up"]}]}
    answer = world.ecs.run_task(
        cluster=world.name,
        taskDefinition=definition,
        launchType="FARGATE",
        networkConfiguration=_NETWORK,
        overrides=overrides,
        startedBy="release-7",
    )
    (begun,) = answer["tasks"]
    seen: list[dict[str, Any]] = []

    def look() -> str:
        seen.append(_task(world, begun["taskArn"]))
        return str(seen[-1]["lastStatus"])

    until(look, lambda status: status == "STOPPED")

    # THEN it goes through its states, and its end is told and stays told
    assert list(dict.fromkeys(each["lastStatus"] for each in seen))[-3:] == ["PENDING", "RUNNING", "STOPPED"]
    assert (begun["lastStatus"], begun["launchType"], begun["group"]) == (
        "PROVISIONING",
        "FARGATE",
        f"family:{world.name}",
    )
    assert begun["overrides"] == overrides
    assert "stopCode" not in begun
    over = seen[-1]
    assert (over["stopCode"], over["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert _exit_codes(over) == {"app": 0, "sidecar": 137}
    assert over["containers"][0]["imageDigest"].startswith("sha256:")
    assert {"name": "subnetId", "value": "subnet-1"} in over["attachments"][0]["details"]
    by_starter = world.ecs.list_tasks(cluster=world.name, startedBy="release-7", desiredStatus="STOPPED")["taskArns"]
    assert by_starter == [begun["taskArn"]]


@pytest.mark.parametrize(
    ("image", "command", "exit_code"),
    [("app:1", "migrate fail", 3), ("app:1", "migrate exit-42", 42), ("app:crash", "migrate", 1), ("app:1", "", 0)],
)
def test_a_task_ends_by_its_command_and_image(
    world: World, until: Callable[..., Any], image: str, command: str, exit_code: int
) -> None:
    arn = _run(world, image, command)
    over = until(lambda: _task(world, arn), lambda task: task["lastStatus"] == "STOPPED")
    assert (over["stopCode"], _exit_codes(over)) == (
        "EssentialContainerExited",
        {"app": exit_code, "sidecar": 137},
    )


def test_the_definitions_command_counts_without_an_override(world: World, until: Callable[..., Any]) -> None:
    containers = [{"name": "job", "image": "job:1", "memory": 64, "command": ["sh", "-c", "migrate && exit-9 "]}]
    world.ecs.register_task_definition(family=world.name, containerDefinitions=containers)
    arn = world.ecs.run_task(cluster=world.name, taskDefinition=world.name)["tasks"][0]["taskArn"]
    over = until(lambda: _task(world, arn), lambda task: task["lastStatus"] == "STOPPED")
    assert _exit_codes(over) == {"job": 9}


def test_a_task_with_a_broken_image_does_not_start(world: World, until: Callable[..., Any]) -> None:
    arn = _run(world, "app:broken")
    over = until(lambda: _task(world, arn), lambda task: task["lastStatus"] == "STOPPED")
    assert over["stopCode"] == "TaskFailedToStart"
    assert over["stoppedReason"].startswith("CannotPullContainerError")
    assert _exit_codes(over) == {"app": None, "sidecar": None}


@pytest.mark.parametrize(
    ("image", "command", "state", "exit_code"),
    [("app:1", "migrate hang", "RUNNING", 137), ("app:never", "migrate", "PENDING", None)],
)
def test_a_task_that_does_not_end_is_stopped(
    world: World, until: Callable[..., Any], image: str, command: str, state: str, exit_code: int | None
) -> None:
    # GIVEN a task that runs, or waits, for ever
    arn = _run(world, image, command)
    until(lambda: _task(world, arn)["lastStatus"], lambda status: status == state)

    # WHEN it is stopped
    world.ecs.stop_task(cluster=world.name, task=arn, reason="took too long")

    # THEN the reason is the one given
    over = until(lambda: _task(world, arn), lambda task: task["lastStatus"] == "STOPPED")
    assert (over["stopCode"], over["stoppedReason"]) == ("UserInitiated", "took too long")
    assert _exit_codes(over) == {"app": exit_code, "sidecar": exit_code}
    assert "reason" not in over["containers"][0]


def test_a_client_token_runs_one_task(world: World) -> None:
    # GIVEN a task that was run with a token
    definition = world.register("app:1")
    first = world.ecs.run_task(cluster=world.name, taskDefinition=definition, clientToken="release-7")["tasks"]

    # WHEN the call is made again
    again = world.ecs.run_task(cluster=world.name, taskDefinition=definition, clientToken="release-7")["tasks"]

    # THEN it is the same task; with another parameter, or for another cluster, the token is not
    assert [task["taskArn"] for task in again] == [task["taskArn"] for task in first]
    with pytest.raises(ClientError) as caught:
        world.ecs.run_task(cluster=world.name, taskDefinition=definition, clientToken="release-7", startedBy="me")
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    assert caught.value.response["resourceIds"] == [first[0]["taskArn"]]  # type: ignore[typeddict-item]
    world.ecs.create_cluster(clusterName=f"{world.name}-2")
    other = world.ecs.run_task(cluster=f"{world.name}-2", taskDefinition=definition, clientToken="release-7")["tasks"]
    assert other[0]["taskArn"] != first[0]["taskArn"]


def test_a_task_that_does_not_fit_is_a_failure(aws: LocalAws, world: World) -> None:
    containers = [{"name": "app", "image": "app:1", "memory": 17_000}]
    world.ecs.register_task_definition(family=world.name, containerDefinitions=containers)
    again: dict[str, Any] = {"cluster": world.name, "taskDefinition": world.name, "clientToken": "first"}
    answer = world.ecs.run_task(**again)
    # THEN each instance says so, and the token gives that answer again, also when there is room
    assert (answer["tasks"], [each["reason"] for each in answer["failures"]]) == ([], ["RESOURCE:MEMORY"] * 2)
    aws.control("settings", {"instanceMib": 32_768})
    try:
        assert world.ecs.run_task(**again)["failures"] == answer["failures"]
        assert world.ecs.run_task(**{**again, "clientToken": "second"})["failures"] == []
    finally:
        aws.control("settings", {"instanceMib": 16_384})


def test_a_task_has_the_tags_given_and_those_of_its_definition(world: World) -> None:
    # GIVEN a task definition with tags
    definition = world.register("app:1")
    tags: Any = [{"key": "team", "value": "shop"}, {"key": "env", "value": "test"}]
    world.ecs.tag_resource(resourceArn=definition, tags=tags)

    # WHEN a task is run with tags of its own, the definition's and those of ECS
    own: Any = [{"key": "env", "value": "own"}]
    answer = world.ecs.run_task(
        cluster=world.name,
        taskDefinition=definition,
        tags=own,
        propagateTags="TASK_DEFINITION",
        enableECSManagedTags=True,
    )
    (task,) = world.ecs.describe_tasks(cluster=world.name, tasks=[answer["tasks"][0]["taskArn"]], include=["TAGS"])[
        "tasks"
    ]

    # THEN it has all of them, its own before the definition's
    found = {tag["key"]: tag["value"] for tag in task["tags"]}
    assert found == {"team": "shop", "env": "own", "aws:ecs:clusterName": world.name}


@pytest.mark.parametrize(
    ("policy", "restarts"),
    [
        ({"enabled": True, "restartAttemptPeriod": 60}, True),
        ({"enabled": True, "restartAttemptPeriod": 60, "ignoredExitCodes": [0]}, False),
        ({"enabled": True}, False),
    ],
)
def test_a_restart_policy_starts_a_container_again_that_ran_for_its_period(
    aws: LocalAws, world: World, until: Callable[..., Any], policy: dict[str, Any], restarts: bool
) -> None:
    # GIVEN a container with the policy, and a command of seventy seconds that ends well
    containers: Any = [{"name": "app", "image": "app:1", "memory": 64, "restartPolicy": policy}]
    world.ecs.register_task_definition(family=world.name, containerDefinitions=containers)
    overrides: Any = {"containerOverrides": [{"name": "app", "command": ["migrate", "takes-70"]}]}

    def now() -> float:
        return float(aws.control("clock")["now"])

    # WHEN it is run
    aws.control("settings", {"secondSeconds": 0.02})
    try:
        answer = world.ecs.run_task(cluster=world.name, taskDefinition=world.name, overrides=overrides)
        arn, began = answer["tasks"][0]["taskArn"], now()
        until(lambda: now() > began + 120 or _task(world, arn)["lastStatus"] == "STOPPED")
    finally:
        aws.control("settings", {"secondSeconds": 1})
    # THEN it has ended with its exit code, or does its work once more
    assert (_task(world, arn)["lastStatus"] == "RUNNING") is restarts


def test_what_cannot_be_run_is_refused(world: World) -> None:
    bridge = world.register("app:1")
    awsvpc = world.register("app:1", **_FARGATE)
    for members in (
        {"taskDefinition": awsvpc, "launchType": "FARGATE"},
        {"taskDefinition": bridge, "networkConfiguration": _NETWORK},
        {"taskDefinition": bridge, "launchType": "FARGATE"},
        {"taskDefinition": bridge, "overrides": {"containerOverrides": [{"name": "nobody"}]}},
        {"taskDefinition": bridge, "count": 11},
        {"taskDefinition": bridge, "propagateTags": "SERVICE"},
        {"taskDefinition": bridge, "tags": [{"key": "aws:x", "value": "y"}]},
        {"taskDefinition": bridge, "launchType": "EC2", "capacityProviderStrategy": [{"capacityProvider": "p"}]},
    ):
        with pytest.raises(ClientError) as caught:
            world.ecs.run_task(cluster=world.name, **members)
        assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


def test_a_service_replaces_a_task_that_a_user_stopped(world: World, until: Callable[..., Any]) -> None:
    world.create(desired=1)
    until(world.is_steady)
    (arn,) = world.ecs.list_tasks(cluster=world.name, serviceName=world.name)["taskArns"]
    world.ecs.stop_task(cluster=world.name, task=arn, reason="a test")
    assert (_task(world, arn)["stopCode"], _task(world, arn)["stoppedReason"]) == ("UserInitiated", "a test")
    until(lambda: world.service()["runningCount"] == 1)
    assert world.ecs.list_tasks(cluster=world.name, serviceName=world.name)["taskArns"] != [arn]


def test_texts_that_ecs_does_not_take_are_refused(world: World) -> None:
    wrong = {"startedBy": ("deployer/release(4.0)", "x" * 129), "clientToken": ("a b", "x" * 65)}
    for member, texts in wrong.items():
        for text in texts:
            with pytest.raises(ClientError, match=f"Invalid {member}"):
                world.ecs.run_task(cluster=world.name, taskDefinition=world.name, **{member: text})
