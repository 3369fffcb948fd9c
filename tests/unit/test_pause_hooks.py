"""PAUSE lifecycle hooks: they wait for a person, who gets one message, and a rollback does not wait for one."""

from __future__ import annotations

import copy
import json
import re
import shlex
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from ecs_gitops.ecs.deployment_settings import bake_minutes, original_settings, pause_minutes, rollback_settings
from ecs_gitops.verdict import polling
from unit.fake_ecs import FakeEcs
from unit.interruptions import disturbed
from unit.machine import Machine
from unit.shop import CANARY, hooks, item, release, statuses, stock

PAUSE = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
HOUR = {**PAUSE, "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "ROLLBACK"}}
LAMBDA = {
    "hookTargetArn": "arn:aws:lambda:us-west-2:111111111111:function:smoke",
    "roleArn": "arn:aws:iam::111111111111:role/ecs-hooks",
    "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
}
BLUE_GREEN: dict[str, Any] = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}

pytestmark = pytest.mark.usefixtures("shop")


class Person:
    """A machine whose person does as the notice says, ``minutes`` after it came."""

    def __init__(self, ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch, action: str = "CONTINUE", minutes: float = 7):
        self.ecs, self.action, self.minutes = ecs, action, minutes
        self.machine = Machine(ecs, monkeypatch)
        self.seen: list[str] = []
        self._due: list[tuple[float, str]] = []
        invoke = self.machine._invoke

        def acting(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
            for due in [due for due in self._due if due[0] <= ecs.now]:
                self._due.remove(due)
                _obey(ecs, due[1])
            answer = invoke(handler, event)
            if commands := _commands(answer.get("alert", {"message": ""})):
                self._due.append((ecs.now + self.minutes * 60, commands[action]))
            lines = answer.get("batch", {}).get("progress", ())
            self.seen += [line.partition("web: ROLLING_OUT: ")[2] for line in lines]
            return answer

        monkeypatch.setattr(self.machine, "_invoke", acting)


def _commands(alert: dict[str, Any]) -> dict[str, str]:
    lines = [line.partition(": ")[2].strip() for line in alert["message"].splitlines() if "aws ecs" in line]
    return {line.split("--action ")[1].split()[0]: line for line in lines}


def _obey(ecs: FakeEcs, command: str) -> None:
    """What the AWS command line makes of it; the parameters are those of the operation."""
    words = shlex.split(command)
    assert words[:3] == ["aws", "ecs", "continue-service-deployment"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert given.pop("--region") == "us-west-2"
    request = {
        "serviceDeploymentArn": given["--service-deployment-arn"],
        "hookId": given["--hook-id"],
        "action": given["--action"],
    }
    shape = boto3.client("ecs", region_name="us-west-2").meta.service_model.operation_model("ContinueServiceDeployment")
    assert not ParamValidator().validate(request, shape.input_shape).has_errors()
    assert request["action"] in shape.input_shape.members["action"].enum
    ecs.continue_service_deployment(request["serviceDeploymentArn"], request["hookId"], request["action"])


@pytest.fixture
def paused(ecs: FakeEcs) -> FakeEcs:
    """Web has a pause of its own, for an hour at most."""
    ecs.services["web"]["deploymentConfiguration"] = {**BLUE_GREEN, "lifecycleHooks": [copy.deepcopy(HOUR)]}
    return ecs


@pytest.mark.parametrize(
    ("hook", "minutes"),
    [
        (PAUSE, 1_440),
        (HOUR, 60),
        ({**HOUR, "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"]}, 120),
        ({**HOUR, "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]}, 60),
        ({**PAUSE, "timeoutConfiguration": {"timeoutInMinutes": 20_160}}, 20_160),
        ({**PAUSE, "timeoutConfiguration": {"action": "CONTINUE"}}, 1_440),
        (LAMBDA, 0),
    ],
)
def test_a_pause_counts_as_baking(hook, minutes):
    assert bake_minutes({**BLUE_GREEN, "lifecycleHooks": [hook]}) == 5 + minutes
    assert bake_minutes({**BLUE_GREEN, "lifecycleHooks": [hook, LAMBDA, HOUR]}) == 5 + minutes + 60
    assert bake_minutes({"strategy": "ROLLING", "lifecycleHooks": [hook]}) == 0


@pytest.mark.parametrize(
    ("configuration", "steps"),
    [
        ({"strategy": "CANARY"}, 2),
        ({"strategy": "LINEAR"}, 10),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 33.0}}, 4),
    ],
)
def test_a_pause_before_production_traffic_comes_before_every_step_of_it(configuration, steps):
    hook = {**HOUR, "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]}
    assert pause_minutes({**configuration, "lifecycleHooks": [hook]}) == 60 * steps


def test_a_deployment_that_waits_is_shown_and_told_once_and_goes_on(paused, monkeypatch):
    person = Person(paused, monkeypatch)
    (web,) = person.machine.run(release(item("web")))["result"]["items"]
    assert (web["status"], paused.images("web")) == ("DEPLOYED", {"web": "web:2"})
    # It was shown, with the hook's id
    waits = [text for text in person.seen if text.startswith("AWAITING_ACTION: PAUSE hook ecs-pause-4-0, ROLLBACK at ")]
    assert len(waits) > 3
    # AND people got one message for each
    (alert,) = person.machine.alerts
    assert alert["subject"] == "[ecs-gitops] AWAITING_ACTION: release run-1 (web)"
    assert alert["status"] == "AWAITING_ACTION"
    assert "shop/web: AWAITING_ACTION: PAUSE hook ecs-pause-4-0" in alert["message"]
    assert "the service's own PAUSE hooks wait for a person, for 60 minutes at most" in web["warnings"]


def test_each_hook_is_told_of_once(ecs, monkeypatch):
    stages = ["POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]
    desired = {**BLUE_GREEN, "lifecycleHooks": [{**HOUR, "lifecycleStages": stages}]}
    person = Person(ecs, monkeypatch)
    assert statuses(person.machine.run(release(item("web", deployment=desired)))) == {"web": "DEPLOYED"}
    reported = [_commands(alert)["CONTINUE"] for alert in person.machine.alerts]
    assert len(reported) == len(set(reported)) == 3


def test_a_read_that_shows_a_hook_again_tells_nobody_again(paused, monkeypatch):
    person = Person(paused, monkeypatch, minutes=1)
    reads = iter([0.0] * 60 + [50.0, 0.0] * 500)
    paused.stale = lambda: next(reads, 0.0)
    person.machine.run(release(item("web")))
    assert len(person.machine.alerts) == 1


def test_a_handler_that_is_run_again_gives_the_notice_again_and_only_one_goes_out(paused, monkeypatch):
    # GIVEN functions that die after any call, so that Step Functions runs their state again
    person = Person(paused, monkeypatch)
    person.machine.run(release(item("web")))
    for place in disturbed(paused.calls, all_calls=False):
        ecs = FakeEcs()
        stock(ecs)
        ecs.services["web"]["deploymentConfiguration"] = {**BLUE_GREEN, "lifecycleHooks": [copy.deepcopy(HOUR)]}
        ecs.die_after = place + 1
        again = Person(ecs, monkeypatch)
        assert statuses(again.machine.run(release(item("web")))) == {"web": "DEPLOYED"}
        assert len(again.machine.alerts) == 1


def test_who_says_no_has_the_service_returned(paused, monkeypatch):
    person = Person(paused, monkeypatch, action="ROLLBACK")
    (web,) = person.machine.run(release(item("web")))["result"]["items"]
    assert (web["status"], paused.images("web")) == ("ROLLED_BACK", {"web": "web:1"})
    assert paused.services["web"]["deploymentConfiguration"]["lifecycleHooks"] == [HOUR]


@pytest.mark.parametrize(("action", "status"), [("ROLLBACK", "ROLLED_BACK"), ("CONTINUE", "DEPLOYED")])
def test_a_hook_that_nobody_answers_ends_as_it_says_and_not_by_our_timeout(ecs, machine, action, status):
    hook = {**PAUSE, "timeoutConfiguration": {"timeoutInMinutes": 120, "action": action}}
    ecs.services["web"]["deploymentConfiguration"] = {**BLUE_GREEN, "lifecycleHooks": [hook]}
    (web,) = machine.run(release(item("web")))["result"]["items"]
    assert web["status"] == status
    assert ecs.stops == []
    assert len(machine.alerts) == 1 + (status == "ROLLED_BACK")


@pytest.mark.parametrize("configuration", [BLUE_GREEN, CANARY])
@pytest.mark.parametrize("hook", [PAUSE, HOUR])
def test_a_way_back_waits_for_nobody_and_the_hooks_are_there_again_at_the_end(ecs, monkeypatch, configuration, hook):
    # GIVEN a rollout that a person let through, and whose own check fails then
    own = {**configuration, "lifecycleHooks": [hook]}
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(own)
    person = Person(ecs, monkeypatch)
    (web,) = person.machine.run(release(item("web", **hooks(after="smoke fail"))))["result"]["items"]
    # THEN it is rolled back by a deployment without hooks, and the settings are those from before
    assert (web["status"], ecs.images("web")) == ("ROLLED_BACK", {"web": "web:1"})
    assert ecs.records[-1]["deploymentConfiguration"]["lifecycleHooks"] == []
    assert ecs.services["web"]["deploymentConfiguration"] == own
    assert [alert["status"] for alert in person.machine.alerts] == ["AWAITING_ACTION", "FAILING"]


def test_a_way_back_that_dies_after_any_call_gets_its_hooks_back(monkeypatch):
    def run(die_after: int | None) -> tuple[FakeEcs, dict[str, str]]:
        ecs = FakeEcs()
        stock(ecs)
        ecs.services["web"]["deploymentConfiguration"] = {**CANARY, "lifecycleHooks": [copy.deepcopy(HOUR)]}
        ecs.die_after = die_after
        machine = Person(ecs, monkeypatch, minutes=1).machine
        return ecs, statuses(machine.run(release(item("web", **hooks(after="smoke fail")))))

    undisturbed, expected = run(None)
    for place in disturbed(undisturbed.calls, all_calls=False):
        ecs, reported = run(place + 1)
        assert reported == expected
        assert ecs.services["web"]["deploymentConfiguration"] == {**CANARY, "lifecycleHooks": [HOUR]}, place


def test_hooks_that_call_functions_are_left_out_on_the_way_back_too():
    live = {**BLUE_GREEN, "bakeTimeInMinutes": 0, "lifecycleHooks": [LAMBDA]}
    assert rollback_settings(live)["lifecycleHooks"] == []
    assert original_settings(live, {})["lifecycleHooks"] == [LAMBDA]


def test_the_role_of_a_hook_that_is_put_back_has_to_be_passed(ecs, machine):
    # GIVEN a service whose own hook has a role that the deploy role may not pass
    ecs.services["web"]["deploymentConfiguration"] = {**BLUE_GREEN, "lifecycleHooks": [LAMBDA]}
    ecs.passable = set()
    (web,) = machine.run(release(item("web")))["result"]["items"]
    assert (web["status"], web["checks"]["passRole"]) == ("FAILED", "FAILED")
    assert f"may not pass role {LAMBDA['roleArn']} to ecs.amazonaws.com" in web["reason"]


def test_a_release_that_cannot_wait_so_long_is_refused_before_anything_changes(ecs, machine):
    machine.settings = replace(machine.settings, execution_minutes=240)
    desired = {**BLUE_GREEN, "lifecycleHooks": [PAUSE]}
    done = machine.run(release(item("web", deployment=desired)))
    assert done["error"] == "InvalidRelease"
    assert re.search(r"bakes for 1445 minutes.*PAUSE hooks may wait for 1440 minutes", done["cause"])
    assert "update_service" not in ecs.calls


def test_a_timeout_that_the_services_own_pause_does_not_fit_into_is_refused(paused, machine):
    (web,) = machine.run(release(item("web", timeoutMinutes=30)))["result"]["items"]
    assert web["status"] == "FAILED"
    assert "bakes 65 minutes (its PAUSE hooks may wait for 60 minutes), and timeoutMinutes is 30" in web["reason"]


def test_a_week_of_waiting_leaves_the_history_room():
    now, looks, end = 0.0, 0, 10_080 * 60.0
    while now < end:
        now += max(polling.wait_seconds([0.0], [end], now), polling.pause_seconds([0.0], [end], now))
        looks += 1
    assert looks * 9 < 9_000


def test_a_deployment_that_waits_is_looked_at_ever_less_often(ecs, machine):
    # GIVEN a pause that nobody answers for a day
    ecs.services["web"]["deploymentConfiguration"] = {**BLUE_GREEN, "lifecycleHooks": [PAUSE]}
    machine.run(release(item("web")))
    # THEN a look has two reads, and there are few
    assert ecs.now - 1_000_000 > 86_400
    assert ecs.calls.count("describe_service_deployments") < 300


def test_what_waits_comes_through_the_ledger_as_plain_data(paused, machine):
    done = machine.run(release(item("web")))
    steps = [json.loads(stored.content) for key, stored in machine.ledger.objects.items() if "/service-" in key]
    (paused_item, *_) = [
        each
        for step in steps
        for each in step["batch"]["items"]
        if "AWAITING_ACTION" in each.get("progress", {}).get("text", "")
    ]
    assert paused_item["progress"]["step"] == "ROLLING_OUT"
    assert paused_item["progress"]["paused"] == ["ecs-pause-4-0"]
    assert done["result"]["items"][0].get("progress") is None
