"""IAM: the resources and conditions that calls are checked on, and what has to be passed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import LocalAws
from support.policies import allow, denied
from support.services import World

_PLACE = "us-west-2:111111111111"
_CONTAINERS = [{"name": "app", "image": "app:1", "memory": 64}]
As = Callable[..., Callable[[str], Any]]


def test_task_definitions_are_registered_by_family(as_role: As, name: str) -> None:
    family = f"arn:aws:ecs:{_PLACE}:task-definition/{name}"
    ecs = as_role(allow("ecs:RegisterTaskDefinition", [family, f"{family}:*"]))("ecs")
    ecs.register_task_definition(family=name, containerDefinitions=_CONTAINERS)
    # One of both is not enough: which one AWS asks for is not documented.
    for one in (family, f"{family}:*"):
        narrow = as_role(allow("ecs:RegisterTaskDefinition", one))("ecs")
        denied(lambda narrow=narrow: narrow.register_task_definition(family=name, containerDefinitions=_CONTAINERS))
    told = denied(lambda: ecs.register_task_definition(family=f"{name}x", containerDefinitions=_CONTAINERS))
    assert "is not authorized to perform: ecs:RegisterTaskDefinition" in told


def test_tags_need_tag_resource(as_role: As, name: str) -> None:
    family = [f"arn:aws:ecs:{_PLACE}:task-definition/{name}{number}" for number in ("", ":*")]
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


def test_what_is_put_to_a_rule_is_a_condition(
    aws: LocalAws, as_role: As, make_role: Callable[..., str], name: str
) -> None:
    # GIVEN a policy on the targets of one cluster
    aws.client("events").put_rule(Name=name, ScheduleExpression="rate(1 hour)")
    role, cluster = make_role(f"{name}-runs", "events.amazonaws.com"), f"arn:aws:ecs:{_PLACE}:cluster/{name}"
    targets = {"events:TargetArn": [cluster, f"{cluster}-2"]}
    condition = {"ForAllValues:ArnLike": targets, "Null": {"events:TargetArn": "false"}}
    rule = f"arn:aws:events:{_PLACE}:rule/{name}"
    put = allow("events:PutTargets", rule, condition)
    events = as_role(put, allow("iam:PassRole", role))("events")

    def target(number: int, arn: str) -> dict[str, Any]:
        return {"Id": str(number), "Arn": arn, "RoleArn": role, "EcsParameters": {"TaskDefinitionArn": name}}

    # WHEN such targets are put, THEN it is allowed; with another one among them it is not
    events.put_targets(Rule=name, Targets=[target(1, cluster), target(2, f"{cluster}-2")])
    for wrong in ([target(1, f"{cluster}-3")], [target(1, cluster), target(2, f"arn:aws:sqs:{_PLACE}:{name}")]):
        told = denied(lambda wrong=wrong: events.put_targets(Rule=name, Targets=wrong))
        assert f"events:PutTargets on resource: {rule}" in told


def test_the_rule_of_another_bus_has_the_bus_in_its_arn(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN a rule of the same name on the default bus and on another one
    events = aws.client("events")
    events.create_event_bus(Name=name)
    for bus in ("default", name):
        events.put_rule(Name=name, EventBusName=bus, ScheduleExpression="rate(1 hour)")
    plain, other = (f"arn:aws:events:{_PLACE}:rule/{rule}" for rule in (name, f"{name}/{name}"))
    # WHEN a policy names one of them, THEN the other one is not allowed
    for allowed, right, wrong in ((plain, "default", name), (other, name, "default")):
        ours = as_role(allow("events:ListTargetsByRule", allowed))("events")
        ours.list_targets_by_rule(Rule=name, EventBusName=right)
        denied(lambda ours=ours, wrong=wrong: ours.list_targets_by_rule(Rule=name, EventBusName=wrong))
    # AND a bus may be named by its ARN
    arn = f"arn:aws:events:{_PLACE}:event-bus/{name}"
    as_role(allow("events:ListTargetsByRule", other))("events").list_targets_by_rule(Rule=name, EventBusName=arn)


def test_a_session_has_what_its_role_and_its_session_policy_allow(
    aws: LocalAws, make_role: Callable[..., str], name: str
) -> None:
    # GIVEN a role that may list clusters and make them, and a session policy that allows listing and deleting
    aws.client("ecs").create_cluster(clusterName=name)
    role = make_role(f"{name}-role", "111111111111", allow(["ecs:ListClusters", "ecs:CreateCluster"], "*"))
    statement = allow(["ecs:ListClusters", "ecs:DeleteCluster"], "*")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    keys = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="looks", Policy=policy)["Credentials"]
    session = boto3.session.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-west-2")
    ecs = session.client("ecs", endpoint_url=aws.endpoint)
    # WHEN it makes calls, THEN it may do what both allow
    ecs.list_clusters()
    denied(lambda: ecs.create_cluster(clusterName=f"{name}-2"))
    denied(lambda: ecs.delete_cluster(cluster=name))
    # AND a session policy is 2,048 characters at most
    with pytest.raises(ClientError, match="less than or equal to 2048"):
        aws.client("sts").assume_role(RoleArn=role, RoleSessionName="looks", Policy=policy + " " * 2048)


def test_a_session_has_a_name_that_sts_takes(aws: LocalAws, make_role: Callable[..., str], name: str) -> None:
    role = make_role(f"{name}-role", "111111111111", allow("ecs:ListClusters", "*"))
    for wrong in ("r", "release(4.0)!", "freigabe-März", "a b", "x" * 65):
        with pytest.raises(ClientError, match="roleSessionName"):
            raw(aws, role, wrong)
    assert raw(aws, role, "a_b+c=d,e.f@g-h")["Credentials"]


def raw(aws: LocalAws, role: str, session: str) -> dict[str, Any]:
    """AssumeRole without what the SDK checks first."""
    keys = {"aws_access_key_id": "111111111111", "aws_secret_access_key": "local"}
    unchecked = Config(parameter_validation=False)
    sts = boto3.client("sts", endpoint_url=aws.endpoint, region_name="us-west-2", config=unchecked, **keys)
    return dict(sts.assume_role(RoleArn=role, RoleSessionName=session))


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
