"""Two releases at once, somebody else's hand in the middle, a service that goes away: each ends with a true report.

One release may change anything at a time: ``running.json`` says which (docs/adr/0015-fence.md). Against everybody else
ECS's own deployment ids help. Here the steps of two executions are interleaved as a seed says, on one account in
memory."""

from __future__ import annotations

import contextlib
import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ecs_gitops.lambdas import deploy_ecs, init_config, validate_deploy
from ecs_gitops.model.errors import FenceLost, ReleaseInProgress
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


def _going(turns: Turns, name: str, deployment: dict[str, Any]) -> Iterator[None]:
    turns.executions[f"arn:aws:states:{REGION}:{ACCOUNT}:execution:ecs-gitops:{name}"] = "RUNNING"
    return turns.steps(deployment, name)


@pytest.mark.parametrize("seed", range(12))
def test_a_second_release_is_refused_while_one_runs_and_changes_nothing(turns, shop, seed):
    # GIVEN a release that is anywhere on its way
    first = _going(turns, "run-0", release(item("web", "2"), item("api", "2")))
    with contextlib.redirect_stdout(io.StringIO()):
        for _ in range(1 + seed):
            if next(first, "over") == "over":
                break
        calls = len(shop.calls)
        is_over = "run-0" in turns.reports
        # WHEN another one begins
        if is_over:
            return
        with pytest.raises(
            ReleaseInProgress, match=r"the release run-0 is running. Nothing was changed.*stop-execution"
        ):
            next(_going(turns, "run-1", release(item("web", "3"), item("api", "3"))))
        # THEN it makes no call, and the first one goes on to its end
        assert len(shop.calls) == calls
        for _ in first:
            pass
    assert {name: each["status"] for name, each in turns.reports["run-0"].items()} == {
        "web": "DEPLOYED",
        "api": "DEPLOYED",
    }


@pytest.mark.parametrize("seed", range(30))
def test_an_aborted_release_whose_functions_go_on_changes_nothing_beside_the_next_one(turns, shop, seed):
    chance = random.Random(seed)  # noqa: S311 - the same interleaving again
    # GIVEN a release that was aborted anywhere, and whose functions go on
    old = _going(turns, "run-0", release(item("web", "2"), item("api", "2")))
    with contextlib.redirect_stdout(io.StringIO()):
        for _ in range(chance.randint(1, 8)):
            next(old, None)
        turns.executions[f"arn:aws:states:{REGION}:{ACCOUNT}:execution:ecs-gitops:run-0"] = "ABORTED"
        # WHEN the next one takes over
        new = _going(turns, "run-1", release(item("web", "3"), item("api", "3")))
        next(new)
        going = [old, new]
        while going:
            one = chance.choice(going)
            writes = _writes(shop)
            try:
                if next(one, "over") == "over":
                    going.remove(one)
            except FenceLost:
                # THEN the old one stops where it is
                going.remove(old)
            if one is old and "run-0" not in turns.reports:
                assert _writes(shop) == writes
    shop.steady()
    # AND the report of the new one is what stands
    assert {name: each["status"] for name, each in turns.reports["run-1"].items()} == {
        "web": "DEPLOYED",
        "api": "DEPLOYED",
    }
    assert [shop.images(name)[name] for name in ("web", "api")] == ["web:3", "api:3"]


def _writes(shop: FakeEcs) -> int:
    return sum(name.startswith(("update_", "register_", "stop_")) for name in shop.calls)


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
