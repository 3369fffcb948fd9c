"""An account in memory behind the methods of :class:`ecs_gitops.aws.Aws`, for unit tests of what decides and acts.

It can die after any call, throttle or refuse any call. Nothing of the package is replaced. What ECS does by itself over
time is played by :mod:`unit.fake_ecs` for the tests that need it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ecs_gitops.aws.rate_limit import RateLimiter
from ecs_gitops.ecs.deployment_settings import merged
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from unit.fake_definitions import ACCOUNT, ARN, CLUSTER, REGION
from unit.fake_triggers import FakeTriggers

GOING_ON = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")

__all__ = ["ACCOUNT", "ARN", "CLUSTER", "REGION", "Died", "FakeAws"]


class Died(BaseException):
    """The Lambda sandbox is gone: nothing in the package may catch this."""


class FakeAws(FakeTriggers):
    def __init__(self) -> None:
        super().__init__()
        self.services: dict[str, dict[str, Any]] = {}
        self.records: list[dict[str, Any]] = []
        self.revisions: dict[str, dict[str, Any]] = {}
        self.daemons: list[str] = []
        # The deployments that were stopped by a call.
        self.stops: list[str] = []
        self.calls: list[str] = []
        # Its calls are not limited.
        self.rate_limiter = RateLimiter()
        self.die_after: int | None = None
        self.throttle: set[int] = set()
        self.refuse: dict[str, AwsRefused] = {}

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

    def list_clusters(self) -> list[str]:
        self._called("list_clusters")
        self._done("list_clusters")
        return [f"{ARN}:cluster/{CLUSTER}"]

    def list_daemons(self, cluster_arn: str) -> list[str]:
        self._called("list_daemons")
        self._done("list_daemons")
        return [f"{ARN}:daemon/{CLUSTER}/{name}" for name in self.daemons]

    def list_services(self, cluster: str) -> list[str]:
        self._called("list_services")
        self._require_cluster("list_services", cluster)
        self._done("list_services")
        return list(self.services)

    def describe_services(self, cluster: str, names: Sequence[str]) -> list[dict[str, Any]]:
        self._called("describe_services")
        self._require_cluster("describe_services", cluster)
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
        self._require_cluster("update_service", cluster)
        live = self._require_service("update_service", service)
        self._require_updatable(live, task_definition)
        if configuration is not None:
            # ECS keeps what is not named, and drops what belongs to another strategy.
            become = merged(live.get("deploymentConfiguration", {}), configuration)
            self._require_traffic(live, become)
            live["deploymentConfiguration"] = become
        if task_definition is not None and live["taskDefinition"] != task_definition:
            self._start(live, task_definition)
        answer = copy.deepcopy(live)
        self._done("update_service")
        return answer

    def delete(self, name: str) -> None:
        """Somebody deletes a service: it is shown for a while, as INACTIVE."""
        self.services[name] |= {"status": "INACTIVE", "desiredCount": 0, "runningCount": 0, "pendingCount": 0}

    def _require_service(self, operation: str, name: str) -> dict[str, Any]:
        if name not in self.services:
            raise AwsRefused(operation, "ServiceNotFoundException", "Service not found.")
        return self.services[name]

    def _require_updatable(self, live: dict[str, Any], task_definition: str | None) -> None:
        if live["status"] != "ACTIVE":
            raise AwsRefused("update_service", "ServiceNotActiveException", "Service was not ACTIVE.")
        if task_definition is None:
            return
        self._require_active("update_service", task_definition)
        controller = (live.get("deploymentController") or {}).get("type", "ECS")
        if controller != "ECS":
            message = f"Unable to update task definition on services with a {controller} deployment controller."
            raise AwsRefused("update_service", "InvalidParameterException", message)

    def _require_traffic(self, live: dict[str, Any], configuration: Mapping[str, Any]) -> None:
        """CANARY and LINEAR shift traffic."""
        kind = configuration.get("strategy")
        has_traffic = "loadBalancers" not in live or live["loadBalancers"] or self._is_connected(live)
        if kind in ("CANARY", "LINEAR") and not has_traffic:
            message = f"The {kind} deployment strategy requires a load balancer or Service Connect."
            raise AwsRefused("update_service", "InvalidParameterException", message)

    def _is_connected(self, live: dict[str, Any]) -> bool:
        return any((each.get("serviceConnectConfiguration") or {}).get("enabled") for each in live["deployments"])

    def _start(self, live: dict[str, Any], task_definition: str) -> None:
        live["deployments"][0]["status"] = "ACTIVE"
        live["deployments"].insert(0, self._deployment(task_definition, live["desiredCount"], "IN_PROGRESS"))
        live["taskDefinition"] = task_definition

    # --- service deployments -----------------------------------------------------------------------------------------

    def service_deployments(
        self, cluster: str, service: str, *, since: float | None = None, going_on: bool = False
    ) -> list[dict[str, Any]]:
        self._called("list_service_deployments")
        self._require_service("list_service_deployments", service)
        _, records = self._shown()
        found = [r for r in records if r["service"] == service and (since is None or r["createdAt"] >= since)]
        if going_on:
            found = [r for r in found if r["status"] in GOING_ON]
        self._done("list_service_deployments")
        return [_brief(record) for record in found[::-1]]

    def describe_service_deployments(self, arns: Sequence[str]) -> list[dict[str, Any]]:
        self._called("describe_service_deployments")
        _, records = self._shown()
        self._done("describe_service_deployments")
        return [_full(r) for r in records if r["serviceDeploymentArn"] in arns]

    def stop_service_deployment(self, arn: str) -> None:
        self._called("stop_service_deployment")
        record = next((r for r in self.records if r["serviceDeploymentArn"] == arn), None)
        if record is None:
            message = "Service deployment not found."
            raise AwsRefused("stop_service_deployment", "ServiceDeploymentNotFoundException", message)
        if record["status"] not in GOING_ON:
            message = f"The service deployment is in status {record['status']} and cannot be stopped."
            raise AwsRefused("stop_service_deployment", "ConflictException", message)
        if record["status"] in ("PENDING", "IN_PROGRESS"):
            record["status"] = "ROLLBACK_REQUESTED"
        self.stops.append(record["deployment"])
        self._done("stop_service_deployment")

    def describe_service_revisions(self, arns: Sequence[str]) -> list[dict[str, Any]]:
        self._called("describe_service_revisions")
        self._done("describe_service_revisions")
        return copy.deepcopy([self.revisions[arn] for arn in arns if arn in self.revisions])


def _brief(record: dict[str, Any]) -> dict[str, Any]:
    """A record as ListServiceDeployments gives it."""
    members = ("serviceDeploymentArn", "createdAt", "status", "statusReason", "targetServiceRevisionArn")
    return {member: record[member] for member in members if member in record}


def _full(record: dict[str, Any]) -> dict[str, Any]:
    """A record as DescribeServiceDeployments gives it."""
    own = ("service", "deployment", "since", "ready", "targetServiceRevisionArn")
    shown = {member: value for member, value in record.items() if member not in own}
    return copy.deepcopy({**shown, "targetServiceRevision": {"arn": record["targetServiceRevisionArn"]}})
