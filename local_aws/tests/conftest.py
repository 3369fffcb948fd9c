"""One local AWS for all tests here; each test works on names of its own."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from support.archives import zipped
from support.callers import Caller
from support.git import git
from support.queues import Events
from support.reviews import EVERYTHING, Review, reviewed
from support.services import World

Statement = dict[str, Any]


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("local-aws"), rollout_seconds=0.3, wait_scale=0.05) as running:
        yield running


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def world(aws: LocalAws, name: str) -> World:
    """A cluster and a family of the test's own name."""
    return World(aws.client("ecs"), name)


@pytest.fixture
def make_role(aws: LocalAws) -> Callable[..., str]:
    """`make_role(name, service_or_account, *statements, account=...)` -> ARN."""

    def make(role: str, trusted: str, *statements: Statement, account: str = "111111111111") -> str:
        principal = {"Service": trusted} if "." in trusted else {"AWS": f"arn:aws:iam::{trusted}:root"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        iam = aws.client("iam", account)
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=_policy(*statements))
        return str(arn)

    return make


@pytest.fixture
def sign_in(aws: LocalAws, make_role: Callable[..., str], name: str) -> Callable[..., Caller]:
    """`sign_in(*statements, session="test")` -> a session of a new role with just these rights."""

    def assume(*statements: Statement, session: str = "test") -> Caller:
        arn = make_role(f"{name}-{uuid.uuid4().hex[:4]}", "111111111111", *statements)
        answer = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName=session)
        return Caller(aws.endpoint, answer["AssumedRoleUser"]["Arn"], answer["Credentials"])

    return assume


@pytest.fixture
def as_role(sign_in: Callable[..., Caller]) -> Callable[..., Callable[[str], Any]]:
    """`as_role(*statements)` -> a function that gives clients with just these rights."""
    return lambda *statements: sign_in(*statements).client


@pytest.fixture
def make_function(aws: LocalAws, make_role: Callable[..., str]) -> Callable[[str, str], str]:
    """`make_function(name, source)`: the source is module `app` of a layer, with `handler`; -> ARN."""

    def make(function: str, source: str) -> str:
        client = aws.client("lambda")
        layer = client.publish_layer_version(LayerName=function, Content={"ZipFile": zipped({"python/app.py": source})})
        made = client.create_function(
            FunctionName=function,
            Role=make_role(f"{function}-role", "lambda.amazonaws.com"),
            Runtime="python3.13",
            Handler="app.handler",
            Code={"ZipFile": zipped({"README": "nothing here"})},
            Layers=[layer["LayerVersionArn"]],
            MemorySize=256,
            Timeout=20,
        )
        return str(made["FunctionArn"])

    return make


@pytest.fixture
def clone(aws: LocalAws, name: str, tmp_path: Path) -> Path:
    """A clone of a new repository of the test's name, on branch main."""
    aws.client("codecommit").create_repository(repositoryName=name, repositoryDescription="a test")
    git(tmp_path, "clone", "--quiet", aws.clone_url(name), "clone")
    git(tmp_path / "clone", "checkout", "-B", "main")
    return tmp_path / "clone"


@pytest.fixture
def review(clone: Path, name: str, sign_in: Callable[..., Caller]) -> Review:
    """A repository of the test's name with a branch to merge, and its author."""
    return reviewed(clone, name, sign_in(EVERYTHING, session="author"))


@pytest.fixture
def events(aws: LocalAws, review: Review) -> Events:
    """All events of the repository of `review`, from now on."""
    arn = f"arn:aws:codecommit:us-west-2:111111111111:{review.name}"
    return Events(aws, review.name, {"source": ["aws.codecommit"], "resources": [arn]})


def _policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def until() -> Callable[..., Any]:
    """`until(look, is_so)`: look again until what is seen is so (by default: true); -> what is seen."""

    def wait(look: Callable[[], Any], is_so: Callable[[Any], Any] = bool, seconds: float = 20.0) -> Any:
        end = time.monotonic() + seconds
        while True:
            seen = look()
            if is_so(seen):
                return seen
            if time.monotonic() > end:
                pytest.fail(f"still not so after {seconds} s: {seen}")
            time.sleep(0.05)

    return wait
