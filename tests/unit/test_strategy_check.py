"""What the check says of a service's strategy: what it needs, and what a change of it does to what goes on."""

from __future__ import annotations

from typing import Any

import pytest

from unit.fake_ecs import BALANCERS
from unit.shop import CANARY, item, release

LINEAR = {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 50.0}}
BLUE_GREEN = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
NAMESPACE = {"enabled": True, "namespace": "shop"}


@pytest.fixture
def web(ecs):
    """A rolling service without a load balancer."""
    ecs.serve("web", ecs.define("web", ("web", "web:1")), desired=2, loadBalancers=[])
    return ecs.services["web"]


def checked(machine: Any, deployment: dict[str, Any]) -> dict[str, Any]:
    (found,) = machine.run(release(item("web", deployment=deployment)))["result"]["items"]
    return dict(found)


@pytest.mark.parametrize("strategy", [CANARY, LINEAR])
def test_traffic_that_nothing_shifts_is_refused(ecs, machine, web, strategy):
    found = checked(machine, strategy)
    assert (found["status"], found["checks"]["settings"]) == ("FAILED", "FAILED")
    assert "has neither a load balancer nor Service Connect" in found["reason"]
    assert "a service with Service Connect alone needs one rolling deployment first" in found["reason"]
    assert "update_service" not in ecs.calls


@pytest.mark.parametrize("strategy", [CANARY, LINEAR])
@pytest.mark.parametrize("where", ["service", "older deployment", "switched off"])
def test_service_connect_is_read_from_the_primary_deployment_alone(machine, web, strategy, where):
    if where == "service":
        # ECS has no such member of a service.
        web["serviceConnectConfiguration"] = NAMESPACE
    elif where == "older deployment":
        old = {**web["deployments"][0], "id": "ecs-svc/0", "status": "ACTIVE", "serviceConnectConfiguration": NAMESPACE}
        web["deployments"].append(old)
    else:
        web["deployments"][0]["serviceConnectConfiguration"] = {"enabled": False, "namespace": "shop"}
    assert "neither a load balancer nor Service Connect" in checked(machine, strategy)["reason"]


@pytest.mark.parametrize("strategy", [CANARY, LINEAR])
def test_service_connect_alone_will_do_and_what_it_needs_is_told(machine, web, strategy):
    web["deployments"][0]["serviceConnectConfiguration"] = NAMESPACE
    found = checked(machine, strategy)
    assert found["status"] == "DEPLOYED"
    assert any("ECS takes it after one rolling deployment with Service Connect" in text for text in found["warnings"])


@pytest.mark.parametrize("strategy", [CANARY, LINEAR])
def test_a_load_balancer_will_do_without_a_word(machine, web, strategy):
    web["loadBalancers"] = BALANCERS
    found = checked(machine, strategy)
    assert found["status"] == "DEPLOYED"
    assert not [text for text in found["warnings"] if "strategy" in text]


def test_blue_green_needs_neither(machine, web):
    assert checked(machine, BLUE_GREEN)["status"] == "DEPLOYED"


@pytest.mark.parametrize("strategy", [CANARY, LINEAR, BLUE_GREEN])
def test_a_change_of_strategy_while_a_deployment_goes_on_is_a_warning(ecs, machine, web, strategy):
    web["loadBalancers"] = BALANCERS
    ecs.hotfix("web", ecs.define("web", ("web", "web:never")))
    found = checked(machine, strategy)
    (reported,) = [text for text in found["warnings"] if text.startswith("the strategy changes from ROLLING to ")]
    assert "while a deployment is going on (ecs-svc/2 of web:2)" in reported


def test_the_same_strategy_while_a_deployment_goes_on_is_none(ecs, machine, web):
    ecs.hotfix("web", ecs.define("web", ("web", "web:never")))
    found = checked(machine, {"strategy": "ROLLING", "minimumHealthyPercent": 50})
    assert not [text for text in found["warnings"] if "the strategy changes" in text]
