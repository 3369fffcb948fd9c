"""A hotfix by hand around the hooks of a release and during its rollback: it stays, and the report is true."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ecs_gitops.model.errors import AwsRefused
from unit.fake_ecs import FakeEcs
from unit.shop import CANARY, hooks, item, release

HOOK = {
    "targetType": "PAUSE",
    "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
    "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "CONTINUE"},
}
STRATEGIES: dict[str, dict[str, Any]] = {
    "ROLLING": {"strategy": "ROLLING"},
    "CANARY": CANARY,
    "LINEAR": {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1}},
    "BLUE_GREEN": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0},
}
PAUSED = {**CANARY, "lifecycleHooks": [HOOK]}
FAILS = hooks(after="smoke fail")

pytestmark = pytest.mark.usefixtures("shop")


def act_once(ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch, call: str, count: int, act: Callable[[], object]) -> None:
    """Somebody acts right after the ``count``-th ``call`` of the release."""
    done, seen = ecs._done, []

    def after(name: str) -> None:
        seen.append(name)
        if name == call and seen.count(call) == count:
            act()
        done(name)

    monkeypatch.setattr(ecs, "_done", after)


@pytest.fixture
def hotfix(ecs: FakeEcs) -> str:
    return ecs.define("hotfix", ("web", "web:hotfix"))


@pytest.mark.parametrize("configuration", [{"strategy": "ROLLING"}, CANARY])
def test_a_hotfix_while_the_last_hook_runs_is_no_success_of_the_release(
    ecs, machine, monkeypatch, hotfix, configuration
):
    # GIVEN a rollout that went well, and a hotfix while its own check runs
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(configuration)
    act_once(ecs, monkeypatch, "run_task", 1, lambda: ecs.hotfix("web", hotfix))
    (web,) = machine.run(release(item("web", **hooks(after="smoke"))))["result"]["items"]
    assert (web["status"], ecs.images("web"), ecs.stops) == ("FAILED", {"web": "web:hotfix"}, [])
    assert "superseded by deployment" in web["reason"]
    assert "while the hook postDeploy ran" in web["reason"]


def test_who_goes_back_by_hand_while_the_last_hook_runs_has_it_told_as_rolled_back(ecs, machine, monkeypatch):
    before = ecs.services["web"]["taskDefinition"]
    act_once(ecs, monkeypatch, "run_task", 1, lambda: ecs.hotfix("web", before))
    (web,) = machine.run(release(item("web", **hooks(after="smoke"))))["result"]["items"]
    assert (web["status"], ecs.images("web"), ecs.stops) == ("ROLLED_BACK", {"web": "web:1"}, [])


def test_our_revision_that_is_deployed_again_while_the_last_hook_runs_is_a_success(ecs, machine, monkeypatch):
    act_once(ecs, monkeypatch, "run_task", 1, lambda: ecs.force("web"))
    (web,) = machine.run(release(item("web", **hooks(after="smoke"))))["result"]["items"]
    assert (web["status"], ecs.images("web")) == ("DEPLOYED", {"web": "web:2"})


@pytest.mark.parametrize("seconds", [0, 3, 12])
def test_a_hotfix_on_the_way_back_gets_the_settings_from_before_with_their_hooks(
    ecs, machine, monkeypatch, hotfix, seconds
):
    # GIVEN a service that is rolled back by a deployment without hooks, when somebody deploys a hotfix
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(PAUSED)
    invoke, acted = machine._invoke, []

    def with_hotfix(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        if not acted and len(ecs.records) == 2 and ecs.now - ecs.records[-1]["createdAt"] >= seconds:
            acted.append(ecs.hotfix("web", hotfix))
        return invoke(handler, event)

    monkeypatch.setattr(machine, "_invoke", with_hotfix)
    (web,) = machine.run(release(item("web", **FAILS)))["result"]["items"]
    # THEN the hotfix stays, and the settings are those from before
    assert acted
    assert (web["status"], ecs.images("web")) == ("FAILED", {"web": "web:hotfix"})
    assert ecs.services["web"]["deploymentConfiguration"] == PAUSED
    assert "the deployment settings are those from before" in web["reason"]


def test_settings_that_somebody_wrote_on_the_way_back_are_left(ecs, machine, monkeypatch, hotfix):
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(PAUSED)
    theirs = {**CANARY, "bakeTimeInMinutes": 7}

    def act() -> None:
        ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(theirs)
        ecs.hotfix("web", hotfix)

    act_once(ecs, monkeypatch, "update_service", 2, act)
    (web,) = machine.run(release(item("web", **FAILS)))["result"]["items"]
    assert web["status"] == "FAILED"
    assert ecs.services["web"]["deploymentConfiguration"] == theirs
    assert "changed by someone else, and are left" in web["reason"]


def test_a_way_back_that_does_not_come_to_an_end_has_its_settings_put_back_too(ecs, machine, monkeypatch):
    # GIVEN a revision before that does not come up any more
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(PAUSED)
    go_on = ecs._service

    def hanging(service: dict[str, Any], record: dict[str, Any]) -> None:
        if not service["taskDefinition"].endswith("web:1"):
            go_on(service, record)

    monkeypatch.setattr(ecs, "_service", hanging)
    (web,) = machine.run(release(item("web", **FAILS)))["result"]["items"]
    assert web["status"] == "FAILED"
    assert "could not roll back: not over after" in web["reason"]
    assert ecs.services["web"]["deploymentConfiguration"] == PAUSED


def test_settings_that_cannot_be_put_back_are_told(ecs, machine, monkeypatch, hotfix):
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(PAUSED)

    def act() -> None:
        ecs.hotfix("web", hotfix)
        ecs.refuse["update_service"] = AwsRefused("update_service", "AccessDeniedException", "no")

    act_once(ecs, monkeypatch, "update_service", 2, act)
    (web,) = machine.run(release(item("web", **FAILS)))["result"]["items"]
    assert web["status"] == "FAILED"
    assert "the deployment settings from before could not be restored" in web["reason"]


@pytest.mark.parametrize("strategy", [{"strategy": "ROLLING"}, CANARY])
def test_a_read_that_shows_a_hotfix_that_our_return_replaced_is_old(ecs, machine, monkeypatch, hotfix, strategy):
    # GIVEN a hotfix that no read shows when the service is rolled back, and that later ones show
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(strategy)
    ecs.stale = 20
    act_once(ecs, monkeypatch, "describe_tasks", 3, lambda: ecs.hotfix("web", hotfix))
    (web,) = machine.run(release(item("web", **FAILS)))["result"]["items"]
    # THEN the report has what runs
    runs = ecs.steady()["services"]["web"]["images"]
    assert (web["status"], runs) in (("ROLLED_BACK", {"web": "web:1"}), ("FAILED", {"web": "web:hotfix"}))


def test_of_two_deployments_of_one_moment_on_the_way_back_the_one_that_goes_on_is_followed(ecs, machine, monkeypatch):
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(CANARY)
    act_once(ecs, monkeypatch, "update_service", 2, lambda: ecs.force("web"))
    (web,) = machine.run(release(item("web", **FAILS)))["result"]["items"]
    assert (web["status"], ecs.images("web")) == ("ROLLED_BACK", {"web": "web:1"})
    assert ecs.services["web"]["deploymentConfiguration"] == CANARY


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("stale", [20, 30, 60])
def test_what_somebody_deploys_again_counts_once_though_old_reads_show_it_often(
    ecs, machine, monkeypatch, strategy, stale
):
    # GIVEN a service that ECS has rolled back by itself, and somebody who deploys it again before we see that
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    ecs.services["web"]["deploymentConfiguration"] = STRATEGIES[strategy] | breaker
    ecs.stale = stale
    bad, called, acted = f"{ecs.services['web']['taskDefinition'][:-1]}2", ecs._called, []

    def with_another(name: str) -> None:
        if not acted and ecs.records and ecs.now - ecs.records[0]["createdAt"] >= 32:
            acted.append(ecs.hotfix("web", bad))
        called(name)

    monkeypatch.setattr(ecs, "_called", with_another)
    (web,) = machine.run(release(item("web", "bad", timeoutMinutes=9)))["result"]["items"]
    # THEN the service is rolled back all the same
    assert acted
    assert (web["status"], ecs.steady()["services"]["web"]["images"]) == ("ROLLED_BACK", {"web": "web:1"})
    assert not set(ecs.stops) & set(acted)
