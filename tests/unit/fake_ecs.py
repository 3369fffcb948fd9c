"""What ECS does by itself: rollouts that come to an end as their image's tag says, hooks that exit, rollbacks.

A tag with ``bad`` never becomes healthy: the circuit breaker ends it where there is one. A tag with ``never`` hangs.
Any other is up after ``ROLLOUT`` seconds. A hook whose command has the word ``fail`` exits with 1, else with 0.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from unit.fake_aws import CLUSTER, FakeAws

ROLLOUT = 20.0
HOOK = 10.0
_NATIVE = ("BLUE_GREEN", "CANARY", "LINEAR")


class FakeEcs(FakeAws):
    """An account whose ECS goes on as the clock does. Every service has a revision that it can go back to."""

    def serve(self, name: str, task_definition: str, desired: int = 1, **more: Any) -> None:
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}, "strategy": "ROLLING"}
        more.setdefault("deploymentConfiguration", {"minimumHealthyPercent": 100, "maximumPercent": 200, **breaker})
        super().serve(name, task_definition, desired, **more)

    def describe_services(self, cluster: str, names: Sequence[str]) -> list[dict[str, Any]]:
        self._go_on()
        return super().describe_services(cluster, names)

    def service_deployments(self, *arguments: Any, **options: Any) -> list[dict[str, Any]]:
        self._go_on()
        return super().service_deployments(*arguments, **options)

    def describe_service_deployments(self, arns: Sequence[str]) -> list[dict[str, Any]]:
        self._go_on()
        return super().describe_service_deployments(arns)

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[dict[str, Any]]:
        for task in self.tasks.values():
            if task["lastStatus"] == "RUNNING" and self.now - task["createdAt"] >= HOOK:
                command = task["request"]["overrides"]["containerOverrides"][0]["command"]
                if "hang" in command:
                    continue
                task |= {"lastStatus": "STOPPED", "stopCode": "EssentialContainerExited"}
                task["stoppedReason"] = "Essential container in task exited"
                for container in task["containers"]:
                    container["exitCode"] = 137
                task["containers"][0]["exitCode"] = 1 if "fail" in command else 0
        return super().describe_tasks(cluster, arns)

    def steady(self) -> dict[str, Any]:
        """What stands once everything has come to rest, comparable: without ids and times."""
        for _ in range(20):
            self.now += ROLLOUT
            self._go_on()
        shown = {}
        for name, service in self.services.items():
            primary = service["deployments"][0]
            shown[name] = {
                "images": self.images(name),
                "taskDefinition": service["taskDefinition"],
                "deploymentConfiguration": service["deploymentConfiguration"],
                "state": primary["rolloutState"],
                "desiredCount": service["desiredCount"],
            }
        schedules = {
            place: {key: value for key, value in schedule.items() if key != "StartDate"} | {"phase": self.phase(place)}
            for place, schedule in self.schedules.items()
        }
        return copy.deepcopy({"services": shown, "rules": self.rules, "schedules": schedules})

    def _start(self, live: dict[str, Any], task_definition: str) -> None:
        super()._start(live, task_definition)
        number = len(self.records) + 1
        revision = f"arn:aws:ecs:us-west-2:111111111111:service-revision/{CLUSTER}/{live['serviceName']}/{number}"
        self.revisions[revision] = {"serviceRevisionArn": revision, "taskDefinition": task_definition}
        for record in self.records:
            if record["service"] == live["serviceName"] and record["status"] in ("IN_PROGRESS", "ROLLBACK_IN_PROGRESS"):
                record["status"] = "STOPPED"
        self.records.append(
            {
                "serviceDeploymentArn": revision.replace("service-revision", "service-deployment"),
                "service": live["serviceName"],
                "deployment": live["deployments"][0]["id"],
                "targetServiceRevisionArn": revision,
                "status": "IN_PROGRESS",
                "createdAt": self.now,
                "deploymentConfiguration": dict(live["deploymentConfiguration"]),
            }
        )
        if live["deploymentConfiguration"].get("strategy") in _NATIVE:
            live["deployments"][0]["rolloutState"] = None

    def _go_on(self) -> None:
        for service in self.services.values():
            record = next((r for r in reversed(self.records) if r["service"] == service["serviceName"]), None)
            if record is not None:
                self._service(service, record)

    def _service(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        primary = service["deployments"][0]
        word = "".join(self.images(service["serviceName"]).values())
        taken = self.now - record["createdAt"]
        is_native = service["deploymentConfiguration"].get("strategy") in _NATIVE
        breaker = service["deploymentConfiguration"].get("deploymentCircuitBreaker") or {}
        if record["status"] in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"):
            self._return(service, record)
        elif record["status"] == "IN_PROGRESS" and taken >= ROLLOUT and primary["id"] == record["deployment"]:
            if "never" in word:
                return
            if "bad" not in word:
                record["status"] = "SUCCESSFUL"
                primary |= {"runningCount": service["desiredCount"], "pendingCount": 0}
                primary["rolloutState"] = None if is_native else "COMPLETED"
                service["deployments"] = [primary]
            elif is_native or (breaker.get("enable") and breaker.get("rollback")):
                record |= {"status": "ROLLBACK_IN_PROGRESS", "statusReason": "tasks failed to start", "since": self.now}
                self._return(service, record)
            elif breaker.get("enable"):
                record["status"] = "STOPPED"
                primary |= {"rolloutState": "FAILED", "rolloutStateReason": "tasks failed to start", "failedTasks": 3}

    def _return(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        """The deployment before is the primary again, and steady after a while."""
        is_native = service["deploymentConfiguration"].get("strategy") in _NATIVE
        ours = next((d for d in service["deployments"] if d["id"] == record["deployment"]), None)
        if record["status"] == "ROLLBACK_REQUESTED" or (ours is not None and ours["status"] == "PRIMARY"):
            old = service["deployments"][-1]
            assert ours is not None
            record |= {"status": "ROLLBACK_IN_PROGRESS", "since": self.now}
            ours |= {"status": "ACTIVE", "rolloutState": None if is_native else "FAILED"}
            ours["rolloutStateReason"] = "rolled back"
            old |= {"status": "PRIMARY", "rolloutState": None if is_native else "IN_PROGRESS"}
            service["deployments"] = [old, ours]
            service["taskDefinition"] = old["taskDefinition"]
        elif self.now - record["since"] >= ROLLOUT / 2:
            record["status"] = "ROLLBACK_SUCCESSFUL"
            primary = service["deployments"][0]
            primary["rolloutState"] = None if is_native else "COMPLETED"
            service["deployments"] = [primary]
