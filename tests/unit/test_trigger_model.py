"""Releases of rules and schedules, against a model of what must be true of them; `make soak` plays thousands more."""

from __future__ import annotations

import pytest

from unit.trigger_stories import DENSE, lies

# Seeds that find a fault when it is put back, see tests/mutants/triggers.py; they are played first, every time.
KEPT = (10, 12, 74, 100_004, 100_010, 100_015, 100_041, 100_049, 100_067, 100_522)
_SEEDS, _PART = 100, 20


@pytest.mark.parametrize("seed", KEPT)
def test_what_was_once_found_stays_mended(seed, monkeypatch):
    assert lies(seed, monkeypatch) == []


@pytest.mark.parametrize("first", [*range(0, _SEEDS, _PART), *range(DENSE, DENSE + _SEEDS, _PART)])
def test_releases_of_rules_and_schedules_are_as_reported(first, monkeypatch):
    for seed in range(first, first + _PART):
        with monkeypatch.context() as patched:
            assert (seed, lies(seed, patched)) == (seed, [])
