"""IAM: the resources and conditions that calls are checked on, and what has to be passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3

from integration.local_aws.policies import allow, denied
from integration.local_aws.services import World
from local_aws.client import LocalAws

_PLACE = "us-west-2:111111111111"
_CONTAINERS = [{"name": "app", "image": "app:1", "memory": 64}]
As = Callable[..., Callable[[str], Any]]


def test_task_definitions_are_registered_by_family(as_role: As, name: str) -> None:
    ecs = as_role(allow("ecs:RegisterTaskDefinition", f"arn:aws:ecs:{_PLACE}:task-definition/{name}:*"))("ecs")
    ecs.register_task_definition(family=name, containerDefinitions=_CONTAINERS)
    told = denied(lambda: ecs.register_task_definition(family=f"{name}x", containerDefinitions=_CONTAINERS))
    assert "is not authorized to perform: ecs:RegisterTaskDefinition" in told


def test_tags_need_tag_resource(as_role: As, name: str) -> None:
    family = f"arn:aws:ecs:{_PLACE}:task-definition/{name}:*"
    tags = [{"key": "release", "value": "1"}]
    plain = as_role(allow("ecs:RegisterTaskDefinition", family))("ecs")
    told = denied(lambda: plain.register_task_definition(family=name, containerDefinitions=_CONTAINERS, tags=tags))
    assert "ecs:TagResource" in told
    condition = {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}}
    tagging = as_role(allow("ecs:RegisterTaskDefinition", family), allow("ecs:TagResource", family, condition))("ecs")
    tagging.register_task_definition(family=name, containerDefinitions=_CONTAINERS, tags=tags)


def test_a_role_has_to_be_passable_to_the_service(as_role: As, make_role: Callable[..., str], name: str) -> None:
    role = make_role(f"{name}-task", "ecs-tasks.amazonaws.com")
    register = allow("ecs:RegisterTaskDefinition", "*")
    for to, is_right in (("ecs-tasks.amazonaws.com", True), ("lambda.amazonaws.com", False)):
        passing = allow("iam:PassRole", role, {"StringEquals": {"iam:PassedToService": to}})
        ecs = as_role(register, passing)("ecs")
        members = {"family": name, "containerDefinitions": _CONTAINERS, "taskRoleArn": role}
        if is_right:
            ecs.register_task_definition(**members)
        else:
            assert "iam:PassRole" in denied(lambda ecs=ecs, members=members: ecs.register_task_definition(**members))


def test_definitions_are_described_on_star_alone(aws: LocalAws, as_role: As, name: str) -> None:
    World(aws.client("ecs"), name).register("app:1")
    narrow = as_role(allow("ecs:DescribeTaskDefinition", f"arn:aws:ecs:{_PLACE}:task-definition/{name}:*"))("ecs")
    denied(lambda: narrow.describe_task_definition(taskDefinition=name))
    as_role(allow("ecs:DescribeTaskDefinition", "*"))("ecs").describe_task_definition(taskDefinition=name)


def test_every_service_of_a_call_has_to_be_allowed(aws: LocalAws, as_role: As, name: str) -> None:
    aws.client("ecs").create_cluster(clusterName=name)
    ecs = as_role(allow("ecs:DescribeServices", f"arn:aws:ecs:{_PLACE}:service/{name}/mine"))("ecs")
    ecs.describe_services(cluster=name, services=["mine"])
    assert f"service/{name}/other" in denied(lambda: ecs.describe_services(cluster=name, services=["mine", "other"]))


def test_tasks_are_listed_by_cluster(aws: LocalAws, as_role: As, name: str) -> None:
    aws.client("ecs").create_cluster(clusterName=name)
    condition = {"ArnEquals": {"ecs:cluster": f"arn:aws:ecs:{_PLACE}:cluster/{name}"}}
    ecs = as_role(allow("ecs:ListTasks", "*", condition))("ecs")
    ecs.list_tasks(cluster=name)
    denied(lambda: ecs.list_tasks(cluster="default"))


def test_rules_are_named_without_the_default_bus(aws: LocalAws, as_role: As, name: str) -> None:
    aws.client("events").put_rule(Name=name, ScheduleExpression="rate(1 hour)")
    events = as_role(allow(["events:ListTargetsByRule", "events:PutTargets"], f"arn:aws:events:{_PLACE}:rule/{name}"))(
        "events"
    )
    events.list_targets_by_rule(Rule=name)
    target = {"Id": "1", "Arn": f"arn:aws:sqs:{_PLACE}:{name}", "RoleArn": f"arn:aws:iam::111111111111:role/{name}"}
    assert "iam:PassRole" in denied(lambda: events.put_targets(Rule=name, Targets=[target]))


def test_a_layer_version_is_read_by_its_own_permission(
    aws: LocalAws, as_role: As, name: str, make_function: Callable[[str, str], str]
) -> None:
    make_function(name, "def handler(event, context): ...")
    arn = f"arn:aws:lambda:{_PLACE}:layer:{name}:1"
    as_role(allow("lambda:GetLayerVersion", arn))("lambda").get_layer_version_by_arn(Arn=arn)
    told = denied(lambda: as_role(allow("lambda:ListLayers", "*"))("lambda").get_layer_version_by_arn(Arn=arn))
    assert "lambda:GetLayerVersion" in told


def test_a_role_in_another_account_is_assumed_when_both_sides_allow_it(
    aws: LocalAws, make_role: Callable[..., str], name: str
) -> None:
    # GIVEN a role in one account that trusts another, and a role there that may assume it
    there = make_role(f"{name}-there", "222222222222", allow("ecs:ListClusters", "*"))
    here = make_role(f"{name}-here", "222222222222", allow("sts:AssumeRole", there), account="222222222222")

    # WHEN it is assumed from there
    def assume(sts: Any, arn: str) -> boto3.session.Session:
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return boto3.session.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name="us-west-2",
        )

    session = assume(aws.client("sts", "222222222222"), here)
    deployer = assume(session.client("sts", endpoint_url=aws.endpoint), there)

    # THEN calls are made in that account, within its role
    identity = deployer.client("sts", endpoint_url=aws.endpoint).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::111111111111:assumed-role/{name}-there/test"
    ecs = deployer.client("ecs", endpoint_url=aws.endpoint)
    ecs.list_clusters()
    denied(lambda: ecs.create_cluster(clusterName=name))


def test_an_arn_is_compared_part_by_part(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN a cluster that a pattern reaches only with a wildcard across parts of the ARN
    aws.client("ecs").create_cluster(clusterName=name)
    pattern = {"ArnLike": {"ecs:cluster": f"arn:aws:ecs:*:cluster/{name}"}}

    # WHEN tasks are listed with it
    ecs = as_role(allow("ecs:ListTasks", "*", pattern))("ecs")

    # THEN it does not match, and one with all six parts does
    denied(lambda: ecs.list_tasks(cluster=name))
    six = {"ArnLike": {"ecs:cluster": f"arn:aws:ecs:*:*:cluster/{name}"}}
    as_role(allow("ecs:ListTasks", "*", six))("ecs").list_tasks(cluster=name)
    but = {"ArnNotLike": {"ecs:cluster": f"arn:aws:ecs:*:*:cluster/{name}"}}
    denied(lambda: as_role(allow("ecs:ListTasks", "*", but))("ecs").list_tasks(cluster=name))


def test_a_role_with_a_path_is_itself(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN a role with a path
    trust = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}'
    arn = aws.client("iam").create_role(RoleName=name, Path="/deploy/", AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    # WHEN it is read with permission on its full ARN
    found = as_role(allow("iam:GetRole", arn))("iam").get_role(RoleName=name)

    # THEN it is given, and one without the path is not enough
    assert found["Role"]["Arn"] == arn == f"arn:aws:iam::111111111111:role/deploy/{name}"
    bare = as_role(allow("iam:GetRole", f"arn:aws:iam::111111111111:role/{name}"))("iam")
    assert f"on resource: {arn}" in denied(lambda: bare.get_role(RoleName=name))
