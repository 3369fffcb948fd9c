"""An account in memory behind the methods of :class:`ecs_gitops.aws.Aws`, for unit tests of what decides and acts.

It can die after any call, throttle or refuse any call. Nothing of the package is replaced. What ECS does by itself over
time is played by :mod:`unit.fake_ecs` for the tests that want it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ecs_gitops.ecs.deployment_settings import merged
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from unit.fake_tasks import ACCOUNT, ARN, REGION, FakeTasks

CLUSTER = "shop"
GOING_ON = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")

__all__ = ["ACCOUNT", "ARN", "CLUSTER", "REGION", "Died", "FakeAws"]


class Died(BaseException):
    """The Lambda sandbox is gone: nothing in the package may catch this."""


class FakeAws(FakeTasks):
    def __init__(self) -> None:
        super().__init__()
        self.services: dict[str, dict[str, Any]] = {}
        self.rules: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.schedules: dict[tuple[str, str], dict[str, Any]] = {}
        self.modified: dict[tuple[str, str], float] = {}
        self.records: list[dict[str, Any]] = []
        self.revisions: dict[str, dict[str, Any]] = {}
        # The deployments that were stopped by a call.
        self.stops: list[str] = []
        self.calls: list[str] = []
        self.die_after: int | None = None
        self.throttle: set[int] = set()
        self.refuse: dict[str, AwsRefused] = {}
        self.refuse_entries: list[dict[str, Any]] = []

    # --- what a test sets up -----------------------------------------------------------------------------------------

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

    def images(self, name: str) -> dict[str, str]:
        """What the service's primary deployment runs, by container."""
        definition, _ = self.definitions[self.services[name]["deployments"][0]["taskDefinition"]]
        return {c["name"]: c["image"] for c in definition["containerDefinitions"]}

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

    # --- how a call fails --------------------------------------------------------------------------------------------

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

    # --- services ----------------------------------------------------------------------------------------------------

    def describe_services(self, cluster: str, names: Sequence[str]) -> list[dict[str, Any]]:
        self._called("describe_services")
        if cluster != CLUSTER:
            raise AwsRefused("describe_services", "ClusterNotFoundException", "Cluster not found.")
        services, _ = self._shown()
        found = [copy.deepcopy(services[name]) | {"asOf": self.now} for name in names if name in services]
        self._done("describe_services")
        return found

    def _shown(self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """The services and the records of their deployments, as reads show them."""
        return self.services, self.records

    def update_service(
        self,
        cluster: str,
        service: str,
        task_definition: str | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        self._called("update_service")
        live = self.services[service]
        if task_definition is not None:
            self._require_active("update_service", task_definition)
        if configuration is not None:
            # ECS keeps what is not named, and drops what belongs to another strategy.
            live["deploymentConfiguration"] = merged(live.get("deploymentConfiguration", {}), configuration)
        if task_definition is not None and live["taskDefinition"] != task_definition:
            self._start(live, task_definition)
        answer = copy.deepcopy(live)
        self._done("update_service")
        return answer

    def _start(self, live: dict[str, Any], task_definition: str) -> None:
        live["deployments"][0]["status"] = "ACTIVE"
        live["deployments"].insert(0, self._deployment(task_definition, live["desiredCount"], "IN_PROGRESS"))
        live["taskDefinition"] = task_definition

    # --- service deployments -----------------------------------------------------------------------------------------

    def service_deployments(
        self, cluster: str, service: str, *, since: float | None = None, going_on: bool = False
    ) -> list[dict[str, Any]]:
        self._called("list_service_deployments")
        _, records = self._shown()
        found = [r for r in records if r["service"] == service and (since is None or r["createdAt"] >= since)]
        if going_on:
            found = [r for r in found if r["status"] in GOING_ON]
        self._done("list_service_deployments")
        return copy.deepcopy(found[::-1])

    def describe_service_deployments(self, arns: Sequence[str]) -> list[dict[str, Any]]:
        self._called("describe_service_deployments")
        _, records = self._shown()
        self._done("describe_service_deployments")
        return copy.deepcopy([r for r in records if r["serviceDeploymentArn"] in arns])

    def stop_service_deployment(self, arn: str) -> None:
        self._called("stop_service_deployment")
        record = next(r for r in self.records if r["serviceDeploymentArn"] == arn)
        if record["status"] not in GOING_ON:
            told = f"The service deployment is in status {record['status']} and cannot be stopped."
            raise AwsRefused("stop_service_deployment", "ConflictException", told)
        if record["status"] in ("PENDING", "IN_PROGRESS"):
            record["status"] = "ROLLBACK_REQUESTED"
        self.stops.append(record["deployment"])
        self._done("stop_service_deployment")

    def describe_service_revisions(self, arns: Sequence[str]) -> list[dict[str, Any]]:
        self._called("describe_service_revisions")
        self._done("describe_service_revisions")
        return copy.deepcopy([self.revisions[arn] for arn in arns if arn in self.revisions])

    # --- rules and schedules -----------------------------------------------------------------------------------------

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

    def get_schedule(self, group: str, name: str) -> dict[str, Any]:
        self._called("get_schedule")
        if (group, name) not in self.schedules:
            raise AwsRefused("get_schedule", "ResourceNotFoundException", f"Schedule {name} does not exist.")
        self._done("get_schedule")
        return {
            **copy.deepcopy(self.schedules[group, name]),
            "Arn": "arn",
            "CreationDate": 1,
            "LastModificationDate": self.modified.get((group, name), 2),
            "asOf": self.now,
        }

    def phase(self, place: tuple[str, str]) -> float | None:
        """The second of its period at which a schedule of ``rate(N hours)`` runs: it counts from its start, or from its
        last update. None for any other."""
        schedule = self.schedules[place]
        hours = re.fullmatch(r"rate\((\d+) hours?\)", schedule.get("ScheduleExpression", ""))
        anchor = float(schedule.get("StartDate", self.modified.get(place, 2)))
        return anchor % (int(hours[1]) * 3_600) if hours else None

    def update_schedule(self, schedule: dict[str, Any]) -> None:
        self._called("update_schedule")
        assert not {"Arn", "CreationDate", "LastModificationDate", "asOf"} & set(schedule)
        is_recurring = not schedule["ScheduleExpression"].startswith("at(")
        start, end = schedule.get("StartDate"), schedule.get("EndDate")
        if is_recurring and start is not None and start < self.now - 300:
            told = "The StartDate you specify cannot be earlier than 5 minutes ago."
            raise AwsRefused("update_schedule", "ValidationException", told)
        if is_recurring and start is not None and end is not None and start >= end:
            raise AwsRefused("update_schedule", "ValidationException", "The StartDate must come before the EndDate.")
        place = schedule["GroupName"], schedule["Name"]
        self.schedules[place] = copy.deepcopy(schedule)
        self.modified[place] = self.now
        self._done("update_schedule")
