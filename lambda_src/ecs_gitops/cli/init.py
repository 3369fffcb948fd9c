"""`ecs-gitops init`: write the manifest of what is live. It reads AWS, and writes one local file.

The manifest goes to stdout, or to a file; then the module's inputs go to stdout. What was left out, progress and
problems go to stderr. Exit codes: 0, a release of the manifest would change nothing; 1, it would, or nothing was
written; 64, wrong usage.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_gitops import manifest
from ecs_gitops.aws import caller as calls
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.cli import files, output
from ecs_gitops.cli.exit_codes import INVALID_FILE, OK, WRONG_USAGE
from ecs_gitops.cli.progress import Progress
from ecs_gitops.desired.importing import Home, imported, missing
from ecs_gitops.hosts import manifest_file
from ecs_gitops.live.inventory import Scope
from ecs_gitops.manifest.execution_input import render
from ecs_gitops.manifest.splice import CannotSplice, spliced
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, InvalidManifest
from ecs_gitops.model.identity import short
from ecs_gitops.model.source import Source
from ecs_gitops.notify import import_text, module_inputs, plan_text
from ecs_gitops.release import instance
from ecs_gitops.release.importing import Import

if TYPE_CHECKING:
    from ecs_gitops.aws.caller import Caller
    from ecs_gitops.desired.imported_values import Imported, ImportedItem
    from ecs_gitops.manifest import Manifest
    from ecs_gitops.plan.preview import ReleasePlan

# Seconds until an import gives up on AWS that does not answer.
_TIMEOUT = 900


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of the command; `--color` is added with those of the other commands."""
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--cluster",
        metavar="NAME",
        action="extend",
        nargs="+",
        default=[],
        help="import these clusters (names or ARNs)",
    )
    which.add_argument("--all-clusters", action="store_true", help="import every cluster of the account and Regions")
    command.add_argument("--region", metavar="REGION", action="extend", nargs="+", default=[], help=_REGION_HELP)
    command.add_argument("--tasks", action="store_true", help="scheduled tasks too: rules of any bus, schedules")
    command.add_argument("--pin", action="store_true", help="write images by the digests that services run")
    target = command.add_mutually_exclusive_group()
    target.add_argument("-o", "--output", metavar="FILE", type=Path, default=files.STDOUT, help=_OUTPUT_HELP)
    target.add_argument("--update", metavar="FILE", type=Path, help="add what is new to this manifest")
    command.add_argument("--name", metavar="INSTANCE", default="ecs-gitops", help="the instance's name, for the plan")


_REGION_HELP = "Regions to import; that of the environment when absent"
_OUTPUT_HELP = "a new file for the manifest; stdout when absent or -"


def run(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """The exit code."""
    paint = output.Paint(sys.stderr, options.color, environment)
    if options.output != files.STDOUT and options.output.is_file():
        name = files.display_name(options.output)
        advice = f"`ecs-gitops init --update {name}` adds what is new to it; -o takes a new file"
        print(f"ecs-gitops: {name} exists, and is not overwritten: {advice}", file=sys.stderr)
        return WRONG_USAGE
    try:
        return _import(options, paint)
    except InvalidManifest as error:
        print(output.problems(error, paint, "; nothing was written"), file=sys.stderr)
    except CannotSplice as error:
        print(f"ecs-gitops: {files.display_name(options.update)}: {error}; nothing was written", file=sys.stderr)
    except OSError as error:
        print(f"ecs-gitops: {output.failure(error)}; nothing was written", file=sys.stderr)
    except AwsRefused as error:
        text = error.message if error.operation == "configuration" else str(error)
        print(f"ecs-gitops: {text}; nothing was written", file=sys.stderr)
    except AwsUnavailable as error:
        print(f"ecs-gitops: AWS did not answer in time, and nothing was written: {error}", file=sys.stderr)
    return INVALID_FILE


def _import(options: argparse.Namespace, paint: output.Paint) -> int:
    before = None if options.update is None else manifest_file.read(options.update)
    if before is not None:
        manifest.load(before, files.display_name(options.update))
    caller = _caller(options.region)
    connections = calls.Connections(caller, {})
    budget = TimeBudget(time.time() + _TIMEOUT)
    scope = Scope(
        None if options.all_clusters else tuple(dict.fromkeys(map(short, options.cluster))), options.tasks, options.pin
    )
    regions = list(dict.fromkeys(options.region)) or [caller.region]
    with Progress(sys.stderr, 0) as progress:
        source = Import(caller, connections.connect, budget, progress.expect, progress.step)
        found = imported(source.inventories(regions, scope), caller.region, pin=options.pin)
    home = Home(caller.account, caller.region)
    new = found.items if before is None else missing(found.items, manifest.load(before, ""), home)
    if not new:
        return _nothing(found, before is not None)
    text = import_text.text(found).encode() if before is None else _added(before, new, options.update)
    content = _checked(text, options)
    known = instance.find(caller, options.name)
    with Progress(sys.stderr, len(new), "planned") as progress:
        source = Import(caller, connections.connect, budget, on_read=progress.step)
        plan = source.planned(_only_new(content, new) if before is not None else content, known)
    _write(text, options, before)
    return _concluded(found, new, plan, options, caller, paint)


def _caller(regions: Sequence[str]) -> Caller:
    """The caller in the environment's Region; in the first of ``regions`` where the environment has none."""
    try:
        return calls.identity()
    except AwsRefused as error:
        if error.code != "NoRegion" or not regions:
            raise
        return calls.identity(regions[0])


def _nothing(found: Imported, is_update: bool) -> int:
    """Nothing is to be written. An update that finds nothing new is a success."""
    for line in import_text.report(found):
        print(line, file=sys.stderr)
    if is_update and found.items:
        print("nothing is new: the file has everything that a release can deploy", file=sys.stderr)
        return OK
    print("ecs-gitops: nothing was found that a release can deploy; nothing was written", file=sys.stderr)
    return INVALID_FILE


def _added(before: bytes, new: Sequence[ImportedItem], file: Path) -> bytes:
    added = {kind: import_text.entries(item for item in new if item.kind == kind) for kind in ("tasks", "services")}
    return spliced(before, files.display_name(file), added)


def _only_new(content: Manifest, new: Sequence[ImportedItem]) -> Manifest:
    """The manifest with its last items alone, which are the new ones."""
    tasks = sum(item.kind == "tasks" for item in new)
    return replace(
        content,
        tasks=content.tasks[len(content.tasks) - tasks :],
        services=content.services[len(content.services) - (len(new) - tasks) :],
    )


def _checked(text: bytes, options: argparse.Namespace) -> Manifest:
    """The manifest in ``text``, which `render` takes as well. Raises :class:`InvalidManifest`."""
    try:
        content = manifest.load(text, _name(options))
        render(content, Source(), _name(options))
    except InvalidManifest:
        advice = "what is live does not fit into one manifest; import fewer clusters into each file (--cluster)"
        print(f"ecs-gitops: {advice}", file=sys.stderr)
        raise
    return content


def _name(options: argparse.Namespace) -> str:
    """What the manifest is called in messages."""
    target = options.update or options.output
    return "<stdout>" if target == files.STDOUT else files.display_name(target)


def _write(text: bytes, options: argparse.Namespace, before: bytes | None) -> None:
    """Write the manifest, unless somebody made or changed the file while AWS was read: then :class:`OSError`."""
    if options.update is None and options.output == files.STDOUT:
        sys.stdout.write(text.decode())
        return
    if options.update is None and options.output.is_file():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(options.output))
    if options.update is not None and manifest_file.read(options.update) != before:
        raise OSError(errno.EBUSY, "somebody changed the file meanwhile", str(options.update))
    files.write(options.update or options.output, text)


def _concluded(
    found: Imported,
    new: Sequence[ImportedItem],
    plan: ReleasePlan,
    options: argparse.Namespace,
    caller: Caller,
    paint: output.Paint,
) -> int:
    """Say what was written and left out, and plan it: the exit code."""
    lines = import_text.report(found)
    lines += [paint(line, "yellow") for line in import_text.concerns(new)]
    if not options.tasks:
        lines.append("scheduled tasks were not read; --tasks imports them")
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    inputs = module_inputs.hcl(found.items, caller.region)
    if options.update is None and options.output == files.STDOUT:
        print(f"The module's inputs:\n\n{inputs}", file=sys.stderr)
    else:
        print(inputs, end="")
    services = sum(item.kind == "services" for item in new)
    written = f"{output.count(services, 'service')} and {output.count(len(new) - services, 'scheduled task')}"
    print(f"{_name(options)}: {written} {'added' if options.update else 'written'}", file=sys.stderr)
    is_same = import_text.is_as_live(plan)
    if not is_same:
        print(plan_text.text(plan, (caller.account, caller.region), paint), end="", file=sys.stderr)
    summary = f"Plan of {written}: {import_text.verdict(plan, new)}"
    print(paint(summary, "bold", "green" if is_same else "yellow"), file=sys.stderr)
    return OK if is_same else INVALID_FILE
