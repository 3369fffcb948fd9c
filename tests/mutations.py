"""``python -m mutations``: each rule of what is remembered is broken on purpose, each alone; does the model see it?

Prints how many stories it took. A rule whose mutant is never found is one that no test guards. Exit code 1 then.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence

import pytest
from rich.console import Console

import mutants.decisions
import mutants.verdicts  # noqa: F401 - registers its mutants
from mutants import MUTANTS, Break
from unit.memory_dense import DENSE
from unit.memory_play import lies

console = Console(highlight=False)


def found_after(broken: Break | None, seeds: Sequence[int], silent: set[int]) -> tuple[int, int, str] | None:
    """How many stories it took, the seed, and what was seen; None where no story sees it."""
    for number, seed in enumerate((seed for seed in seeds if seed not in silent), 1):
        with pytest.MonkeyPatch.context() as patched:
            if broken is not None:
                broken(patched)
            try:
                seen = lies(seed, patched)
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
    # A dense story and one of the others in turn.
    half, began = options.seeds // 2, time.monotonic()
    seeds = [each for pair in zip(range(DENSE, DENSE + half), range(half), strict=True) for each in pair]
    # What is known to be wrong without any mutant says nothing.
    silent = set()
    for seed in seeds:
        if found_after(None, [seed], set()):
            silent.add(seed)
    console.print(f"{len(silent)} of {len(seeds)} stories find something without a mutant: {sorted(silent)}")
    missed = 0
    for name, broken in MUTANTS.items():
        if options.only not in name:
            continue
        found = found_after(broken, seeds, silent)
        missed += found is None
        shown = "NOT FOUND" if found is None else f"{found[0]:4} (seed {found[1]})  {found[2]}"
        console.print(f"{name:62} {shown}", markup=False, soft_wrap=True)
    console.print(f"{missed} of {len(MUTANTS)} not found, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
