"""Hooks: what is asked of ECS, and how their end is judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecs_gitops import hooks
from ecs_gitops.batch import Batch
from ecs_gitops.errors import ItemFailed
from ecs_gitops.service import Service, volume_roles
from ecs_gitops.work import POST_DEPLOY, PRE_DEPLOY, Item

HOOK = {"command": ["migrate", "up"], "timeoutMinutes": 5}
ITEM = Item(
    0,
    "web",
    "shop",
    {"web": "web:2"},
    30,
    hooks={"preDeploy": HOOK, "postDeploy": {"command": ["smoke"]}},
    phase=PRE_DEPLOY,
    hook_run={"task": "t1", "container": "web", "log": "/ecs/web/app/web/t1"},
    started_at=1000.0,
)
BATCH = Batch("service", "111111111111", "us-west-2", "arn:aws:iam::111111111111:role/deploy", (ITEM,))
DEFINITION = {
    "taskDefinitionArn": "arn:aws:ecs:us-west-2:111111111111:task-definition/web:2",
    "containerDefinitions": [
        {
            "name": "web",
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "app"},
            },
        },
        {"name": "proxy"},
    ],
}
FARGATE = Service.from_api(
    {
        "serviceName": "web",
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}},
    }
)


def asked(release, hook=HOOK, phase=PRE_DEPLOY, item=ITEM):
    return hooks.request(BATCH, item, phase, hook, FARGATE, DEFINITION, release)


def test_a_hook_runs_where_the_services_tasks_do_with_the_new_definition(release):
    request = asked(release)
    assert request["taskDefinition"].endswith("web:2")
    assert (request["launchType"], request["platformVersion"]) == ("FARGATE", "1.4.0")
    assert request["networkConfiguration"] == {"awsvpcConfiguration": {"subnets": ["s"]}}
    assert request["overrides"] == {"containerOverrides": [{"name": "web", "command": ["migrate", "up"]}]}
    assert hooks.run({"taskArn": "a/b/t9"}, request, DEFINITION) == {
        "task": "t9",
        "container": "web",
        "log": "/ecs/web/app/web/t9",
    }


def test_a_hook_gets_the_volumes_that_are_configured_at_launch(release):
    # GIVEN a service whose tasks get an EBS volume when they start
    role = "arn:aws:iam::111111111111:role/ecs-infrastructure"
    tags = {"resourceType": "volume", "propagateTags": "SERVICE", "tags": [{"key": "a", "value": "b"}]}
    ebs = {"roleArn": role, "sizeInGiB": 20, "tagSpecifications": [tags]}
    old, new = ({"id": name, "status": name, "volumeConfigurations": []} for name in ("ACTIVE", "PRIMARY"))
    new["volumeConfigurations"] = [{"name": "data", "managedEBSVolume": ebs}]
    service = Service.from_api({"serviceName": "web", "deployments": [old, new]})
    # THEN its hook gets one too, without what a task of no service cannot have, and the role is known to be passed
    request = hooks.request(BATCH, ITEM, PRE_DEPLOY, HOOK, service, DEFINITION, release)
    (volume,) = request["volumeConfigurations"]
    assert volume["name"] == "data"
    assert volume["managedEBSVolume"]["sizeInGiB"] == 20
    assert volume["managedEBSVolume"]["tagSpecifications"] == [{"resourceType": "volume", "tags": tags["tags"]}]
    assert volume_roles(service.placement) == (role,)


def test_the_token_is_the_same_for_a_retry_and_another_for_anything_else(release, other_release):
    tokens = [
        asked(release)["clientToken"],
        asked(other_release)["clientToken"],
        asked(release, phase=POST_DEPLOY)["clientToken"],
        asked(release, item=replace(ITEM, name="api"))["clientToken"],
        asked(release, item=replace(ITEM, cluster="other"))["clientToken"],
    ]
    assert asked(release)["clientToken"] == tokens[0]
    assert len(set(tokens)) == 5
    assert all(len(token) <= 64 for token in tokens)


def test_another_container_can_be_named_and_has_to_be_there(release):
    request = asked(release, {"command": ["x"], "container": "proxy"})
    assert request["overrides"]["containerOverrides"][0]["name"] == "proxy"
    with pytest.raises(ItemFailed, match="no container named 'nobody'"):
        asked(release, {"command": ["x"], "container": "nobody"})


def stopped(**container):
    return {
        "lastStatus": "STOPPED",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "proxy", "exitCode": 137}, {"name": "web", **container}],
    }


@pytest.mark.parametrize(
    ("task", "now", "status", "told"),
    [
        ({"lastStatus": "PENDING"}, 1010, hooks.RUNNING, "pending"),
        ({"lastStatus": "RUNNING"}, 1300, hooks.TIMED_OUT, "still running after 5 minutes (task t1, log /ecs/web/app"),
        (stopped(exitCode=0), 1010, hooks.SUCCEEDED, ""),
        (stopped(exitCode=2), 1010, hooks.FAILED, "container web exited with 2, Essential container in task exited"),
        (stopped(), 1010, hooks.FAILED, "did not run: Essential container"),
        (stopped(reason="CannotPullContainerError"), 1010, hooks.FAILED, "did not run: CannotPullContainerError"),
        (None, 1010, hooks.RUNNING, ""),
        (None, 1100, hooks.FAILED, "how it ended is unknown"),
    ],
)
def test_a_hook_is_judged_by_the_exit_code_of_its_own_container(task, now, status, told):
    verdict = hooks.judge(task, ITEM, float(now))
    assert verdict.status == status
    assert told in verdict.reason


def test_a_hook_without_a_timeout_has_that_of_its_item():
    assert hooks.timeout_seconds(ITEM) == 300
    assert hooks.timeout_seconds(replace(ITEM, phase=POST_DEPLOY)) == 1800
