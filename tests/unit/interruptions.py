"""Releases that are disturbed at one of their calls: killed after it, or throttled at it.

Each scenario is run once undisturbed, and then once for each of its calls: the function dies after that call took
effect, and Step Functions runs the state again. In the midst of many looks that find nothing new, a call is like the
one before: `make test` leaves those out, `make soak` plays them all.
"""

from __future__ import annotations

from collections.abc import Iterator
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


_LOOKS = {"describe_services", "describe_service_deployments", "describe_tasks"}
# A look with as many looks before and after it is in their midst.
_AROUND = 2


def disturbed(calls: list[str], *, all_calls: bool) -> list[int]:
    """The places of the calls that are to be disturbed."""

    def is_in_the_midst(place: int) -> bool:
        return all(call in _LOOKS for call in calls[max(0, place - _AROUND) : place + _AROUND + 1])

    return [place for place in range(len(calls)) if all_calls or not is_in_the_midst(place)]


def killed(name: str, monkeypatch: pytest.MonkeyPatch, *, all_calls: bool) -> Iterator[str]:
    """What is not as without a disturbance, where the function dies right after a call took effect."""
    ecs = shop()
    expected = end_of(ecs, Machine(ecs, monkeypatch).run(SCENARIOS[name]))
    calls = list(ecs.calls)
    for place in disturbed(calls, all_calls=all_calls):
        ecs = shop()
        ecs.die_after = place + 1
        machine = Machine(ecs, monkeypatch)
        done = machine.run(SCENARIOS[name])
        if machine.deaths != 1 or end_of(ecs, done) != expected:
            yield f"{name}: died {machine.deaths} times, after call {place + 1} of {len(calls)}, {calls[place]}"


def throttled(name: str, monkeypatch: pytest.MonkeyPatch, *, all_calls: bool) -> Iterator[str]:
    """What is not as without a disturbance, where a call is throttled."""
    ecs = shop()
    expected = end_of(ecs, Machine(ecs, monkeypatch).run(SCENARIOS[name]))
    calls = list(ecs.calls)
    for place in disturbed(calls, all_calls=all_calls):
        ecs = shop()
        ecs.throttle = {place}
        if end_of(ecs, Machine(ecs, monkeypatch).run(SCENARIOS[name])) != expected:
            yield f"{name}: throttled at call {place + 1} of {len(calls)}, {calls[place]}"
