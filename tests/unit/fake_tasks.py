"""Tasks of RunTask, in memory, as ECS answers: one task for each token, and a refusal for what cannot be placed."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Sequence
from typing import Any

from ecs_gitops.model.errors import AwsRefused
from unit.fake_definitions import ACCOUNT, ARN, REGION, FakeDefinitions

__all__ = ["ACCOUNT", "ARN", "REGION", "FakeTasks"]

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
_TEXTS = {"startedBy": re.compile(r"[A-Za-z0-9/_-]{0,128}"), "clientToken": re.compile(r"[!-~]{0,64}")}


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

    def list_running_tasks(self, cluster: str) -> list[str]:
        self._called("list_tasks")
        self._done("list_tasks")
        return [str(task["taskArn"]) for task in self.tasks.values()]

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[dict[str, Any]]:
        self._called("describe_tasks")
        self._done("describe_tasks")
        return [_answered(task) for task in self.tasks.values() if task["taskArn"] in arns]

    def run_task(self, request: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """ECS remembers what it answered to a token."""
        self._called("run_task")
        self._require_cluster("run_task", request["cluster"])
        self._require_active("run_task", request["taskDefinition"])
        if message := self._misfit(request):
            raise AwsRefused("run_task", "InvalidParameterException", message)
        token = request["clientToken"]
        if token not in self.tasks and token not in self.no_place and self.unplaced:
            self.no_place[token] = self.unplaced.pop(0)
        if token in self.no_place:
            self._done("run_task")
            return None, self.no_place[token]
        if token not in self.tasks:
            self.tasks[token] = self._task(request)
        task = _answered(self.tasks[token])
        self._done("run_task")
        return task, ""

    def _misfit(self, request: dict[str, Any]) -> str:
        """What of the request does not fit; empty when all does."""
        definition, _ = self.definitions[request["taskDefinition"]]
        known = {each["name"] for each in definition["containerDefinitions"]}
        overridden = request.get("overrides", {}).get("containerOverrides", [])
        if "launchType" in request and "capacityProviderStrategy" in request:
            return "Specifying both a launch type and capacity provider strategy is not supported."
        if request.get("propagateTags") == "SERVICE":
            return "Invalid value for propagateTags."
        if unknown := {each["name"] for each in overridden} - known:
            return f"Override for container named {unknown} is not a container in the TaskDefinition."
        wrong = [name for name, taken in _TEXTS.items() if not taken.fullmatch(request.get(name, ""))]
        return f"Invalid {wrong[0]}." if wrong else ""

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
        task = next((task for task in self.tasks.values() if task["taskArn"] == arn), None)
        if task is None:
            raise AwsRefused("stop_task", "InvalidParameterException", "The referenced task was not found.")
        if task["lastStatus"] != "STOPPED":
            task |= {"lastStatus": "STOPPED", "stopCode": "UserInitiated", "stoppedReason": reason}
        self._done("stop_task")


def _answered(task: dict[str, Any]) -> dict[str, Any]:
    """A task as ECS gives it."""
    return copy.deepcopy({name: value for name, value in task.items() if name != "request"})
