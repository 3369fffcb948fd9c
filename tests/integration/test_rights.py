"""What the deploy role's policy allows, call by call, as it was applied: to sessions that deploy and that only look.

The calls are made with a role of the same policies that the test may assume."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ecs_gitops.aws import session_policy
from local_aws import LocalAws
from local_aws.samples import create_service
from playground.stack import CLUSTER, Stack

ROLE, OTHER_ROLE = "ecs-gitops-deploy-us-west-2", "ecs-gitops-deploy"
PLACE = "us-west-2:111111111111"
NAME = f"rights-{uuid.uuid4().hex[:6]}"
TASKS_ROLE = f"arn:aws:iam::111111111111:role/shop-{NAME}"
CONTAINERS = [{"name": "app", "image": "app:1", "memory": 64}]
SCHEDULE = {"Name": NAME, "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}}

Clients = Callable[[str], Any]
Act = Callable[[Clients, "World"], Any]


@dataclass(frozen=True)
class World:
    """What the calls are made on, and the two sessions."""

    aws: LocalAws
    deploys: Clients
    looks: Clients
    revision: str
    task: str

    @property
    def target(self) -> dict[str, Any]:
        cluster = f"arn:aws:ecs:{PLACE}:cluster/{CLUSTER}"
        return {"Arn": cluster, "RoleArn": TASKS_ROLE, "EcsParameters": {"TaskDefinitionArn": self.revision}}


def copied(aws: LocalAws, role: str, account: str = "111111111111") -> Callable[..., Clients]:
    """A role of the test's own with the policies of ``role``: its sessions, with what AssumeRole is given beside."""
    iam, name = aws.client("iam", account), f"{NAME}-{uuid.uuid4().hex[:4]}"
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    trust = [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = json.dumps(iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)

    def session(**given: str) -> Clients:
        asked = {"RoleArn": arn, "RoleSessionName": NAME, **given}
        keys = aws.client("sts", account).assume_role(**asked)["Credentials"]
        made = boto3.session.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-west-2")
        return lambda service: made.client(service, endpoint_url=aws.endpoint)  # type: ignore[call-overload]

    return session


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    aws = stack.aws
    ecs, iam = aws.client("ecs"), aws.client("iam")
    services = [f"{name}.amazonaws.com" for name in ("ecs-tasks", "events", "scheduler")]
    trust = [{"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}]
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    iam.create_role(RoleName=TASKS_ROLE.rsplit("/", 1)[1], AssumeRolePolicyDocument=document)
    ecs.create_cluster(clusterName=CLUSTER)
    registered = ecs.register_task_definition(family=NAME, containerDefinitions=CONTAINERS)
    create_service(aws, CLUSTER, NAME, NAME, 0)
    revision = str(registered["taskDefinition"]["taskDefinitionArn"])
    task = str(ecs.run_task(cluster=CLUSTER, taskDefinition=NAME)["tasks"][0]["taskArn"])
    session = copied(aws, ROLE)
    made = World(aws, session(), session(Policy=session_policy.POLICY), revision, task)
    aws.client("events").put_rule(Name=NAME, ScheduleExpression="rate(1 day)")
    aws.client("scheduler").create_schedule(**SCHEDULE, Target=made.target)
    yield made
    aws.client("scheduler").delete_schedule(Name=NAME)


def service(at: World) -> dict[str, str]:
    return {"cluster": CLUSTER, "service": NAME}


def register(**more: Any) -> Act:
    return lambda by, _at: by("ecs").register_task_definition(family=NAME, containerDefinitions=CONTAINERS, **more)


def tagged(key: str) -> Act:
    tags = [{"key": key, "value": "1"}]
    return lambda by, at: by("ecs").tag_resource(resourceArn=at.revision, tags=tags)


WRITES: dict[str, Act] = {
    "ecs:RegisterTaskDefinition": register(),
    "ecs:TagResource": register(tags=[{"key": "team", "value": "shop"}]),
    "ecs:RunTask": lambda by, at: by("ecs").run_task(cluster=CLUSTER, taskDefinition=at.revision),
    "ecs:UpdateService": lambda by, at: by("ecs").update_service(**service(at), taskDefinition=at.revision),
    "ecs:StopServiceDeployment": lambda by, _at: by("ecs").stop_service_deployment(
        serviceDeploymentArn=f"arn:aws:ecs:{PLACE}:service-deployment/{CLUSTER}/{NAME}/none"
    ),
    "events:PutTargets": lambda by, at: by("events").put_targets(Rule=NAME, Targets=[{"Id": "a", **at.target}]),
    "scheduler:UpdateSchedule": lambda by, at: by("scheduler").update_schedule(**SCHEDULE, Target=at.target),
    "iam:PassRole": register(taskRoleArn=TASKS_ROLE),
}
LOOKS: dict[str, Act] = {
    "ecs:DescribeServices": lambda by, _at: by("ecs").describe_services(cluster=CLUSTER, services=[NAME]),
    "ecs:DescribeTaskDefinition": lambda by, at: by("ecs").describe_task_definition(taskDefinition=at.revision),
    "ecs:ListServiceDeployments": lambda by, at: by("ecs").list_service_deployments(**service(at)),
    "ecs:ListTasks": lambda by, _at: by("ecs").list_tasks(cluster=CLUSTER),
    "ecs:DescribeTasks": lambda by, at: by("ecs").describe_tasks(cluster=CLUSTER, tasks=[at.task]),
    "ecs:StopTask": lambda by, at: by("ecs").stop_task(cluster=CLUSTER, task=at.task),
    "ecs:TagResource": tagged("ecs-gitops:rolled-back-1"),
    "events:ListTargetsByRule": lambda by, _at: by("events").list_targets_by_rule(Rule=NAME),
    "scheduler:GetSchedule": lambda by, _at: by("scheduler").get_schedule(Name=NAME),
    "cloudwatch:DescribeAlarms": lambda by, _at: by("cloudwatch").describe_alarms(),
    "ssm:DescribeParameters": lambda by, _at: by("ssm").describe_parameters(),
}


def refusal(act: Callable[[], Any]) -> str:
    """The code of the error that the call is answered with; empty where it is not refused."""
    try:
        act()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def denied(act: Callable[[], Any]) -> str:
    """What IAM's refusal of the call says."""
    with pytest.raises(ClientError) as caught:
        act()
    assert "AccessDenied" in caught.value.response["Error"]["Code"]
    return str(caught.value)


@pytest.mark.parametrize("action", WRITES)
def test_a_session_that_only_looks_writes_nothing_that_the_role_may_write(world: World, action: str) -> None:
    act = WRITES[action]
    # GIVEN that a session which deploys may make the call
    assert "AccessDenied" not in refusal(lambda: act(world.deploys, world))
    # WHEN one that only looks makes it, THEN it is denied
    denied(lambda: act(world.looks, world))


@pytest.mark.parametrize("action", LOOKS)
def test_a_session_that_only_looks_reads_stops_tasks_and_tags(world: World, action: str) -> None:
    assert "AccessDenied" not in refusal(lambda: LOOKS[action](world.looks, world))


def test_a_session_that_only_looks_tags_with_tags_of_our_own_alone(world: World) -> None:
    denied(lambda: tagged("team")(world.looks, world))


def test_a_session_that_only_looks_has_no_more_than_its_role(world: World) -> None:
    for elsewhere in ("other", "default"):
        denied(lambda elsewhere=elsewhere: world.looks("ecs").describe_services(cluster=elsewhere, services=[NAME]))
    denied(lambda: world.looks("iam").list_roles())


def test_nothing_turns_on_ecs_exec(world: World) -> None:
    ecs = world.deploys("ecs")
    told = denied(lambda: ecs.update_service(**service(world), enableExecuteCommand=True))
    assert "ecs:UpdateService" in told
    run = {"cluster": CLUSTER, "taskDefinition": world.revision}
    assert "ecs:RunTask" in denied(lambda: ecs.run_task(**run, enableExecuteCommand=True))
    ecs.update_service(**service(world), enableExecuteCommand=False)


def test_targets_are_put_to_clusters_that_are_deployed_to_alone(world: World) -> None:
    # GIVEN a rule with a queue beside its task
    queue = {"Id": "queue", "Arn": f"arn:aws:sqs:{PLACE}:anything"}
    world.aws.client("events").put_targets(Rule=NAME, Targets=[queue])
    events, task = world.deploys("events"), {"Id": "a", **world.target}
    # WHEN the task alone is written, THEN the queue does not matter
    events.put_targets(Rule=NAME, Targets=[task])
    # AND no other target may be written, on its own or beside the task
    elsewhere = {**task, "Arn": f"arn:aws:ecs:{PLACE}:cluster/somebody-elses"}
    for wrong in ([queue], [elsewhere], [task, queue]):
        assert "events:PutTargets" in denied(lambda wrong=wrong: events.put_targets(Rule=NAME, Targets=wrong))
    assert len(events.list_targets_by_rule(Rule=NAME)["Targets"]) == 2


def test_rules_of_a_bus_that_is_not_named_are_out_of_reach(world: World) -> None:
    # GIVEN a role for all rules, with a bus that is named and without one
    both = [(world.aws, "111111111111", world.deploys), (world.aws, "222222222222", None)]
    for aws, account, clients in both:
        events = aws.client("events", account)
        for bus in (f"shop-{NAME}", f"other-{NAME}"):
            events.create_event_bus(Name=bus)
            events.put_rule(Name=NAME, EventBusName=bus, ScheduleExpression="rate(1 day)")
        events.put_rule(Name=NAME, ScheduleExpression="rate(1 day)")
        ours = (clients or copied(aws, OTHER_ROLE, account)())("events")
        # WHEN rules are read, THEN that of the default bus may be
        ours.list_targets_by_rule(Rule=NAME)
        # AND those of other buses only where they are named
        if clients:
            ours.list_targets_by_rule(Rule=NAME, EventBusName=f"shop-{NAME}")
        else:
            for bus in (f"shop-{NAME}", f"other-{NAME}"):
                told = denied(lambda ours=ours, bus=bus: ours.list_targets_by_rule(Rule=NAME, EventBusName=bus))
                assert "explicit deny" in told
