"""An account in memory behind the methods of :class:`ecs_gitops.aws.Aws`, for unit tests of what decides and acts.

It can die after any call, throttle any call, and play a rolling deployment's end. Nothing of the package is replaced.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Any

from ecs_gitops.errors import AwsRefused, AwsUnavailable

ACCOUNT, REGION, CLUSTER = "111111111111", "us-west-2", "shop"
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"


class Died(BaseException):
    """The Lambda sandbox is gone: nothing in the package may catch this."""


class FakeAws:
    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.definitions: dict[str, tuple[dict[str, Any], dict[str, str]]] = {}
        self.services: dict[str, dict[str, Any]] = {}
        self.rules: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.stopped: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.die_after: int | None = None
        self.throttle: set[int] = set()
        self.refuse: dict[str, AwsRefused] = {}
        self.refuse_entries: list[dict[str, Any]] = []
        self._ids = itertools.count(1)

    # --- what a test sets up -----------------------------------------------------------------------------------------

    def define(self, family: str, *containers: tuple[str, str], tags: dict[str, str] | None = None, **more: Any) -> str:
        revision = 1 + sum(1 for arn in self.definitions if f"/{family}:" in arn)
        arn = f"{ARN}:task-definition/{family}:{revision}"
        self.definitions[arn] = (
            {
                "taskDefinitionArn": arn,
                "family": family,
                "revision": revision,
                "status": "ACTIVE",
                "containerDefinitions": [{"name": name, "image": image} for name, image in containers],
                **more,
            },
            tags or {},
        )
        return arn

    def serve(self, name: str, task_definition: str, desired: int = 1, **more: Any) -> None:
        self.services[name] = {
            "serviceName": name,
            "status": "ACTIVE",
            "taskDefinition": task_definition,
            "desiredCount": desired,
            "runningCount": desired,
            "pendingCount": 0,
            "deployments": [self._deployment(task_definition, desired, "COMPLETED")],
            "events": [],
            **more,
        }

    def finish(self, name: str, state: str = "COMPLETED", reason: str = "") -> None:
        """End the service's primary deployment: COMPLETED, FAILED, or ROLLBACK (FAILED, then the old one again)."""
        service = self.services[name]
        primary = service["deployments"][0]
        if state == "COMPLETED":
            primary |= {"rolloutState": "COMPLETED", "runningCount": service["desiredCount"], "pendingCount": 0}
            service["deployments"] = [primary]
            return
        primary |= {"rolloutState": "FAILED", "rolloutStateReason": reason, "failedTasks": 3}
        if state == "ROLLBACK":
            old = service["deployments"][-1]
            primary["status"] = "ACTIVE"
            self.now += 1
            service["deployments"] = [
                self._deployment(old["taskDefinition"], service["desiredCount"], "IN_PROGRESS"),
                primary,
            ]
            service["taskDefinition"] = old["taskDefinition"]

    def _deployment(self, task_definition: str, desired: int, state: str) -> dict[str, Any]:
        done = state == "COMPLETED"
        return {
            "id": f"ecs-svc/{next(self._ids)}",
            "status": "PRIMARY",
            "taskDefinition": task_definition,
            "desiredCount": desired,
            "runningCount": desired if done else 0,
            "pendingCount": 0 if done else desired,
            "failedTasks": 0,
            "rolloutState": state,
            "createdAt": self.now,
        }

    # --- the methods of Aws ------------------------------------------------------------------------------------------

    def _called(self, name: str) -> None:
        if name in self.refuse:
            self.calls.append(name)
            raise self.refuse[name]
        if len(self.calls) in self.throttle:
            self.calls.append(name)
            raise AwsUnavailable(f"{name}: ThrottlingException: Rate exceeded")

    def _done(self, name: str) -> None:
        self.calls.append(name)
        if self.die_after is not None and len(self.calls) >= self.die_after:
            self.die_after = None
            raise Died

    def describe_services(self, cluster: str, names: Sequence[str]) -> list[dict[str, Any]]:
        self._called("describe_services")
        if cluster != CLUSTER:
            raise AwsRefused("describe_services", "ClusterNotFoundException", "Cluster not found.")
        found = [copy.deepcopy(self.services[name]) for name in names if name in self.services]
        self._done("describe_services")
        return found

    def describe_task_definition(self, reference: str) -> tuple[dict[str, Any], dict[str, str]]:
        self._called("describe_task_definition")
        if ":" not in reference.rsplit("/", 1)[-1]:
            family = reference.rsplit("/", 1)[-1]
            reference = [arn for arn in self.definitions if f"/{family}:" in arn][-1]
        definition, tags = copy.deepcopy(self.definitions[reference])
        self._done("describe_task_definition")
        return definition, tags

    def register_task_definition(self, content: dict[str, Any], tags: dict[str, str]) -> str:
        self._called("register_task_definition")
        content = copy.deepcopy(content)
        containers = content.pop("containerDefinitions")
        arn = self.define(content.pop("family"), tags=dict(tags), **content)
        self.definitions[arn][0]["containerDefinitions"] = containers
        self._done("register_task_definition")
        return arn

    def update_service(self, cluster: str, service: str, task_definition: str) -> dict[str, Any]:
        self._called("update_service")
        live = self.services[service]
        if live["taskDefinition"] != task_definition:
            live["deployments"][0]["status"] = "ACTIVE"
            live["deployments"].insert(0, self._deployment(task_definition, live["desiredCount"], "IN_PROGRESS"))
            live["taskDefinition"] = task_definition
        answer = copy.deepcopy(live)
        self._done("update_service")
        return answer

    def stopped_tasks(self, cluster: str, service: str) -> list[dict[str, Any]]:
        self._called("list_tasks")
        self._done("list_tasks")
        return self.stopped

    def list_targets_by_rule(self, bus: str, rule: str) -> list[dict[str, Any]]:
        self._called("list_targets_by_rule")
        if (bus, rule) not in self.rules:
            raise AwsRefused("list_targets_by_rule", "ResourceNotFoundException", f"Rule {rule} does not exist.")
        self._done("list_targets_by_rule")
        return copy.deepcopy(self.rules[bus, rule])

    def put_targets(self, bus: str, rule: str, targets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        self._called("put_targets")
        if self.refuse_entries:
            return self.refuse_entries
        changed = {target["Id"]: target for target in targets}
        self.rules[bus, rule] = [changed.get(target["Id"], target) for target in self.rules[bus, rule]]
        self._done("put_targets")
        return []
