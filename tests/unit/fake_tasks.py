"""Tasks of RunTask, in memory, as ECS answers: a token is asked once, and what finds no place is told."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Any

from ecs_gitops.model.errors import AwsRefused
from unit.fake_definitions import ACCOUNT, ARN, REGION, FakeDefinitions

__all__ = ["ACCOUNT", "ARN", "REGION", "FakeTasks"]


class FakeTasks(FakeDefinitions):
    """``unplaced`` has why the next tasks find no place, one each; ``stopped`` what a service's stopped tasks are."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.stopped: list[dict[str, Any]] = []
        self.tasks: dict[str, dict[str, Any]] = {}
        self.unplaced: list[str] = []
        self.no_place: dict[str, str] = {}
        self._ids = itertools.count(1)

    def stopped_tasks(self, cluster: str, service: str) -> list[dict[str, Any]]:
        self._called("list_tasks")
        self._done("list_tasks")
        return self.stopped

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[dict[str, Any]]:
        self._called("describe_tasks")
        self._done("describe_tasks")
        return copy.deepcopy([task for task in self.tasks.values() if task["taskArn"] in arns])

    def run_task(self, request: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """ECS remembers what it answered to a token."""
        self._called("run_task")
        self._require_active("run_task", request["taskDefinition"])
        if "launchType" in request and "capacityProviderStrategy" in request:
            told = "Specifying both a launch type and capacity provider strategy is not supported."
            raise AwsRefused("run_task", "InvalidParameterException", told)
        if request.get("propagateTags") == "SERVICE":
            raise AwsRefused("run_task", "InvalidParameterException", "Invalid value for propagateTags.")
        token = request["clientToken"]
        if token not in self.tasks and token not in self.no_place and self.unplaced:
            self.no_place[token] = self.unplaced.pop(0)
        if token in self.no_place:
            self._done("run_task")
            return None, self.no_place[token]
        if token not in self.tasks:
            self.tasks[token] = self._task(request)
        task = copy.deepcopy(self.tasks[token])
        self._done("run_task")
        return task, ""

    def _task(self, request: dict[str, Any]) -> dict[str, Any]:
        first = request["overrides"]["containerOverrides"][0]["name"]
        definition, _ = self.definitions.get(request["taskDefinition"], ({"containerDefinitions": []}, {}))
        others = [each["name"] for each in definition["containerDefinitions"] if each["name"] != first]
        return {
            "taskArn": f"{ARN}:task/{request['cluster']}/task{next(self._ids)}",
            "lastStatus": "RUNNING",
            "containers": [{"name": name} for name in (first, *others)],
            "request": copy.deepcopy(request),
            "createdAt": self.now,
        }

    def stop_task(self, cluster: str, arn: str, reason: str) -> None:
        self._called("stop_task")
        task = next(task for task in self.tasks.values() if task["taskArn"] == arn)
        task |= {"lastStatus": "STOPPED", "stopCode": "UserInitiated", "stoppedReason": reason}
        self._done("stop_task")
