"""``python -m bench``: prints what it measures as it goes, then a table; writes build/bench.json and build/bench.svg.

``--quick`` leaves out what takes longest: more than 120 services, all rollouts but those of 60 seconds, and the
fixed-wait design.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
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
from local_aws import LocalAws
from playground.stack import CLUSTER, ROOT, Stack

console = Console(highlight=False)
_BUILD = ROOT / "build"
# Services of which one is broken.
_MANY = 120
# Changed services with what teams' services have.
_REALISTIC = 20
# Services of the largest release, in which nothing changes.
_LARGEST = 5_000


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument(
        "--quick", action="store_true", help="less than five minutes, not an hour: no fixed-wait design"
    )
    parser.add_argument("--show", action="store_true", help="measure nothing: the table of what build/bench.json has")
    parser.add_argument("--imports", action="store_true", help="measure the layer and the imports alone once more")
    options = parser.parse_args(arguments)
    if options.show or options.imports:
        known = json.loads((_BUILD / "bench.json").read_text())
        if options.imports:
            known["python"] = python_costs(_BUILD / "ecs_gitops-layer-arm64.zip")
            keep(known)
        show(known)
        return 0
    quick = options.quick
    began = time.monotonic()

    def tell(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.0f} s[/] {text}", soft_wrap=True)

    found: dict[str, Any] = {"quick": quick, "python": python_costs(_BUILD / "ecs_gitops-layer-arm64.zip")}
    tell("layer and imports measured; terraform apply on the local AWS (about 70 s)")
    with tempfile.TemporaryDirectory() as folder, LocalAws(Path(folder) / "aws") as aws:
        world = World(Stack.apply(aws, Path(folder) / "terraform"))
        aws.client("ecs").create_cluster(clusterName=CLUSTER)
        measured(world, tell, found, quick=quick)
    (_BUILD / "bench.svg").write_text(plot(found))
    show(found)
    tell("written: build/bench.json, build/bench.svg")
    return 0


def measured(world: World, tell: Any, found: dict[str, Any], *, quick: bool) -> None:
    """What was measured goes into ``found``, and after each part into build/bench.json."""

    def part(name: str, runs_of_it: Iterator[dict[str, Any]]) -> None:
        found[name] = []
        for each in runs_of_it:
            found[name].append(each)
            keep(found)

    ours = world.stack.outputs["state_machine_arn"]
    found["invocations"] = runs.invocations(world, ours, tell)
    part("broken", (runs.broken(world, ours, tell, way) for way in ("stop", "rollback")))
    ways = ("rollback",) if quick else ("rollback", "rollbackRelease")
    part("brokenAmongMany", (runs.broken(world, ours, tell, way, _MANY) for way in ways))
    part("buckets", (runs.throttled(world, ours, count, tell) for count in ((100,) if quick else (100, 500))))
    sizes = (1, 10, 100) if quick else (1, 10, 100, 500)
    part("releases", (each for count in sizes for each in _releases(world, ours, count, tell, quick=quick)))
    part("realistic", _realistic(world, ours, tell))
    if quick:
        return
    fixed = fixed_wait.machine(world)
    part("fixedBroken", iter([runs.broken(world, fixed, tell, "fixed wait")]))
    part("fixedWait", (each for count in sizes[:3] for each in _fixed(world, fixed, count, tell)))
    part("largest", _largest(world, ours, tell))


def _releases(world: World, machine: str, count: int, tell: Any, *, quick: bool) -> Iterator[dict[str, Any]]:
    names = world.services(count)
    for rollout in (60.0,) if quick else (10.0, 60.0, 600.0):
        yield runs.release(world, machine, names, rollout, tell)
    yield runs.release(world, machine, names, 10.0, tell, changed=False)


def _realistic(world: World, machine: str, tell: Any) -> Iterator[dict[str, Any]]:
    yield runs.release(world, machine, world.realistic_services(_REALISTIC), 10.0, tell)


def _fixed(world: World, machine: str, count: int, tell: Any) -> Iterator[dict[str, Any]]:
    names = world.services(count)
    yield runs.release(world, machine, names, 60.0, tell)
    yield runs.release(world, machine, names, 10.0, tell, changed=False)


def _largest(world: World, machine: str, tell: Any) -> Iterator[dict[str, Any]]:
    """Nothing changes: each service is on the image that it was made with."""
    tell(f"making {_LARGEST:,} services without tasks (some minutes)")
    names = world.idle_services(_LARGEST)
    yield runs.release(world, machine, names, 10.0, tell, changed=False, tag="1")


def keep(found: dict[str, Any]) -> None:
    _BUILD.mkdir(exist_ok=True)
    (_BUILD / "bench.json").write_text(lines(found))


def plot(found: dict[str, Any]) -> str:
    def line(releases: list[dict[str, Any]], value: Any) -> list[tuple[float, float]]:
        chosen = [each for each in releases if each["changed"] and each["rolloutSeconds"] == 60.0]
        return [(float(each["services"]), float(value(each))) for each in chosen]

    fixed = found.get("fixedWait", [])
    series = {
        "seconds after ECS": line(found["releases"], lambda e: e["afterEcsSeconds"]),
        "seconds, fixed wait": line(fixed, lambda e: e["afterEcsSeconds"]),
        "transitions": line(found["releases"], lambda e: e["transitions"]),
        "transitions, fixed wait": line(fixed, lambda e: e["transitions"]),
        "AWS calls": line(found["releases"], lambda e: sum(e["calls"].values())),
        "AWS calls, fixed wait": line(fixed, lambda e: sum(e["calls"].values())),
    }
    drawn = {name: points for name, points in series.items() if points}
    return chart("Cost of a release, rollouts of 60 seconds", drawn, "changed services", "seconds, transitions, calls")


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
