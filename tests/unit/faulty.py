"""Releases under faults, from a seed: throttling, faults of AWS, answers that are lost after the effect took place, and
the death of a function after any call. The report is compared with the live state at the end.

The account is in memory, so that thousands of seeds can be run; the same is done with the real state machine and
functions on the local AWS by :mod:`soak`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from ecs_gitops.model.errors import AwsUnavailable
from unit.fake_aws import Died
from unit.fake_ecs import FakeEcs
from unit.machine import Machine

# Seeds that find a fault when it is put in, and those that once found one; they are run first, every time.
KEPT = (21, 27)
_SERVICES = ("web", "api", "db", "worker")
_CANARY = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 1,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 2},
}
# More in a row than this, and Step Functions would run out of retries, which is another matter.
_IN_A_ROW = 3


class FaultyEcs(FakeEcs):
    """An account whose answers are lost, late or throttled as ``chance`` says; none is before :meth:`arm`."""

    def __init__(self) -> None:
        super().__init__()
        self.chance: random.Random | None = None
        self.rate = 0.0
        self._row = 0

    def arm(self, chance: random.Random, rate: float) -> None:
        self.chance, self.rate = chance, rate

    def _fault(self, kinds: tuple[str, ...]) -> str | None:
        if self.chance is None or self._row >= _IN_A_ROW or self.chance.random() >= self.rate:
            self._row = 0
            return None
        self._row += 1
        return self.chance.choice(kinds)

    def _called(self, name: str) -> None:
        super()._called(name)
        if self._fault(("throttle", "5xx", "reset")):
            raise AwsUnavailable(f"{name}: not now")

    def _done(self, name: str) -> None:
        super()._done(name)
        kind = self._fault(("lost answer", "death", "slow"))
        if kind == "lost answer":
            raise AwsUnavailable(f"{name}: the answer was lost")
        if kind == "death":
            raise Died
        if kind == "slow" and self.chance is not None:
            self.now += self.chance.uniform(1, 5)


@dataclass(frozen=True, slots=True)
class Lie:
    """Something reported that is not so."""

    seed: int
    what: str


@dataclass(slots=True)
class Run:
    """One release from a seed."""

    seed: int
    chance: random.Random = field(init=False)
    ecs: FaultyEcs = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - a seed is to give the same run again
        self.ecs = FaultyEcs()

    def lies(self, monkeypatch: pytest.MonkeyPatch) -> list[Lie]:
        """Make the account, release, and compare the report with the live state."""
        deployment = self._set_up()
        before = self.ecs.steady()
        definitions = set(self.ecs.definitions)
        self.ecs.arm(self.chance, self.chance.choice((0.02, 0.05, 0.1)))
        machine = Machine(self.ecs, monkeypatch)
        done = machine.run(deployment)
        self.ecs.arm(self.chance, 0.0)
        after = self.ecs.steady()
        return [Lie(self.seed, reported) for reported in self._check(deployment, done, before, after, definitions)]

    def _set_up(self) -> dict[str, Any]:
        chance, ecs = self.chance, self.ecs
        names = chance.sample(_SERVICES, chance.randint(1, 4))
        for name in names:
            configuration = {
                "strategy": "ROLLING",
                "minimumHealthyPercent": 100,
                "maximumPercent": 200,
                "deploymentCircuitBreaker": {"enable": chance.random() < 0.8, "rollback": chance.random() < 0.5},
            }
            more = {"deploymentConfiguration": _CANARY if chance.random() < 0.2 else configuration}
            ecs.serve(name, ecs.define(name, (name, f"{name}:1")), desired=chance.randint(1, 3), **more)
        job = ecs.define("job", ("job", "job:1"))
        target = {"Arn": "cluster", "RoleArn": "role", "EcsParameters": {"TaskDefinitionArn": job}}
        ecs.rules["default", "nightly"] = [{"Id": "a", **target}, {"Id": "b", **target}]
        ecs.schedules["default", "hourly"] = {
            "Name": "hourly",
            "GroupName": "default",
            "ScheduleExpression": "rate(1 hour)",
            "Target": target,
        }
        return self._release(names)

    def _release(self, names: list[str]) -> dict[str, Any]:
        chance = self.chance
        services = []
        for index, name in enumerate(names):
            item: dict[str, Any] = {"service": name, "clusterName": "shop", "serviceName": name, "timeoutMinutes": 9}
            item["image"] = f"{name}:{chance.choice(('2', '2', '2', '1', 'bad', 'never'))}"
            if chance.random() < 0.2:
                item["deployment"] = _CANARY
            if chance.random() < 0.3:
                words = {hook: chance.choice(("go", "go", "fail")) for hook in ("preDeploy", "postDeploy")}
                item["hooks"] = {hook: {"command": [word]} for hook, word in words.items() if chance.random() < 0.7}
                item = item if item["hooks"] else {k: v for k, v in item.items() if k != "hooks"}
            if index and chance.random() < 0.3:
                item["dependsOn"] = [chance.choice(names[:index])]
            if chance.random() < 0.3:
                item["onFailure"] = chance.choice(("stop", "rollback", "rollbackRelease"))
            services.append(item)
        tasks = [{"service": "job", "cwRuleName": "nightly", "image": f"job:{chance.choice('12')}"}]
        tasks.append({"service": "job", "scheduleName": "hourly", "image": f"job:{chance.choice('12')}"})
        made: dict[str, Any] = {
            "services": services,
            "onFailure": chance.choice(("stop", "rollback", "rollbackRelease")),
        }
        if chance.random() < 0.5:
            made |= {"tasks": tasks, "tasksAfterServices": chance.random() < 0.5}
        return made

    # --- what is held against what -----------------------------------------------------------------------------------

    def _check(
        self, deployment: dict[str, Any], done: dict[str, Any], before: Any, after: Any, definitions: set[str]
    ) -> list[str]:
        reported = {item["name"]: item for item in done["result"]["items"]}
        requested = {item["serviceName"]: item for item in deployment["services"]}
        lies = [f"{name} has no result" for name in requested if name not in reported]
        for name, item in requested.items():
            result = reported.get(name, {})
            lies += [
                f"{name}: {lie}: {result}"
                for lie in self._of_service(item, result, before["services"][name], after["services"][name])
            ]
        lies += [
            f"{name}: {lie}" for name in ("nightly", "hourly") for lie in self._of_task(name, reported, before, after)
        ]
        per_service: dict[str, int] = {}
        for task in self.ecs.tasks.values():
            family = task["request"]["taskDefinition"].rsplit("/", 1)[-1].split(":")[0]
            per_service[family] = per_service.get(family, 0) + 1
        for family, count in per_service.items():
            if count > len(requested[family].get("hooks", {})):
                lies.append(f"{family}: {count} hooks were run")
        statuses = {item["status"] for item in reported.values()}
        if done["status"] == "SUCCEEDED" and statuses & {"FAILED", "ROLLED_BACK"}:
            lies.append("a success with failed items")
        if done["error"] == "CheckFailed" and done["status"] == "FAILED" and set(self.ecs.definitions) != definitions:
            lies.append("the check failed, and something was registered")
        return lies

    @staticmethod
    def _of_service(item: dict[str, Any], result: dict[str, Any], before: Any, after: Any) -> list[str]:
        status, image = result.get("status"), {item["service"]: item["image"]}
        is_settled = after["state"] in ("COMPLETED", None)
        is_as_before = is_settled and all(before[key] == after[key] for key in ("images", "deploymentConfiguration"))
        if status == "DEPLOYED" and not (after["images"] == image and is_settled):
            return ["DEPLOYED, and it does not run that"]
        if (
            status == "DEPLOYED"
            and before["images"] != image
            and not result.get("previousTaskDefArn", "").endswith(":1")
        ):
            return ["the revision before was forgotten"]
        if status == "UNCHANGED" and not (is_as_before and before["images"] == image):
            return ["UNCHANGED, and it was changed"]
        if status == "ROLLED_BACK" and not is_as_before:
            changed = [(key, before[key], after[key]) for key in before if before[key] != after[key]]
            return [f"ROLLED_BACK, and it is not as before: {changed}"]
        if status in ("SKIPPED", "HELD") and not is_as_before:
            return [f"{status}, and it was changed"]
        if status == "FAILED" and "was not changed" in result.get("reason", "") and not is_as_before:
            return ["said not to be changed, and it was"]
        return []

    def _of_task(self, name: str, reported: dict[str, Any], before: Any, after: Any) -> list[str]:
        if name not in reported:
            return []
        group = "rules" if name == "nightly" else "schedules"
        is_as_before = before[group]["default", name] == after[group]["default", name]
        status = reported[name]["status"]
        if status == "DEPLOYED" and is_as_before:
            return ["DEPLOYED, and nothing changed"]
        if status in ("UNCHANGED", "SKIPPED", "HELD", "ROLLED_BACK") and not is_as_before:
            return [f"{status}, and it was changed: {reported[name]}"]
        return []
