"""Pull requests on the stack's repository: people who open them, and what the plan says of them."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from playground.stack import Stack

ACCOUNT = "111111111111"
PROJECT = "ecs-gitops-plan"


@dataclass
class Person:
    """Somebody with a role of their own. ``arn`` is their session's."""

    endpoint: str
    arn: str
    credentials: dict[str, str]

    @property
    def codecommit(self) -> Any:
        keys = self.credentials
        return boto3.client(
            "codecommit",
            endpoint_url=self.endpoint,
            region_name="us-west-2",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )


def person(stack: Stack, name: str, *policies: str) -> Person:
    """Somebody who may do everything in CodeCommit, but for what ``policies`` deny."""
    iam, role = stack.aws.client("iam"), f"{name}-{uuid.uuid4().hex[:6]}"
    principal = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [principal]})
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    all_of_it = {"Effect": "Allow", "Action": "codecommit:*", "Resource": "*"}
    documents = [json.dumps({"Version": "2012-10-17", "Statement": [all_of_it]}), *policies]
    for number, document in enumerate(documents):
        iam.put_role_policy(RoleName=role, PolicyName=f"p{number}", PolicyDocument=document)
    answer = stack.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)
    return Person(stack.aws.endpoint, answer["AssumedRoleUser"]["Arn"], answer["Credentials"])


@dataclass
class Desk:
    """A clone of the stack's repository, and somebody who opens requests."""

    stack: Stack
    folder: Path
    author: Person
    opened: list[str] = field(default_factory=list)

    @property
    def repository(self) -> str:
        return str(self.stack.outputs["repository_name"])

    def git(self, *arguments: str) -> str:
        """Git's output in the clone."""
        who = ("-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.com")
        command = ["git", "-C", str(self.folder), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def branch(self, content: str | Callable[[Path], None], name: str = "") -> str:
        """A pushed branch from main with a manifest, or with what ``content`` does to the clone; its name."""
        name = name or f"change-{uuid.uuid4().hex[:6]}"
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "--quiet", "-B", name, "origin/main")
        self.push(content, name)
        return name

    def push(self, content: str | Callable[[Path], None], name: str) -> None:
        """A commit on a branch, pushed."""
        if callable(content):
            content(self.folder)
        else:
            (self.folder / "deployment.yaml").write_text(content)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        self.git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{name}")

    def open(self, branch: str, title: str = "A change") -> str:
        """A pull request to main; its number."""
        target = {"repositoryName": self.repository, "sourceReference": branch, "destinationReference": "main"}
        made = self.author.codecommit.create_pull_request(title=title, targets=[target])
        self.opened.append(str(made["pullRequest"]["pullRequestId"]))
        return self.opened[-1]

    def close_all(self) -> None:
        """Close the requests that are open, and wait for their builds."""
        for number in self.opened:
            if self.read(number)["pullRequestStatus"] == "OPEN":
                self.author.codecommit.update_pull_request_status(pullRequestId=number, pullRequestStatus="CLOSED")
        self.opened.clear()
        until = time.monotonic() + 60
        while any(not each["buildComplete"] for each in self.builds()):
            assert time.monotonic() < until, self.log()
            time.sleep(0.2)

    def read(self, number: str) -> dict[str, Any]:
        return dict(self.author.codecommit.get_pull_request(pullRequestId=number)["pullRequest"])

    def comments(self, number: str) -> list[dict[str, Any]]:
        """The comments on a request."""
        found = self.author.codecommit.get_comments_for_pull_request(pullRequestId=number)
        return [each for part in found["commentsForPullRequestData"] for each in part["comments"]]

    def planned(self, number: str, has: str = "", seconds: float = 60.0) -> str:
        """The comment of the plan, once there is one with this text."""
        until = time.monotonic() + seconds
        while True:
            found = [each["content"] for each in self.comments(number) if "ecs-gitops plan of" in each["content"]]
            if found and has in found[0]:
                assert len(found) == 1
                return str(found[0])
            assert time.monotonic() < until, f"no plan with {has!r}: {found or self.log()}"
            time.sleep(0.2)

    def approved(self, number: str) -> bool:
        """Whether the request may be merged."""
        revision = self.read(number)["revisionId"]
        found = self.author.codecommit.evaluate_pull_request_approval_rules(pullRequestId=number, revisionId=revision)
        return bool(found["evaluation"]["approved"])

    def until_approved(self, number: str, *, is_so: bool = True, seconds: float = 20.0) -> None:
        """Wait for the approval, or until it is taken back."""
        until = time.monotonic() + seconds
        while self.approved(number) is not is_so:
            assert time.monotonic() < until, f"approved: {not is_so}: {self.log()}"
            time.sleep(0.2)

    def builds(self) -> list[dict[str, Any]]:
        """The builds of the plan's project that there are, newest first."""
        codebuild = self.stack.aws.client("codebuild")
        ids = codebuild.list_builds_for_project(projectName=PROJECT)["ids"]
        return list(codebuild.batch_get_builds(ids=ids)["builds"]) if ids else []

    def log(self) -> str:
        """What the newest build wrote."""
        builds = self.builds()
        if not builds:
            return "there was no build"
        where = {"logGroupName": builds[0]["logs"]["groupName"], "logStreamName": builds[0]["logs"]["streamName"]}
        events = self.stack.aws.client("logs").get_log_events(**where)["events"]
        return "\n".join([builds[0]["buildStatus"], *(event["message"].rstrip() for event in events)])
