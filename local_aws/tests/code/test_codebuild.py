"""CodeBuild: phases, the shell they share, and what is told of a build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local_aws import LocalAws

Build = Callable[[str], dict[str, Any]]


@pytest.fixture
def build(aws: LocalAws, name: str, make_role: Callable[..., str], until: Callable[..., Any]) -> Build:
    """`build(buildspec)`: the build as it ended, with its log's lines as `lines`."""

    def run(buildspec: str) -> dict[str, Any]:
        group = f"/aws/codebuild/{name}"
        aws.client("logs").create_log_group(logGroupName=group)
        actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
        logs = {
            "Effect": "Allow",
            "Action": actions,
            "Resource": f"arn:aws:logs:us-west-2:111111111111:log-group:{group}:*",
        }
        client = aws.client("codebuild")
        client.create_project(
            name=name,
            source={"type": "NO_SOURCE", "buildspec": buildspec},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [{"name": "COLOUR", "value": "blue", "type": "PLAINTEXT"}],
            },
            serviceRole=make_role(f"{name}-build", "codebuild.amazonaws.com", logs),
        )
        started = client.start_build(projectName=name)["build"]
        ended: dict[str, Any] = until(
            lambda: client.batch_get_builds(ids=[started["id"]])["builds"][0], lambda each: each["buildComplete"]
        )
        where = {"logGroupName": group, "logStreamName": ended["logs"]["streamName"]}
        events = aws.client("logs").get_log_events(**where)["events"]
        return {**ended, "lines": [event["message"].rstrip("\n") for event in events]}

    return run


def _phases(build: dict[str, Any]) -> dict[str, str]:
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def test_commands_share_one_shell(build: Build) -> None:
    ended = build("""
version: 0.2
env:
  variables: {SHAPE: round}
  exported-variables: [RESULT]
phases:
  pre_build: {commands: ["mkdir -p here && cd here", "export RESULT=$COLOUR-$SHAPE"]}
  build: {commands: ["basename $PWD", "echo result is $RESULT"]}
""")
    assert (ended["buildStatus"], ended["exportedEnvironmentVariables"]) == (
        "SUCCEEDED",
        [{"name": "RESULT", "value": "blue-round"}],
    )
    assert {"here", "result is blue-round"} <= set(ended["lines"])


def test_a_failed_command_ends_its_phase_and_post_build_still_runs(build: Build) -> None:
    ended = build("""
version: 0.2
phases:
  build: {commands: ["sh -c 'exit 3'", "echo not this"], finally: ["echo at last"]}
  post_build: {commands: ["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"]}
""")
    assert ended["buildStatus"] == "FAILED"
    assert (_phases(ended)["BUILD"], "UPLOAD_ARTIFACTS" in _phases(ended)) == ("FAILED", False)
    context = next(phase for phase in ended["phases"] if phase["phaseType"] == "BUILD")["contexts"][0]
    assert context == {
        "statusCode": "COMMAND_EXECUTION_ERROR",
        "message": "Error while executing command: sh -c 'exit 3'. Reason: exit status 3",
    }
    assert "not this" not in ended["lines"]
    assert {"at last", "succeeding=0"} <= set(ended["lines"])


@pytest.mark.parametrize(("on_failure", "status"), [("ABORT", "FAILED"), ("CONTINUE", "SUCCEEDED")])
def test_on_failure_says_how_it_goes_on(build: Build, on_failure: str, status: str) -> None:
    ended = build(f"""
version: 0.2
phases:
  build: {{on-failure: {on_failure}, commands: ["false"]}}
  post_build: {{commands: ["echo afterwards"]}}
""")
    assert ended["buildStatus"] == status
    assert ("afterwards" in ended["lines"]) == (on_failure == "CONTINUE")


def test_after_a_failed_install_nothing_else_runs(build: Build) -> None:
    ended = build("""
version: 0.2
phases:
  install: {commands: ["false"]}
  build: {commands: ["echo too late"]}
""")
    assert _phases(ended)["INSTALL"] == "FAILED"
    assert "BUILD" not in _phases(ended)


def test_a_buildspec_that_is_none_fails_with_its_reason(build: Build) -> None:
    ended = build("version: 0.2\nphases:\n  build:\n    commands:\n      - echo: this is a mapping\n")
    assert ended["buildStatus"] == "FAILED"
    assert any("Expected Commands[0] in phase build to be of string type" in line for line in ended["lines"])
