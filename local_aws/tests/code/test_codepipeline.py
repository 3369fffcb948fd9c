"""CodePipeline and CodeBuild: a push goes through source, build and state machine, each within its role."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from support.git import commit, git
from support.reviews import Review

_PLACE = "us-west-2:111111111111"
_BUILDSPEC = """
version: 0.2
phases:
  build:
    commands:
      - export GREETING="hello $WHO"
      - cd "$CODEBUILD_SRC_DIR"
      - test "$(cat who)" != nobody
      - aws sts get-caller-identity --query Arn --output text
      - python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("boto3") is not None)'
      - printf '{"greeting":"%s","who":"%s"}' "$GREETING" "$(cat who)" > deployment.json
artifacts:
  files:
    - deployment.json
"""


class Pipeline:
    """A pipeline of the test's name: source, build, state machine, and the rule that a push starts it by."""

    def __init__(self, aws: LocalAws, name: str, make_role: Callable[..., str]) -> None:
        self.aws, self.name, self.make_role = aws, name, make_role

    def make(self, *, without: str = "") -> None:
        """Make it all; `without` leaves that action out of the pipeline's role."""
        aws, name = self.aws, self.name
        aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        artifacts = _allow(["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], f"arn:aws:s3:::{name}/*")
        aws.client("logs").create_log_group(logGroupName=f"/aws/codebuild/{name}")
        logs = _allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:{_PLACE}:log-group:/aws/codebuild/*"
        )
        aws.client("codebuild").create_project(
            name=name,
            source={"type": "CODEPIPELINE", "buildspec": _BUILDSPEC},
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": "ARM_LAMBDA_CONTAINER",
                "image": "aws/codebuild/amazonlinux-aarch64-lambda-standard:python3.13",
                "computeType": "BUILD_LAMBDA_1GB",
            },
            serviceRole=self.make_role(f"{name}-build", "codebuild.amazonaws.com", artifacts, logs),
            logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": f"/aws/codebuild/{name}"}},
        )
        definition = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}
        machine = aws.client("stepfunctions").create_state_machine(
            name=name,
            definition=json.dumps(definition),
            roleArn=self.make_role(f"{name}-machine", "states.amazonaws.com"),
        )["stateMachineArn"]
        actions = {
            f"arn:aws:s3:::{name}": ["s3:GetBucketVersioning"],
            f"arn:aws:codecommit:{_PLACE}:{name}": [
                f"codecommit:{action}"
                for action in (
                    "GetBranch",
                    "GetCommit",
                    "UploadArchive",
                    "GetUploadArchiveStatus",
                    "CancelUploadArchive",
                )
            ],
            f"arn:aws:codebuild:{_PLACE}:project/{name}": ["codebuild:StartBuild", "codebuild:BatchGetBuilds"],
            machine: ["states:DescribeStateMachine", "states:StartExecution"],
            f"arn:aws:states:{_PLACE}:execution:{name}:*": ["states:DescribeExecution"],
        }
        statements = [_allow([a for a in each if a != without], resource) for resource, each in actions.items()]
        role = self.make_role(f"{name}-pipeline", "codepipeline.amazonaws.com", artifacts, *statements)
        aws.client("codepipeline").create_pipeline(pipeline=_declaration(name, role, machine))

    def trigger_by_push(self) -> None:
        """The rule, with a role that may start the pipeline."""
        arn = f"arn:aws:codepipeline:{_PLACE}:{self.name}"
        pattern = {
            "source": ["aws.codecommit"],
            "resources": [f"arn:aws:codecommit:{_PLACE}:{self.name}"],
            "detail": {"event": ["referenceCreated", "referenceUpdated"], "referenceName": ["main"]},
        }
        role = self.make_role(
            f"{self.name}-rule", "events.amazonaws.com", _allow(["codepipeline:StartPipelineExecution"], arn)
        )
        self.aws.client("events").put_rule(Name=self.name, EventPattern=json.dumps(pattern))
        self.aws.client("events").put_targets(Rule=self.name, Targets=[{"Id": "1", "Arn": arn, "RoleArn": role}])

    def executions(self) -> list[dict[str, Any]]:
        """Newest first."""
        client = self.aws.client("codepipeline")
        found: list[dict[str, Any]] = client.list_pipeline_executions(pipelineName=self.name)[
            "pipelineExecutionSummaries"
        ]
        return found

    def actions(self) -> dict[str, dict[str, Any]]:
        """The newest execution's actions by name."""
        wanted = {"pipelineExecutionId": self.executions()[0]["pipelineExecutionId"]}
        details = self.aws.client("codepipeline").list_action_executions(pipelineName=self.name, filter=wanted)
        return {each["actionName"]: each for each in details["actionExecutionDetails"]}


def _allow(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _declaration(name: str, role: str, machine: str) -> dict[str, Any]:
    def action(category: str, provider: str, configuration: dict[str, str], **more: Any) -> dict[str, Any]:
        kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
        inner = {"name": category, "actionTypeId": kind, "configuration": configuration, **more}
        return {"name": category, "actions": [inner]}

    variables = [{"name": "WHO", "type": "PLAINTEXT", "value": "#{Source.BranchName}"}]
    return {
        "name": name,
        "roleArn": role,
        "pipelineType": "V2",
        "executionMode": "QUEUED",
        "artifactStore": {"type": "S3", "location": name},
        "stages": [
            action(
                "Source",
                "CodeCommit",
                {"RepositoryName": name, "BranchName": "main", "PollForSourceChanges": "false"},
                namespace="Source",
                outputArtifacts=[{"name": "source"}],
            ),
            action(
                "Build",
                "CodeBuild",
                {"ProjectName": name, "EnvironmentVariables": json.dumps(variables)},
                inputArtifacts=[{"name": "source"}],
                outputArtifacts=[{"name": "deployment"}],
            ),
            action(
                "Invoke",
                "StepFunctions",
                {
                    "StateMachineArn": machine,
                    "InputType": "FilePath",
                    "Input": "deployment.json",
                    "ExecutionNamePrefix": "release",
                },
                inputArtifacts=[{"name": "deployment"}],
            ),
        ],
    }


@pytest.fixture
def pipeline(aws: LocalAws, name: str, make_role: Callable[..., str]) -> Pipeline:
    return Pipeline(aws, name, make_role)


def _is_over(pipeline: Pipeline) -> bool:
    executions = pipeline.executions()
    return bool(executions) and executions[0]["status"] not in ("InProgress", "Stopping")


def test_a_push_goes_all_the_way(
    aws: LocalAws, name: str, pipeline: Pipeline, clone: Path, until: Callable[..., Any]
) -> None:
    # GIVEN a pipeline with its trigger
    pipeline.make()
    pipeline.trigger_by_push()

    # WHEN a commit is pushed
    commit_id = commit(clone, {"who": "world"}, "Say hello")
    git(clone, "push", "--quiet", "origin", "main")
    until(lambda: _is_over(pipeline))

    # THEN each action did its part, and the built file is the execution's input
    assert pipeline.executions()[0]["status"] == "Succeeded", pipeline.actions()
    actions = pipeline.actions()
    assert actions["Source"]["output"]["executionResult"]["externalExecutionId"] == commit_id
    execution = actions["Invoke"]["output"]["executionResult"]["externalExecutionId"]
    # AND the execution has the prefix and the action's id as its name, as the action's reference says
    assert execution.split(":")[-1] == f"release-{actions['Invoke']['actionExecutionId']}"
    seen = json.loads(aws.client("stepfunctions").describe_execution(executionArn=execution)["input"])
    assert seen == {"greeting": "hello main", "who": "world"}

    # AND the build's own log is there, with the build's role
    build_id = actions["Build"]["output"]["executionResult"]["externalExecutionId"]
    (build,) = aws.client("codebuild").batch_get_builds(ids=[build_id])["builds"]
    assert build["buildStatus"] == "SUCCEEDED"
    where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    lines = [event["message"] for event in aws.client("logs").get_log_events(**where)["events"]]
    assert any(f"assumed-role/{name}-build/" in line for line in lines)


def test_a_failing_command_fails_the_pipeline_and_says_which(
    aws: LocalAws, pipeline: Pipeline, clone: Path, until: Callable[..., Any]
) -> None:
    pipeline.make()
    commit(clone, {"who": "nobody"}, "Break it")
    git(clone, "push", "--quiet", "origin", "main")
    aws.client("codepipeline").start_pipeline_execution(name=pipeline.name)
    until(lambda: _is_over(pipeline))
    actions = pipeline.actions()
    assert (pipeline.executions()[0]["status"], actions["Build"]["status"]) == ("Failed", "Failed")
    assert "Invoke" not in actions
    assert actions["Build"]["output"]["executionResult"]["errorDetails"]["message"]


@pytest.mark.parametrize(
    ("action", "at"),
    [
        ("codecommit:UploadArchive", "Source"),
        ("codebuild:StartBuild", "Build"),
        ("states:StartExecution", "Invoke"),
    ],
)
def test_the_pipelines_role_must_allow_each_call(
    aws: LocalAws, pipeline: Pipeline, clone: Path, until: Callable[..., Any], action: str, at: str
) -> None:
    pipeline.make(without=action)
    commit(clone, {"who": "world"}, "Try it")
    git(clone, "push", "--quiet", "origin", "main")
    aws.client("codepipeline").start_pipeline_execution(name=pipeline.name)
    until(lambda: _is_over(pipeline))
    failed = pipeline.actions()[at]
    assert failed["status"] == "Failed"
    assert f"not authorized to perform: {action}" in failed["output"]["executionResult"]["errorDetails"]["message"]


def test_an_action_that_fails_is_an_event_with_what_it_began_and_why(
    aws: LocalAws, name: str, pipeline: Pipeline, clone: Path, until: Callable[..., Any]
) -> None:
    # GIVEN a queue that gets the pipeline's events
    pipeline.make()
    queue = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": [name], "state": ["FAILED"]}}
    aws.client("events").put_rule(Name=f"{name}-failed", EventPattern=json.dumps(pattern))
    target = {"Id": "1", "Arn": f"arn:aws:sqs:us-west-2:111111111111:{name}"}
    aws.client("events").put_targets(Rule=f"{name}-failed", Targets=[target])
    # WHEN its build fails
    commit(clone, {"who": "nobody"}, "Break it")
    git(clone, "push", "--quiet", "origin", "main")
    aws.client("codepipeline").start_pipeline_execution(name=pipeline.name)
    until(lambda: _is_over(pipeline))
    # THEN action and pipeline have an event each, and the action's has the members of AWS's
    got: list[dict[str, Any]] = []

    def receive() -> list[dict[str, Any]]:
        for message in aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            got.append(json.loads(message["Body"]))
            aws.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return got

    until(receive, lambda seen: len(seen) == 2)
    of_action, of_pipeline = sorted(got, key=lambda event: str(event["detail-type"]))
    assert of_pipeline["detail-type"] == "CodePipeline Pipeline Execution State Change"
    build, detail = pipeline.actions()["Build"], of_action["detail"]
    assert (detail["stage"], detail["action-execution-id"]) == ("Build", build["actionExecutionId"])
    assert detail["type"] == {"owner": "AWS", "category": "Build", "provider": "CodeBuild", "version": "1"}
    assert detail["execution-result"]["external-execution-id"].startswith(f"{name}:")
    assert detail["execution-result"]["error-code"] == "JobFailed"
    assert "failed" in detail["execution-result"]["external-execution-summary"]


def test_a_rule_without_the_right_role_starts_nothing(
    aws: LocalAws, name: str, pipeline: Pipeline, clone: Path, make_role: Callable[..., str]
) -> None:
    pipeline.make()
    pipeline.trigger_by_push()
    aws.client("iam").delete_role_policy(RoleName=f"{name}-rule", PolicyName="p")
    commit(clone, {"who": "world"}, "Try it")
    git(clone, "push", "--quiet", "origin", "main")
    assert pipeline.executions() == []


def test_a_merged_pull_request_starts_the_pipeline(
    aws: LocalAws, name: str, pipeline: Pipeline, review: Review, until: Callable[..., Any]
) -> None:
    # GIVEN a pipeline that a change of main starts, and a pull request
    pipeline.make()
    pipeline.trigger_by_push()
    made = review.open()
    review.push({"more.yaml": "b: 2\n"})
    assert pipeline.executions() == []

    # WHEN it is merged
    review.codecommit.merge_pull_request_by_squash(pullRequestId=made["pullRequestId"], repositoryName=name)

    # THEN the merge commit goes into the pipeline
    until(lambda: _is_over(pipeline))
    source = pipeline.actions()["Source"]["output"]["executionResult"]
    assert source["externalExecutionId"] == review.tip("main")
