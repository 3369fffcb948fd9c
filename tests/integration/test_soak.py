"""A few releases of `make soak`: real functions that die and are refused, what is reported held against what stands."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

import soak
from bench.world import World
from soak_case import Case

# Between them a canary, hooks that fail, a scheduled task, broken images, and another execution at the same time.
_SEEDS = range(100_160, 100_166)


@pytest.fixture
def world(stack, aws, settings) -> World:
    made = World(stack)
    soak.at_odds(made, seed=1)
    return made


def test_under_faults_what_is_reported_is_what_stands(world):
    before = soak.faults_met(world.stack.aws)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: Case(world, seed).lies(), _SEEDS))
    assert list(itertools.chain(*found)) == []
    # AND there were faults
    assert soak.faults_met(world.stack.aws) > before + 3
