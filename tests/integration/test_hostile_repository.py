"""The buildspec that ships, over repositories that want to run something in the build, or to read its machine."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from integration.hostile_repository import FOLDER, MANIFEST, PIPE, files, link, packed
from local_aws import LocalAws
from playground.stack import ROOT

Content = Mapping[str, tuple[int, str]]
Build = Callable[..., dict[str, Any]]
_BUILDSPEC = (ROOT / "modules" / "pipeline" / "buildspec.yml").read_text()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS of its own: what the builds leave there is nothing of the stack's."""
    with LocalAws(tmp_path_factory.mktemp("builds")) as running:
        yield running


@pytest.fixture
def build(aws: LocalAws, layer: Path) -> Build:
    """`build(content, manifest)`: the build as it ended, with its log's `lines` and its `deployment`."""
    name = f"t{uuid.uuid4().hex[:10]}"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    data = layer.read_bytes()
    version = aws.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": data})
    group = f"/aws/codebuild/{name}"
    aws.client("logs").create_log_group(logGroupName=group)
    allowed = {"Effect": "Allow", "Action": ["s3:*", "logs:*", "lambda:GetLayerVersion"], "Resource": "*"}
    role = _role(aws, f"{name}-build", allowed)

    def run(content: Content, manifest: str = "deployment.yaml", data: bytes = data) -> dict[str, Any]:
        variables = {
            "ECS_GITOPS_LAYER_ARN": version["LayerVersionArn"],
            "ECS_GITOPS_LAYER_SHA256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
            "ECS_GITOPS_MANIFEST": manifest,
            "ECS_GITOPS_REPOSITORY": name,
            "ECS_GITOPS_BRANCH": "main",
            "ECS_GITOPS_COMMIT_ID": "c" * 40,
        }
        client = aws.client("codebuild")
        client.create_project(
            name=name,
            source={"type": "CODEPIPELINE", "buildspec": _BUILDSPEC},
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [
                    {"name": key, "value": value, "type": "PLAINTEXT"} for key, value in variables.items()
                ],
            },
            serviceRole=role,
            logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": group}},
        )
        s3.put_object(Bucket=name, Key="source", Body=packed(content))
        started = client.start_build(
            projectName=name,
            sourceTypeOverride="S3",
            sourceLocationOverride=f"{name}/source",
            artifactsOverride={"type": "S3", "location": name, "path": "deployment"},
        )["build"]
        ended = _ended(client, started["id"])
        where = {"logGroupName": group, "logStreamName": ended["logs"]["streamName"]}
        ended["lines"] = [
            event["message"].rstrip("\n") for event in aws.client("logs").get_log_events(**where)["events"]
        ]
        if ended["buildStatus"] == "SUCCEEDED":
            body = s3.get_object(Bucket=name, Key="deployment")["Body"].read()
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                assert archive.namelist() == ["deployment.json"]
                ended["deployment"] = json.loads(archive.read("deployment.json"))
        return ended

    return run


def _role(aws: LocalAws, name: str, *statements: dict[str, Any]) -> str:
    """A role of CodeBuild's with these rights; -> ARN."""
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = aws.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(*statements))
    return str(made)


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _ended(client: Any, build_id: str, seconds: float = 60.0) -> dict[str, Any]:
    """The build when it is complete."""
    end = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.batch_get_builds(ids=[build_id])["builds"][0]
        if found["buildComplete"]:
            return found
        assert time.monotonic() < end, f"still going on after {seconds:g} s: {found}"
        time.sleep(0.05)


def _items(build: dict[str, Any]) -> list[tuple[str, str]]:
    assert build["buildStatus"] == "SUCCEEDED", build["lines"]
    return [(item["serviceName"], item["image"]) for item in build["deployment"]["services"]]


def test_nothing_of_the_repository_runs_in_the_build(build: Build, tmp_path: Path) -> None:
    # GIVEN a repository with everything that could be run, loaded or obeyed
    mark = tmp_path / "was-run"
    # WHEN it is built
    ended = build(files(mark))
    # THEN what Git says is what the release gets, and nothing of the repository has run
    assert _items(ended) == [("web", "web:2")]
    assert ended["deployment"]["source"] == {
        "repository": ended["projectName"],
        "branch": "main",
        "commitId": "c" * 40,
    }
    assert not mark.exists()
    assert [line for line in ended["lines"] if "PWNED" in line] == []


def test_a_repository_cannot_pass_another_layer_for_the_one_that_was_deployed(build: Build, tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    ended = build(files(mark), data=b"another layer")
    assert ended["buildStatus"] == "FAILED"
    assert any("the layer is not the one that was deployed" in line for line in ended["lines"])
    assert not mark.exists()


@pytest.mark.parametrize("result", [link("victim"), link("/etc/hostname"), FOLDER, PIPE], ids=str)
def test_what_is_called_like_the_result_is_not_the_result(build: Build, result: tuple[int, str]) -> None:
    content = {"deployment.yaml": (0o100644, MANIFEST), "victim": (0o100644, "as it was"), "deployment.json": result}
    assert _items(build(content)) == [("web", "web:2")]


_SECRET = "release: [this-is-a-secret\n"


# One of each kind; tests/unit/test_manifest_file.py has all that is refused.
@pytest.mark.parametrize(
    ("content", "manifest", "told"),
    [
        ({"deployment.yaml": link("/etc/passwd")}, "deployment.yaml", "leads out of the repository"),
        ({"prod": link("../" * 30 + "{outside}")}, "prod/deployment.yaml", "leads out of the repository"),
        ({"deployment.yaml": link("/proc/self/environ")}, "deployment.yaml", "leads out of the repository"),
        ({"x": (0o100644, "")}, "{outside}/deployment.yaml", "leads out of the repository"),
        ({"deployment.yaml": PIPE}, "deployment.yaml", "is a named pipe"),
        ({"deployment.yaml": FOLDER}, "deployment.yaml", "is a folder"),
        ({"x": (0o100644, "")}, "--output", "there is no such file"),
        ({".git/config": (0o100644, _SECRET), "x.yaml": link(".git/config")}, "x.yaml", "git's own folder"),
        ({"deployment.yaml": (0o100644, "x" * 8_400_000)}, "deployment.yaml", "more than 8,388,608 bytes"),
    ],
)
def test_a_manifest_that_is_no_file_of_the_commit_is_refused_and_nothing_of_it_is_read(
    build: Build, tmp_path: Path, content: Content, manifest: str, told: str
) -> None:
    # GIVEN a file outside of the repository
    (tmp_path / "deployment.yaml").write_text(_SECRET)
    content = {path: (mode, text.format(outside=tmp_path)) for path, (mode, text) in content.items()}
    # WHEN the manifest's path leads there, or to what is no file
    ended = build(content, manifest.format(outside=tmp_path))
    # THEN the release is told why it fails, and nobody is told what is in there
    assert ended["buildStatus"] == "SUCCEEDED", ended["lines"]
    assert set(ended["deployment"]) == {"schemaVersion", "source", "problems"}
    (problem,) = ended["deployment"]["problems"]
    assert told in problem["message"]
    everything = json.dumps(ended["deployment"]) + "\n".join(ended["lines"])
    for secret in ("root:", "this-is-a-secret", "SecretAccessKey", "AWS_SECRET"):
        assert secret not in everything
