"""The benchmark's table, from what was measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.measure import largest_batch
from bench.targets import Row, rows


def release(services: int, *, changed: bool = True, calls: int = 0, **more: Any) -> dict[str, Any]:
    """Figures of a release with rollouts of 60 seconds, each service of which took so many calls."""
    return {
        "services": services,
        "changed": changed,
        "rolloutSeconds": 60.0,
        "status": "SUCCEEDED",
        "seconds": 3.0,
        "afterEcsSeconds": 2.0,
        "historyEvents": 42,
        "largestPayloadBytes": 2_048,
        "largestBatchBytes": 1_024,
        "looks": 1,
        "calls": {"ecs:UpdateService": services * calls},
        **more,
    }


@pytest.fixture
def quick() -> dict[str, Any]:
    """What `make bench BENCH=--quick` measures, without what the realistic services and the layer's probes add."""
    return {
        "releases": [release(100, calls=3), release(100, changed=False, calls=1)],
        "broken": [{"onFailure": "stop", "noticeAfterGivingUpSeconds": 1.5}],
        "buckets": [{"services": 100, "status": "SUCCEEDED", "overFloorAndRollout": 1.1}],
        "python": {
            "layerBytes": 2_800_000,
            "handlers": {"init_config": {"importMs": 50.0}, "deploy_ecs": {"withFirstClientMs": 140.0}},
        },
    }


def table(found: dict[str, Any]) -> dict[str, Row]:
    return {row.figure: row for row in rows(found)}


def test_without_the_fixed_wait_design_its_column_is_empty(quick):
    # GIVEN a quick run, which leaves the fixed-wait design out
    # WHEN the table is made
    told = table(quick)
    # THEN there is nothing to compare with, and all figures of ours
    assert {row.fixed for row in told.values()} == {"-"}
    assert told["nothing changed, 100 services"].measured == "3.0 s"
    assert all(row.is_reached for row in told.values())


def test_the_fixed_wait_design_is_compared_by_the_releases_that_it_came_to_an_end_with(quick):
    # GIVEN a full run, in which one release of the fixed-wait design failed
    fixed = [release(10, afterEcsSeconds=300.0, calls=6), release(100, status="FAILED", afterEcsSeconds=900.0)]
    # WHEN the table is made
    told = table(quick | {"fixedWait": fixed})
    # THEN that one is not in it
    assert told["end after ECS is steady, 60 s rollout"].fixed == "300 s"
    assert told["AWS calls per changed service, polls aside"].fixed == "6.0"
    assert told["nothing changed, 100 services"].fixed == "-"


@pytest.mark.parametrize(("calls", "is_reached"), [(6, True), (7, False)])
def test_realistic_services_have_a_row_of_their_own_without_the_looks(quick, calls, is_reached):
    # GIVEN a release of 20 services; DescribeServices was called four times to check and deploy, the rest are looks
    realistic = release(20)
    realistic["calls"] = {"ecs:UpdateService": 20 * calls - 4, "ecs:DescribeServices": 4 + 30}
    # WHEN the table is made
    row = table(quick | {"realistic": [realistic]})["AWS calls per changed service, realistic"]
    # THEN the looks are not counted
    assert row.measured == f"{calls:.2f}, SUCCEEDED"
    assert row.is_reached is is_reached


def test_a_sandbox_that_grows_does_not_reach_its_target_even_if_it_is_small(quick):
    # GIVEN a sandbox that grew by 20 MB to 100
    quick["python"]["releases"] = {"firstMb": 80.0, "lastMb": 100.0, "peakMb": 100.0}
    # WHEN the table is made
    row = table(quick)["warm sandbox, growth from release 10 to 200"]
    # THEN it is too much
    assert row.measured == "20.0 MB, 100 MB"
    assert not row.is_reached


def test_the_largest_release_is_judged_by_what_the_state_machine_carries_of_a_batch(quick):
    # GIVEN a release of 5,000 services
    # WHEN the table is made
    told = table(quick | {"largest": [release(5_000, changed=False)]})
    # THEN it has its rows beside those of the other releases
    assert told["5,000 services, nothing changed"].measured == "3 s, SUCCEEDED"
    assert told["state data of a batch, 5,000 services"].measured == "1.0 KiB"
    assert told["largest payload, 100 services"].measured == "2 KiB"


def test_the_largest_batch_is_found_in_every_state():
    # GIVEN a history in which batches are in a stage, in an event of a function, and absent
    small, large = {"next": "WAIT"}, {"next": "DEPLOY", "progress": ["web: STARTED"]}
    texts = [{"stage": {"batches": [small]}}, {"Payload": {"batch": large, "release": {}}}, ["no batch"]]
    history = [{"id": 1, "details": {"output": json.dumps(text)}} for text in texts]
    # WHEN the largest is looked for
    # THEN it is the one of the function
    assert largest_batch(history) == len(json.dumps(large))
