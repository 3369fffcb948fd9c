"""What ``make demo`` and ``make local-watch`` show on the terminal."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape

from playground.stack import CLUSTER, SERVICES, Stack

# Lines are never cut or folded by us: a terminal folds them itself, and a log keeps them whole.
console = Console(highlight=False, soft_wrap=True)
IS_VERBOSE = os.environ.get("VERBOSE", "") not in ("", "0")
_COLOURS = {"DEPLOYED": "green", "UNCHANGED": "green", "ROLLED_BACK": "yellow", "HELD": "yellow"}


class Unexpected(Exception):
    """A step had another outcome than the one that it is there to show."""


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what begins at once, and how long it took when it is done."""
    began = time.monotonic()
    console.print(f"[bold cyan]>[/] {text} ...")
    yield
    console.print(f"  [dim]done after {time.monotonic() - began:.1f} s[/]")


def heading(number: int, of: int, title: str, why: str) -> None:
    """What is about to be shown, and why it is worth a look."""
    console.print(f"\n[bold]{number}/{of}  {escape(title)}[/]")
    console.print(f"     {escape(why)}")


def resource(line: str) -> None:
    """Show what Terraform has made or deleted, or still waits for, a line each."""
    is_done = ": Creation complete" in line or ": Destruction complete" in line
    if ": Still " in line or (is_done and IS_VERBOSE):
        console.print(f"    {line.split(' [id=')[0]}", style="dim", markup=False)


def push(text: str, subject: str) -> None:
    """What is pushed."""
    console.print(f"[bold cyan]>[/] git push: [bold]{escape(subject)}[/]")
    console.print("".join(f"    {line}\n" for line in text.splitlines()), style="dim", end="", markup=False)


def follow(stack: Stack, queue: str) -> tuple[str, dict[str, Any]]:
    """Show the release of the last push as it goes; the pipeline's status, and the result from the notice."""
    began, shown = time.monotonic(), ""
    for entry in stack.watch():
        at = f"  [dim]{time.monotonic() - began:5.1f} s[/]"
        if entry["kind"] == "action":
            console.print(f"{at} pipeline  {entry['stage']:<7} {entry['status'].lower()}")
        elif entry["kind"] == "state-entered":
            if IS_VERBOSE and entry["type"] not in ("choice", "pass"):
                where = "" if entry["item"] is None else f" (batch {entry['item'] + 1})"
                console.print(f"{at} state     {entry['state']}{where}")
            shown = rollouts(stack, at, shown)
    found = stack.notices(queue)
    for each in found:
        notice(each)
    status = str(stack.executions()[0]["status"])
    return status, _result(stack, status, found)


def _result(stack: Stack, status: str, notices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """From the notice; a release without changes has none, and its result is the execution's output."""
    if notices:
        return dict(json.loads(notices[-1]["MessageAttributes"]["result"]["Value"]))
    if status != "Succeeded":
        raise Unexpected(f"pipeline {status}, and no notice came")
    states = stack.aws.client("stepfunctions")
    newest = states.list_executions(stateMachineArn=stack.outputs["state_machine_arn"])["executions"][0]
    return dict(json.loads(states.describe_execution(executionArn=newest["executionArn"])["output"])["result"])


def notice(received: dict[str, Any]) -> None:
    """The notice as it would come by e-mail."""
    console.print(f"\n  [bold]notice:[/] {escape(received['Subject'])}")
    console.print("".join(f"    {line}\n" for line in received["Message"].splitlines()), markup=False, end="")


def rollouts(stack: Stack, at: str, shown: str) -> str:
    """Show each rollout that is going on, unless it was just shown; what was shown."""
    ecs, lines = stack.aws.client("ecs"), []
    for cluster, names in ((CLUSTER, SERVICES), ("vtj-poc", ("vtj-poc",))):
        for service in ecs.describe_services(cluster=cluster, services=list(names))["services"]:
            if "currentServiceDeployment" in service:
                lines.append(f"{service['serviceName']} -> {progress(ecs, service)}")
    text = ", ".join(lines)
    if text and text != shown:
        console.print(f"{at} rollout   {escape(text)}")
    return text


def progress(ecs: Any, service: dict[str, Any]) -> str:
    """The revision, and how far it is: tasks, and of a canary its stage and share of the traffic."""
    primary = service["deployments"][0]
    revision = primary["taskDefinition"].rsplit("/", 1)[-1]
    counts = f"{revision}: {primary['runningCount']} of {primary['desiredCount']} running"
    if service["deploymentConfiguration"].get("strategy", "ROLLING") == "ROLLING":
        return counts
    arns = [service["currentServiceDeployment"]]
    record = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"][0]
    stage = record.get("lifecycleStage", record["status"]).lower().replace("_", " ")
    weight = record["targetServiceRevision"].get("requestedProductionTrafficWeight", 0)
    return f"{counts}, {stage}, {weight:g} % of the traffic"


def items(result: dict[str, Any]) -> None:
    """A line an item: status, name, revisions, images."""
    width = max((len(item["name"]) for item in result["items"]), default=0)
    for item in result["items"]:
        revisions = _change(item.get("previousTaskDefArn"), item.get("deployedTaskDefArn"))
        images = _change(item.get("previousImage"), item.get("image"))
        colour = _COLOURS.get(item["status"], "red")
        facts = "   ".join(filter(None, (revisions, images)))
        console.print(f"  [{colour}]{item['status']:<11}[/] {item['name']:<{width}}   {escape(facts)}")


def _change(before: str | None, after: str | None) -> str:
    """``web:1 -> web:2``; one alone where nothing differs."""
    old, new = ((text or "").rsplit("/", 1)[-1] for text in (before, after))
    return f"{old} -> {new}" if old and new and old != new else new or old
