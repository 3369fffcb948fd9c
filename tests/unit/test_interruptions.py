"""Killed after any AWS call of a release, in whatever state, the retry comes to the same end; and so where a call is
throttled."""

from __future__ import annotations

import pytest

from unit.interruptions import SCENARIOS, disturbed, killed, throttled


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_any_call_the_release_comes_to_the_same_end(name, monkeypatch):
    # WHEN the function dies right after any call of a release took effect
    # THEN its state is run again, and report and services are what they would have been
    assert list(killed(name, monkeypatch, all_calls=False)) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_throttled_at_any_call_the_release_comes_to_the_same_end(name, monkeypatch):
    assert list(throttled(name, monkeypatch, all_calls=False)) == []


def test_no_call_is_left_out_but_looks_in_the_midst_of_looks():
    calls = ["update_service", *["describe_services"] * 7, "list_tasks"]
    assert disturbed(calls, all_calls=False) == [0, 1, 2, 6, 7, 8]
    assert disturbed(calls, all_calls=True) == list(range(9))
