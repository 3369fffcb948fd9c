"""The smallest releases that need each permission, and what a user is told of them; see ``test_permissions.py``."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from local_aws import LocalAws
from local_aws.samples import create_alarm, create_service
from local_aws.stores.push import image_uri, push_image
from playground.stack import CLUSTER, Clone, Stack

# Beginning of names that no other test uses: the stack is theirs as well.
PREFIX = "permissions"
ROLE = f"arn:aws:iam::111111111111:role/shop-{PREFIX}"
CANARY = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 0,
    "canaryConfiguration": {"canaryPercent": 50.0, "canaryBakeTimeInMinutes": 0},
}
_OURS, _PLACE = "ecs-gitops-", "-us-west-2"

Scenario: TypeAlias = "Callable[[World], str]"
# The end of a role's name (``deploy-ecs``), and an action.
Permission: TypeAlias = tuple[str, str]


def role_name(role: str) -> str:
    return f"{_OURS}{role}{_PLACE}"


def short_name(role: str) -> str:
    return role.removeprefix(_OURS).removesuffix(_PLACE)


@dataclass
class World:
    """What the scenarios run on. Services, rules and schedules are made when they are first needed."""

    stack: Stack
    folder: Path
    # Of pull requests, by what they are for.
    numbers: dict[str, str] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(2))
    _calls_seen: int = 0
    _normal: dict[Scenario, tuple[str, list[tuple[Permission, str]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        services = [f"{name}.amazonaws.com" for name in ("ecs-tasks", "events", "scheduler")]
        statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.aws.client("iam").create_role(RoleName=ROLE.rsplit("/", 1)[-1], AssumeRolePolicyDocument=trust)
        self.aws.client("ecs").create_cluster(clusterName=CLUSTER)

    @property
    def aws(self) -> LocalAws:
        return self.stack.aws

    def is_new(self, name: str) -> bool:
        """Whether it has to be made; from now on it has not."""
        is_new = name not in self._made
        self._made.add(name)
        return is_new

    def tag(self) -> str:
        """An image's tag that was not there before."""
        return f"v{next(self._numbers)}"

    # --- what goes on ------------------------------------------------------------------------------------------------

    def calls(self) -> list[tuple[Permission, str]]:
        """What our roles have called since the last time, with the outcome of each."""
        told = self.aws.control(f"calls?since={self._calls_seen}")
        self._calls_seen = told[-1][0] + 1 if told else self._calls_seen
        return [((short_name(who), action), outcome) for _, _, who, action, outcome in told if who.startswith(_OURS)]

    def normal(self, scenario: Scenario) -> tuple[str, list[tuple[Permission, str]]]:
        """The scenario with every permission, once: what is told, and the calls."""
        if scenario not in self._normal:
            self.calls()
            told = scenario(self)
            self._normal[scenario] = told, self.calls()
        return self._normal[scenario]

    # --- what is deployed --------------------------------------------------------------------------------------------

    def item(self, name: str, image: str = "app:v", **more: Any) -> dict[str, Any]:
        """A service's item of the manifest, with an image that it never had. The service is on ``app:1`` at first, and
        its tasks have its tags."""
        name = f"{PREFIX}-{name}"
        if self.is_new(name):
            tags = [{"key": "team", "value": "shop"}]
            create_service(self.aws, CLUSTER, name, self.definition(name), 1, tags=tags, propagateTags="SERVICE")
        self.settle(name)
        image = f"{image}-{self.tag()}"
        return {"service": "app", "clusterName": CLUSTER, "serviceName": name, "image": image, **more}

    def settle(self, name: str) -> None:
        """Wait until no rollout goes on; not until all is well, which a release without a permission may not reach."""
        until = time.monotonic() + 20
        while any(state not in ("COMPLETED", "FAILED") for state in self._rollouts(name)):
            assert time.monotonic() < until, self._rollouts(name)
            time.sleep(0.15)

    def _rollouts(self, name: str) -> list[str]:
        """The states of a service's deployments. Those that are not rolling have none: one alone is complete."""
        (service,) = self.aws.client("ecs").describe_services(cluster=CLUSTER, services=[name])["services"]
        found = [str(deployment.get("rolloutState", "NATIVE")) for deployment in service["deployments"]]
        return ["COMPLETED"] if found == ["NATIVE"] else found

    def definition(self, family: str, image: str = "app:1", container: Any = None, **more: Any) -> str:
        """A revision; its ARN. Its tag is one that the deployer has to copy."""
        containers = [{"name": "app", "image": image, "memory": 64, **(container or {})}]
        tags = [{"key": "team", "value": "shop"}]
        ecs = self.aws.client("ecs")
        told = ecs.register_task_definition(family=family, containerDefinitions=containers, tags=tags, **more)
        return str(told["taskDefinition"]["taskDefinitionArn"])

    def target(self, family: str) -> dict[str, Any]:
        """A rule's or schedule's target that runs a task of the family."""
        cluster = f"arn:aws:ecs:us-west-2:111111111111:cluster/{CLUSTER}"
        return {"Arn": cluster, "RoleArn": ROLE, "EcsParameters": {"TaskDefinitionArn": self.definition(family)}}

    def release(self, patience: float = 30.0, **wanted: list[dict[str, Any]]) -> str:
        """Release services or tasks; what a user is told: the execution's status, its cause or its items."""
        states, until = self.aws.client("stepfunctions"), time.monotonic() + patience
        arn = states.start_execution(
            stateMachineArn=self.stack.outputs["state_machine_arn"],
            name=f"{PREFIX}-{uuid.uuid4()}",
            input=json.dumps(wanted),
        )["executionArn"]
        while (told := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < until, "the execution does not come to an end"
            time.sleep(0.15)
        items = json.loads(told.get("output") or "{}").get("result", {}).get("items", [])
        first = f"{told['status']} {told.get('error', '')}: {told.get('cause', '')}"
        return "\n".join([first, *map(json.dumps, items)])

    # --- what no release can tell -----------------------------------------------------------------------------------

    @cached_property
    def queue(self) -> str:
        """A queue that gets every notice from now on."""
        return self.stack.listen()

    def told_by_event(self, event: dict[str, Any]) -> str:
        """What ValidateDeploy answers to an event of EventBridge."""
        answer = self.aws.client("lambda").invoke(
            FunctionName="ecs-gitops-validate-deploy", Payload=json.dumps(event).encode()
        )
        told = json.loads(answer["Payload"].read())
        return str(told.get("notice") or f"{told.get('errorType')}: {told.get('errorMessage')}")

    # --- the pipeline ------------------------------------------------------------------------------------------------

    @cached_property
    def clone(self) -> Clone:
        """A clone of the config repository, with a manifest that says what is so already: released once."""
        self.item("still")
        clone = self.stack.clone(self.folder / "clone")
        clone.push(self.manifest(), "The first one")
        assert self.stack.release() == "Succeeded"
        return clone

    def manifest(self) -> str:
        service = f"service: app\n    clusterName: {CLUSTER}\n    serviceName: {PREFIX}-still\n    image: app:1\n"
        return f"release: {self.tag()}\nservices:\n  - {service}"

    def pipeline(self) -> str:
        """The pipeline's execution that was started: its status, the actions' messages and the build's log."""
        entries = [entry for entry in self.stack.watch(60) if entry["kind"] in ("action", "build-log")]
        # The pipeline may give up a release that goes on: the next one would be refused as long as it does.
        states, until = self.aws.client("stepfunctions"), time.monotonic() + 60
        running = {"stateMachineArn": self.stack.outputs["state_machine_arn"], "statusFilter": "RUNNING"}
        while states.list_executions(**running)["executions"]:
            assert time.monotonic() < until, "a release does not come to an end"
            time.sleep(0.1)
        told = [str(entry.get("message") or entry.get("line") or "") for entry in entries]
        return "\n".join([self.stack.executions()[0]["status"], *filter(None, told)])


# --- services --------------------------------------------------------------------------------------------------------


def simple(world: World) -> str:
    """A service gets a new image."""
    return world.release(services=[world.item("simple")])


def no_settings(world: World) -> str:
    """The same, and the instance's settings are not there: S3 says so only to who may list the key."""
    s3, bucket = world.aws.client("s3"), world.stack.outputs["ledger_bucket_name"]
    at = {"Bucket": bucket, "Key": "settings/instance.json"}
    marker = s3.delete_object(**at)["VersionId"]
    try:
        return world.release(services=[world.item("simple")])
    finally:
        # Terraform's own version is the newest again.
        s3.delete_object(**at, VersionId=marker)


def complete(world: World) -> str:
    """A service with a role, a secret, a parameter, an alarm and an image in ECR."""
    aws, name = world.aws, f"{PREFIX}-complete"
    if world.is_new(name):
        secret = aws.client("secretsmanager").create_secret(Name=name, SecretString="x")["ARN"]
        aws.client("ssm").put_parameter(Name=f"/{name}", Value="x", Type="SecureString")
        create_alarm(aws, name)
        secrets = [{"name": "A", "valueFrom": secret}, {"name": "B", "valueFrom": f"/{name}"}]
        revision = world.definition(name, container={"secrets": secrets}, taskRoleArn=ROLE)
        create_service(aws, CLUSTER, name, revision, 1)
    alarms = {"alarms": {"enable": True, "rollback": True, "alarmNames": [name]}}
    item = world.item("complete", image_uri(f"{name}:v"), deployment=alarms)
    push_image(aws, item["image"])
    return world.release(services=[item])


def failing(world: World) -> str:
    """A service whose new image cannot be pulled, and which is returned."""
    return world.release(services=[world.item("failing", "app:broken")])


def missing_image(world: World) -> str:
    """An image by digest that is not in its repository, which no other registry fills."""
    item = world.item("simple", image_uri(f"{PREFIX}-nowhere:v"), pinDigest=True)
    return world.release(services=[item])


def moved_tag(world: World) -> str:
    """A service that somebody else deployed from a tag in ECR, which names another image by now."""
    item = world.item("moved", image_uri(f"{PREFIX}-moved:v"))
    name, image = item["serviceName"], item["image"]
    push_image(world.aws, image, "one")
    revision = world.definition(name, image)
    world.aws.client("ecs").update_service(cluster=CLUSTER, service=name, taskDefinition=revision)
    world.settle(name)
    push_image(world.aws, image, "two")
    return world.release(services=[item])


def canary(world: World) -> str:
    """A service that is not deployed by the strategy ROLLING."""
    return world.release(10.0, services=[world.item("canary", deployment=CANARY, timeoutMinutes=1)])


def stuck_canary(world: World) -> str:
    """The same with tasks that do not come up."""
    return world.release(services=[world.item("canary", "app:never", deployment=CANARY, timeoutMinutes=1)])


def hook(world: World) -> str:
    """A service with a hook, whose task has the service's tags."""
    return world.release(services=[world.item("hook", hooks={"preDeploy": {"command": ["migrate"]}})])


def hanging_hook(world: World) -> str:
    """A service whose hook does not come to an end."""
    hooks = {"preDeploy": {"command": ["hang"], "timeoutMinutes": 1}}
    return world.release(services=[world.item("hook", hooks=hooks)])


# --- scheduled tasks and the pipeline --------------------------------------------------------------------------------


def rule(world: World) -> str:
    """A rule that runs a task."""
    name, events = f"{PREFIX}-rule", world.aws.client("events")
    if world.is_new(name):
        events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
        events.put_targets(Rule=name, Targets=[{"Id": "a", **world.target(name)}])
    return world.release(tasks=[{"service": "app", "cwRuleName": name, "image": f"app:{world.tag()}"}])


def schedule(world: World) -> str:
    """A schedule that runs a task."""
    name = f"{PREFIX}-schedule"
    if world.is_new(name):
        given = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}}
        world.aws.client("scheduler").create_schedule(Name=name, Target=world.target(name), **given)
    return world.release(tasks=[{"service": "app", "scheduleName": name, "image": f"app:{world.tag()}"}])


def pipeline(world: World) -> str:
    """The pipeline runs, and nothing changes in ECS."""
    _ = world.clone
    world.aws.client("codepipeline").start_pipeline_execution(name=world.stack.outputs["pipeline_name"])
    return world.pipeline()


def push(world: World) -> str:
    """A push to the config repository starts the pipeline."""
    clone, before = world.clone, len(world.stack.executions())
    clone.push(world.manifest(), "Nothing new")
    until = time.monotonic() + 3
    while len(world.stack.executions()) == before:
        if time.monotonic() > until:
            return "NotStarted"
        time.sleep(0.1)
    return world.pipeline()


def large_input(world: World) -> str:
    """A push whose input is too large for an execution: of three services, with hooks as long as they may be, of
    characters of four bytes. They do not run, as nothing changes."""
    clone, word = world.clone, "\U0001f4e6" * 8_000
    hooks = f"hooks: {{preDeploy: {{command: [{word}]}}, postDeploy: {{command: [{word}]}}}}\n"
    manifest = f"defaults:\n  {hooks}{world.manifest()}    {hooks}"
    for name in ("large-1", "large-2"):
        service = world.item(name) | {"image": "app:1"}
        manifest += "  - " + "    ".join(f"{member}: {value}\n" for member, value in service.items()) + f"    {hooks}"
    clone.push(manifest, "A large one")
    return world.pipeline()


def not_started(world: World) -> str:
    """A Deploy action started no execution, and its event comes twice: what ValidateDeploy answers, and the notices."""
    queue = world.queue
    world.stack.notices(queue)
    detail = {
        "pipeline": world.stack.outputs["pipeline_name"],
        "execution-id": str(uuid.uuid4()),
        "action-execution-id": str(uuid.uuid4()),
        "stage": "Deploy",
        "action": "Deploy",
        "state": "FAILED",
        "type": {"owner": "AWS", "category": "Invoke", "provider": "StepFunctions", "version": "1"},
    }
    event = {
        "detail-type": "CodePipeline Action Execution State Change",
        "source": "aws.codepipeline",
        "detail": detail,
    }
    answers = [world.told_by_event(event), world.told_by_event(event)]
    return "\n".join([" ".join(answers), *(notice["Message"] for notice in world.stack.notices(queue))])
