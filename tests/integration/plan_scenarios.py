"""The smallest plans that need each permission of the roles that plan, and what a user is told of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import yaml

from integration import permission_scenarios as on
from integration.permission_scenarios import PREFIX, World, role_name
from local_aws.stores.push import image_uri, push_image
from playground.stack import CLUSTER

_ACCOUNT, _PROJECT = "111111111111", "ecs-gitops-plan"
_OTHER = {
    "service": "app",
    "clusterName": "orders",
    "serviceName": "elsewhere",
    "image": "app:1",
    "account": "222222222222",
}


def plan(world: World) -> str:
    """What the command says of items of every kind, read with the plan role."""
    role = f"arn:aws:iam::{_ACCOUNT}:role/{role_name('plan')}"
    file = world.folder / "planned.yaml"
    if world.is_new("plan"):
        for scenario in (on.complete, on.canary, on.rule, on.schedule):
            world.normal(scenario)
        # The test's own credentials may assume the role, beside the build's.
        principal = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [principal]})
        world.aws.client("iam").update_assume_role_policy(RoleName=role_name("plan"), PolicyDocument=document)
        file.write_text(yaml.safe_dump(_of_every_kind(world)))
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": world.aws.endpoint,
        "AWS_ACCESS_KEY_ID": _ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "us-west-2",
    }
    command = [sys.executable, "-m", "ecs_gitops", "plan", str(file), "--verbose", "--role-arn", f"{_ACCOUNT}={role}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _of_every_kind(world: World) -> dict[str, Any]:
    """A manifest of which the check reads everything that it can read."""
    complete, moved = f"{PREFIX}-complete", image_uri(f"{PREFIX}-moved:planned")
    push_image(world.aws, image_uri(f"{complete}:planned"))
    push_image(world.aws, moved)
    # Somebody deployed it by hand, so its digests are ECS's to tell. No other scenario touches it.
    name = world.item("planned")["serviceName"]
    revision = world.definition(name, moved)
    world.aws.client("ecs").update_service(cluster=CLUSTER, service=name, taskDefinition=revision)
    world.settle(name)
    alarms = {"alarms": {"enable": True, "rollback": True, "alarmNames": [complete]}}
    return {
        "tasks": [
            {"service": "app", "cwRuleName": f"{PREFIX}-rule", "image": "app:planned"},
            {"service": "app", "scheduleName": f"{PREFIX}-schedule", "image": "app:planned"},
        ],
        "services": [
            {**_service("complete", image_uri(f"{complete}:planned")), "deployment": alarms},
            {**_service("canary", image_uri(f"{PREFIX}-nowhere:planned")), "deployment": on.CANARY},
            _service("planned", moved),
        ],
    }


def _service(name: str, image: str) -> dict[str, Any]:
    return {"service": "app", "clusterName": CLUSTER, "serviceName": f"{PREFIX}-{name}", "image": image}


# --- requests --------------------------------------------------------------------------------------------------------


def request(world: World) -> str:
    """A request that has a comment already is pushed to: how the build ends, its log, and the comment."""
    if world.is_new("request"):
        world.numbers["request"] = _opened(world, "permissions-request")
        _ended(world, 0)
    return _planned(world, "permissions-request", world.numbers["request"])


def new_request(world: World) -> str:
    """A request is opened."""
    before, name = len(_builds(world)), f"permissions-{world.tag()}"
    number = _opened(world, name)
    return _closed(world, number, _told(world, before, number))


def large_request(world: World) -> str:
    """A request with a plan that a comment has no room for."""
    before, name = len(_builds(world)), f"permissions-{world.tag()}"
    items = [{**_OTHER, "serviceName": f"{'x' * 40}-{n}"} for n in range(80)]
    number = _opened(world, name, yaml.safe_dump({"services": items}))
    return _closed(world, number, _told(world, before, number))


def _planned(world: World, branch: str, number: str) -> str:
    before = len(_builds(world))
    _push(world, branch, f"{_manifest(world)}# {world.tag()}\n")
    return _told(world, before, number)


def _manifest(world: World) -> str:
    return world.manifest() + f"  - {json.dumps(_OTHER)}\n"


def _opened(world: World, branch: str, content: str = "") -> str:
    _push(world, branch, content or f"{_manifest(world)}# {world.tag()}\n")
    target = {
        "repositoryName": world.stack.outputs["repository_name"],
        "sourceReference": branch,
        "destinationReference": "main",
    }
    made = world.aws.client("codecommit").create_pull_request(title="A change", targets=[target])
    return str(made["pullRequest"]["pullRequestId"])


def _closed(world: World, number: str, told: str) -> str:
    world.aws.client("codecommit").update_pull_request_status(pullRequestId=number, pullRequestStatus="CLOSED")
    return told


def _push(world: World, branch: str, content: str) -> None:
    folder = str(world.clone.folder)
    (world.clone.folder / "deployment.yaml").write_text(content)
    for arguments in (
        ["add", "deployment.yaml"],
        ["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.com", "commit", "--quiet", "-m", "A change"],
        ["push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}"],
        ["reset", "--quiet", "--hard", "origin/main"],
    ):
        subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True)


def _builds(world: World) -> list[str]:
    return list(world.aws.client("codebuild").list_builds_for_project(projectName=_PROJECT)["ids"])


def _ended(world: World, before: int) -> dict[str, Any] | None:
    """The build that was started, once it is over; None where none is."""
    codebuild, until = world.aws.client("codebuild"), time.monotonic() + 60
    begin = time.monotonic() + 3
    while True:
        if len(ids := _builds(world)) > before:
            build = codebuild.batch_get_builds(ids=ids[:1])["builds"][0]
            if build["buildComplete"]:
                return dict(build)
        elif time.monotonic() > begin:
            return None
        assert time.monotonic() < until, "the build does not come to an end"
        time.sleep(0.15)


def _told(world: World, before: int, number: str) -> str:
    build = _ended(world, before)
    if build is None:
        return "NotStarted"
    where = {"logGroupName": f"/aws/codebuild/{_PROJECT}", "logStreamName": build["logs"].get("streamName") or "none"}
    logs = world.aws.client("logs")
    try:
        lines = [event["message"].rstrip() for event in logs.get_log_events(**where)["events"]]
    except logs.exceptions.ResourceNotFoundException:
        lines = []
    found = world.aws.client("codecommit").get_comments_for_pull_request(pullRequestId=number)
    comments = [each["content"] for part in found["commentsForPullRequestData"] for each in part["comments"]]
    return "\n".join([build["buildStatus"], *lines, *comments])
