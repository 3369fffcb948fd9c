"""The strategies that shift traffic, and PAUSE hooks."""

from __future__ import annotations

from typing import Any

import pytest

from contract.accounts import Account, Json
from contract.deployments import Service, refused

BLUE_GREEN: Json = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
CANARY: Json = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 0,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 0},
}
LINEAR: Json = {
    "strategy": "LINEAR",
    "bakeTimeInMinutes": 0,
    "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 0},
}


def _pause(action: str = "ROLLBACK", minutes: int = 1_440) -> Json:
    hook = {
        "targetType": "PAUSE",
        "lifecycleStages": ["POST_SCALE_UP"],
        "timeoutConfiguration": {"timeoutInMinutes": minutes, "action": action},
    }
    return {**BLUE_GREEN, "lifecycleHooks": [hook]}


def _waiting(service: Service) -> list[Json]:
    hooks = service.newest().get("lifecycleHookDetails", [])
    return [each for each in hooks if each["status"] == "AWAITING_ACTION"]


@pytest.mark.parametrize("configuration", [BLUE_GREEN, CANARY, LINEAR], ids=lambda each: each["strategy"])
def test_a_strategy_tells_no_rollout_state(service: Service, configuration: Json) -> None:
    # WHEN a service is deployed with a strategy that shifts traffic
    primary, active = service.deploy("app:2", **configuration)["deployments"]

    # THEN the new deployment is the primary one, without a rollout state; its record says how it is
    assert (primary["status"], active["status"]) == ("PRIMARY", "ACTIVE")
    assert "rolloutState" not in primary
    assert service.newest()["status"] == "IN_PROGRESS"
    over = service.until("SUCCESSFUL")
    assert over["deploymentConfiguration"]["strategy"] == configuration["strategy"]
    (left,) = service.steady()["deployments"]
    assert (left["id"], left["runningCount"]) == (primary["id"], 2)
    assert "rolloutState" not in left


@pytest.mark.parametrize("has_rollback", [True, False])
def test_a_strategy_has_the_circuit_breaker_too(service: Service, has_rollback: bool) -> None:
    (good,) = service.now()["deployments"]
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": has_rollback}}
    bad = service.deploy(service.account.bad, **BLUE_GREEN, **breaker)["deployments"][0]
    if has_rollback:
        assert "tasks failed to start" in service.until("ROLLBACK_SUCCESSFUL")["statusReason"]
        assert [each["id"] for each in service.steady()["deployments"]] == [good["id"]]
    else:
        assert "tasks failed to start" in service.until("STOPPED")["statusReason"]
        assert service.now()["deployments"][0]["id"] == bad["id"]


def test_a_strategy_bakes(service: Service) -> None:
    began = service.account.now
    service.deploy("app:2", strategy="BLUE_GREEN", bakeTimeInMinutes=3)
    service.until("SUCCESSFUL")
    assert service.account.now - began >= 3 * service.account.minute


def test_members_of_another_strategy_are_dropped(service: Service) -> None:
    service.configure(**CANARY)
    live = service.configure(**LINEAR)["deploymentConfiguration"]
    assert (live["strategy"], "canaryConfiguration" in live) == ("LINEAR", False)
    assert live["linearConfiguration"] == LINEAR["linearConfiguration"]
    assert live["maximumPercent"] == 200


@pytest.mark.parametrize("configuration", [CANARY, LINEAR], ids=lambda each: each["strategy"])
def test_traffic_is_not_shifted_without_a_load_balancer(account: Account, name: str, configuration: Json) -> None:
    account.serve(name, loadBalancers=[])
    service = Service(account, name)
    before = service.now()["deploymentConfiguration"]
    assert refused(lambda: service.configure(**configuration)) == "InvalidParameterException"
    assert service.now()["deploymentConfiguration"] == before


def test_a_deployment_waits_at_a_pause_until_somebody_goes_on(service: Service) -> None:
    # GIVEN a deployment with a pause
    service.deploy("app:2", **_pause())

    # WHEN it comes there, THEN it waits
    (hook,) = service.account.until(lambda: _waiting(service))
    record = service.newest()
    assert (record["status"], record["lifecycleStage"]) == ("IN_PROGRESS", "POST_SCALE_UP")
    assert (hook["targetType"], hook["timeoutAction"]) == ("PAUSE", "ROLLBACK")

    # WHEN somebody goes on, THEN it succeeds, and the hook takes no further answer
    answer: Any = service.account.answer_hook
    answer(record["serviceDeploymentArn"], hook["hookId"], "CONTINUE")
    over = service.until("SUCCESSFUL")
    assert [each["status"] for each in over["lifecycleHookDetails"]] == ["SUCCEEDED"]
    again = refused(lambda: answer(record["serviceDeploymentArn"], hook["hookId"], "CONTINUE"))
    assert again == "InvalidParameterException"

    # AND every deployment comes to it, also one of what runs
    service.steady()
    service.account.force(service.name)
    (hook,) = service.account.until(lambda: _waiting(service))
    answer(service.newest()["serviceDeploymentArn"], hook["hookId"], "CONTINUE")
    service.until("SUCCESSFUL")


def test_a_pause_that_is_refused_rolls_back(service: Service) -> None:
    (good,) = service.now()["deployments"]
    service.deploy("app:2", **_pause())
    (hook,) = service.account.until(lambda: _waiting(service))
    service.account.answer_hook(service.newest()["serviceDeploymentArn"], hook["hookId"], "ROLLBACK")
    over = service.until("ROLLBACK_SUCCESSFUL")
    assert [each["status"] for each in over["lifecycleHookDetails"]] == ["FAILED"]
    assert [each["id"] for each in service.steady()["deployments"]] == [good["id"]]


@pytest.mark.parametrize(("action", "status"), [("CONTINUE", "SUCCESSFUL"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")])
def test_a_pause_that_nobody_answers_takes_its_own_action(service: Service, action: str, status: str) -> None:
    service.deploy("app:2", **_pause(action, minutes=1))
    service.account.until(lambda: _waiting(service))
    over = service.until(status)
    assert [each["status"] for each in over["lifecycleHookDetails"]] == ["TIMED_OUT"]
