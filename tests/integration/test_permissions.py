"""Each action of each policy is needed: without it a release fails, or tells so. And no other is.

The actions are taken away one by one with the local AWS's setting ``deny``, from the roles of the applied stack. A new
action in a policy needs a line in ``CASES`` or, where its absence cannot be seen, in ``UNSEEN``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from integration import permission_scenarios as on
from integration import plan_scenarios as planning
from integration.function_versions import changed_environment
from integration.permission_scenarios import Permission, Scenario, World, role_name, short_name
from playground.stack import CLUSTER, Stack

CHECK, RELEASE, GOOD = "FAILED CheckFailed", "FAILED ReleaseFailed", "SUCCEEDED"
FAILED, DONE, NOT_STARTED = "Failed", "Succeeded", "NotStarted"
PLAN_FAILED, PLANNED = "FAILED", "SUCCEEDED"


@dataclass(frozen=True)
class Case:
    """Without the permission the scenario ends so, and tells this; by default the action."""

    role: str
    action: str
    scenario: Scenario
    ends: str
    tells: str = ""

    @property
    def permission(self) -> Permission:
        return self.role, self.action


CASES = (
    Case("deploy", "ecs:DescribeServices", on.simple, CHECK),
    Case("deploy", "ecs:DescribeTaskDefinition", on.simple, CHECK),
    Case("deploy", "ecs:RegisterTaskDefinition", on.simple, RELEASE),
    Case("deploy", "ecs:TagResource", on.simple, RELEASE),
    Case("deploy", "ecs:UpdateService", on.simple, RELEASE),
    Case("deploy", "ecs:ListTasks", on.failing, RELEASE, "stopped tasks could not be read: list_tasks: AccessDenied"),
    Case("deploy", "ecs:DescribeTasks", on.failing, RELEASE, "stopped tasks could not be read: describe_tasks: Access"),
    Case("deploy", "ecs:DescribeTasks", on.hook, RELEASE, "the hook cannot be watched"),
    Case("deploy", "ecs:RunTask", on.hook, RELEASE),
    Case("deploy", "ecs:StopTask", on.hanging_hook, RELEASE, "it could not be stopped: stop_task: AccessDenied"),
    Case("deploy", "ecs:ListServiceDeployments", on.canary, CHECK),
    Case("deploy", "ecs:DescribeServiceDeployments", on.canary, "FAILED"),
    Case("deploy", "ecs:DescribeServiceRevisions", on.canary, "FAILED"),
    Case("deploy", "ecs:DescribeServiceRevisions", on.moved_tag, GOOD, "describe_service_revisions"),
    Case("deploy", "events:ListTargetsByRule", on.rule, CHECK),
    Case("deploy", "events:PutTargets", on.rule, RELEASE),
    Case("deploy", "scheduler:GetSchedule", on.schedule, CHECK),
    Case("deploy", "scheduler:UpdateSchedule", on.schedule, RELEASE),
    Case("deploy", "ecr:BatchGetImage", on.complete, GOOD, "the deploy role may not read it (batch_get_image)"),
    Case("deploy", "ecr:DescribePullThroughCacheRules", on.missing_image, CHECK, "a pull-through cache rule may"),
    Case("deploy", "cloudwatch:DescribeAlarms", on.complete, GOOD, "the deploy role may not read it (describe_alarms)"),
    Case("deploy", "secretsmanager:DescribeSecret", on.complete, GOOD, "may not read it (describe_secret)"),
    Case("deploy", "ssm:DescribeParameters", on.complete, GOOD, "may not read it (describe_parameters)"),
    Case("deploy", "iam:SimulatePrincipalPolicy", on.complete, GOOD, "may not read it (simulate_principal_policy)"),
    Case("deploy", "iam:PassRole", on.complete, CHECK, f"may not pass role {on.ROLE} to ecs-tasks.amazonaws.com"),
    Case("init-config", "s3:GetObject", on.simple, "FAILED InvalidRelease", "needs s3:GetObject on it"),
    Case("init-config", "s3:ListBucket", on.no_settings, "FAILED InvalidRelease", "needs s3:GetObject on it"),
    Case("init-config", "s3:PutObject", on.simple, "FAILED InvalidRelease", "needs s3:PutObject on it"),
    *(Case("deploy-ecs", f"s3:{a}Object", on.simple, CHECK, f"needs s3:{a}Object on it") for a in ("Get", "Put")),
    Case("deploy-ecs", "s3:ListBucket", on.simple, CHECK, "needs s3:GetObject on it"),
    *(Case("deploy-task", f"s3:{a}Object", on.rule, CHECK, f"needs s3:{a}Object on it") for a in ("Get", "Put")),
    Case("deploy-task", "s3:ListBucket", on.rule, CHECK, "needs s3:GetObject on it"),
    *(
        Case("validate-deploy", f"s3:{a}Object", on.simple, "FAILED ReportFailed", f"needs s3:{a}Object on it")
        for a in ("Get", "Put")
    ),
    Case("validate-deploy", "s3:ListBucket", on.simple, "FAILED ReportFailed", "needs s3:GetObject on it"),
    Case("deploy-ecs", "sts:AssumeRole", on.simple, CHECK),
    Case("deploy-task", "sts:AssumeRole", on.rule, CHECK),
    Case("validate-deploy", "sts:AssumeRole", on.simple, RELEASE),
    Case(
        "validate-deploy", "states:DescribeExecution", on.not_started, "SENT SENT_BEFORE", "it is not known whether any"
    ),
    Case("validate-deploy", "sns:Publish", on.not_started, "AwsRefused: publish: "),
    Case("validate-deploy", "s3:PutObject", on.not_started, "SENT SENT", "SENT SENT\n"),
    Case("validate-deploy", "s3:GetObject", on.not_started, "SENT SENT", "SENT SENT\n"),
    Case("state-machine", "lambda:InvokeFunction", on.simple, "FAILED ReportFailed"),
    Case("trigger", "codepipeline:StartPipelineExecution", on.push, NOT_STARTED, NOT_STARTED),
    Case("pipeline", "codecommit:CancelUploadArchive", on.pipeline, FAILED),
    Case("pipeline", "codecommit:GetBranch", on.pipeline, FAILED),
    Case("pipeline", "codecommit:GetCommit", on.pipeline, FAILED),
    Case("pipeline", "codecommit:GetUploadArchiveStatus", on.pipeline, FAILED),
    Case("pipeline", "codecommit:UploadArchive", on.pipeline, FAILED),
    Case("pipeline", "s3:GetBucketVersioning", on.pipeline, FAILED),
    Case("pipeline", "s3:PutObject", on.pipeline, FAILED),
    Case("pipeline", "codebuild:StartBuild", on.pipeline, FAILED),
    Case("pipeline", "codebuild:BatchGetBuilds", on.pipeline, FAILED),
    Case("pipeline", "s3:GetObject", on.pipeline, FAILED),
    Case("pipeline", "states:DescribeStateMachine", on.pipeline, FAILED),
    Case("pipeline", "states:StartExecution", on.pipeline, FAILED),
    Case("pipeline", "states:DescribeExecution", on.pipeline, FAILED),
    Case("build", "logs:CreateLogStream", on.pipeline, FAILED),
    Case("build", "s3:GetObjectVersion", on.pipeline, FAILED),
    Case("build", "lambda:GetLayerVersion", on.pipeline, FAILED),
    Case("build", "codecommit:GetCommit", on.pipeline, DONE, "\nthe commit's author and subject are not known"),
    Case("build", "s3:PutObject", on.pipeline, FAILED),
    *(
        Case("plan", action, planning.plan, "", f"may not read it ({call})")
        for action, call in (
            ("ecs:DescribeServices", "describe_services"),
            ("ecs:DescribeTaskDefinition", "describe_task_definition"),
            ("ecs:ListServiceDeployments", "list_service_deployments"),
            ("events:ListTargetsByRule", "list_targets_by_rule"),
            ("scheduler:GetSchedule", "get_schedule"),
            ("ecr:BatchGetImage", "batch_get_image"),
            ("cloudwatch:DescribeAlarms", "describe_alarms"),
            ("secretsmanager:DescribeSecret", "describe_secret"),
            ("ssm:DescribeParameters", "describe_parameters"),
            ("iam:SimulatePrincipalPolicy", "simulate_principal_policy"),
        )
    ),
    Case("plan", "ecs:DescribeServiceRevisions", planning.plan, "", "describe_service_revisions"),
    Case("plan", "ecr:DescribePullThroughCacheRules", planning.plan, "", "a pull-through cache rule may"),
    Case("plan", "ecs:ListServices", planning.plan, "", "(ecs:ListServices)"),
    Case("plan-trigger", "codebuild:StartBuild", planning.request, NOT_STARTED, NOT_STARTED),
    Case("plan-build", "logs:CreateLogStream", planning.request, PLAN_FAILED, PLAN_FAILED),
    Case("plan-build", "lambda:GetLayerVersion", planning.request, PLAN_FAILED, PLAN_FAILED),
    Case("plan-build", "codecommit:GitPull", planning.request, PLAN_FAILED, "git fetch failed"),
    Case("plan-build", "ssm:GetParameter", planning.request, PLANNED, "DENIED"),
    Case("plan-build", "s3:GetObject", planning.request, PLANNED, "DENIED"),
    Case("plan-build", "s3:ListBucket", planning.request, PLANNED, "DENIED"),
    Case("plan-build", "s3:PutObject", planning.large_request, PLANNED, "the whole plan could not be kept"),
    Case("plan-build", "sts:AssumeRole", planning.request, PLAN_FAILED, PLAN_FAILED),
    Case("review", "codecommit:GetPullRequest", planning.request, PLAN_FAILED, PLAN_FAILED),
    Case("review", "codecommit:GetCommentsForPullRequest", planning.request, PLAN_FAILED, PLAN_FAILED),
    Case("review", "codecommit:ListPullRequests", planning.request, PLAN_FAILED, PLAN_FAILED),
    Case("review", "codecommit:UpdateComment", planning.request, PLAN_FAILED, PLAN_FAILED),
    Case("review", "codecommit:PostCommentForPullRequest", planning.new_request, PLAN_FAILED, PLAN_FAILED),
    Case("review", "codecommit:UpdatePullRequestApprovalState", planning.request, PLAN_FAILED, PLAN_FAILED),
)


@dataclass(frozen=True)
class Unseen:
    """Why a permission's absence is not seen; the scenario that calls it all the same, and how that ends without."""

    why: str
    scenario: Scenario | None = None
    ends: str = ""


_LAMBDA_LOGS = Unseen("Lambda writes the logs itself; the local AWS plays no call for it")
_DELIVERY = Unseen("Step Functions delivers logs by itself; the local AWS does not play it")
_BUCKET = Unseen("the local pipeline and build do not look at the bucket first")
UNSEEN: dict[Permission, Unseen] = {
    ("deploy", "ecs:StopServiceDeployment"): Unseen("UpdateService is the other way back", on.stuck_canary, RELEASE),
    ("state-machine", "sns:Publish"): Unseen("a lost notice changes no outcome: caught", on.failing, RELEASE),
    ("build", "logs:PutLogEvents"): Unseen("a lost log is no failed build", on.pipeline, DONE),
    ("plan-build", "logs:PutLogEvents"): Unseen("a lost log is no failed build", planning.request, PLANNED),
    ("plan", "ecs:DescribeServiceDeployments"): Unseen("it tells how a release that was aborted ended"),
    ("build", "s3:GetObject"): Unseen("the local build reads its source by version"),
    ("pipeline", "s3:GetObjectVersion"): Unseen("the local pipeline reads the build's artifact without a version"),
    **{
        (r, a): _LAMBDA_LOGS
        for r in ("init-config", "deploy-ecs", "deploy-task", "validate-deploy")
        for a in ("logs:CreateLogStream", "logs:PutLogEvents")
    },
    **{
        ("state-machine", f"logs:{a}"): _DELIVERY
        for a in (
            "CreateLogDelivery",
            "DeleteLogDelivery",
            "DescribeLogGroups",
            "DescribeResourcePolicies",
            "GetLogDelivery",
            "ListLogDeliveries",
            "PutResourcePolicy",
            "UpdateLogDelivery",
        )
    },
    **{(r, a): _BUCKET for r in ("pipeline", "build") for a in ("s3:GetBucketAcl", "s3:GetBucketLocation")},
    ("build", "s3:GetBucketVersioning"): _BUCKET,
    ("init-config", "states:DescribeExecution"): Unseen("a release that ended by its own report is not asked for"),
}
SCENARIOS = tuple(dict.fromkeys([*(c.scenario for c in CASES), *(u.scenario for u in UNSEEN.values() if u.scenario)]))


@pytest.fixture(autouse=True)
def _fast(settings: Callable[..., None]) -> None:
    """Twenty times as fast as AWS."""
    settings(secondSeconds=0.05, rolloutSeconds=0.5, minuteSeconds=1.0)


@pytest.fixture(scope="module", autouse=True)
def _as_applied(stack: Stack) -> Iterator[None]:
    """Other files plan what is applied: the plan role is trusted as it was, also after the scenarios that assume it."""
    iam, role = stack.aws.client("iam"), role_name("plan")
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    yield
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))


@contextmanager
def without(world: World, role: str, action: str) -> Iterator[None]:
    """The role's policies without the action."""
    world.calls()
    world.aws.control("settings", {"deny": [{"role": role_name(role), "action": action}]})
    try:
        yield
    finally:
        world.aws.control("settings", {"deny": []})


@contextmanager
def without_statement(world: World, role: str, policy: str, sid: str) -> Iterator[None]:
    """The role's policy without one of its statements."""
    iam, named = world.aws.client("iam"), {"RoleName": role_name(role), "PolicyName": policy}
    document = iam.get_role_policy(**named)["PolicyDocument"]
    left = [statement for statement in document["Statement"] if statement["Sid"] != sid]
    assert len(left) == len(document["Statement"]) - 1
    iam.put_role_policy(**named, PolicyDocument=json.dumps({**document, "Statement": left}))
    try:
        yield
    finally:
        iam.put_role_policy(**named, PolicyDocument=json.dumps(document))


def permissions(stack: Stack) -> set[Permission]:
    """Every action of every policy of the stack's roles, as IAM has them."""
    iam, found = stack.aws.client("iam"), set()
    for role in [role["RoleName"] for role in iam.list_roles(MaxItems=1000)["Roles"]]:
        name = short_name(role)
        if role != role_name(name):
            continue
        for statement in _statements(iam, role):
            actions = statement["Action"]
            found |= {(name, action) for action in ([actions] if isinstance(actions, str) else actions)}
    return found


def _statements(iam: Any, role: str) -> Iterator[dict[str, Any]]:
    """Of the role's own policies, and of those that are attached to it."""
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield from iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        yield from iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]["Statement"]


def test_every_action_of_every_policy_has_a_scenario(stack: Stack) -> None:
    # GIVEN the policies as they were applied
    found = permissions(stack)
    known = {case.permission for case in CASES} | UNSEEN.keys()
    # THEN each action stands in one of the tables, and no other does
    assert [f"no scenario for {action} of {role}" for role, action in sorted(found - known)] == []
    assert [f"{role} does not have {action}" for role, action in sorted(known - found)] == []
    assert {case.permission for case in CASES} & UNSEEN.keys() == set()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_nothing_needs_a_permission_that_is_not_there(world: World, scenario: Scenario) -> None:
    _, calls = world.normal(scenario)
    assert calls
    assert [permission for permission, outcome in calls if outcome == "denied"] == []


def _parameter(case: Case) -> object:
    return pytest.param(case, id=f"{case.role} {case.action} {case.scenario.__name__}")


@pytest.mark.parametrize("case", [_parameter(case) for case in CASES])
def test_without_an_action_a_release_fails_or_tells_so(world: World, case: Case) -> None:
    # GIVEN what is told when nothing is missing
    tells = case.tells or case.action
    assert tells not in world.normal(case.scenario)[0]
    # WHEN the role does not have the action
    with without(world, *case.permission):
        told = case.scenario(world)
    # THEN the release ends as it should, and says why
    assert told.startswith(case.ends)
    assert tells in told
    # AND it is that action which was missed; passing a role is simulated, before it is tried
    is_denied = (case.permission, "denied") in world.calls()
    assert is_denied or case.action in told or case.action == "iam:PassRole"


@pytest.mark.parametrize(
    ("sid", "case"),
    [
        (
            "TagNewTaskDefinitions",
            Case("deploy", "ecs:TagResource", on.simple, RELEASE, "register_task_definition: AccessDeniedException"),
        ),
        ("StoreInputs", Case("build", "s3:PutObject", on.large_input, FAILED, "PutObject operation")),
    ],
)
def test_an_action_in_two_statements_is_needed_in_both(world: World, sid: str, case: Case) -> None:
    assert case.tells not in world.normal(case.scenario)[0]
    with without_statement(world, case.role, case.role, sid):
        told = case.scenario(world)
    assert told.startswith(case.ends)
    assert case.tells in told


def test_revisions_are_deregistered_with_the_switch_and_its_permission(world: World) -> None:
    # GIVEN the stack as deregister_failed_revisions = true makes it, but for the role's right
    iam = world.aws.client("iam")
    policy = {"RoleName": role_name("deploy"), "PolicyName": "deregister"}
    statement = {"Effect": "Allow", "Action": "ecs:DeregisterTaskDefinition", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with changed_environment(world.stack, "ecs-gitops-validate-deploy") as change:
        change(ECS_GITOPS_DEREGISTER_FAILED="true")
        try:
            # WHEN something fails, THEN it is rolled back all the same, and what is missing is told
            told = on.failing(world)
            assert told.startswith(RELEASE)
            assert "ROLLED_BACK" in told
            assert "could not be deregistered: deregister_task_definition: AccessDenied" in told
            # AND with the right the revision is deregistered
            iam.put_role_policy(**policy, PolicyDocument=document)
            told = on.failing(world)
            assert told.startswith(RELEASE)
            assert "was deregistered" in told
            assert (("deploy", "ecs:DeregisterTaskDefinition"), "ok") in world.calls()
        finally:
            if "deregister" in iam.list_role_policies(RoleName=role_name("deploy"))["PolicyNames"]:
                iam.delete_role_policy(**policy)


@pytest.mark.parametrize("permission", [p for p, unseen in UNSEEN.items() if unseen.scenario], ids=" ".join)
def test_an_action_whose_absence_is_not_seen_is_called(world: World, permission: Permission) -> None:
    scenario, ends = UNSEEN[permission].scenario, UNSEEN[permission].ends
    assert scenario is not None
    # GIVEN that the call is made
    assert (permission, "ok") in world.normal(scenario)[1]
    # THEN without it the release ends as it does with it
    with without(world, *permission):
        told = scenario(world)
    assert (permission, "denied") in world.calls()
    assert told.startswith(ends)
    assert world.normal(scenario)[0].startswith(ends)


def test_what_the_local_aws_does_not_call_is_said_to_be_so(world: World) -> None:
    # GIVEN every call of normal runs
    called = {permission for scenario in SCENARIOS for permission, _ in world.normal(scenario)[1]}
    # THEN the table of what is not called holds: once it is played, it gets a scenario
    assert called & {permission for permission, unseen in UNSEEN.items() if unseen.scenario is None} == set()


def test_the_plan_role_cannot_write(world: World) -> None:
    # GIVEN a session of the plan role, with nothing but the role's own policy to limit it
    world.normal(planning.plan)
    item = world.item("simple")["serviceName"]
    keys = world.aws.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::111111111111:role/{role_name('plan')}", RoleSessionName="test"
    )["Credentials"]

    def client(service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=world.aws.endpoint,
            region_name="us-west-2",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    ecs, rule = client("ecs"), f"{on.PREFIX}-rule"
    service = {"cluster": CLUSTER, "service": item}
    container = {"name": "app", "image": "app:1", "memory": 64}
    (live,) = ecs.describe_services(cluster=CLUSTER, services=[item])["services"]
    task_definition = live["taskDefinition"]
    schedule = client("scheduler").get_schedule(Name=f"{on.PREFIX}-schedule")
    kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    writes = {
        "update": lambda: ecs.update_service(**service, desiredCount=2),
        "delete": lambda: ecs.delete_service(**service, force=True),
        "register": lambda: ecs.register_task_definition(family=item, containerDefinitions=[container]),
        "deregister": lambda: ecs.deregister_task_definition(taskDefinition=task_definition),
        "run": lambda: ecs.run_task(cluster=CLUSTER, taskDefinition=task_definition),
        "tag": lambda: ecs.tag_resource(resourceArn=task_definition, tags=[{"key": "ecs-gitops:failed", "value": "x"}]),
        "rule": lambda: client("events").put_targets(Rule=rule, Targets=[{"Id": "x", **world.target(rule)}]),
        "schedule": lambda: client("scheduler").update_schedule(**{name: schedule[name] for name in kept}),
        "ledger": lambda: client("s3").put_object(
            Bucket=world.stack.outputs["ledger_bucket_name"], Key="targets/x", Body=b"x"
        ),
        "secret": lambda: client("secretsmanager").get_secret_value(SecretId=f"{on.PREFIX}-complete"),
        "parameter": lambda: client("ssm").get_parameter(Name=f"/{on.PREFIX}-complete", WithDecryption=True),
        "role": lambda: client("sts").assume_role(
            RoleArn=f"arn:aws:iam::111111111111:role/{role_name('deploy')}", RoleSessionName="test"
        ),
    }
    # THEN every call that writes, or reads a value, is denied
    for name, write in writes.items():
        with pytest.raises(ClientError) as caught:
            write()
        assert "AccessDenied" in caught.value.response["Error"]["Code"], (name, caught.value)
