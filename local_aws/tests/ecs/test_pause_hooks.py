"""PAUSE lifecycle hooks, and what strategies that shift traffic need."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from support.services import World

_STAGES = ["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"]
_CANARY: dict[str, Any] = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 0,
    "canaryConfiguration": {"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 0},
}


def _paused(*stages: str, **timeout: Any) -> dict[str, Any]:
    hook: dict[str, Any] = {"targetType": "PAUSE", "lifecycleStages": [*stages]}
    return {**_CANARY, "lifecycleHooks": [hook | ({"timeoutConfiguration": timeout} if timeout else {})]}


def _status(world: World) -> str:
    return str(world.deployments()[0]["status"])


def _start(world: World, until: Callable[..., Any], configuration: dict[str, Any]) -> None:
    world.create(desired=1)
    until(lambda: _status(world) == "SUCCESSFUL")
    world.update(taskDefinition=world.register("app:2"), deploymentConfiguration=configuration)


def _waiting(world: World) -> list[dict[str, Any]]:
    hooks = world.deployments()[0].get("lifecycleHookDetails", [])
    return [hook for hook in hooks if hook["status"] == "AWAITING_ACTION"]


def _answer(world: World, action: str, hook: str = "") -> str:
    arn = str(world.deployments()[0]["serviceDeploymentArn"])
    hook = hook or _waiting(world)[0]["hookId"]
    world.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook, action=action)
    return hook


def test_a_deployment_waits_at_each_stage_until_somebody_goes_on(world: World, until: Callable[..., Any]) -> None:
    # GIVEN a pause after the start, and one before each of two steps of the traffic
    _start(world, until, _paused(*_STAGES))
    answered = []
    for stage in ("POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"):
        until(lambda: _waiting(world))
        newest = world.deployments()[0]
        assert (newest["status"], newest["lifecycleStage"]) == ("IN_PROGRESS", stage)
        (hook,) = _waiting(world)
        assert (hook["targetType"], hook["timeoutAction"]) == ("PAUSE", "ROLLBACK")
        assert (hook["expiresAt"] - newest["createdAt"]).total_seconds() >= 1_440
        answered.append(_answer(world, "CONTINUE"))
    until(lambda: _status(world) == "SUCCESSFUL")
    assert [hook["status"] for hook in world.deployments()[0]["lifecycleHookDetails"]] == ["SUCCEEDED"] * 3
    assert len(set(answered)) == 3
    # WHEN it is answered once more, THEN it is refused
    with pytest.raises(ClientError, match="AWAITING_ACTION"):
        _answer(world, "CONTINUE", answered[0])


def test_who_says_rollback_has_it_rolled_back(world: World, until: Callable[..., Any]) -> None:
    _start(world, until, _paused("POST_TEST_TRAFFIC_SHIFT"))
    before = world.deployments()[1]["targetServiceRevision"]["arn"]
    until(lambda: _waiting(world))
    _answer(world, "ROLLBACK")
    over = until(lambda: world.deployments()[0], lambda each: each["status"] == "ROLLBACK_SUCCESSFUL")
    assert over["rollback"]["serviceRevisionArn"] == before


@pytest.mark.parametrize(("action", "status"), [("CONTINUE", "SUCCESSFUL"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")])
def test_when_the_time_is_over_the_hooks_own_action_is_taken(
    world: World, until: Callable[..., Any], action: str, status: str
) -> None:
    _start(world, until, _paused("POST_SCALE_UP", timeoutInMinutes=1, action=action))
    over = until(lambda: world.deployments()[0], lambda each: each["status"] == status)
    assert [hook["status"] for hook in over["lifecycleHookDetails"]] == ["TIMED_OUT"]


def test_a_pause_can_be_stopped(world: World, until: Callable[..., Any]) -> None:
    _start(world, until, _paused("POST_SCALE_UP"))
    until(lambda: _waiting(world))
    arn = world.deployments()[0]["serviceDeploymentArn"]
    world.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    until(lambda: _status(world) == "ROLLBACK_SUCCESSFUL")


def test_every_deployment_of_the_service_pauses_also_one_that_returns_it(
    world: World, until: Callable[..., Any]
) -> None:
    _start(world, until, _paused("POST_SCALE_UP"))
    until(lambda: _waiting(world))
    _answer(world, "CONTINUE")
    until(lambda: _status(world) == "SUCCESSFUL")
    world.update(taskDefinition=f"{world.name}:1")
    until(lambda: _waiting(world))
    # WHEN the hooks are left out, THEN nothing waits
    world.update(taskDefinition=f"{world.name}:2", deploymentConfiguration={"lifecycleHooks": []})
    until(lambda: _status(world) == "SUCCESSFUL")


def test_a_pause_is_told_of(aws: LocalAws, world: World, until: Callable[..., Any]) -> None:
    queue = aws.client("sqs").create_queue(QueueName=world.name)["QueueUrl"]
    arn = f"arn:aws:ecs:us-west-2:111111111111:service/{world.name}/{world.name}"
    pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Hook State Change"], "resources": [arn]}
    aws.client("events").put_rule(Name=world.name, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:us-west-2:111111111111:{world.name}"}
    aws.client("events").put_targets(Rule=world.name, Targets=[target])
    _start(world, until, _paused("POST_SCALE_UP"))
    until(lambda: _waiting(world))
    receive = aws.client("sqs").receive_message
    (message,) = until(lambda: receive(QueueUrl=queue).get("Messages", []))
    detail = json.loads(message["Body"])["detail"]
    assert (detail["eventName"], detail["hookId"]) == ("HOOK_AWAITING_ACTION", _waiting(world)[0]["hookId"])


def test_a_deployment_that_is_not_there_cannot_go_on(world: World) -> None:
    arn = "arn:aws:ecs:us-west-2:111111111111:service-deployment/c/s/nothing"
    with pytest.raises(ClientError, match="ServiceDeploymentNotFoundException"):
        world.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId="x")


@pytest.mark.parametrize("strategy", ["CANARY", "LINEAR"])
def test_traffic_that_nothing_shifts_is_refused(world: World, until: Callable[..., Any], strategy: str) -> None:
    with pytest.raises(ClientError, match="load balancer or Service Connect"):
        world.create(desired=1, deploymentConfiguration={"strategy": strategy}, loadBalancers=[])
    world.create(desired=1, loadBalancers=[])
    until(world.is_steady)
    with pytest.raises(ClientError, match="load balancer or Service Connect"):
        world.update(deploymentConfiguration={"strategy": strategy})


def test_service_connect_alone_needs_a_rolling_deployment_first(world: World, until: Callable[..., Any]) -> None:
    connect = {"enabled": True, "namespace": "shop"}
    more: dict[str, Any] = {"loadBalancers": [], "serviceConnectConfiguration": connect}
    with pytest.raises(ClientError, match="rolling deployment first"):
        world.create(desired=1, deploymentConfiguration=_CANARY, **more)
    created = world.create(desired=1, **more)
    # It is a member of the deployment, and not of the service.
    assert created["deployments"][0]["serviceConnectConfiguration"] == connect
    assert "serviceConnectConfiguration" not in created
    until(world.is_steady)
    world.update(taskDefinition=world.register("app:2"), deploymentConfiguration=_CANARY)
    until(lambda: _status(world) == "SUCCESSFUL")
    assert world.service()["deployments"][0]["serviceConnectConfiguration"] == connect


@pytest.mark.parametrize("configuration", [{}, _CANARY])
def test_a_second_deployment_of_the_same_revision_has_a_revision_and_record_of_its_own(
    world: World, until: Callable[..., Any], configuration: dict[str, Any]
) -> None:
    world.create(desired=1, deploymentConfiguration=configuration)
    until(lambda: _status(world) == "SUCCESSFUL")
    first = world.update(taskDefinition=world.register("app:2"))
    second = world.update(forceNewDeployment=True)
    until(lambda: _status(world) == "SUCCESSFUL")
    newest, before = world.deployments()[:2]
    assert before["status"] == "STOPPED"
    # The number of the deployment's id is the end of its revision's ARN.
    for record, deployment in ((newest, second), (before, first)):
        assert record["targetServiceRevision"]["arn"].rsplit("/", 1)[-1] == deployment.rsplit("/", 1)[-1]
