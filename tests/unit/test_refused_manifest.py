"""A manifest that is wrong, from the build to the release that reports it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ecs_gitops import manifest
from ecs_gitops.cli import main
from ecs_gitops.lambdas import init_config, validate_deploy
from ecs_gitops.manifest import refused_manifest
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.problem import Problem
from ecs_gitops.model.source import Source

EXECUTION = {
    "id": "arn:aws:states:us-west-2:111111111111:execution:m:e",
    "name": "e",
    "startTime": "2026-01-01T00:00:00Z",
}
STEP_FUNCTIONS_AT_MOST = 262_144
SOURCE = {"repository": "config", "branch": "main", "commitId": "abc", "author": "Ada", "subject": "Ship it"}
WRONG = "release: 4.0\nservices:\n  - service: web\n    clusterNme: shop\n"


@pytest.fixture
def build(tmp_path: Path) -> dict[str, str]:
    """The environment of a build whose source folder is the test's."""
    commit = tmp_path / "commit.json"
    commit.write_text(json.dumps({"commit": {"author": {"name": "Ada"}, "message": "Ship it"}}))
    return {
        "ECS_GITOPS_COMMIT_ID": "abc",
        "ECS_GITOPS_REPOSITORY": "config",
        "ECS_GITOPS_BRANCH": "main",
        "ECS_GITOPS_COMMIT_FILE": str(commit),
        "ECS_GITOPS_CHECKOUT": str(tmp_path),
    }


def rendered(build: dict[str, str], name: str = "deployment.yaml") -> dict:
    output = Path(build["ECS_GITOPS_CHECKOUT"]) / "deployment.json"
    assert main(["render", "-o", str(output), "--", name], build) == 0
    return json.loads(output.read_text())


def released(deployment: dict) -> dict:
    """What the release comes to, through InitConfig and NextStage as Step Functions carries it."""
    with pytest.raises(InvalidManifest) as caught:
        init_config.handler({"deployment": deployment, "execution": EXECUTION}, None)
    cause = json.dumps(
        {"errorMessage": str(caught.value), "errorType": "InvalidManifest", "stackTrace": ["x" * 500] * 20}
    )
    state = {"error": {"Error": "InvalidManifest", "Cause": cause}, "deployment": deployment, "execution": EXECUTION}
    assert len(json.dumps(state).encode()) < STEP_FUNCTIONS_AT_MOST
    report = validate_deploy.handler({"stage": state}, None)
    assert len(json.dumps(report).encode()) < STEP_FUNCTIONS_AT_MOST
    return report


def test_in_the_build_a_wrong_manifest_is_data_and_the_log_has_every_problem(build, tmp_path, capsys):
    (tmp_path / "deployment.yaml").write_text(WRONG)
    deployment = rendered(build)
    assert set(deployment) == {"schemaVersion", "source", "problems"}
    assert (deployment["schemaVersion"], deployment["source"]) == (1, SOURCE)
    first = deployment["problems"][0]
    assert (first["file"], first["line"], first["column"], first["path"]) == (
        "deployment.yaml",
        3,
        5,
        "services[0]",
    )
    log = capsys.readouterr().err
    for problem in deployment["problems"]:
        assert f"deployment.yaml:{problem['line']}:{problem['column']}: {problem['path']}: {problem['message']}" in log


def test_the_release_fails_with_the_first_problem_and_its_notice_has_all_with_commit_and_author(build, tmp_path):
    (tmp_path / "deployment.yaml").write_text(WRONG)
    deployment = rendered(build)
    report = released(deployment)
    assert (report["next"], report["status"], report["error"]) == ("REPORT", "FAILED", "InvalidRelease")
    assert report["cause"].startswith("deployment.yaml:3:5: services[0]: ")
    for problem in deployment["problems"]:
        line = f"deployment.yaml:{problem['line']}:{problem['column']}: {problem['path']}: {problem['message']}"
        assert line in report["notice"]["message"]
    for known in ("abc Ship it", "Ada", "config (main)", "states/home?region=us-west-2#/v2/executions/details/"):
        assert known in report["notice"]["message"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "there is no such file in the repository"),
        (lambda path: path.symlink_to("/etc/passwd"), "leads out of the repository through a link"),
        (os.mkfifo, "is a named pipe; accepted: a regular file"),
        (os.mkdir, "is a folder; accepted: a regular file"),
    ],
    ids=["absent", "link", "pipe", "folder"],
)
def test_a_manifest_that_is_no_file_of_the_commit_is_a_problem_of_the_commit(build, tmp_path, make, message):
    make(tmp_path / "deployment.yaml")
    deployment = rendered(build)
    assert [each["file"] for each in deployment["problems"]] == ["deployment.yaml"]
    report = released(deployment)
    assert report["cause"].startswith(f"deployment.yaml: {message}")
    assert "root:" not in json.dumps(deployment)


@pytest.mark.parametrize("name", ["/etc/passwd", "../deployment.yaml"])
def test_a_path_that_leads_out_of_the_commit_is_a_problem_of_the_commit(build, name):
    (problem,) = rendered(build, name)["problems"]
    assert problem["message"] == "leads out of the repository"


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{n}: 1\n" for n in range(20_000)),
        "".join(f"{'k' * 900}{n}: 1\n" for n in range(250)),
        "".join(f'"{"鍵" * 300}{n}": 1\n' for n in range(250)),
        "services:\n" + "".join("- {service: '" + '\\"' * 100 + "'}\n" for _ in range(1000)),
        f"release: {'🚀' * 60_000}\n",
        "".join(f"? [{n}]\n" for n in range(10)) + "x" * 200_000,
        "\t" * 200_000,
    ],
    ids=["many", "long", "not ascii", "escapes", "one long", "no key", "tabs"],
)
def test_whatever_the_manifest_its_problems_fit_and_the_log_has_all(build, tmp_path, capsys, text):
    (tmp_path / "deployment.yaml").write_text(text)
    deployment = rendered(build)
    shown, log = deployment["problems"], capsys.readouterr().err
    assert shown
    assert len(json.dumps(shown)) < refused_manifest.PROBLEMS_AT_MOST + 2
    with pytest.raises(InvalidManifest) as caught:
        manifest.load(text.encode(), "deployment.yaml")
    assert all(line in log for line in caught.value.lines[:50] + caught.value.lines[-50:])
    # AND the notice has all that the data has, and how many there are
    message = released(deployment)["notice"]["message"]
    assert message.count("deployment.yaml:") == len(shown)
    if len(shown) < len(caught.value.problems):
        assert deployment["total"] == len(caught.value.problems)
        assert f"... and {deployment['total'] - len(shown)} more problems; the build's log has all" in message


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        "text",
        {},
        [3],
        [{}],
        [{"file": 3}],
        [{"file": "f", "line": "4"}],
        [{"file": "f", "line": -1}],
        [{"file": "f", "message": {}}],
        [{"file": "f", "line": 10**30, "column": 1}],
    ],
)
def test_input_with_problems_is_never_taken_for_a_manifest(found):
    good = {"services": [{"service": "w", "clusterName": "c", "serviceName": "s", "image": "w:1"}]}
    error = refused_manifest.from_data({"schemaVersion": 1, **good, "problems": found})
    assert "the member `problems` does not have the format that a build writes" in str(error)
    with pytest.raises(InvalidManifest):
        init_config.handler({"deployment": {**good, "problems": found}, "execution": EXECUTION}, None)


def test_problems_written_by_hand_are_each_one_line():
    error = refused_manifest.from_data(
        {"problems": [{"file": "f\nFAKE", "message": "a\nb\x1b[31m\u202ec\ud800", "path": "p"}]}
    )
    assert error is not None
    assert str(error).isprintable()
    assert refused_manifest.from_data({"services": []}) is None


def test_problems_come_back_as_they_were_written():
    error = InvalidManifest("d.yaml", [Problem(1, 2, "a.b", "wrong", "right"), Problem(0, 0, "", "more")])
    back = refused_manifest.from_data(json.loads(refused_manifest.to_text(error, Source())))
    assert back is not None
    assert (back.file, back.problems, str(back)) == (error.file, error.problems, str(error))


def test_on_a_laptop_a_wrong_manifest_fails_and_nothing_is_written(tmp_path, capsys):
    (tmp_path / "deployment.yaml").write_text(WRONG)
    assert main(["render", str(tmp_path / "deployment.yaml"), "-o", str(tmp_path / "deployment.json")], {}) == 1
    assert not (tmp_path / "deployment.json").exists()
    assert "deployment.yaml:3:5: services[0]: " in capsys.readouterr().err


def test_a_fault_of_the_build_itself_fails_the_build(build, tmp_path, capsys):
    (tmp_path / "deployment.yaml").write_text(WRONG)
    assert main(["render", "-o", str(tmp_path / "absent" / "deployment.json"), "--", "deployment.yaml"], build) == 2
