"""The whole system on one machine: the module applied, an ECS cluster to deploy to, a clone to push from.

What the demo and the end-to-end test share.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws import LocalAws
from local_aws.samples import create_service
from local_aws.stores.push import push_image
from playground.terraform import Terraform

ROOT = Path(__file__).resolve().parents[3]
CLUSTER = "shop"
REGISTRY = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
SERVICES = ("web", "api", "worker")
RULE = "nightly-cleanup"
# What the build of each of the shop's images has pushed to ECR.
TAGS = ("1.0.0", "2.0.0", "3.0.0", "4.0.0", "5.0.0", "broken-3.0.0", "broken-4.0.0", "broken-5.0.0")


@dataclass(slots=True)
class Stack:
    """A local AWS with the module applied to it."""

    aws: LocalAws
    terraform: Terraform
    outputs: dict[str, Any]
    # Every notice that was received, as it came.
    received: list[str] = field(default_factory=list)
    _seen: int = 0
    _marked: int = 0
    _released: int = 0

    @classmethod
    def apply(cls, aws: LocalAws, folder: Path, tell: Callable[[str], None] | None = None) -> Stack:
        """Apply ``examples/local``; ``tell`` gets Terraform's lines as they come.

        Without the buckets' lifecycle rules, on each of which the provider waits for a minute.
        """
        variables = {
            "endpoint": aws.endpoint,
            "lifecycle_rules": "false",
            "layer_zip": str(ROOT / "build" / "ecs_gitops-layer-arm64.zip"),
        }
        terraform = Terraform(ROOT / "examples" / "local", folder, variables, tell)
        terraform.init()
        terraform.apply()
        return cls(aws, terraform, terraform.outputs())

    @classmethod
    def running(cls, aws: LocalAws, folder: Path) -> Stack:
        """What was applied from ``folder`` before; releases that are over by now are passed over."""
        terraform = Terraform(ROOT / "examples" / "local", folder)
        stack = cls(aws, terraform, terraform.outputs())
        stack._released = len(stack.executions())
        stack._seen = max((entry["n"] + 1 for entry in aws.control("trace?since=0")), default=0)
        return stack

    def mark(self) -> int:
        """The number of the next entry of the trace."""
        new = self.aws.control(f"trace?since={self._marked}")
        self._marked = max((self._marked, *(entry["n"] + 1 for entry in new)))
        return self._marked

    def is_release_new(self) -> bool:
        """Whether a release was started that was not watched yet."""
        return len(self.executions()) > self._released

    def listen(self) -> str:
        """A queue that gets every notice; its address."""
        queue = self.aws.client("sqs").create_queue(QueueName="notices")["QueueUrl"]
        arn = f"arn:aws:sqs:us-west-2:111111111111:{queue.rsplit('/', 1)[-1]}"
        policy = {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                }
            ]
        }
        self.aws.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
        self.aws.client("sns").subscribe(TopicArn=self.outputs["topic_arn"], Protocol="sqs", Endpoint=arn)
        return str(queue)

    def notices(self, queue: str) -> list[dict[str, Any]]:
        """The notices since the last call: each with Subject, Message and MessageAttributes."""
        sqs = self.aws.client("sqs")
        found = []
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.received.append(message["Body"])
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def clone(self, folder: Path) -> Clone:
        """A clone of the config repository."""
        address = self.aws.clone_url(self.outputs["repository_name"])
        subprocess.run(["git", "clone", "--quiet", address, str(folder)], check=True, capture_output=True, text=True)
        return Clone(folder)

    def executions(self) -> list[dict[str, Any]]:
        """The pipeline's executions, newest first."""
        pipeline = self.aws.client("codepipeline")
        told = pipeline.list_pipeline_executions(pipelineName=self.outputs["pipeline_name"])
        return list(told["pipelineExecutionSummaries"])

    def failed_action(self) -> dict[str, Any]:
        """The action that failed in the pipeline's newest execution, as ListActionExecutions tells of it."""
        pipeline, newest = self.aws.client("codepipeline"), self.executions()[0]["pipelineExecutionId"]
        told = pipeline.list_action_executions(
            pipelineName=self.outputs["pipeline_name"], filter={"pipelineExecutionId": newest}
        )
        return next(dict(each) for each in told["actionExecutionDetails"] if each["status"] == "Failed")

    def watch(self, patience: float = 120.0) -> Iterator[dict[str, Any]]:
        """Trace entries as they come, until the pipeline execution that the last push started is over.

        Raises :class:`TimeoutError` when there is none, or it does not end, in ``patience`` seconds.
        """
        until = time.monotonic() + patience
        while time.monotonic() < until:
            executions = self.executions()
            over = len(executions) > self._released and executions[0]["status"] not in ("InProgress", "Stopping")
            for entry in self.aws.control(f"trace?since={self._seen}"):
                self._seen = entry["n"] + 1
                yield entry
            if over:
                self._released = len(executions)
                return
            time.sleep(0.2)
        raise TimeoutError(f"the pipeline did not end in {patience:g} s")

    def release(self, patience: float = 120.0) -> str:
        """Wait for the pipeline execution that the last push starts; its status."""
        for _ in self.watch(patience):
            pass
        return str(self.executions()[0]["status"])


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone of the config repository."""

    folder: Path

    def push(self, manifest: str, subject: str, branch: str = "main") -> None:
        """Write deployment.yaml, commit and push to a branch."""
        (self.folder / "deployment.yaml").write_text(manifest)
        self.commit(subject, branch)

    def commit(self, subject: str, branch: str = "main") -> None:
        """Commit deployment.yaml as it is, and push to a branch."""
        for arguments in (
            ["add", "deployment.yaml"],
            ["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.com", "commit", "--quiet", "-m", subject],
            ["push", "--quiet", "origin", f"HEAD:{branch}"],
        ):
            subprocess.run(["git", "-C", str(self.folder), *arguments], check=True, capture_output=True, text=True)


def image(name: str, tag: str) -> str:
    """An image of the shop."""
    return f"{REGISTRY}/{name}:{tag}"


def build_shop(aws: LocalAws) -> None:
    """A cluster with three services, one of them with a sidecar, and a scheduled task, all on version 1.0.0."""
    roles(aws)
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName=CLUSTER)
    for name in (*SERVICES, "cleanup"):
        for tag in TAGS:
            push_image(aws, image(name, tag))
        sidecar = [{"name": "proxy", "image": "envoyproxy/envoy:v1.31", "memory": 64}] if name == "web" else []
        main = {
            "name": name,
            "image": image(name, "1.0.0"),
            "memory": 128,
            "environment": [{"name": "PASSWORD", "value": f"secret-of-{name}"}],
        }
        ecs.register_task_definition(
            family=name,
            containerDefinitions=[main, *sidecar],
            runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            taskRoleArn="arn:aws:iam::111111111111:role/shop-task",
            executionRoleArn="arn:aws:iam::111111111111:role/shop-execution",
            tags=[{"key": "team", "value": "shop"}],
        )
    for name in SERVICES:
        create_service(aws, CLUSTER, name, name, 2)
    events = aws.client("events")
    events.put_rule(Name=RULE, ScheduleExpression="cron(0 3 * * ? *)")
    definition = ecs.describe_task_definition(taskDefinition="cleanup")["taskDefinition"]["taskDefinitionArn"]
    target = {
        "Id": "cleanup",
        "Arn": f"arn:aws:ecs:us-west-2:111111111111:cluster/{CLUSTER}",
        "RoleArn": "arn:aws:iam::111111111111:role/shop-events",
        "EcsParameters": {"TaskDefinitionArn": definition, "TaskCount": 1},
        "Input": '{"containerOverrides": []}',
    }
    events.put_targets(Rule=RULE, Targets=[target])


def roles(aws: LocalAws) -> None:
    """The roles that the shop's task definitions and rule name."""
    iam = aws.client("iam")
    for name, service in (("task", "ecs-tasks"), ("execution", "ecs-tasks"), ("events", "events")):
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"{service}.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        iam.create_role(RoleName=f"shop-{name}", AssumeRolePolicyDocument=json.dumps(trust))


def manifest(
    tags: dict[str, str],
    release: str,
    cleanup: str | None = None,
    *,
    more: dict[str, str] | None = None,
    top: str = "",
) -> str:
    """A deployment.yaml for the shop: service to image tag, and the tag of the scheduled task. ``more`` are further
    lines of a service's item, ``top`` further lines at the top level."""
    lines = [f"release: {release}", *top.splitlines()]
    if cleanup:
        lines += [
            "tasks:",
            "  - service: cleanup",
            f"    cwRuleName: {RULE}",
            f'    image: "{image("cleanup", cleanup)}"',
        ]
    lines.append("services:")
    for name, tag in tags.items():
        lines += [f"  - service: {name}", f"    clusterName: {CLUSTER}", f"    serviceName: {name}"]
        lines.append(f'    image: "{image(name, tag)}"')
        lines += [f"    {line}" for line in (more or {}).get(name, "").splitlines()]
    return "\n".join(lines) + "\n"
