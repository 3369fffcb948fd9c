"""``python -m soak``: releases under faults, many of them, and what is reported held against what stands.

First in memory, where thousands take a minute; then with the real state machine, functions, layer and roles on the
local AWS, whose clock is faster and whose answers are late, lost or refused on the way to the functions, which die as
well. Every release comes from a seed, which is told when it finds something. Exit code 1 then.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.world import World
from local_aws.client import LocalAws
from local_aws.stack import CLUSTER, Stack, create_service, wait_until_steady
from unit.faulty import Run

_AT_ONCE = 4
# A simulated second takes this long.
_SECOND = 0.05
_KINDS = ("throttle", "5xx", "timeout-after", "reset", "slow", "death")
Tell = Callable[[str], None]

console = Console(highlight=False)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--memory", type=int, default=10_000, help="releases of an account in memory")
    parser.add_argument("--local", type=int, default=1_000, help="releases on the local AWS")
    parser.add_argument("--first", type=int, default=100_000, help="the first seed")
    parser.add_argument("--minutes", type=float, default=60.0, help="after so long no further release is begun")
    options = parser.parse_args(arguments)
    began = time.monotonic()

    def tell(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {text}", soft_wrap=True, markup=False)

    found = in_memory(range(options.first, options.first + options.memory), tell)
    if options.local:
        until = began + options.minutes * 60
        found += on_the_local_aws(range(options.first, options.first + options.local), until, tell)
    for lie in found:
        console.print(lie, soft_wrap=True, markup=False)
    tell(f"{len(found)} found")
    return 1 if found else 0


def in_memory(seeds: range, tell: Tell) -> list[str]:
    logging.disable(logging.CRITICAL)
    found: list[str] = []
    for done, seed in enumerate(seeds, 1):
        with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(io.StringIO()):
            found += [f"in memory, seed {lie.seed}: {lie.what}" for lie in Run(seed).lies(patched)]
        if done % 1_000 == 0 or done == len(seeds):
            tell(f"in memory: {done} releases, {len(found)} found")
    return found


def on_the_local_aws(seeds: range, until: float, tell: Tell) -> list[str]:
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder, LocalAws(Path(folder) / "aws") as aws:
        tell("terraform apply on the local AWS (about 70 s)")
        world = World(Stack.apply(aws, Path(folder) / "terraform"))
        aws.client("ecs").create_cluster(clusterName=CLUSTER)
        world.settings(secondSeconds=_SECOND, rolloutSeconds=10.0, minuteSeconds=2.0)
        faults = {"seed": seeds.start, "rate": 0.05, "kinds": list(_KINDS)}
        world.settings(secondSeconds=_SECOND, faults=faults)
        done, ended = 0, 0
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for lies in pool.map(lambda seed: _released(world, seed, until), seeds):
                ended += 1
                done += lies is not None
                found += lies or []
                for lie in lies or []:
                    tell(lie)
                if ended % 20 == 0 or ended == len(seeds):
                    tell(f"local AWS: {done} releases, {_faults(aws)} faults, {len(found)} found")
    return found


def _faults(aws: LocalAws) -> int:
    return sum(1 for entry in aws.control("trace?since=0") if entry["kind"] == "fault")


def _released(world: World, seed: int, until: float) -> list[str] | None:
    """One release; what was reported and is not so. None when there was no time for it."""
    if time.monotonic() > until:
        return None
    try:
        return [f"local AWS, seed {seed}: {lie}" for lie in _Case(world, seed).lies()]
    except Exception as error:  # noqa: BLE001 - told with its seed, and the others go on
        return [f"local AWS, seed {seed}: {type(error).__name__}: {error}"]


class _Case:
    """A release of one to three services of its own, from a seed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.seed = world, seed
        self.chance = random.Random(seed)  # noqa: S311 - a seed is to give the same release again
        self.ecs = world.stack.aws.client("ecs")
        self.names = [f"soak-{seed}-{n}" for n in range(self.chance.randint(1, 3))]

    def lies(self) -> list[str]:
        for name in self.names:
            self._make(name)
        wait_until_steady(self.world.stack.aws, CLUSTER, tuple(self.names))
        deployment = self._deployment()
        before = {name: self._stands(name) for name in self.names}
        done = self.world.execute(self.world.stack.outputs["state_machine_arn"], deployment, patience=300)
        wait_until_steady(self.world.stack.aws, CLUSTER, self._expected_to_settle(deployment, done))
        return self._check(deployment, done, before)

    def _make(self, name: str) -> None:
        self.ecs.register_task_definition(
            family=name, containerDefinitions=[{"name": "app", "image": "app:1", "memory": 64}]
        )
        breaker = {"enable": True, "rollback": self.chance.random() < 0.5}
        configuration = {"deploymentCircuitBreaker": breaker}
        create_service(self.world.stack.aws, CLUSTER, name, name, 1, deploymentConfiguration=configuration)

    def _deployment(self) -> dict[str, Any]:
        chance, services = self.chance, []
        for index, name in enumerate(self.names):
            item: dict[str, Any] = {"service": "app", "clusterName": CLUSTER, "serviceName": name, "timeoutMinutes": 9}
            item["image"] = f"app:{chance.choice(('2', '2', '2', '1', 'broken'))}"
            if chance.random() < 0.2:
                canary = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1}
                item["deployment"] = {"strategy": "CANARY", "bakeTimeInMinutes": 1, "canaryConfiguration": canary}
            if chance.random() < 0.3:
                hook = chance.choice(("preDeploy", "postDeploy"))
                item["hooks"] = {hook: {"command": [chance.choice(("go", "go", "fail"))]}}
            if index and chance.random() < 0.3:
                item["dependsOn"] = [self.names[index - 1]]
            services.append(item)
        return {"services": services, "onFailure": chance.choice(("stop", "rollback", "rollbackRelease"))}

    def _stands(self, name: str) -> dict[str, Any]:
        service = self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"][0]
        definition = self.ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        return {
            "image": definition["containerDefinitions"][0]["image"],
            "configuration": service["deploymentConfiguration"],
            "deployments": len(service["deployments"]),
        }

    def _expected_to_settle(self, deployment: dict[str, Any], done: Any) -> tuple[str, ...]:
        """What is reported as good or returned is steady; what failed may be anything. Of a canary ECS tells no state
        of the rollout."""
        told = self._told(done)
        canaries = {item["serviceName"] for item in deployment["services"] if "deployment" in item}
        good = ("DEPLOYED", "UNCHANGED", "ROLLED_BACK")
        return tuple(name for name in self.names if told.get(name) in good and name not in canaries)

    @staticmethod
    def _told(done: Any) -> dict[str, str]:
        """The status of each item: from the output, or of a failed execution from its cause."""
        if "result" in done.output:
            return {item["name"]: item["status"] for item in done.output["result"]["items"]}
        lines = (line.split(": ") for line in done.cause.splitlines()[1:])
        return {parts[0]: parts[1] for parts in lines if len(parts) > 1}

    def _check(self, deployment: dict[str, Any], done: Any, before: dict[str, Any]) -> list[str]:
        told, lies = self._told(done), []
        for item in deployment["services"]:
            name = item["serviceName"]
            status, was, stands = told.get(name), before[name], self._stands(name)
            as_before = (was["image"], was["configuration"]) == (stands["image"], stands["configuration"])
            if status is None and done.status == "FAILED":
                # The cause of a failed execution names what is not good; the rest was deployed or unchanged.
                status = "DEPLOYED" if stands["image"] == item["image"] else "UNKNOWN"
            if status == "DEPLOYED" and stands["image"] != item["image"]:
                lies.append(f"{name} DEPLOYED, and runs {stands['image']}: {done.cause}")
            if status in ("ROLLED_BACK", "SKIPPED", "UNCHANGED") and not as_before:
                lies.append(f"{name} {status}, and is not as before: {was} {stands}: {done.cause}")
            if status not in ("DEPLOYED", "UNCHANGED", "ROLLED_BACK", "SKIPPED", "FAILED"):
                lies.append(f"{name} has no result: {done.status} {done.cause}")
            lies += self._hooks(name, item)
        if done.status not in ("SUCCEEDED", "FAILED"):
            lies.append(f"the execution ended {done.status}")
        return lies

    def _hooks(self, name: str, item: dict[str, Any]) -> list[str]:
        ran = 0
        for status in ("RUNNING", "STOPPED"):
            arns = self.ecs.list_tasks(cluster=CLUSTER, family=name, desiredStatus=status)["taskArns"]
            tasks = self.ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
            ran += sum(1 for task in tasks if str(task.get("startedBy", "")).startswith("ecs-gitops/"))
        return [f"{name}: {ran} hooks were run"] if ran > len(item.get("hooks", {})) else []


if __name__ == "__main__":
    sys.exit(main())
