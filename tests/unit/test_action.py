"""The GitHub action: its files have GitHub's published shape, and its comment is one, found again by its marker."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / ".github" / "plan"
MARKER = "<!-- ecs-gitops plan of shop -->"


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-actions", [ROOT / "action.yml"]),
        ("vendor.github-workflows", sorted((ROOT / ".github" / "workflows").glob("*.yml"))),
    ],
    ids=["action", "workflows"],
)
def test_the_files_have_githubs_published_shape(schema: str, files: list[Path]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert files
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_somebody_else_wrote_is_never_a_part_of_a_script() -> None:
    # GIVEN the action's steps
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    # THEN no expression of GitHub is in what a shell runs
    assert len(steps) == 3
    assert [step["name"] for step in steps if "${{" in step["run"]] == []


def test_no_python_of_the_checkout_is_run() -> None:
    # GIVEN the script, whose folder is the checkout: `python3 -m` alone would look for modules there first
    calls = re.findall(r"\bpython3 .*", (SCRIPTS / "plan.sh").read_text())
    assert len(calls) == 2
    assert all(call.startswith("python3 -I ") for call in calls)


def test_the_readme_of_the_preview_uses_inputs_that_there_are() -> None:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    (used,) = re.findall(r"uses: your-org/ecs-gitops@\S+\n\s+with:\n((?:\s+[a-z-]+: .+\n)+)", _preview())
    given = dict(re.findall(r"^\s+([a-z-]+): (\S+)", used, re.MULTILINE))
    assert set(given) == {"role-arn", "role-arns", "region"}
    assert set(given) <= set(inputs)
    # The roles of examples/github_oidc: the token gives the workflow's, and that one assumes the plan role.
    assert given["role-arn"].endswith(":role/ecs-gitops-github")
    assert given["role-arns"] == "111111111111=arn:aws:iam::111111111111:role/ecs-gitops-plan-us-west-2"


@pytest.mark.parametrize(("code", "is_green"), [("0", True), ("2", True), ("1", False), ("64", False), ("", False)])
def test_the_job_is_red_unless_there_is_a_plan_that_can_be_released(code: str, is_green: bool) -> None:
    # GIVEN the last step, and how `ecs-gitops plan` ended: 64 is wrong usage, such as a role that is none
    (step,) = [
        each for each in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"] if each["name"] == "Result"
    ]
    done = subprocess.run(["bash", "-e", "-c", step["run"]], check=False, env={**os.environ, "CODE": code})
    assert (done.returncode == 0) is is_green


def _preview() -> str:
    return (ROOT / "docs" / "preview.md").read_text()


@pytest.fixture
def github(tmp_path: Path) -> Path:
    """A folder with a `gh` that keeps what it is called with, and answers with the comments in `comments.json`."""
    (tmp_path / "comments.json").write_text("[]")
    gh = tmp_path / "gh"
    gh.write_text(
        "#!/usr/bin/env bash\n"
        f'cd "{tmp_path}"\n'
        'printf "%s\\n" "$*" >> calls\n'
        "while [ $# -gt 0 ]; do\n"
        '  case "$1" in\n'
        '    --jq) jq --raw-output "$2" comments.json; shift;;\n'
        '    --input) cp "$2" body.json; shift;;\n'
        "  esac\n"
        "  shift\n"
        "done\n"
    )
    gh.chmod(0o755)
    return tmp_path


def _comment(github: Path, plan: str = "### plan\n") -> list[str]:
    """What `gh` is called with."""
    (github / "plan.md").write_text(plan)
    environment = {
        **os.environ,
        "PATH": f"{github}{os.pathsep}{os.environ['PATH']}",
        "PLAN": str(github / "plan.md"),
        "INSTANCE": "shop",
        "NUMBER": "7",
        "GITHUB_REPOSITORY": "shop/config",
    }
    subprocess.run(["bash", str(SCRIPTS / "comment.sh")], check=True, env=environment, capture_output=True)
    return (github / "calls").read_text().splitlines()


needs_jq = pytest.mark.skipif(
    shutil.which("jq") is None and os.environ.get("CI") != "true",
    reason="jq is not installed; GitHub's runners have it",
)


@needs_jq
def test_the_first_plan_of_a_request_is_a_new_comment(github: Path) -> None:
    # GIVEN a request on which somebody quotes the marker
    quoted = {"id": 3, "user": {"type": "User"}, "body": f"what is\n{MARKER}"}
    (github / "comments.json").write_text(json.dumps([quoted]))
    # WHEN the plan is written, with texts that a shell or JSON could take for their own
    calls = _comment(github, '### plan `id` $(id) "x"\\n\n')
    # THEN it is a new comment, to the letter
    assert "--method POST repos/shop/config/issues/7/comments" in calls[-1]
    body = json.loads((github / "body.json").read_text())["body"]
    assert body.startswith('### plan `id` $(id) "x"\\n\n')
    assert body.endswith(f"{MARKER}\n")


@needs_jq
def test_the_next_plan_replaces_the_comment(github: Path) -> None:
    ours = {"id": 5, "user": {"type": "Bot"}, "body": f"### old\n\n{MARKER}\n"}
    (github / "comments.json").write_text(json.dumps([ours]))
    assert "--method PATCH repos/shop/config/issues/comments/5" in _comment(github)[-1]


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A runner whose `python3` makes environments with a `python` that plans as the file `plan` says, and whose `curl`
    gives a token."""
    for name, text in {
        "python3": """
            if [ "$3" = venv ]; then mkdir -p "$4/bin"; cp "$(dirname "$0")/plan" "$4/bin/python"
              printf '#!/bin/sh\n' > "$4/bin/pip"; chmod +x "$4/bin/pip"; else cat; fi""",
        "curl": "echo token",
        "plan": 'env > "$RUNNER_TEMP/environment"; echo "{}"; case "$*" in *json*) exit 2;; esac',
    }.items():
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def _plan(runner: Path, **more: str) -> dict[str, str]:
    """The outputs of the step, and what is in the comment."""
    names = ("MANIFEST", "ROLE_ARN", "REGION", "ROLE_ARNS", "INSTANCE", "SOURCE")
    environment = {
        **dict.fromkeys(names, ""),
        "PATH": f"{runner}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(runner),
        "GITHUB_OUTPUT": str(runner / "outputs"),
        **more,
    }
    subprocess.run(["bash", str(SCRIPTS / "plan.sh")], check=True, env=environment, capture_output=True)
    found = dict(line.split("=", 1) for line in (runner / "outputs").read_text().splitlines())
    return {**found, "text": Path(found["comment"]).read_text()}


def test_the_role_of_the_token_comes_before_the_keys_of_the_job(runner: Path) -> None:
    token = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t", "ACTIONS_ID_TOKEN_REQUEST_URL": "https://127.0.0.1:1/?a"}
    found = _plan(runner, ROLE_ARN="arn:aws:iam::111111111111:role/x", AWS_ACCESS_KEY_ID="other", **token)
    assert found["exit-code"] == "2"
    environment = (runner / "environment").read_text()
    assert "AWS_ROLE_ARN=arn:aws:iam::111111111111:role/x\n" in environment
    assert "AWS_ACCESS_KEY_ID" not in environment


def test_a_comment_that_could_not_be_made_says_so(runner: Path) -> None:
    # GIVEN an AWS that stops to answer between the plan as JSON and the one for the comment
    plan = runner / "plan"
    said = "echo 'AWS did not `answer`' >&2; exit 1"
    plan.write_text(f'#!/bin/sh\ncase "$*" in *json*) echo "{{}}";; *) {said};; esac\n')
    # THEN the comment says so, and the job will be red
    found = _plan(runner)
    assert found["exit-code"] == "1"
    assert "there is none" in found["text"]
    assert "AWS did not 'answer'" in found["text"]
