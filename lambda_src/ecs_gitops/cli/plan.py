"""`ecs-gitops plan [FILE]`: what a push of the manifest would do. It only reads.

Results go to stdout, progress and problems to stderr. Exit codes: 0, the plan was made; 1, it could not be made; 64,
wrong usage. With `--exit-code`: 0, nothing would change; 2, something would; 1, also when the release would fail its
check.
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

from ecs_gitops.aws import caller as calls
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.cli import files, output
from ecs_gitops.cli.exit_codes import CHANGES, INVALID_FILE, OK, WRONG_USAGE
from ecs_gitops.cli.progress import Progress
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, InvalidManifest
from ecs_gitops.model.release import Release
from ecs_gitops.notify import plan_data, plan_markdown, plan_text
from ecs_gitops.release import instance
from ecs_gitops.release.preview import Reader, preview

if TYPE_CHECKING:
    from ecs_gitops.aws.caller import Caller
    from ecs_gitops.manifest import Manifest
    from ecs_gitops.plan.preview import ReleasePlan

_ROLE = re.compile(r"(?P<account>[0-9]{12})=(?P<arn>arn:[a-z-]+:iam::(?P=account):role/\S+)")
# Seconds until a plan gives up on AWS that does not answer.
_PATIENCE = 900


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of the command; FILE and `--color` are added with those of the other commands."""
    command.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="how it is written")
    command.add_argument("--exit-code", action="store_true", help="2: changes; 1: the release would fail its check")
    command.add_argument("--show-values", action="store_true", help="show values that may be secret")
    command.add_argument("--role-arn", metavar="ACCOUNT=ARN", action="append", type=role, default=[], help=_ROLE_HELP)
    command.add_argument("--only", metavar="NAME", nargs="+", default=[], help="plan these items alone")
    command.add_argument("--name", metavar="INSTANCE", default="ecs-gitops", help="the instance's name")
    command.add_argument("--verbose", action="store_true", help="name what is unchanged, and what Git does not have")
    command.add_argument("--at-most", metavar="CHARACTERS", type=int, default=plan_markdown.AT_MOST, help=_LIMIT_HELP)


_ROLE_HELP = "a role that may read this account; without one, the caller's own credentials in the caller's account"
_LIMIT_HELP = "the most characters of --format markdown; what does not fit is counted"


def role(text: str) -> tuple[str, str]:
    """``ACCOUNT=ARN``. Raises :class:`argparse.ArgumentTypeError`."""
    match = _ROLE.fullmatch(text)
    if match is None:
        accepted = "123456789012=arn:aws:iam::123456789012:role/NAME, with the same account twice"
        raise argparse.ArgumentTypeError(f"{text!r} is no account and role; accepted: {accepted}")
    return match["account"], match["arn"]


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """The exit code."""
    paint = output.Paint(sys.stderr, options.color, environment)
    try:
        manifest, _ = files.load(options.file, environment)
        unknown = sorted(set(options.only) - _names(manifest))
        if unknown:
            print(f"ecs-gitops: --only: the manifest has no item {', '.join(unknown)}", file=sys.stderr)
            return WRONG_USAGE
        caller = calls.identity()
        plan = _planned(manifest.with_defaults(), caller, options)
    except InvalidManifest as error:
        print(output.problems(error, paint, "; there is no plan"), file=sys.stderr)
        return INVALID_FILE
    except OSError as error:
        print(f"ecs-gitops: {output.failure(error)}", file=sys.stderr)
        return INVALID_FILE
    except AwsRefused as error:
        print(f"ecs-gitops: {error.message if error.operation == 'configuration' else error}", file=sys.stderr)
        return INVALID_FILE
    except AwsUnavailable as error:
        print(f"ecs-gitops: AWS could not be asked: {error}", file=sys.stderr)
        return INVALID_FILE
    sys.stdout.write(_written(plan, caller, options, environment))
    return _exit_code(plan) if options.exit_code else OK


def _names(manifest: Manifest) -> set[str]:
    return {each.service_name for each in manifest.with_defaults().services} | {
        each.schedule_name or each.cw_rule_name or "" for each in manifest.with_defaults().tasks
    }


def _planned(manifest: Manifest, caller: Caller, options: argparse.Namespace) -> ReleasePlan:
    known = instance.find(caller, options.name)
    release = Release(
        f"arn:{caller.partition}:states:{caller.region}:{caller.account}:execution:{options.name}:plan",
        "plan",
        time.time(),
        manifest.release,
    )
    connections = calls.Connections(caller, dict(options.role_arn))
    total = len(options.only) or len(manifest.tasks) + len(manifest.services)
    with Progress(sys.stderr, total) as progress:
        reader = Reader(connections.connect, TimeBudget(time.time() + _PATIENCE), progress.step)
        return preview(manifest, known, reader, release, only=options.only)


def _written(plan: ReleasePlan, caller: Caller, options: argparse.Namespace, environment: Mapping[str, str]) -> str:
    home, show_values = (caller.account, caller.region), options.show_values
    if options.format == "json":
        facts = {
            "instance": options.name,
            "manifest": files.display_name(options.file),
            "asOf": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return json.dumps(plan_data.data(plan, facts, show_values=show_values), indent=2) + "\n"
    if options.format == "markdown":
        return plan_markdown.document(plan, home, at_most=options.at_most, show_values=show_values).text
    paint = output.Paint(sys.stdout, options.color, environment)
    return plan_text.text(plan, home, paint, verbose=options.verbose, show_values=show_values)


def _exit_code(plan: ReleasePlan) -> int:
    if plan.is_blocked:
        return INVALID_FILE
    return CHANGES if plan.has_changes else OK
