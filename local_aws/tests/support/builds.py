"""CodeBuild projects without a source, and their builds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws import LocalAws
from support.policies import allow


@dataclass(frozen=True)
class Project:
    """`name`: of the project; its log group is `/aws/codebuild/NAME`."""

    aws: LocalAws
    name: str

    def ids(self) -> list[str]:
        """Its builds, newest first."""
        return list(self.aws.client("codebuild").list_builds_for_project(projectName=self.name)["ids"])

    def ended(self, build: str | None = None, seconds: float = 30.0) -> dict[str, Any]:
        """A build (the newest) once it is complete."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if number := build or next(iter(self.ids()), None):
                found = self.aws.client("codebuild").batch_get_builds(ids=[number])["builds"][0]
                if found["buildComplete"]:
                    return dict(found)
            time.sleep(0.05)
        raise AssertionError(f"no build of {self.name} was complete in {seconds} s")

    def lines(self, build: dict[str, Any]) -> list[str]:
        """The lines of a build's log."""
        where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
        events = self.aws.client("logs").get_log_events(**where)["events"]
        return [event["message"].rstrip("\n") for event in events]


def project(
    aws: LocalAws,
    name: str,
    make_role: Callable[..., str],
    buildspec: str,
    *statements: dict[str, Any],
    more: dict[str, Any] | None = None,
    **variables: str,
) -> Project:
    """A project with an inline buildspec; its role writes its log and has the rights of `statements`."""
    group = f"/aws/codebuild/{name}"
    aws.client("logs").create_log_group(logGroupName=group)
    where = f"arn:aws:logs:us-west-2:111111111111:log-group:{group}:*"
    logs = allow(["logs:CreateLogStream", "logs:PutLogEvents"], where)
    aws.client("codebuild").create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": buildspec},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": n, "value": v, "type": "PLAINTEXT"} for n, v in variables.items()],
        },
        serviceRole=make_role(f"{name}-build", "codebuild.amazonaws.com", logs, *statements),
        **(more or {}),
    )
    return Project(aws, name)
