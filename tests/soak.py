"""``python -m soak``: releases under faults, many of them, whose reports are compared with the live state.

First in memory, where thousands take a minute; then releases that are killed or throttled at each of their calls; then
sequences of releases against the model of what they remember, others of rules and schedules, and sequences that are
planned before they are made; then with the real state machine, functions, layer and roles on the local AWS, whose clock
is faster and whose answers are late, lost or refused on the way to the functions, which die as well. Every release
comes from a seed, which is printed when it finds something. Exit code 1 then.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from bench.world import World
from local_aws import LocalAws
from playground.stack import CLUSTER, ROOT, Stack
from soak_case import Case
from unit import trigger_stories
from unit.faulty import Run
from unit.interruptions import SCENARIOS, killed, throttled
from unit.memory_play import lies
from unit.preview_stories import play

_AT_ONCE = 4
# A simulated second takes this long.
_SECOND = 0.05
_KINDS = ("throttle", "5xx", "timeout-after", "reset", "slow", "death")
Tell = Callable[[str], None]

console = Console(highlight=False)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--memory", type=int, default=10_000, help="releases of an account in memory")
    parser.add_argument("--stories", type=int, default=5_000, help="sequences of releases against the model of memory")
    parser.add_argument("--tasks", type=int, default=5_000, help="sequences of releases of rules and schedules")
    parser.add_argument("--plans", type=int, default=1_000, help="sequences of releases that are planned before")
    parser.add_argument("--local", type=int, default=1_000, help="releases on the local AWS")
    parser.add_argument("--first", type=int, default=100_000, help="the first seed")
    parser.add_argument("--minutes", type=float, default=60.0, help="after so long no further release is begun")
    options = parser.parse_args(arguments)
    began = time.monotonic()

    def tell(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {text}", soft_wrap=True, markup=False)

    found = in_memory(range(options.first, options.first + options.memory), tell)
    found += interruptions(tell)
    found += stories(range(options.first, options.first + options.stories), tell)
    found += tasks(range(options.first, options.first + options.tasks), tell)
    found += plans(range(options.first, options.first + options.plans), tell)
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


def interruptions(tell: Tell) -> list[str]:
    """Releases that are killed or throttled at each of their calls, one after another."""
    found: list[str] = []
    for name in SCENARIOS:
        with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(io.StringIO()):
            found += killed(name, patched, all_calls=True)
            found += throttled(name, patched, all_calls=True)
    tell(f"interruptions: {len(SCENARIOS)} releases at each of their calls, {len(found)} found")
    return found


def stories(seeds: range, tell: Tell) -> list[str]:
    """What releases remember, from one to the next: ``python -m unit.memory_play SEED`` shows a story."""
    return _played("stories", lies, seeds, tell)


def tasks(seeds: range, tell: Tell) -> list[str]:
    """Releases of rules and schedules: ``python -m unit.trigger_stories SEED`` shows a story."""
    return _played("scheduled tasks", trigger_stories.lies, seeds, tell)


def _played(what: str, play: Callable[[int, pytest.MonkeyPatch], list[str]], seeds: range, tell: Tell) -> list[str]:
    found: list[str] = []
    for done, seed in enumerate(seeds, 1):
        with pytest.MonkeyPatch.context() as patched:
            try:
                found += [f"{what}, seed {seed}: {lie}" for lie in play(seed, patched)]
            except Exception as error:  # noqa: BLE001 - printed with its seed, and the others go on
                found.append(f"{what}, seed {seed}: {type(error).__name__}: {error}")
        if done % 500 == 0 or done == len(seeds):
            tell(f"{what}: {done}, {len(found)} found")
    return found


def plans(seeds: range, tell: Tell) -> list[str]:
    """Whether releases do what their plans say: ``python -m unit.preview_stories SEED`` shows a story."""
    found: list[str] = []
    for done, seed in enumerate(seeds, 1):
        with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(io.StringIO()):
            found += [f"plans, seed {seed}: {what}" for what in play(seed, patched).found]
        if done % 500 == 0 or done == len(seeds):
            tell(f"plans: {done} sequences, {len(found)} found")
    return found


def on_the_local_aws(seeds: range, until: float, tell: Tell) -> list[str]:
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder, LocalAws(Path(folder) / "aws") as aws:
        tell("terraform apply on the local AWS (about 70 s)")
        world = World(Stack.apply(aws, Path(folder) / "terraform"))
        aws.client("ecs").create_cluster(clusterName=CLUSTER)
        at_odds(world, seeds.start)
        done, ended = 0, 0
        # What the local AWS itself has to say about a failure stays when its folder goes.
        with contextlib.ExitStack() as at_the_end, ThreadPoolExecutor(_AT_ONCE) as pool:
            at_the_end.callback(shutil.copy, aws.log, ROOT / "build" / "soak-server.log")
            for lies in pool.map(lambda seed: _released(world, seed, until), seeds):
                ended += 1
                done += lies is not None
                found += lies or []
                for lie in lies or []:
                    tell(lie)
                if ended % 20 == 0 or ended == len(seeds):
                    tell(f"local AWS: {done} releases, {faults_met(aws)} faults, {len(found)} found")
    return found


def at_odds(world: World, seed: int) -> None:
    """Let time run faster, and every tenth request of a function meet a fault."""
    faults = {"seed": seed, "rate": 0.1, "kinds": list(_KINDS)}
    world.settings(secondSeconds=_SECOND, rolloutSeconds=10.0, minuteSeconds=2.0, faults=faults)


def faults_met(aws: LocalAws) -> int:
    """How many faults there were since the local AWS began."""
    return sum(1 for entry in aws.control("trace?since=0") if entry["kind"] == "fault")


def _released(world: World, seed: int, until: float) -> list[str] | None:
    """One release; what was reported and is not so. None when there was no time for it."""
    if time.monotonic() > until:
        return None
    try:
        return [f"local AWS, seed {seed}: {lie}" for lie in Case(world, seed).lies()]
    except Exception as error:  # noqa: BLE001 - printed with its seed, and the others go on
        return [f"local AWS, seed {seed}: {type(error).__name__}: {error}"]


if __name__ == "__main__":
    sys.exit(main())
