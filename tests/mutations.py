"""``python -m mutations``: each rule of what is remembered, and of what holds for rules and schedules, is broken on
purpose, each alone; does the model see it?

Prints how many stories it took. A rule whose mutant is never found is one that no test guards. Exit code 1 then.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import pytest
from rich.console import Console

import mutants.decisions
import mutants.triggers
import mutants.verdicts  # noqa: F401 - registers its mutants
from mutants import MUTANTS, OF_TRIGGERS, Break
from unit import memory_dense, memory_play, trigger_stories

console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Model:
    """``lies`` plays the story of a seed, ``dense`` is the first seed of the dense stories."""

    lies: Callable[[int, pytest.MonkeyPatch], list[str]]
    dense: int

    def seeds(self, number: int) -> list[int]:
        """A dense story and one of the others in turn."""
        half = number // 2
        return [each for pair in zip(range(self.dense, self.dense + half), range(half), strict=True) for each in pair]


MEMORY = Model(memory_play.lies, memory_dense.DENSE)
TRIGGERS = Model(trigger_stories.lies, trigger_stories.DENSE)


def found_after(
    model: Model, broken: Break | None, seeds: Sequence[int], silent: Set[int]
) -> tuple[int, int, str] | None:
    """How many stories it took, the seed, and what was seen; None where no story sees it."""
    for number, seed in enumerate((seed for seed in seeds if seed not in silent), 1):
        with pytest.MonkeyPatch.context() as patched:
            if broken is not None:
                broken(patched)
            try:
                seen = model.lies(seed, patched)
            except Exception as error:  # noqa: BLE001 - a mutant may break anything
                seen = [f"{type(error).__name__}: {error}"]
        if seen:
            return number, seed, seen[0][:90]
    return None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="mutations")
    parser.add_argument("--seeds", type=int, default=300, help="stories for each mutant")
    parser.add_argument("--only", default="", help="mutants whose name has this")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    silent: dict[Model, set[int]] = {}
    for model in (MEMORY, TRIGGERS):
        # What is known to be wrong without any mutant says nothing.
        seeds = model.seeds(options.seeds)
        silent[model] = {seed for seed in seeds if found_after(model, None, [seed], set())}
        console.print(f"{len(silent[model])} of {len(seeds)} stories find something without a mutant")
    missed = 0
    for name, broken in MUTANTS.items():
        if options.only not in name:
            continue
        model = TRIGGERS if name.startswith(OF_TRIGGERS) else MEMORY
        found = found_after(model, broken, model.seeds(options.seeds), silent[model])
        missed += found is None
        shown = "NOT FOUND" if found is None else f"{found[0]:4} (seed {found[1]})  {found[2]}"
        console.print(f"{name:62} {shown}", markup=False, soft_wrap=True)
    console.print(f"{missed} of {len(MUTANTS)} not found, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
