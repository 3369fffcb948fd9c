"""Killed after any AWS call of a release, in whatever state, the retry comes to the same end.

Each scenario is run once undisturbed, and then once for each of its calls: the function dies after that call took
effect, and Step Functions runs the state again.
"""

from __future__ import annotations

from typing import Any

import pytest

from unit.fake_ecs import FakeEcs
from unit.machine import Machine
from unit.shop import CANARY, JOB, hooks, item, release

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "strategy": "ROLLING"}
SCENARIOS: dict[str, dict[str, Any]] = {
    "deploy": release(item("web"), item("api", "1"), tasks=[JOB]),
    "hooks": release(item("web", **hooks("migrate", "smoke"))),
    "a migration that fails": release(item("web", **hooks("migrate fail"))),
    "a check that fails": release(item("web", **hooks("migrate", "smoke fail"))),
    "rollback": release(item("web", "bad"), item("api")),
    "rollback by ECS": release(item("db", "bad")),
    "rollback of what hangs": release(item("web", "never", timeoutMinutes=2)),
    "left as it is": release(item("web", "bad", onFailure="stop")),
    "canary": release(item("web", deployment=CANARY)),
    "canary whose check fails": release(item("web", deployment=CANARY, **hooks(after="smoke fail"))),
    "the service's own canary, whose check fails": release(item("canary", **hooks(after="smoke fail"))),
    "canary that ECS rolls back": release(item("web", "bad", deployment=CANARY)),
    "settings alone": release(item("web", "1", deployment={"minimumHealthyPercent": 50})),
    "settings alone, rolled back": release(
        item("web", "1", deployment={"minimumHealthyPercent": 50}), item("api", "bad"), onFailure="rollbackRelease"
    ),
    "the whole release returns": release(
        item("web"),
        item("api", "bad", dependsOn=["web"]),
        tasks=[JOB, {"service": "job", "scheduleName": "hourly", "image": "job:2"}],
        onFailure="rollbackRelease",
    ),
}


def shop() -> FakeEcs:
    ecs = FakeEcs()
    for name in ("web", "api", "db", "canary"):
        own = {"db": BREAKER, "canary": CANARY}
        more = {"deploymentConfiguration": own[name]} if name in own else {}
        ecs.serve(name, ecs.define(name, (name, f"{name}:1")), desired=2, **more)
    target = {
        "Arn": "cluster",
        "RoleArn": "role",
        "EcsParameters": {"TaskDefinitionArn": ecs.define("job", ("job", "job:1"))},
    }
    ecs.rules["default", "nightly"] = [{"Id": "a", **target}]
    schedule = {"Name": "hourly", "GroupName": "default", "ScheduleExpression": "rate(1 hour)", "Target": target}
    ecs.schedules["default", "hourly"] = schedule
    return ecs


def end_of(ecs: FakeEcs, done: dict[str, Any]) -> dict[str, Any]:
    """The report and the live state: all that must not depend on an interruption."""
    reported = ("status", "previousTaskDefArn", "deployedTaskDefArn", "runningTaskDefArn", "previousImage")
    items = {each["name"]: {key: each.get(key) for key in reported} for each in done["result"]["items"]}
    marks = {
        arn: {key: value for key, value in tags.items() if "rolled-back" in key}
        for arn, (_, tags) in ecs.definitions.items()
    }
    return {
        "status": done["status"],
        "items": items,
        "world": ecs.steady(),
        "revisions": sorted(ecs.definitions),
        "hooks run": len(ecs.tasks),
        "remembered": marks,
    }


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_any_call_the_release_comes_to_the_same_end(name, monkeypatch):
    # GIVEN a release that nothing disturbs
    ecs = shop()
    expected = end_of(ecs, Machine(ecs, monkeypatch).run(SCENARIOS[name]))
    calls = len(ecs.calls)
    for call in range(1, calls + 1):
        # WHEN the function dies right after its n-th call took effect
        ecs = shop()
        ecs.die_after = call
        machine = Machine(ecs, monkeypatch)
        done = machine.run(SCENARIOS[name])
        # THEN its state was run again, and report and services are what they would have been
        assert machine.deaths <= 1
        assert end_of(ecs, done) == expected, f"died after call {call} of {calls}: {ecs.calls[call - 1]}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_throttled_at_any_call_the_release_comes_to_the_same_end(name, monkeypatch):
    ecs = shop()
    expected = end_of(ecs, Machine(ecs, monkeypatch).run(SCENARIOS[name]))
    for call in range(len(ecs.calls)):
        ecs = shop()
        ecs.throttle = {call}
        assert end_of(ecs, Machine(ecs, monkeypatch).run(SCENARIOS[name])) == expected, f"throttled at call {call}"
