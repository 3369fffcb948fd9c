"""``python -m bench``: prints what it measures as it goes, then a table; writes build/bench.json and build/bench.svg.

``--quick`` leaves out what takes longest: 500 services, rollouts of 600 seconds, and most of the fixed-wait design.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import fixed_wait, runs
from bench.chart import chart
from bench.measure import lines
from bench.python_costs import python_costs
from bench.targets import rows
from bench.world import World
from local_aws.client import LocalAws
from local_aws.stack import CLUSTER, ROOT, Stack

console = Console(highlight=False)
_BUILD = ROOT / "build"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--quick", action="store_true", help="a few minutes instead of an hour")
    quick = parser.parse_args(arguments).quick
    began = time.monotonic()

    def tell(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.0f} s[/] {text}", soft_wrap=True)

    found: dict[str, Any] = {"quick": quick, "python": python_costs(_BUILD / "ecs_gitops-layer-arm64.zip")}
    tell("layer and imports measured; terraform apply on the local AWS (about 70 s)")
    with tempfile.TemporaryDirectory() as folder, LocalAws(Path(folder) / "aws") as aws:
        world = World(Stack.apply(aws, Path(folder) / "terraform"))
        aws.client("ecs").create_cluster(clusterName=CLUSTER)
        found |= measured(world, tell, quick=quick)
    _BUILD.mkdir(exist_ok=True)
    (_BUILD / "bench.json").write_text(lines(found))
    (_BUILD / "bench.svg").write_text(plot(found))
    show(found)
    tell("written: build/bench.json, build/bench.svg")
    return 0


def measured(world: World, tell: Any, *, quick: bool) -> dict[str, Any]:
    ours = world.stack.outputs["state_machine_arn"]
    found: dict[str, Any] = {"invocations": runs.invocations(world, tell)}
    sizes = (1, 10, 100) if quick else (1, 10, 100, 500)
    found["releases"] = []
    for count in sizes:
        # The longest rollouts are the same for every size: they are waited for once for a small one.
        rollouts = (10.0, 60.0) if quick or count > 10 else (10.0, 60.0, 600.0)
        found["releases"] += [runs.release(world, ours, count, rollout, tell) for rollout in rollouts]
        found["releases"].append(runs.release(world, ours, count, 10.0, tell, changed=False))
    fixed = fixed_wait.machine(world)
    found["fixedWait"] = []
    for count in (1, 10) if quick else (1, 10, 100):
        found["fixedWait"].append(runs.release(world, fixed, count, 60.0, tell))
        found["fixedWait"].append(runs.release(world, fixed, count, 10.0, tell, changed=False))
    found["broken"] = [runs.broken(world, ours, tell, way) for way in ("stop", "rollback")]
    found["buckets"] = [runs.throttled(world, ours, count, tell) for count in ((100,) if quick else (100, 500))]
    return found


def plot(found: dict[str, Any]) -> str:
    def line(releases: list[dict[str, Any]], value: Any) -> list[tuple[float, float]]:
        chosen = [each for each in releases if each["changed"] and each["rolloutSeconds"] == 60.0]
        return [(float(each["services"]), float(value(each))) for each in chosen]

    series = {
        "seconds after ECS": line(found["releases"], lambda e: e["afterEcsSeconds"]),
        "the same, fixed wait": line(found["fixedWait"], lambda e: e["afterEcsSeconds"]),
        "transitions": line(found["releases"], lambda e: e["transitions"]),
        "the same, fixed wait ": line(found["fixedWait"], lambda e: e["transitions"]),
        "AWS calls": line(found["releases"], lambda e: sum(e["calls"].values())),
        "the same, fixed wait  ": line(found["fixedWait"], lambda e: sum(e["calls"].values())),
    }
    return chart("Cost of a release, rollouts of 60 seconds", series, "changed services", "seconds, transitions, calls")


def show(found: dict[str, Any]) -> None:
    table = Table("figure", "fixed wait", "must reach", "measured", "")
    for row in rows(found):
        table.add_row(
            row.figure,
            row.fixed,
            row.wanted,
            row.measured,
            "[green]reached[/]" if row.is_reached else "[red]not reached[/]",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
