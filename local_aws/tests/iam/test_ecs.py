"""IAM on ECS: tasks, tags, service deployments, and the roles that calls pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from local_aws import LocalAws
from support.policies import allow, denied
from support.services import World

_PLACE = "us-west-2:111111111111"
_OUR_KEYS = {"ForAllValues:StringLike": {"aws:TagKeys": ["deployer:*"]}}
As = Callable[..., Callable[[str], Any]]


def _arn(kind: str) -> str:
    return f"arn:aws:ecs:{_PLACE}:{kind}"


def _in(cluster: str, operator: str = "ArnLike") -> dict[str, Any]:
    return {operator: {"ecs:cluster": _arn(f"cluster/{cluster}")}}


def _pass_to(role: str, service: str) -> dict[str, Any]:
    return allow("iam:PassRole", role, {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}})


def test_a_task_is_run_by_its_revision_in_a_cluster(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN two revisions, and permission to run the second one in one cluster
    world = World(aws.client("ecs"), name)
    world.create()
    world.register("app:2")
    running = as_role(allow("ecs:RunTask", _arn(f"task-definition/{name}:2"), _in(name)))("ecs")

    # WHEN it is run, by its family and by its ARN
    for definition in (name, f"{name}:2", _arn(f"task-definition/{name}:2")):
        assert running.run_task(cluster=name, taskDefinition=definition)["tasks"]

    # THEN neither the other revision nor another cluster is allowed
    told = denied(lambda: running.run_task(cluster=name, taskDefinition=f"{name}:1"))
    assert f"ecs:RunTask on resource: {_arn(f'task-definition/{name}:1')}" in told
    elsewhere = as_role(allow("ecs:RunTask", "*", _in("other", "ArnEquals")))("ecs")
    denied(lambda: elsewhere.run_task(cluster=name, taskDefinition=name))


def test_turning_on_ecs_exec_is_a_condition(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN a service, and a policy that allows everything but turning on ECS Exec
    world = World(aws.client("ecs"), name)
    service = world.create(desired=0)["serviceName"]
    condition = {"StringNotEqualsIgnoreCase": {"ecs:enable-execute-command": "true"}}
    ecs = as_role(allow(["ecs:RunTask", "ecs:UpdateService"], "*", condition))("ecs")
    # WHEN a call does not speak of it, or turns it off, THEN it is allowed; turning it on is not
    for given in ({}, {"enableExecuteCommand": False}):
        ecs.update_service(cluster=name, service=service, **given)
        ecs.run_task(cluster=name, taskDefinition=name, **given)
    on = {"enableExecuteCommand": True}
    assert "ecs:UpdateService" in denied(lambda: ecs.update_service(cluster=name, service=service, **on))
    assert "ecs:RunTask" in denied(lambda: ecs.run_task(cluster=name, taskDefinition=name, **on))
    # AND without the parameter the key is not there
    asked = as_role(allow("ecs:RunTask", "*", {"StringEquals": {"ecs:enable-execute-command": "false"}}))("ecs")
    denied(lambda: asked.run_task(cluster=name, taskDefinition=name))
    asked.run_task(cluster=name, taskDefinition=name, enableExecuteCommand=False)


def test_running_a_task_passes_its_roles(aws: LocalAws, as_role: As, make_role: Callable[..., str], name: str) -> None:
    # GIVEN a definition with a task role and an execution role, and one more
    world = World(aws.client("ecs"), name)
    world.create()
    task, execution, other = (
        make_role(f"{name}-{kind}", "ecs-tasks.amazonaws.com") for kind in ("task", "execution", "other")
    )
    world.register("app:2", taskRoleArn=task, executionRoleArn=execution)
    run = allow("ecs:RunTask", "*")

    # WHEN one, or the service that it is passed to, is not in the policy
    missing = as_role(run, _pass_to(task, "ecs-tasks"))("ecs")
    wrong = as_role(run, _pass_to(task, "ecs-tasks"), _pass_to(execution, "events"))("ecs")

    # THEN the task is not run
    for ecs in (missing, wrong):
        told = denied(lambda ecs=ecs: ecs.run_task(cluster=name, taskDefinition=name))
        assert f"iam:PassRole on resource: {execution}" in told
    both = as_role(run, _pass_to(task, "ecs-tasks"), _pass_to(execution, "ecs-tasks"))("ecs")
    both.run_task(cluster=name, taskDefinition=name)
    told = denied(lambda: both.run_task(cluster=name, taskDefinition=name, overrides={"taskRoleArn": other}))
    assert f"iam:PassRole on resource: {other}" in told


def test_tags_of_a_task_need_tag_resource(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN a definition, and a policy that allows certain keys on tasks that are run
    world = World(aws.client("ecs"), name)
    world.create()
    keys = {
        "ForAllValues:StringLike": {"aws:TagKeys": ["deployer:*"]},
        "StringEquals": {"ecs:CreateAction": "RunTask"},
    }
    tagging = allow("ecs:TagResource", _arn(f"task/{name}/*"), keys)
    ecs = as_role(allow("ecs:RunTask", "*"), tagging)("ecs")

    # WHEN a task is run with such a tag, THEN it runs; with another one, it does not
    ecs.run_task(cluster=name, taskDefinition=name, tags=[{"key": "deployer:release", "value": "1"}])
    told = denied(lambda: ecs.run_task(cluster=name, taskDefinition=name, tags=[{"key": "owner", "value": "me"}]))
    assert "ecs:TagResource" in told


def test_tags_are_put_and_taken_by_resource_and_key(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN a service, and a policy on it for keys with a prefix
    world = World(aws.client("ecs"), name)
    arn = world.create()["serviceArn"]
    ecs = as_role(allow(["ecs:TagResource", "ecs:UntagResource", "ecs:ListTagsForResource"], arn, _OUR_KEYS))("ecs")

    # WHEN tags of these keys are put and taken
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "deployer:a", "value": "1"}, {"key": "deployer:b", "value": "2"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["deployer:a"])

    # THEN it is allowed; other keys, also beside these, and other resources are not
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "deployer:b", "value": "2"}]
    mixed = [{"key": "deployer:a", "value": "1"}, {"key": "owner", "value": "me"}]
    assert f"ecs:TagResource on resource: {arn}" in denied(lambda: ecs.tag_resource(resourceArn=arn, tags=mixed))
    assert "ecs:UntagResource" in denied(lambda: ecs.untag_resource(resourceArn=arn, tagKeys=["deployer:b", "owner"]))
    denied(lambda: ecs.untag_resource(resourceArn=_arn(f"cluster/{name}"), tagKeys=["deployer:b"]))


def test_the_value_of_a_tag_can_be_asked_for(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN a policy on one value of a tag
    arn = World(aws.client("ecs"), name).create()["serviceArn"]
    ecs = as_role(allow("ecs:TagResource", arn, {"StringEquals": {"aws:RequestTag/env": "test"}}))("ecs")

    # WHEN it is put, THEN it is allowed; another value is not
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "env", "value": "test"}])
    denied(lambda: ecs.tag_resource(resourceArn=arn, tags=[{"key": "env", "value": "live"}]))


def test_every_task_of_a_call_has_to_be_allowed(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN two tasks, and permission on the first one
    world = World(aws.client("ecs"), name)
    world.create(desired=0)
    arns = [aws.client("ecs").run_task(cluster=name, taskDefinition=name)["tasks"][0]["taskArn"] for _ in range(2)]
    ecs = as_role(allow(["ecs:DescribeTasks", "ecs:StopTask"], arns[0], _in(name)))("ecs")

    # WHEN they are described, by ARN or by id, THEN both have to be allowed
    assert len(ecs.describe_tasks(cluster=name, tasks=[arns[0].rsplit("/", 1)[1]])["tasks"]) == 1
    assert arns[1] in denied(lambda: ecs.describe_tasks(cluster=name, tasks=arns))
    assert arns[1] in denied(lambda: ecs.stop_task(cluster=name, task=arns[1].rsplit("/", 1)[1]))
    ecs.stop_task(cluster=name, task=arns[0])


def test_services_can_be_told_by_cluster(aws: LocalAws, as_role: As, name: str) -> None:
    # GIVEN a service, and a policy on the clusters it may be in
    arn = World(aws.client("ecs"), name).create()["serviceArn"]
    actions = ["ecs:DescribeServices", "ecs:UpdateService", "ecs:ListServiceDeployments", "ecs:ListServices"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("describe_services", {"services": [arn, name]}),
        ("update_service", {"service": name, "desiredCount": 1}),
        ("list_service_deployments", {"service": arn}),
        ("list_services", {}),
    ]

    # WHEN it is called there, THEN it is allowed; under another cluster's condition it is not
    ecs = as_role(allow(actions, "*", _in(name, "ArnEquals")))("ecs")
    elsewhere = as_role(allow(actions, "*", _in("other", "ArnEquals")))("ecs")
    for call, members in calls:
        getattr(ecs, call)(cluster=name, **members)
        denied(partial(getattr(elsewhere, call), cluster=name, **members))


def test_a_service_deployment_needs_its_service_and_itself(
    aws: LocalAws, as_role: As, name: str, until: Callable[..., Any]
) -> None:
    # GIVEN a service with a deployment that goes on
    world = World(aws.client("ecs"), name)
    service = world.create()["serviceArn"]
    until(world.is_steady)
    world.update(taskDefinition=world.register("app:never"))
    latest = until(world.deployments, lambda seen: len(seen) == 2)[0]
    deployment, revision = latest["serviceDeploymentArn"], latest["targetServiceRevision"]["arn"]
    assert deployment.startswith(_arn(f"service-deployment/{name}/{name}/"))
    assert revision.startswith(_arn(f"service-revision/{name}/{name}/"))
    actions = ["ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment", "ecs:DescribeServiceRevisions"]

    # WHEN the policy has the service alone, or the deployment and the revision alone
    for half, lacks in (([service], deployment), ([deployment, revision], service)):
        ecs = as_role(allow(actions, half))("ecs")
        # THEN nothing is told or stopped
        told = denied(lambda ecs=ecs: ecs.describe_service_deployments(serviceDeploymentArns=[deployment]))
        assert f"on resource: {lacks} " in told
        denied(lambda ecs=ecs: ecs.stop_service_deployment(serviceDeploymentArn=deployment))
        denied(lambda ecs=ecs: ecs.describe_service_revisions(serviceRevisionArns=[revision]))
    patterns = [service, _arn(f"service-deployment/{name}/{name}/*"), _arn(f"service-revision/{name}/{name}/*")]
    ecs = as_role(allow(actions, patterns, _in(name)))("ecs")
    assert ecs.describe_service_deployments(serviceDeploymentArns=[deployment])["serviceDeployments"]
    assert ecs.describe_service_revisions(serviceRevisionArns=[revision])["serviceRevisions"]
    ecs.stop_service_deployment(serviceDeploymentArn=deployment)
    keyed = allow(actions, "*", {"ArnEquals": {"ecs:service": service}})
    as_role(keyed, allow(actions, service))("ecs").describe_service_deployments(serviceDeploymentArns=[deployment])


def test_the_role_of_a_lifecycle_hook_is_passed_to_ecs(
    aws: LocalAws, as_role: As, make_role: Callable[..., str], name: str
) -> None:
    # GIVEN a service, and a hook with a role
    World(aws.client("ecs"), name).create()
    role = make_role(f"{name}-hook", "ecs.amazonaws.com")
    hook = {
        "hookTargetArn": f"arn:aws:lambda:{_PLACE}:function:{name}",
        "roleArn": role,
        "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
    }
    members = {"cluster": name, "service": name, "deploymentConfiguration": {"lifecycleHooks": [hook]}}
    update = allow("ecs:UpdateService", "*")

    # WHEN the service is updated with it, THEN the role has to be passable to ECS
    for to in ("lambda", "ecs-tasks"):
        ecs = as_role(update, _pass_to(role, to))("ecs")
        assert f"iam:PassRole on resource: {role}" in denied(lambda ecs=ecs: ecs.update_service(**members))
    as_role(update, _pass_to(role, "ecs"))("ecs").update_service(**members)
