"""Two releases at once, somebody else's hand in the middle, a service that goes away: each ends with a true report.

There is no lock: ECS's own deployment ids show whose rollout it is (docs/adr/0008). Here the steps of two executions
are interleaved in every way that a seed gives, on one account in memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ecs_gitops.lambdas import deploy_ecs, init_config, validate_deploy
from unit.fake_aws import ACCOUNT, REGION
from unit.fake_ecs import FakeEcs
from unit.machine import Machine
from unit.shop import item, release


class Turns(Machine):
    """An execution that stops after each state, so that something else can come between."""

    def steps(self, deployment: dict[str, Any], name: str) -> Iterator[None]:
        """One step at a time; the report is in :attr:`reports`."""
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:ecs-gitops:{name}"
        execution = {"id": arn, "name": name, "startTime": "2026-11-24T10:00:00Z"}
        state = self._invoke(init_config.handler, {"deployment": deployment, "execution": execution})
        while True:
            yield
            batches = []
            for data in state["batches"]:
                event = self._invoke(deploy_ecs.handler, {"release": state["release"], "batch": data})
                yield
                while event["batch"]["next"] != "DONE":
                    if event["batch"]["next"] == "WAIT":
                        self.aws.now += event["batch"]["waitSeconds"]
                        event = self._invoke(validate_deploy.handler, event)
                    else:
                        event = self._invoke(deploy_ecs.handler, event)
                    yield
                batches.append(event["batch"])
            state = self._invoke(validate_deploy.handler, {"stage": {**state, "batches": batches}})
            if state["next"] == "REPORT":
                self.reports[name] = {each["name"]: each for each in state["result"]["items"]}
                return

    @property
    def reports(self) -> dict[str, Any]:
        return self.__dict__.setdefault("_reports", {})


@pytest.fixture
def shop(ecs: FakeEcs) -> FakeEcs:
    for name in ("web", "api"):
        ecs.serve(name, ecs.define(name, (name, f"{name}:1")), desired=2)
    return ecs


@pytest.fixture
def turns(shop: FakeEcs, monkeypatch: pytest.MonkeyPatch) -> Turns:
    return Turns(shop, monkeypatch)


def interleave(turns: Turns, seed: int, *deployments: dict[str, Any]) -> dict[str, Any]:
    chance = random.Random(seed)  # noqa: S311 - the same interleaving again
    going = [turns.steps(deployment, f"run-{n}") for n, deployment in enumerate(deployments)]
    with contextlib.redirect_stdout(io.StringIO()):
        while going:
            one = chance.choice(going)
            if next(one, "over") == "over":
                going.remove(one)
    return turns.reports


def true_to(result: dict[str, Any], requested: str, runs: str) -> bool:
    """Whether a report is so: DEPLOYED and UNCHANGED only of what runs at the end, unless it was replaced after."""
    return result["status"] not in ("DEPLOYED", "UNCHANGED") or requested == runs


@pytest.mark.parametrize("seed", range(40))
def test_two_executions_on_the_same_services_each_report_what_is_so(turns, shop, seed):
    # GIVEN two executions with different images for the same services, step by step in any order
    reports = interleave(
        turns, seed, release(item("web", "2"), item("api", "2")), release(item("web", "3"), item("api", "3"))
    )
    shop.steady()
    for name in ("web", "api"):
        runs = shop.images(name)[name]
        reported = {run: reports[run][name] for run in ("run-0", "run-1")}
        # THEN the one that runs at the end is never reported as failed by superseding itself, and a release whose
        # image does not run says that it was superseded, could not be rolled back, or was done before the other came
        for run, requested in (("run-0", f"{name}:2"), ("run-1", f"{name}:3")):
            result = reported[run]
            if result["status"] == "DEPLOYED" and requested != runs:
                other = reported["run-1" if run == "run-0" else "run-0"]
                assert other["status"] in ("DEPLOYED", "ROLLED_BACK"), reported
                assert other.get("previousTaskDefArn") != other.get("deployedTaskDefArn")
            elif result["status"] == "FAILED":
                assert "superseded" in result["reason"] or "someone else deployed" in result["reason"], result
        assert runs in (f"{name}:1", f"{name}:2", f"{name}:3")
        assert any(result["status"] in ("DEPLOYED", "ROLLED_BACK") for result in reported.values()), reported


@pytest.mark.parametrize("seed", range(20))
def test_two_executions_of_the_same_manifest_deploy_once_and_both_say_so(turns, shop, seed):
    requested = release(item("web", "2"))
    reports = interleave(turns, seed, requested, requested)
    shop.steady()
    assert shop.images("web") == {"web": "web:2"}
    assert {reports[run]["web"]["status"] for run in ("run-0", "run-1")} <= {"DEPLOYED", "UNCHANGED"}


def _midway(turns: Turns, deployment: dict[str, Any], interfere: Callable[[], None]) -> dict[str, Any]:
    steps, done = turns.steps(deployment, "run"), False
    with contextlib.redirect_stdout(io.StringIO()):
        for _ in steps:
            if turns.aws.services["web"]["deployments"][0]["taskDefinition"].endswith(":2") and not done:
                interfere()
                done = True
    return dict(turns.reports["run"]["web"])


def test_a_manual_update_in_the_middle_is_told_and_left(turns, shop):
    def interfere() -> None:
        shop.now += 1
        shop._start(shop.services["web"], shop.define("web", ("web", "web:9")))

    reported = _midway(turns, release(item("web", "2")), interfere)
    assert reported["status"] == "FAILED"
    assert "superseded" in reported["reason"]
    assert shop.images("web") == {"web": "web:9"}


def test_a_service_that_is_deleted_in_the_middle_is_told(turns, shop):
    reported = _midway(turns, release(item("web", "2")), lambda: shop.services["web"].update(status="DRAINING"))
    assert reported["status"] == "FAILED"
    assert "became DRAINING" in reported["reason"]


def test_pushes_in_a_row_leave_the_last_one(machine, ecs):
    ecs.serve("web", ecs.define("web", ("web", "web:1")), desired=2)
    for tag in ("2", "3", "4"):
        assert json.dumps(machine.results(release(item("web", tag)))["web"]["status"]) == '"DEPLOYED"'
    assert ecs.images("web") == {"web": "web:4"}
