"""Deployments that somebody else starts, and those that wait for a person, with the state machine that ships."""

from __future__ import annotations

import time
from typing import Any

from integration.live_services import described, live, meanwhile, obey, returned, wait_for, waiting_commands
from local_aws import LocalAws
from playground.stack import CLUSTER

_CANARY: dict[str, Any] = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 1,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1},
}
_STRATEGIES: tuple[dict[str, Any], ...] = (
    {"strategy": "ROLLING"},
    _CANARY,
    {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1},
    {
        "strategy": "LINEAR",
        "bakeTimeInMinutes": 1,
        "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1},
    },
)


def _records(aws: LocalAws, item: dict[str, Any]) -> list[dict[str, Any]]:
    ecs = aws.client("ecs")
    listed = ecs.list_service_deployments(cluster=CLUSTER, service=item["serviceName"])
    return list(listed["serviceDeployments"])


def test_each_strategy_follows_a_second_deployment_of_its_revision(aws, run, service, settings):
    # GIVEN rollouts that take some seconds, and somebody who forces a new deployment of each meanwhile
    settings(rolloutSeconds=6.0, minuteSeconds=2.0)
    items = [service(deployment=deployment) for deployment in _STRATEGIES]

    def force() -> None:
        wait_for(lambda: all(live(aws, item) == "2" for item in items))
        time.sleep(3)
        for item in items:
            aws.client("ecs").update_service(cluster=CLUSTER, service=item["serviceName"], forceNewDeployment=True)

    with meanwhile(force):
        done = run({"services": items})
    for item in items:
        assert done.items[item["serviceName"]]["status"] == "DEPLOYED"
        assert "deployed again by someone else" in str(done.items[item["serviceName"]]["warnings"])
        # Ours was replaced, and the other one, which decided, is good.
        assert [each["status"] for each in _records(aws, item)[:2]] == ["SUCCESSFUL", "STOPPED"]


def test_a_deployment_that_waits_is_told_once_with_the_command_that_goes_on(stack, aws, run, service, settings):
    # GIVEN a release that waits for a person at two stages
    settings(minuteSeconds=1.0)
    queue, seen = stack.listen(), list[dict[str, Any]]()
    stack.notices(queue)
    hook = {
        "targetType": "PAUSE",
        "lifecycleStages": ["POST_SCALE_UP", "POST_PRODUCTION_TRAFFIC_SHIFT"],
        "timeoutConfiguration": {"timeoutInMinutes": 60},
    }
    item = service(deployment={**_CANARY, "lifecycleHooks": [hook]})

    def person() -> None:
        for number in (1, 2):
            wait_for(lambda number=number: len(waiting_commands(stack, queue, seen)) == 2 * number)
            command = waiting_commands(stack, queue, seen)[-2]
            assert "--action CONTINUE" in command
            time.sleep(3)
            obey(aws, command)

    with meanwhile(person):
        done = run({"services": [item]})
    # THEN it went on as the person said, and there was one notice for each
    assert done.items[item["serviceName"]]["status"] == "DEPLOYED"
    assert done.states.count("NotifyFailing") == 2
    assert live(aws, item) == "2"


def test_who_says_no_has_it_returned_and_the_hooks_stay(stack, aws, run, service, settings):
    settings(minuteSeconds=1.0)
    queue, seen = stack.listen(), list[dict[str, Any]]()
    stack.notices(queue)
    hook = {
        "targetType": "PAUSE",
        "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
        "timeoutConfiguration": {"timeoutInMinutes": 60},
    }
    item = service(deployment={**_CANARY, "lifecycleHooks": [hook]})

    def person() -> None:
        wait_for(lambda: len(waiting_commands(stack, queue, seen)) == 2)
        obey(aws, waiting_commands(stack, queue, seen)[1])

    with meanwhile(person):
        done = run({"services": [item]})
    assert done.cause.splitlines()[0] == "1 rolled back"
    returned(aws, item)


def test_a_rollback_waits_for_nobody_and_the_services_own_hooks_are_back(aws, run, service, settings):
    # GIVEN a service with a pause of its own that goes on by itself, and a test after the rollout that fails
    settings(minuteSeconds=1.0)
    hook = {
        "targetType": "PAUSE",
        "lifecycleStages": ["POST_SCALE_UP"],
        "timeoutConfiguration": {"timeoutInMinutes": 4, "action": "CONTINUE"},
    }
    item = service(hooks={"postDeploy": {"command": ["fail"]}})
    own = {**_CANARY, "lifecycleHooks": [hook]}
    aws.client("ecs").update_service(cluster=CLUSTER, service=item["serviceName"], deploymentConfiguration=own)
    done = run({"services": [item]})
    assert done.cause.splitlines()[0] == "1 rolled back"
    # THEN the deployment that returned it had no hooks, and the settings are those from before
    arn = _records(aws, item)[0]["serviceDeploymentArn"]
    (last,) = aws.client("ecs").describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    assert not last["deploymentConfiguration"].get("lifecycleHooks")
    after = described(aws, item)
    assert after["taskDefinition"].endswith(":1")
    assert after["deploymentConfiguration"]["lifecycleHooks"] == [hook]
    assert after["deploymentConfiguration"]["bakeTimeInMinutes"] == 1


def test_traffic_that_nothing_shifts_is_refused_by_the_check(aws, run, service):
    # GIVEN a service whose load balancer was taken away
    item = service(deployment=_CANARY)
    aws.client("ecs").update_service(cluster=CLUSTER, service=item["serviceName"], loadBalancers=[])
    done = run({"services": [item]})
    assert done.error == "CheckFailed"
    assert "has neither a load balancer nor Service Connect" in done.cause
    assert live(aws, item) == "1"
