"""Nothing lies, whatever fails: a few hundred releases under faults; `make soak` runs many more."""

from __future__ import annotations

import pytest

from unit.faulty import KEPT, Run

_SEEDS = 200
_PART = 25


@pytest.mark.parametrize("seed", KEPT)
def test_what_was_once_found_stays_mended(seed, monkeypatch):
    assert Run(seed).lies(monkeypatch) == []


@pytest.mark.parametrize("first", range(0, _SEEDS, _PART))
def test_what_is_reported_is_what_stands(first, monkeypatch):
    for seed in range(first, first + _PART):
        with monkeypatch.context() as patched:
            assert Run(seed).lies(patched) == []
