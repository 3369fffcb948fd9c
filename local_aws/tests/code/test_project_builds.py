"""Builds of a project without a source: their limit, and Git with the role's credentials."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local_aws import LocalAws
from support.builds import project
from support.policies import allow
from support.reviews import Review, refused

MakeRole = Callable[..., str]


def test_builds_above_the_limit_are_refused(
    aws: LocalAws, name: str, make_role: MakeRole, until: Callable[..., object]
) -> None:
    # GIVEN a project of one build at once, and a build that waits
    buildspec = 'version: 0.2\nphases: {build: {commands: ["sleep 3"]}}\n'
    builds = project(aws, name, make_role, buildspec, more={"concurrentBuildLimit": 1})
    client = aws.client("codebuild")
    first = client.start_build(projectName=name)["build"]["id"]

    # WHEN another is started meanwhile, THEN it is refused and does not wait
    assert refused(lambda: client.start_build(projectName=name)) == "AccountLimitExceededException"
    assert builds.ids() == [first]

    # WHEN the first has ended, THEN another may start
    builds.ended(first)
    second = client.start_build(projectName=name)["build"]["id"]
    assert builds.ended(second)["buildStatus"] == "SUCCEEDED"


def test_a_project_is_read_with_its_limit(aws: LocalAws, name: str, make_role: MakeRole) -> None:
    project(aws, name, make_role, "version: 0.2\n", more={"concurrentBuildLimit": 1, "timeoutInMinutes": 5})
    client = aws.client("codebuild")
    (found,) = client.batch_get_projects(names=[name])["projects"]
    assert (found["concurrentBuildLimit"], found["timeoutInMinutes"]) == (1, 5)
    client.update_project(name=name, concurrentBuildLimit=-1)
    assert "concurrentBuildLimit" not in client.batch_get_projects(names=[name])["projects"][0]


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_build_clones_with_the_credentials_of_its_role(
    aws: LocalAws, name: str, make_role: MakeRole, review: Review, is_allowed: bool
) -> None:
    # GIVEN a buildspec that asks for the credential helper, and clones as on AWS
    buildspec = """
version: 0.2
env: {git-credential-helper: "yes"}
phases:
  build:
    commands:
      - git clone --quiet https://git-codecommit.$AWS_REGION.amazonaws.com/v1/repos/$REPOSITORY own
      - git -C own log --oneline origin/change --format=subject=%s
      - aws sts get-caller-identity --query Arn --output text
"""
    arn = f"arn:aws:codecommit:us-west-2:111111111111:{name if is_allowed else 'other'}"
    builds = project(aws, name, make_role, buildspec, allow("codecommit:GitPull", arn), REPOSITORY=review.name)

    # WHEN it is built
    ended = builds.ended(aws.client("codebuild").start_build(projectName=name)["build"]["id"])

    # THEN the role's permissions decide
    lines = builds.lines(ended)
    assert ended["buildStatus"] == ("SUCCEEDED" if is_allowed else "FAILED")
    assert ("subject=Second" in lines) == is_allowed
    assert any(f":assumed-role/{name}-build/AWSCodeBuild-" in line for line in lines) == is_allowed
    assert any("returned error: 403" in line for line in lines) != is_allowed


def test_variables_that_are_read_elsewhere_are_refused(aws: LocalAws, name: str, make_role: MakeRole) -> None:
    project(aws, name, make_role, "version: 0.2\n")
    secret = [{"name": "A", "value": "a", "type": "SECRETS_MANAGER"}]
    start = aws.client("codebuild").start_build
    error = refused(lambda: start(projectName=name, environmentVariablesOverride=secret))
    assert error == "InvalidInputException"
