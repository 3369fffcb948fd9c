"""Image digests: of tasks and service revisions, ECR's or the engine's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_aws import LocalAws
from support.services import BREAKER, World

_REGISTRY = "111111111111.dkr.ecr.us-west-2.amazonaws.com"


@pytest.fixture
def push(aws: LocalAws, name: str) -> Callable[[str], str]:
    """`push(tag)` puts an image of its own into the repository of this test; -> digest."""
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName=name)
    pushed = iter(range(100))

    def put(tag: str) -> str:
        manifest = json.dumps({"schemaVersion": 2, "repository": name, "n": next(pushed)})
        image = ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag=tag)["image"]
        return str(image["imageId"]["imageDigest"])

    return put


def _images(world: World) -> dict[str, dict[str, Any]]:
    """The container images of the newest deployment's revision, by container."""
    arn = world.deployments()[0]["targetServiceRevision"]["arn"]
    (revision,) = world.ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"]
    return {each["containerName"]: each for each in revision["containerImages"]}


def _task(world: World) -> dict[str, Any]:
    arns = world.ecs.list_tasks(cluster=world.name, serviceName=world.name)["taskArns"]
    return dict(world.ecs.describe_tasks(cluster=world.name, tasks=arns)["tasks"][0])


def test_a_revision_tells_the_digests_of_ecr(
    world: World, until: Callable[..., Any], push: Callable[[str], str]
) -> None:
    # GIVEN an image in ECR
    digest = push("1")
    image = f"{_REGISTRY}/{world.name}:1"

    # WHEN a service runs it
    world.create(image, desired=1)
    assert "imageDigest" not in _images(world)["app"]
    until(world.is_steady)

    # THEN the revision and the task tell its digest
    assert _images(world)["app"] == {"containerName": "app", "image": image, "imageDigest": digest}
    assert _images(world)["sidecar"]["imageDigest"].startswith("sha256:")
    container = _task(world)["containers"][0]
    assert (container["image"], container["imageDigest"]) == (image, digest)


def test_a_tag_is_resolved_once_for_a_deployment(
    world: World, until: Callable[..., Any], push: Callable[[str], str]
) -> None:
    # GIVEN a service on a tag that moves
    first = push("latest")
    world.create(f"{_REGISTRY}/{world.name}", desired=1)
    until(world.is_steady)
    second = push("latest")

    # WHEN it scales, and is then deployed anew
    world.update(desiredCount=2)
    until(lambda: world.service()["runningCount"] == 2)
    scaled = _images(world)["app"]["imageDigest"]
    world.update(forceNewDeployment=True)
    until(world.is_steady)

    # THEN the tag is resolved again by the deployment alone
    assert (scaled, _images(world)["app"]["imageDigest"]) == (first, second)


@pytest.mark.parametrize("tag", ["2-broken", "2-crash"])
def test_an_image_by_digest_does_what_its_tag_says(
    world: World, until: Callable[..., Any], push: Callable[[str], str], tag: str
) -> None:
    push("1")
    world.create(f"{_REGISTRY}/{world.name}:1", desired=1, deploymentConfiguration=BREAKER)
    until(world.is_steady)
    world.update(taskDefinition=world.register(f"{_REGISTRY}/{world.name}@{push(tag)}"))
    until(lambda: world.deployments()[0]["status"] == "ROLLBACK_SUCCESSFUL")


def test_a_digest_that_the_engine_gave_does_what_its_tag_says(world: World, until: Callable[..., Any]) -> None:
    # GIVEN the digest of an image outside ECR, as a task showed it
    world.create("app:1", desired=1)
    until(world.is_steady)
    arn = world.ecs.run_task(cluster=world.name, taskDefinition=world.register("app:crash"))["tasks"][0]["taskArn"]

    def look() -> dict[str, Any]:
        return dict(world.ecs.describe_tasks(cluster=world.name, tasks=[arn])["tasks"][0])

    digest = until(look, lambda task: task["lastStatus"] == "STOPPED")["containers"][0]["imageDigest"]

    # WHEN a service runs it
    bad = world.update(taskDefinition=world.register(f"app@{digest}"))

    # THEN it crashes as its tag says
    task = until(lambda: [each for each in world.stopped() if each["startedBy"] == bad])[0]
    assert task["containers"][0]["exitCode"] == 1
    world.update(desiredCount=0)


def test_what_is_not_in_its_repository_cannot_be_pulled_until_it_is(
    world: World, until: Callable[..., Any], push: Callable[[str], str]
) -> None:
    # GIVEN a deployment of a tag that its repository does not have
    push("1")
    world.create(f"{_REGISTRY}/{world.name}:1", desired=1)
    until(world.is_steady)
    world.update(taskDefinition=world.register(f"{_REGISTRY}/{world.name}:2"))
    until(lambda: world.service()["deployments"][0]["failedTasks"] >= 2)
    assert world.stopped()[0]["stoppedReason"].startswith("CannotPullContainerError")

    # WHEN the image is pushed
    digest = push("2")

    # THEN the next task comes up, and sets the failures back
    until(world.is_steady)
    assert world.service()["deployments"][0]["failedTasks"] == 0
    assert _images(world)["app"]["imageDigest"] == digest
