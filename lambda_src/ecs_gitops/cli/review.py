"""`ecs-gitops review`: plan pull requests of a CodeCommit repository. The build of ``modules/plan`` runs it.

Its input are environment variables that Terraform writes, and the number of a request, which EventBridge passes: no
text of a request is among them. ``all`` in its place: all whose
comment is older than their commits. Exit code 0: each was planned. 1: one
could not be, or not commented on. 64: a variable is missing or wrong.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from ecs_gitops.aws import caller as calls
from ecs_gitops.aws.pull_requests import PullRequest, PullRequests
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.cli.exit_codes import INVALID_FILE, OK, WRONG_USAGE
from ecs_gitops.model import names, partition
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, LedgerRefused, LedgerUnavailable
from ecs_gitops.model.release import Release
from ecs_gitops.release import instance
from ecs_gitops.release.preview import Instance, Reader, preview
from ecs_gitops.release.review import Repository, Reviewer

if TYPE_CHECKING:
    from ecs_gitops.aws.caller import Caller
    from ecs_gitops.manifest import Manifest
    from ecs_gitops.plan.preview import ReleasePlan

# CodeCommit knows by the session's name who commented and approved, so it is always the same.
SESSION_NAME = "ecs-gitops-plan"
_VARIABLES = ("NAME", "REPOSITORY", "CLONE_URL", "BRANCH", "MANIFEST", "REVIEW_ROLE_ARN", "PLAN_ROLE_ARNS")
_ALL = "all"
_NUMBER = re.compile(r"[0-9]{1,18}")
# Seconds for the reads of one plan.
_PATIENCE = 300
# The host is fixed by Terraform, so it need not look like AWS's: partitions and endpoints of VPCs differ.
_CREDENTIALS = (
    "-c", "credential.helper=!aws codecommit credential-helper --ignore-host-check $@",
    "-c", "credential.useHttpPath=true",
)  # fmt: skip
_NO_ROLE = "modules/deploy_role makes one (plan_trusted_role_arns); name it in the module's plan_role_arns"


def run(_options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """The exit code."""
    given = {name: environment.get(f"ECS_GITOPS_{name}", "") for name in _VARIABLES}
    number = environment.get("ECS_GITOPS_PULL_REQUEST", _ALL)
    wrong = [name for name, value in given.items() if not value]
    if wrong or (number != _ALL and not _NUMBER.fullmatch(number)):
        said = ", ".join(f"ECS_GITOPS_{name}" for name in wrong) or "ECS_GITOPS_PULL_REQUEST"
        print(f"ecs-gitops: missing or not valid: {said}; the build of modules/plan sets them", file=sys.stderr)
        return WRONG_USAGE
    try:
        reviewer = _reviewer(given, environment)
        is_done = number == _ALL or reviewer.review_one(number)
        is_done = reviewer.review_all() and is_done
    except (AwsRefused, AwsUnavailable) as error:
        print(f"ecs-gitops: {error}", file=sys.stderr)
        return INVALID_FILE
    return OK if is_done else INVALID_FILE


def _reviewer(given: Mapping[str, str], environment: Mapping[str, str]) -> Reviewer:
    caller = calls.identity()
    known = instance.find(caller, given["NAME"])
    connections = calls.Connections(caller, json.loads(given["PLAN_ROLE_ARNS"]), _NO_ROLE, is_own_allowed=False)

    def plan(manifest: Manifest) -> ReleasePlan:
        arn = f"arn:{caller.partition}:states:{caller.region}:{caller.account}:execution:{given['NAME']}:plan"
        release = Release(arn, "plan", time.time(), manifest.release)
        reader = Reader(connections.connect, TimeBudget(time.time() + _PATIENCE))
        return preview(manifest, known, reader, release)

    return Reviewer(
        PullRequests(given["REPOSITORY"], given["REVIEW_ROLE_ARN"], SESSION_NAME, caller.region),
        Repository(given["CLONE_URL"], given["BRANCH"], given["MANIFEST"], environment, _CREDENTIALS),
        given["NAME"],
        (caller.account, caller.region),
        plan,
        lambda request, text: _kept(known, caller, request, text),
        lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        environment.get("ECS_GITOPS_APPROVES") == "true",
    )


def _kept(known: Instance, caller: Caller, request: PullRequest, text: str) -> str:
    """Where all of a plan is: it is written to the ledger."""
    if known.bucket is None:
        return ""
    key = f"plans/{names.session_name(request.id)}/{request.source_commit}-{request.destination_commit}.md"
    try:
        known.bucket.put(key, text.encode())
    except (LedgerRefused, LedgerUnavailable) as error:
        print(f"ecs-gitops: the whole plan could not be kept: {error}", file=sys.stderr)
        return ""
    console = partition.console(caller.partition)
    if console is None:
        return f"All of it is in the ledger, {known.bucket.address(key)}."
    query = f"region={caller.region}&prefix={quote(key, safe='')}"
    address = f"https://{caller.region}.{console}/s3/object/{known.bucket.bucket}?{query}"
    return f"[All of it is in the ledger]({address}), for those who may read it."
