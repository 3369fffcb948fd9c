"""The fence: who takes over from an aborted release, in which order, and what its function sees meanwhile."""

from __future__ import annotations

import json

import pytest

from ecs_gitops.ledger.fence import KEY, Fence, Holder
from ecs_gitops.model.errors import FenceLost, ReleaseInProgress
from unit.fake_bucket import FakeBucket

ARN = "arn:aws:states:us-west-2:111111111111:execution:ecs-gitops:run-"


class Died(Exception):
    """The function dies here."""


@pytest.fixture
def left() -> FakeBucket:
    """A ledger whose release was aborted."""
    bucket = FakeBucket()
    bucket.put(KEY, Holder(f"{ARN}1", 1.0).written())
    return bucket


def holder(bucket: FakeBucket) -> dict[str, object]:
    return dict(json.loads(bucket.objects[KEY].content))


def aborted(_: str) -> str:
    return "ABORTED"


def test_an_aborted_release_loses_the_fence_before_the_next_one_waits(left):
    # GIVEN a function of the aborted release that goes on
    old, waits = Fence(left, f"{ARN}1", monotonic=lambda: 0.0), []
    old.require(is_rollback=False)

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        # Its last read is used up during the wait. It cannot read itself the holder again.
        with pytest.raises(FenceLost):
            old.require(is_rollback=True, within=0.0)

    # WHEN the next release takes over
    Fence(left, f"{ARN}2", sleep=sleep).acquire(2.0, aborted)
    # THEN it waits after that, for longer than a read is fresh
    assert waits == [60.0]
    assert holder(left) == {"schemaVersion": 1, "executionArn": f"{ARN}2", "startedAt": 2.0}


def test_whoever_dies_while_it_waits_waits_again(left):
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            raise Died

    with pytest.raises(Died):
        Fence(left, f"{ARN}2", sleep=sleep).acquire(2.0, aborted)
    assert holder(left)["settling"] is True
    # THEN its retry does not go on at once
    Fence(left, f"{ARN}2", sleep=sleep).acquire(2.0, aborted)
    assert waits == [60.0, 60.0]
    # AND a retry after that does
    Fence(left, f"{ARN}2", sleep=sleep).acquire(2.0, aborted)
    assert waits == [60.0, 60.0]


def test_nobody_waits_after_a_release_that_ended_by_its_own_report():
    bucket, waits = FakeBucket(), []
    bucket.put(KEY, Holder(f"{ARN}1", 1.0, ended_at=9.0).written())
    Fence(bucket, f"{ARN}2", sleep=waits.append).acquire(2.0, aborted)
    assert waits == []


def test_a_release_that_runs_keeps_the_fence(left):
    before = dict(left.objects)
    with pytest.raises(ReleaseInProgress, match="run-1 is running"):
        Fence(left, f"{ARN}2", sleep=lambda _: None).acquire(2.0, lambda _: "RUNNING")
    assert left.objects == before
