"""The state machine that ships, with the functions, layer and roles that ship: one test for each way it can go."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integration.function_versions import changed_environment
from local_aws import LocalAws
from local_aws.samples import create_service, register_app, wait_until_steady
from playground.stack import CLUSTER, Stack

RULE_TARGET = {
    "Arn": f"arn:aws:ecs:us-west-2:111111111111:cluster/{CLUSTER}",
    "RoleArn": "arn:aws:iam::111111111111:role/shop-events",
}


@pytest.fixture
def service(aws: LocalAws) -> Callable[..., dict[str, str]]:
    """Make a steady service of one container with a name of its own; its manifest item, on image ``app:1``."""

    def make(image: str = "app:2", desired: int = 1, container: str = "app", **more: Any) -> dict[str, str]:
        name = f"s-{uuid.uuid4().hex[:8]}"
        register_app(aws, name)
        create_service(aws, CLUSTER, name, name, desired, **more)
        wait_until_steady(aws, CLUSTER, (name,))
        return {"service": container, "clusterName": CLUSTER, "serviceName": name, "image": image}

    return make


def live(aws: LocalAws, item: dict[str, str]) -> str:
    """``family:revision`` that the service points to."""
    told = aws.client("ecs").describe_services(cluster=CLUSTER, services=[item["serviceName"]])["services"][0]
    return str(told["taskDefinition"].rsplit("/", 1)[-1])


def definition(aws: LocalAws, reference: str) -> dict[str, Any]:
    return dict(aws.client("ecs").describe_task_definition(taskDefinition=reference)["taskDefinition"])


def test_a_rollout_ends_within_seconds_of_ecs_own_end(aws, run, service):
    item = service()
    done = run({"release": "1", "services": [item]})
    assert done.status == "SUCCEEDED"
    result = done.items[item["serviceName"]]
    assert (result["status"], result["image"], result["previousImage"]) == ("DEPLOYED", "app:2", "app:1")
    assert result["deployedTaskDefArn"].endswith(f"{item['serviceName']}:2")
    assert live(aws, item) == f"{item['serviceName']}:2"
    assert done.seconds < 15


@pytest.fixture
def notify(stack: Stack) -> Iterator[Callable[[str], None]]:
    """Say which releases are told, as the variable `notify` does; the local AWS tells of each."""
    with changed_environment(stack, "ecs-gitops-validate-deploy") as change:
        yield lambda choice: change(ECS_GITOPS_NOTIFY=choice)


def test_a_release_that_is_not_to_be_told_ends_without_a_notice(run, service, notify):
    same, bad = service(image="app:1"), service(image="app:broken")
    notify("changes")
    done = run({"services": [same]})
    assert (done.status, done.states[-1]) == ("SUCCEEDED", "ChooseStage")
    notify("failures")
    assert "NotifySuccess" not in run({"services": [service()]}).states
    assert "NotifyFailure" in run({"services": [bad]}).states
    notify("always")
    assert run({"services": [same]}).states[-2:] == ["ChooseStage", "NotifySuccess"]


def test_nothing_changed_costs_no_wait_and_ends_within_seconds(run, service):
    items = [service(image="app:1") for _ in range(3)]
    done = run({"services": items})
    assert {i["status"] for i in done.items.values()} == {"UNCHANGED"}
    assert "WaitForDeployment" not in done.states
    assert done.seconds < 10


def test_the_states_are_those_of_the_picture_in_their_order(run, service):
    done = run({"services": [service()]})
    once = list(dict.fromkeys(done.states))
    assert once == [
        "InitConfig",
        "DeployStage",
        "ChooseTaskOrService",
        "DeployEcs",
        "ChooseNext",
        "BatchSettled",
        "NextStage",
        "ChooseStage",
        "WaitForDeployment",
        "ValidateDeploy",
        "NotifySuccess",
    ]


def test_what_cannot_be_deployed_is_all_found_before_anything_changes(aws, run, service):
    # GIVEN an unknown service, a missing container, a CODE_DEPLOY service, an unknown cluster, and two good ones
    good, same, missing = service(), service(image="app:1"), service(container="ap")
    code_deploy = service(deploymentController={"type": "CODE_DEPLOY"})
    unknown = {"service": "app", "clusterName": CLUSTER, "serviceName": "nobody", "image": "app:2"}
    nowhere = {"service": "app", "clusterName": "vtj-nowhere", "serviceName": "x", "image": "app:2"}
    # WHEN all are in one release
    done = run({"release": "7", "services": [unknown, missing, code_deploy, nowhere, good, same]})
    # THEN the execution fails with the real error and cause, each bad item has its reason, and nothing was changed
    assert (done.status, done.error) == ("FAILED", "CheckFailed")
    assert done.cause.splitlines()[0] == "1 unchanged, 4 failed, 1 skipped"
    for item, told in (
        (unknown, "service 'nobody' does not exist in cluster 'shop'"),
        (missing, "no container named 'ap'"),
        (code_deploy, "controller CODE_DEPLOY"),
    ):
        line = next(line for line in done.cause.splitlines() if line.startswith(item["serviceName"] + ":"))
        assert told in line
    assert "cluster 'vtj-nowhere' does not exist in account 111111111111, Region us-west-2" in done.cause
    assert live(aws, good) == f"{good['serviceName']}:1"
    assert done.states[-1] == "NotifyFailure"
    assert "ValidateDeploy" not in done.states


def test_one_failed_item_hides_and_stops_none(aws, run, service):
    good, same, broken = service(), service(image="app:1"), service(image="app:broken")
    done = run({"release": "7", "services": [broken, good, same]})
    assert (done.status, done.error) == ("FAILED", "ReleaseFailed")
    assert done.cause.splitlines()[0] == "1 deployed, 1 unchanged, 1 rolled back"
    assert "CannotPullContainerError" in done.cause
    assert live(aws, good) == f"{good['serviceName']}:2"
    assert live(aws, same) == f"{same['serviceName']}:1"
    assert live(aws, broken) == f"{broken['serviceName']}:1"


def test_a_rollback_by_the_circuit_breaker_fails_the_release(aws, run, service):
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    item = service(image="app:crash", deploymentConfiguration=breaker)
    done = run({"services": [item]})
    assert done.status == "FAILED"
    assert f"{item['serviceName']}: ROLLED_BACK" in done.cause
    # AND the same release again leaves it alone, and says how to go on
    again = run({"services": [item]})
    assert again.items[item["serviceName"]]["status"] == "HELD"
    assert "revert it, or change it" in again.items[item["serviceName"]]["reason"]


def test_what_failed_and_was_left_is_tried_again_when_somebody_changes_it(aws, run, service):
    item = service(image="app:broken") | {"onFailure": "stop"}
    assert run({"services": [item]}).status == "FAILED"
    assert live(aws, item) == f"{item['serviceName']}:2"
    # WHEN the same is released again, THEN it fails again, and nothing is rolled out
    again = run({"services": [item]})
    assert again.status == "FAILED"
    assert "judged again" in again.cause
    assert live(aws, item) == f"{item['serviceName']}:2"
    # WHEN a person changes it, THEN it is deployed
    assert run({"services": [item | {"timeoutMinutes": 9}]}).status == "FAILED"
    assert live(aws, item) == f"{item['serviceName']}:3"


def test_desired_count_zero_is_a_success_that_says_so(run, service):
    item = service(desired=0)
    done = run({"services": [item]})
    assert done.status == "SUCCEEDED"
    assert "desired count is 0" in done.items[item["serviceName"]]["reason"]


@pytest.mark.parametrize(
    ("deployment", "told"),
    [
        ({"services": [{"service": "a"}]}, "clusterName is missing"),
        ({"servics": []}, "did you mean services?"),
        ({"services": None, "tasks": []}, "neither tasks nor services"),
        (
            {
                "services": [
                    {"service": "a", "clusterName": "c", "serviceName": "s", "image": "i", "account": "999999999999"}
                ]
            },
            "account 999999999999",
        ),
    ],
    ids=["incomplete", "misspelt", "empty", "unknown account"],
)
def test_bad_input_is_refused_once_with_the_real_error_and_a_notice(run, deployment, told):
    done = run(deployment)
    assert (done.status, done.error) == ("FAILED", "InvalidRelease")
    assert told in done.cause
    assert done.states == ["InitConfig", "PlanFailed", "NextStage", "ChooseStage", "NotifyFailure"]
    assert done.seconds < 10


def test_a_scheduled_task_on_a_bus_that_is_named_has_every_ecs_target_repointed(aws, run):
    # GIVEN a rule on a bus of its own with a queue first and two ECS targets, and no service in the release
    family, bus = f"t-{uuid.uuid4().hex[:8]}", f"shop-{uuid.uuid4().hex[:8]}"
    ecs, events = aws.client("ecs"), aws.client("events")
    arn = ecs.register_task_definition(
        family=family, containerDefinitions=[{"name": "job", "image": "job:1", "memory": 64}]
    )["taskDefinition"]["taskDefinitionArn"]
    events.create_event_bus(Name=bus)
    events.put_rule(Name=family, EventBusName=bus, EventPattern='{"source": ["shop"]}')
    before = [
        {"Id": "queue", "Arn": "arn:aws:sqs:us-west-2:111111111111:anything"},
        {"Id": "a", **RULE_TARGET, "EcsParameters": {"TaskDefinitionArn": arn, "TaskCount": 3}, "Input": "{}"},
        {"Id": "b", **RULE_TARGET, "EcsParameters": {"TaskDefinitionArn": arn, "LaunchType": "FARGATE"}},
    ]
    events.put_targets(Rule=family, EventBusName=bus, Targets=before)
    # WHEN a release has that task alone
    task = {"service": "job", "cwRuleName": family, "eventBusName": bus, "image": "job:2"}
    done = run({"tasks": [task]})
    # THEN both ECS targets point to the new revision, every other member is as it was
    assert done.items[family]["status"] == "DEPLOYED"
    after = events.list_targets_by_rule(Rule=family, EventBusName=bus)["Targets"]
    for target in before[1:]:
        target["EcsParameters"] |= {"TaskDefinitionArn": arn[:-1] + "2"}
    assert sorted(after, key=lambda t: t["Id"]) == sorted(before, key=lambda t: t["Id"])
    # AND a second release changes nothing
    assert run({"tasks": [task]}).items[family]["status"] == "UNCHANGED"


def test_nothing_of_a_task_definition_is_lost(aws, run, service):
    item = service()
    ecs = aws.client("ecs")
    full = {
        "family": item["serviceName"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "requiresCompatibilities": ["FARGATE"],
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "ephemeralStorage": {"sizeInGiB": 30},
        "pidMode": "task",
        "ipcMode": "task",
        "volumes": [{"name": "data", "host": {}}],
        "proxyConfiguration": {
            "type": "APPMESH",
            "containerName": "proxy",
            "properties": [{"name": "p", "value": "1"}],
        },
        "containerDefinitions": [
            {
                "name": "app",
                "image": "app:1",
                "environment": [{"name": "PASSWORD", "value": "hunter2"}],
                "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
                "dependsOn": [{"containerName": "proxy", "condition": "START"}],
                "restartPolicy": {"enabled": True},
            },
            {"name": "proxy", "image": "envoy:1"},
        ],
        "tags": [{"key": "team", "value": "shop"}],
    }
    ecs.register_task_definition(**full)
    ecs.update_service(cluster=CLUSTER, service=item["serviceName"], taskDefinition=item["serviceName"])
    wait_until_steady(aws, CLUSTER, (item["serviceName"],))
    assert run({"services": [item]}).status == "SUCCEEDED"
    old, new = (definition(aws, f"{item['serviceName']}:{n}") for n in (2, 3))
    for changing in ("taskDefinitionArn", "revision", "registeredAt", "registeredBy", "compatibilities"):
        old.pop(changing, None)
        new.pop(changing, None)
    old["containerDefinitions"][0]["image"] = "app:2"
    assert new == old
    tags = ecs.describe_task_definition(taskDefinition=f"{item['serviceName']}:3", include=["TAGS"])["tags"]
    names = {tag["key"] for tag in tags}
    assert {"team", "ecs-gitops:execution", "ecs-gitops:previous"} <= names


def test_services_and_tasks_of_another_account_are_deployed_through_its_role(aws, run):
    # GIVEN a cluster in a second account, in which modules/deploy_role was applied
    ecs, name = aws.client("ecs", account="222222222222"), f"o-{uuid.uuid4().hex[:8]}"
    ecs.create_cluster(clusterName="orders")
    ecs.register_task_definition(family=name, containerDefinitions=[{"name": "app", "image": "app:1", "memory": 64}])
    ecs.create_service(cluster="orders", serviceName=name, taskDefinition=name, desiredCount=1)
    item = {"service": "app", "clusterName": "orders", "serviceName": name, "image": "app:2", "account": "222222222222"}
    done = run({"services": [item]})
    assert done.status == "SUCCEEDED", done.cause
    assert done.items[name]["deployedTaskDefArn"] == f"arn:aws:ecs:us-west-2:222222222222:task-definition/{name}:2"
    # AND a cluster that the role is not for is refused with the way out
    ecs.create_cluster(clusterName="secret")
    refused = run({"services": [item | {"clusterName": "secret"}]})
    assert refused.status == "FAILED"
    assert "widen the scope of the deploy role" in refused.cause


def test_a_role_that_may_not_be_passed_fails_its_item_with_the_way_out(aws, run, service):
    item = service()
    aws.client("iam").create_role(
        RoleName=f"other-{item['serviceName']}",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
                ],
            }
        ),
    )
    ecs = aws.client("ecs")
    ecs.register_task_definition(
        family=item["serviceName"],
        taskRoleArn=f"arn:aws:iam::111111111111:role/other-{item['serviceName']}",
        containerDefinitions=[{"name": "app", "image": "app:1", "memory": 64}],
    )
    ecs.update_service(cluster=CLUSTER, service=item["serviceName"], taskDefinition=item["serviceName"])
    wait_until_steady(aws, CLUSTER, (item["serviceName"],))
    done = run({"services": [item]})
    assert done.status == "FAILED"
    assert "pass_role_arns" in done.cause


def test_thirty_services_are_deployed_in_one_batch(aws, run, service):
    items = [service() for _ in range(30)]
    done = run({"services": items}, patience=240)
    assert {i["status"] for i in done.items.values()} == {"DEPLOYED"}
    # Once to check everything, once to deploy it.
    assert done.states.count("DeployEcs") == 2
