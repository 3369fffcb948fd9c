"""``make demo``: the main job on this machine, shown as it goes. ``up`` and ``down`` keep it running to play with.

Exit code 0 when everything was as it should be.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local_aws.client import LocalAws
from local_aws.stack import (
    CLUSTER,
    ROOT,
    RULE,
    SERVICES,
    Clone,
    Stack,
    build_shop,
    create_service,
    manifest,
    wait_until_steady,
)

HOME = ROOT / ".local"
_ROLLOUT_SECONDS = 4.0
_OLD, _NEW, _NEXT = "1.0.0", "2.0.0", "3.0.0"

console = Console(highlight=False)


class NotAsItShouldBe(Exception):
    """A step of the demo had another outcome than the one it is there to show."""


def main(arguments: list[str]) -> int:
    command = arguments[0] if arguments else "demo"
    try:
        {"demo": demo, "up": up, "down": down}[command]()
    except NotAsItShouldBe as error:
        console.print(f"\n[bold red]not as it should be:[/] {error}")
        return 1
    return 0


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what begins at once, and how long it took when it is done."""
    began = time.monotonic()
    console.print(f"[bold cyan]>[/] {text} ...")
    yield
    console.print(f"  [dim]done after {time.monotonic() - began:.1f} s[/]")


def demo() -> None:
    """Apply, push, watch; break a service, a canary, a migration, a whole release; destroy."""
    folder = HOME / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    with LocalAws(folder / "aws", rollout_seconds=_ROLLOUT_SECONDS) as aws:
        with step("local AWS with IAM enforcement, on 127.0.0.1"):
            console.print(f"  endpoint {aws.endpoint}, account 111111111111, Region us-west-2")
        with step("terraform apply of the real module (about 70 s, most of it the provider waiting for S3)"):
            stack = Stack.apply(aws, folder / "terraform", show_resource)
        queue, clone = set_up(stack, folder)
        plain_release(stack, clone, queue)
        nothing_changed(stack, clone, queue)
        the_articles_manifest(stack, clone, queue)
        broken_release(stack, clone, queue)
        canary(stack, clone, queue)
        broken_canary(stack, clone, queue)
        failed_migration(stack, clone, queue)
        all_or_nothing(stack, clone, queue)
        with step("terraform destroy"):
            stack.terraform.destroy()
            if stack.terraform.resources():
                raise NotAsItShouldBe(f"left in the state: {stack.terraform.resources()}")
    console.print("\n[bold green]Everything was as it should be.[/] Keep it running and play with it: make local-up")


def show_resource(line: str) -> None:
    """Show what Terraform has made, deleted or still waits for, a line each."""
    if ": Creation complete" in line or ": Destruction complete" in line or ": Still " in line:
        console.print(f"    {line.split(' [id=')[0]}", style="dim", markup=False, soft_wrap=True)


def set_up(stack: Stack, folder: Path) -> tuple[str, Clone]:
    with step(f"ECS cluster {CLUSTER!r}: services {', '.join(SERVICES)} and a scheduled task, on {_OLD}"):
        queue = stack.listen()
        build_shop(stack.aws)
        ecs = stack.aws.client("ecs")
        ecs.create_cluster(clusterName="vtj-poc")
        container = {"name": "echoserver", "image": "gcr.io/google_containers/echoserver:1.2", "memory": 64}
        ecs.register_task_definition(family="echoserver", containerDefinitions=[container])
        create_service(stack.aws, "vtj-poc", "vtj-poc", "echoserver", 1)
        wait_until_steady(stack.aws, CLUSTER, SERVICES)
        wait_until_steady(stack.aws, "vtj-poc", ("vtj-poc",))
    with step("git clone of the config repository"):
        clone = stack.clone(folder / "config")
    return queue, clone


def plain_release(stack: Stack, clone: Clone, queue: str) -> None:
    push(clone, manifest({"web": _NEW, "api": _NEW, "worker": _OLD}, "2.0", _NEW), "Ship web, api and cleanup 2.0.0")
    status, result = watch(stack, queue)
    table(result)
    deployed = {"nightly-cleanup": "DEPLOYED", "web": "DEPLOYED", "api": "DEPLOYED", "worker": "UNCHANGED"}
    expect(status, result, "Succeeded", **deployed)


def nothing_changed(stack: Stack, clone: Clone, queue: str) -> None:
    push(clone, manifest({"web": _NEW, "api": _NEW, "worker": _OLD}, "2.1", _NEW), "Change nothing but the name")
    began = time.monotonic()
    status, result = watch(stack, queue)
    took = time.monotonic() - began
    if status != "Succeeded" or {i["status"] for i in result["items"]} != {"UNCHANGED"} or took > 15:
        raise NotAsItShouldBe(f"pipeline {status} after {took:.1f} s")
    console.print(f"  nothing changed, nothing waited for: {took:.1f} s from push to end")


def the_articles_manifest(stack: Stack, clone: Clone, queue: str) -> None:
    text = (
        "release: 4.0\nservices:\n  - service: echoserver\n    clusterName: vtj-poc\n    serviceName: vtj-poc\n"
        '    image: "gcr.io/google_containers/echoserver:1.3"\n'
    )
    push(clone, text, "The manifest of the article, unchanged")
    status, result = watch(stack, queue)
    table(result)
    expect(status, result, "Succeeded", **{"vtj-poc": "DEPLOYED"})


def broken_release(stack: Stack, clone: Clone, queue: str) -> None:
    """One service fails and returns; the others come through."""
    push(
        clone,
        manifest({"web": _NEXT, "api": f"broken-{_NEXT}", "worker": _NEXT}, "3.0"),
        "Ship 3.0.0, with a broken api",
    )
    status, result = watch(stack, queue)
    table(result)
    expect(status, result, "Failed", web="DEPLOYED", api="ROLLED_BACK", worker="DEPLOYED")
    reason = next((item.get("reason", "") for item in result["items"] if item["name"] == "api"), "")
    if "CannotPullContainerError" not in reason:
        raise NotAsItShouldBe(f"the reason does not name the image: {reason}")


_CANARY = """\
deployment:
  strategy: CANARY
  canaryConfiguration:
    canaryPercent: 10.0
    canaryBakeTimeInMinutes: 2
  bakeTimeInMinutes: 1
"""


def canary(stack: Stack, clone: Clone, queue: str) -> None:
    """Ten percent of the traffic first, then all of it. A minute of bake time takes two seconds here."""
    stack.aws.control("settings", {"minuteSeconds": 2.0})
    push(clone, manifest({"web": "4.0.0"}, "4.0", more={"web": _CANARY}), "Ship web 4.0.0 as a canary")
    status, result = watch(stack, queue)
    table(result)
    expect(status, result, "Succeeded", web="DEPLOYED")


def broken_canary(stack: Stack, clone: Clone, queue: str) -> None:
    """A canary that does not come up: web goes on running what it ran."""
    before = running(stack)
    push(clone, manifest({"web": "broken-5.0.0"}, "5.0", more={"web": _CANARY}), "Ship a broken canary of web")
    status, result = watch(stack, queue)
    table(result)
    expect(status, result, "Failed", web="ROLLED_BACK")
    unchanged(before, running(stack))


def failed_migration(stack: Stack, clone: Clone, queue: str) -> None:
    """The migration before the rollout exits with 1: nothing is rolled out."""
    before = running(stack)
    hook = 'hooks:\n  preDeploy:\n    command: ["migrate", "exit-1"]\n'
    push(clone, manifest({"api": "5.0.0"}, "5.1", more={"api": hook}), "Ship api 5.0.0 with a migration that fails")
    status, result = watch(stack, queue)
    table(result)
    expect(status, result, "Failed", api="FAILED")
    unchanged(before, running(stack))


def all_or_nothing(stack: Stack, clone: Clone, queue: str) -> None:
    """With rollbackRelease one bad service returns everything, the scheduled task too."""
    before = running(stack)
    tags = {"web": "5.0.0", "api": "5.0.0", "worker": "broken-5.0.0"}
    push(clone, manifest(tags, "5.2", "5.0.0", top="onFailure: rollbackRelease"), "Ship 5.0.0, all or nothing")
    status, result = watch(stack, queue)
    table(result)
    returned = dict.fromkeys(("nightly-cleanup", "web", "api", "worker"), "ROLLED_BACK")
    expect(status, result, "Failed", **returned)
    unchanged(before, running(stack))


def expect(status: str, result: dict[str, Any], pipeline: str, **items: str) -> None:
    got = {item["name"]: item["status"] for item in result["items"]}
    if status != pipeline or got != items:
        raise NotAsItShouldBe(f"pipeline {status}, {got}; it should be {pipeline}, {items}")


def running(stack: Stack) -> dict[str, Any]:
    """What each service and the scheduled task run, and with which settings."""
    ecs = stack.aws.client("ecs")
    services = ecs.describe_services(cluster=CLUSTER, services=list(SERVICES))["services"]
    told = {s["serviceName"]: (s["taskDefinition"], s["desiredCount"], s["deploymentConfiguration"]) for s in services}
    targets = stack.aws.client("events").list_targets_by_rule(Rule=RULE)["Targets"]
    return {**told, RULE: targets}


def unchanged(before: dict[str, Any], after: dict[str, Any]) -> None:
    different = [name for name in before if before[name] != after[name]]
    if different:
        raise NotAsItShouldBe(f"changed: {', '.join(different)}")
    shown = ", ".join(f"{name} {after[name][0].rsplit('/', 1)[-1]}" for name in SERVICES)
    console.print(f"  as it was before, settings included: {shown}, {RULE}")


def push(clone: Clone, text: str, subject: str) -> None:
    console.print(f"\n[bold cyan]>[/] git push: [bold]{subject}[/]")
    console.print("".join(f"    {line}\n" for line in text.splitlines()), style="dim", end="")
    clone.push(text, subject)


def watch(stack: Stack, queue: str) -> tuple[str, dict[str, Any]]:
    """Show the run as it goes; the pipeline's status, and the result from the notice."""
    began, shown = time.monotonic(), ""
    for entry in stack.watch():
        at = f"  [dim]{time.monotonic() - began:5.1f} s[/]"
        if entry["kind"] == "action":
            console.print(f"{at} pipeline  {entry['stage']:<7} {entry['status'].lower()}")
        elif entry["kind"] == "state-entered" and entry["type"] not in ("choice", "pass"):
            where = "" if entry["item"] is None else f" (batch {entry['item'] + 1})"
            console.print(f"{at} state     {entry['state']}{where}")
            shown = rollouts(stack, at, shown)
    notices = stack.notices(queue)
    for notice in notices:
        console.print(f"\n  [bold]notice:[/] {escape(notice['Subject'])}")
        text = "".join(f"    {line}\n" for line in notice["Message"].splitlines())
        console.print(text, markup=False, end="", soft_wrap=True)
    status = str(stack.executions()[0]["status"])
    attributes = notices[-1].get("MessageAttributes", {}) if notices else {}
    if "result" not in attributes:
        raise NotAsItShouldBe(f"pipeline {status}, and no notice with a result came")
    return status, json.loads(attributes["result"]["Value"])


def rollouts(stack: Stack, at: str, shown: str) -> str:
    """Show each rollout that is going on, unless it was just shown; what was shown."""
    ecs, lines = stack.aws.client("ecs"), []
    for cluster, names in ((CLUSTER, SERVICES), ("vtj-poc", ("vtj-poc",))):
        for service in ecs.describe_services(cluster=cluster, services=list(names))["services"]:
            if "currentServiceDeployment" in service:
                lines.append(f"{service['serviceName']} -> {progress(ecs, service)}")
    text = ", ".join(lines)
    if text and text != shown:
        console.print(f"{at} rollout   {text}")
    return text


def progress(ecs: Any, service: dict[str, Any]) -> str:
    """The revision, and how far it is: tasks, and of a canary its stage and share of the traffic."""
    primary = service["deployments"][0]
    revision = primary["taskDefinition"].rsplit("/", 1)[-1]
    counts = f"{revision}: {primary['runningCount']} of {primary['desiredCount']} running"
    if service["deploymentConfiguration"].get("strategy", "ROLLING") == "ROLLING":
        return counts
    arns = [service["currentServiceDeployment"]]
    told = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"][0]
    stage = told.get("lifecycleStage", told["status"]).lower().replace("_", " ")
    weight = told["targetServiceRevision"].get("requestedProductionTrafficWeight", 0)
    return f"{counts}, {stage}, {weight:g} % of the traffic"


def table(result: dict[str, Any]) -> None:
    shown = Table("item", "status", "old revision", "new revision", "old image", "new image", title=None)
    for item in result["items"]:
        revisions = [item.get(key, "").rsplit("/", 1)[-1] for key in ("previousTaskDefArn", "deployedTaskDefArn")]
        images = [item.get(key, "").rsplit("/", 1)[-1] for key in ("previousImage", "image")]
        colour = {"DEPLOYED": "green", "UNCHANGED": "green", "ROLLED_BACK": "yellow"}.get(item["status"], "red")
        shown.add_row(item["name"], f"[{colour}]{item['status']}[/]", *revisions, *images)
    console.print(shown)


def up() -> None:
    """Start everything and leave it running; its pid and address stand in ``.local/up``."""
    folder = HOME / "up"
    if (folder / "pid").exists():
        down()
    shutil.rmtree(folder, ignore_errors=True)
    aws = LocalAws(folder / "aws", rollout_seconds=_ROLLOUT_SECONDS, port=4566)
    with step("local AWS with IAM enforcement, on 127.0.0.1"):
        aws.start()
    assert aws.process is not None  # noqa: S101 - it was just started
    (folder / "pid").write_text(str(aws.process.pid))
    with step("terraform apply of the real module (about 70 s)"):
        stack = Stack.apply(aws, folder / "terraform", show_resource)
    set_up(stack, folder)
    variables = " ".join(f"{name}={value}" for name, value in aws.environment().items())
    address = aws.clone_url(stack.outputs["repository_name"])
    console.print(f"\nClone:       git clone {address}", markup=False, soft_wrap=True)
    console.print(f"A clone is in {folder.relative_to(ROOT) / 'config'}; push deployment.yaml to main.")
    console.print(f"Endpoint:    {aws.endpoint}")
    console.print(f"Credentials: export {variables}", soft_wrap=True)
    console.print(f"For example: .venv/bin/aws ecs describe-services --cluster {CLUSTER} --services web")
    console.print(f"Log:         {aws.log.relative_to(ROOT)}")
    console.print("Images with a tag that contains broken, crash or never fail. End it with: make local-down")


def down() -> None:
    """End what ``up`` started, by its pid."""
    file = HOME / "up" / "pid"
    if not file.exists():
        console.print("nothing is running")
        return
    try:
        os.kill(int(file.read_text()), signal.SIGTERM)
    except ProcessLookupError:
        console.print("it had ended already")
    file.unlink()
    console.print("ended; what it wrote is in .local, which `make clean` removes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
