"""The scenes before a push: a cluster is imported, and a pull request is planned before it is merged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from playground import output
from playground.output import Unexpected, console, step
from playground.scene import World, expect
from playground.session import NEW, OLD
from playground.stack import CLUSTER, ROOT, RULE, SERVICES, image

_BRANCH = "ship-api"
_PLAN_WITHIN = 90.0


def imported(world: World) -> None:
    """Import the cluster, and push what was written."""
    folder = world.clone.folder
    with step(f"ecs-gitops init --cluster {CLUSTER} --tasks -o deployment.yaml"):
        done = _command(world, "init", "--cluster", CLUSTER, "--tasks", "-o", str(folder / "deployment.yaml"))
    _show((folder / "deployment.yaml").read_text())
    _show(done.stderr + done.stdout)
    if done.returncode or "0 changes" not in done.stderr + done.stdout:
        raise Unexpected(f"exit code {done.returncode}: the manifest of what runs would change something")
    status, result = world.release((folder / "deployment.yaml").read_text(), "Import the shop")
    expect(status, result, "Succeeded", **dict.fromkeys((RULE, *SERVICES), "UNCHANGED"))


def pull_request(world: World) -> None:
    """A branch, a request, its plan; the merge, and its release."""
    text = (world.clone.folder / "deployment.yaml").read_text()
    changed = text.replace(image("api", OLD), image("api", NEW))
    codecommit, repository = world.stack.aws.client("codecommit"), world.stack.outputs["repository_name"]
    with step(f"a branch with api {NEW}, and a pull request"):
        world.clone.push(changed, f"Ship api {NEW}", _BRANCH)
        target = {"repositoryName": repository, "sourceReference": _BRANCH, "destinationReference": "main"}
        opened = codecommit.create_pull_request(title=f"Ship api {NEW}", targets=[target])["pullRequest"]
    number = str(opened["pullRequestId"])
    with step("the plan, as a comment and an approval"):
        comment = _planned(codecommit, number, opened["revisionId"])
    _show(comment)
    if "1 to update, 3 unchanged" not in comment:
        raise Unexpected("the plan is not one update")
    with step("the merge"):
        codecommit.merge_pull_request_by_fast_forward(pullRequestId=number, repositoryName=repository)
    status, result = output.follow(world.stack, world.queue)
    output.items(result)
    expected = {**dict.fromkeys((RULE, *SERVICES), "UNCHANGED"), "api": "DEPLOYED"}
    expect(status, result, "Succeeded", **expected)
    console.print("  the release did what the plan said")


def _planned(codecommit: Any, number: str, revision: str) -> str:
    """The comment of the plan, once it has approved the request."""
    until = time.monotonic() + _PLAN_WITHIN
    while time.monotonic() < until:
        told = codecommit.evaluate_pull_request_approval_rules(pullRequestId=number, revisionId=revision)
        if told["evaluation"]["approved"]:
            found = codecommit.get_comments_for_pull_request(pullRequestId=number)["commentsForPullRequestData"]
            return str(found[0]["comments"][0]["content"])
        time.sleep(0.3)
    raise Unexpected(f"no plan within {_PLAN_WITHIN:g} s")


def _command(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The package's own program, against the local AWS."""
    environment = {**os.environ, **world.stack.aws.environment(), "PYTHONPATH": str(ROOT / "lambda_src")}
    command = [sys.executable, "-m", "ecs_gitops", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _show(text: str) -> None:
    console.print("".join(f"    {line}\n" for line in text.splitlines()), style="dim", end="", markup=False)
