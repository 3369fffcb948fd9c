"""A CodeBuild project as a rule's target: what it gets, and as whom it is started."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_aws import LocalAws
from support.builds import Project, project
from support.policies import allow
from support.reviews import Review

_SHOW = "version: 0.2\nphases: {build: {commands: ['echo title=$TITLE id=$ID fixed=$FIXED']}}\n"
_TRANSFORMER = {
    "InputPathsMap": {"id": "$.detail.pullRequestId", "title": "$.detail.title"},
    "InputTemplate": json.dumps(
        {
            "environmentVariablesOverride": [
                {"name": "ID", "value": "<id>", "type": "PLAINTEXT"},
                {"name": "TITLE", "value": "<title>", "type": "PLAINTEXT"},
            ]
        }
    ),
}
Build = Callable[..., Project]


@pytest.fixture
def builds(aws: LocalAws, name: str, make_role: Callable[..., str]) -> Project:
    """A project that shows its variables."""
    return project(aws, name, make_role, _SHOW, FIXED="1")


@pytest.fixture
def target(aws: LocalAws, name: str, make_role: Callable[..., str]) -> Callable[..., None]:
    """`target(*statements, trusted=..., **members)`: a rule for the pull requests of the test's repository. Its target
    is the project, with a role with just these rights."""

    def put(*statements: dict[str, Any], trusted: str = "events.amazonaws.com", **members: Any) -> None:
        role = make_role(f"{name}-rule", trusted, *statements)
        pattern = {
            "source": ["aws.codecommit"],
            "detail-type": ["CodeCommit Pull Request State Change"],
            "detail": {"event": ["pullRequestCreated"], "repositoryNames": [name]},
        }
        events = aws.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        arn = f"arn:aws:codebuild:us-west-2:111111111111:project/{name}"
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn, "RoleArn": role, **members}])

    return put


def _may_start(name: str) -> dict[str, Any]:
    return allow("codebuild:StartBuild", f"arn:aws:codebuild:us-west-2:111111111111:project/{name}")


def test_a_pull_request_starts_a_build_with_its_members(
    builds: Project, target: Callable[..., None], review: Review, name: str
) -> None:
    # GIVEN a rule whose transformer makes the input of StartBuild
    target(_may_start(name), InputTransformer=_TRANSFORMER)

    # WHEN a pull request is opened
    made = review.open()

    # THEN a build runs with its members as variables, and tells by which rule
    ended = builds.ended()
    assert f"title=A change id={made['pullRequestId']} fixed=1" in builds.lines(ended)
    assert (ended["buildStatus"], ended["initiator"]) == ("SUCCEEDED", f"rule/{name}")


def test_a_constant_input_is_taken_as_it_is(
    builds: Project, target: Callable[..., None], review: Review, name: str
) -> None:
    variables = [{"name": "FIXED", "value": "2"}]
    target(_may_start(name), Input=json.dumps({"environmentVariablesOverride": variables, "anything": 1}))
    review.open()
    assert "title= id= fixed=2" in builds.lines(builds.ended())


def test_a_target_without_input_starts_a_build_as_the_project_is(
    builds: Project, target: Callable[..., None], review: Review, name: str
) -> None:
    target(_may_start(name))
    review.open()
    assert "title= id= fixed=1" in builds.lines(builds.ended())


def test_values_are_not_escaped(
    aws: LocalAws, builds: Project, target: Callable[..., None], review: Review, name: str
) -> None:
    # GIVEN a transformer that takes a title
    target(_may_start(name), InputTransformer=_TRANSFORMER)

    # WHEN a title has a quotation mark, THEN the input is no JSON and no build is started
    number = review.open()["pullRequestId"]
    builds.ended()
    review.codecommit.update_pull_request_title(pullRequestId=number, title="never mind")
    destination = {"repositoryName": review.name, "sourceReference": "change"}
    review.codecommit.create_pull_request(title='A "change"', targets=[destination])
    (failed,) = [e for e in aws.control("trace") if e["kind"] == "rule-failed" and e["rule"] == name]
    assert failed["why"].startswith("JSONDecodeError")
    assert len(builds.ids()) == 1


@pytest.mark.parametrize("wrong", ["right", "trust", "type"])
def test_what_may_not_start_does_not(
    aws: LocalAws, builds: Project, target: Callable[..., None], review: Review, name: str, wrong: str
) -> None:
    # GIVEN a role without the right, a role that does not trust EventBridge, or an input of a wrong type
    trusted = "lambda.amazonaws.com" if wrong == "trust" else "events.amazonaws.com"
    given = {"Input": '{"environmentVariablesOverride": "FIXED"}'} if wrong == "type" else {}
    target(_may_start("other" if wrong == "right" else name), trusted=trusted, **given)

    # WHEN a pull request is opened, THEN no build is started
    review.open()
    (failed,) = [e for e in aws.control("trace") if e["kind"] == "rule-failed" and e["rule"] == name]
    assert failed["why"].startswith({"right": "Denied", "trust": "NotTrusted", "type": "ValueError"}[wrong])
    assert builds.ids() == []
    if wrong == "right":
        assert [f"{name}-rule", "codebuild:StartBuild", "denied"] in [call[2:] for call in aws.control("calls")]
