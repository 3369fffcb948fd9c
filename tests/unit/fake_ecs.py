"""What ECS does by itself: rollouts that come to an end as their image's tag says, hooks that exit, rollbacks.

A tag with ``bad`` never becomes healthy: the circuit breaker ends it where there is one. A tag with ``never`` hangs.
Any other is up after ``ROLLOUT`` seconds. A hook whose command has the word ``fail`` exits with 1, else with 0.

As on AWS, every deployment makes a service revision whose ARN ends with the number of the deployment's id, every
deployment evaluates the PAUSE hooks of the service, also one with which somebody returns it, and a deployment that
takes another one's place stops that. Reads may be ``stale``: so many seconds old.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

from ecs_gitops.model.errors import AwsRefused
from unit.fake_aws import ARN, CLUSTER, GOING_ON, FakeAws

ROLLOUT = 20.0
HOOK = 10.0
FAILED_REASON = "ECS deployment circuit breaker: tasks failed to start."
_NATIVE = ("BLUE_GREEN", "CANARY", "LINEAR")
_PAUSE_MINUTES = 1_440
# CANARY and LINEAR need a load balancer, or Service Connect. This one has no target group: nothing looks at health.
BALANCERS = [{"containerPort": 80, "advancedConfiguration": {"alternateTargetGroupArn": "green", "roleArn": "ecs-lb"}}]


class FakeEcs(FakeAws):
    """An account whose ECS goes on as the clock does. Every service has a revision that it can go back to, and a load
    balancer that can shift traffic."""

    def __init__(self) -> None:
        super().__init__()
        self.stale: float | Callable[[], float] = 0.0
        self._seen: list[tuple[float, dict[str, Any], list[dict[str, Any]]]] = []

    def serve(self, name: str, task_definition: str, desired: int = 1, **more: Any) -> None:
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}, "strategy": "ROLLING"}
        more.setdefault("deploymentConfiguration", {"minimumHealthyPercent": 100, "maximumPercent": 200, **breaker})
        more.setdefault("loadBalancers", copy.deepcopy(BALANCERS))
        super().serve(name, task_definition, desired, **more)
        if self.services[name]["deploymentConfiguration"].get("strategy") in _NATIVE:
            del self.services[name]["deployments"][0]["rolloutState"]

    # --- what people do meanwhile ------------------------------------------------------------------------------------

    def force(self, name: str) -> str:
        """Somebody deploys once more what the service runs ("force new deployment"); the deployment's id."""
        return self.hotfix(name, self.services[name]["taskDefinition"])

    def hotfix(self, name: str, task_definition: str) -> str:
        """Somebody deploys a revision by hand; the deployment's id."""
        self._go_on()
        self._start(self.services[name], task_definition)
        return str(self.services[name]["deployments"][0]["id"])

    def waiting(self, name: str) -> list[dict[str, Any]]:
        """The hooks of the service's newest deployment that wait for somebody."""
        self._go_on()
        hooks = self._newest(name).get("lifecycleHookDetails", [])
        return [hook for hook in hooks if hook["status"] == "AWAITING_ACTION"]

    def continue_service_deployment(self, arn: str, hook_id: str, action: str = "CONTINUE") -> None:
        """What a person does with a deployment that is paused."""
        self._go_on()
        record = next(r for r in self.records if r["serviceDeploymentArn"] == arn)
        found = [h for h in record.get("lifecycleHookDetails", []) if h["hookId"] == hook_id]
        if record["status"] != "IN_PROGRESS" or not found or found[0]["status"] != "AWAITING_ACTION":
            message = "The hook is not awaiting an action."
            raise AwsRefused("continue_service_deployment", "InvalidParameterException", message)
        self._resolve(record, found[0], "SUCCEEDED" if action == "CONTINUE" else "FAILED", action)

    # --- what is read ------------------------------------------------------------------------------------------------

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

    def _shown(self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        if not self.stale:
            return self.services, self.records
        moment = self.now - (self.stale() if callable(self.stale) else self.stale)
        known = [(services, records) for at, services, records in self._seen if at <= moment]
        return known[-1] if known else (self._seen[0][1], self._seen[0][2])

    def _remember(self) -> None:
        if self.stale:
            self._seen.append((self.now, copy.deepcopy(self.services), copy.deepcopy(self.records)))

    def steady(self) -> dict[str, Any]:
        """The live state after all deployments are over, without ids and times, so that it can be compared."""
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
                "state": primary.get("rolloutState"),
                "desiredCount": service["desiredCount"],
            }
        schedules = {
            place: {key: value for key, value in schedule.items() if key != "StartDate"} | {"phase": self.phase(place)}
            for place, schedule in self.schedules.items()
        }
        return copy.deepcopy({"services": shown, "rules": self.rules, "schedules": schedules})

    # --- deployments over time ---------------------------------------------------------------------------------------

    def _start(self, live: dict[str, Any], task_definition: str) -> None:
        super()._start(live, task_definition)
        name, started = live["serviceName"], live["deployments"][0]
        revision = f"{ARN}:service-revision/{CLUSTER}/{name}/{started['id'].rsplit('/', 1)[-1]}"
        self.revisions[revision] = {"serviceRevisionArn": revision, "taskDefinition": task_definition}
        for record in self.records:
            if record["service"] == name and record["status"] in GOING_ON:
                record |= {"status": "STOPPED", "statusReason": "a new service deployment was started"}
        self.records.append(
            {
                "serviceDeploymentArn": f"{ARN}:service-deployment/{CLUSTER}/{name}/made-{len(self.records) + 1}",
                "service": name,
                "deployment": started["id"],
                "targetServiceRevisionArn": revision,
                "status": "IN_PROGRESS",
                "createdAt": self.now,
                "deploymentConfiguration": dict(live["deploymentConfiguration"]),
            }
        )
        self._tell(live, f"has started {live['desiredCount']} tasks")
        if live["deploymentConfiguration"].get("strategy") in _NATIVE:
            del started["rolloutState"]
        self._remember()

    def _newest(self, name: str) -> dict[str, Any]:
        return next((r for r in reversed(self.records) if r["service"] == name), {})

    def _tell(self, service: dict[str, Any], text: str) -> None:
        service["events"] = [
            {"createdAt": self.now, "message": f"(service {service['serviceName']}) {text}"},
            *service.get("events", []),
        ][:100]

    def _go_on(self) -> None:
        for service in self.services.values():
            if record := self._newest(service["serviceName"]):
                self._service(service, record)
        self._remember()

    def _service(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        word = "".join(self.images(service["serviceName"]).values())
        is_up = self.now - record["createdAt"] >= ROLLOUT
        if record["status"] in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"):
            self._return(service, record)
        elif record["status"] != "IN_PROGRESS" or service["deployments"][0]["id"] != record["deployment"]:
            return
        elif is_up and "bad" in word:
            self._fail(service, record)
        elif is_up and "never" not in word and not self._is_paused(service, record):
            self._bake(service, record)

    def _bake(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        primary = service["deployments"][0]
        primary |= {"runningCount": service["desiredCount"], "pendingCount": 0}
        if self.now >= record.setdefault("ready", self.now) + _bake_seconds(record["deploymentConfiguration"]):
            record["status"] = "SUCCESSFUL"
            _enter(primary, "COMPLETED")
            service["deployments"] = [primary]

    def _fail(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        """Tasks do not come up, over and over, until the circuit breaker sees it, if there is one."""
        breaker = service["deploymentConfiguration"].get("deploymentCircuitBreaker") or {}
        primary = service["deployments"][0]
        primary["failedTasks"] = 3 * int((self.now - record["createdAt"]) // ROLLOUT)
        if breaker.get("enable"):
            record["deploymentCircuitBreaker"] = {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
        if breaker.get("enable") and breaker.get("rollback"):
            record |= {"status": "ROLLBACK_IN_PROGRESS", "statusReason": FAILED_REASON, "since": self.now}
            self._return(service, record)
        elif breaker.get("enable"):
            record |= {"status": "STOPPED", "statusReason": FAILED_REASON}
            _enter(primary, "FAILED", FAILED_REASON)

    def _return(self, service: dict[str, Any], record: dict[str, Any]) -> None:
        """The deployment before is the primary again, and steady after a while."""
        ours = next((d for d in service["deployments"] if d["id"] == record["deployment"]), None)
        if record["status"] == "ROLLBACK_REQUESTED" or (ours is not None and ours["status"] == "PRIMARY"):
            assert ours is not None
            old = self._completed(service, ours)
            back = f"{ARN}:service-revision/{CLUSTER}/{service['serviceName']}/{old['id'].rsplit('/', 1)[-1]}"
            rollback = {"startedAt": self.now, "serviceRevisionArn": back}
            record |= {"status": "ROLLBACK_IN_PROGRESS", "since": self.now, "rollback": rollback}
            ours["status"], old["status"] = "ACTIVE", "PRIMARY"
            _enter(ours, "FAILED", record.get("statusReason", ""))
            _enter(old, "IN_PROGRESS", f"ECS deployment: rolling back to deploymentId {old['id']}.")
            service["deployments"] = [old, ours]
            service["taskDefinition"] = old["taskDefinition"]
            self._tell(service, f"rolling back to deployment {old['id']}.")
        elif self.now - record["since"] >= ROLLOUT / 2:
            record["status"] = "ROLLBACK_SUCCESSFUL"
            primary = service["deployments"][0]
            _enter(primary, "COMPLETED")
            service["deployments"] = [primary]

    def _completed(self, service: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
        """The newest other deployment that was ever complete; the oldest one where none is known to have been."""
        status = {record["deployment"]: record["status"] for record in self.records}
        others = [each for each in service["deployments"] if each is not ours]
        complete = (each for each in others if status.get(each["id"], "SUCCESSFUL") == "SUCCESSFUL")
        return next(complete, others[-1])  # type: ignore[no-any-return]

    # --- PAUSE hooks -------------------------------------------------------------------------------------------------

    def _is_paused(self, service: dict[str, Any], record: dict[str, Any]) -> bool:
        """Whether the deployment waits for somebody at one of its PAUSE hooks, or is rolled back by one."""
        configuration = record["deploymentConfiguration"]
        hooks = configuration.get("lifecycleHooks") or [] if configuration.get("strategy") in _NATIVE else []
        pauses = [(h, stage) for h in hooks if h.get("targetType") == "PAUSE" for stage in h["lifecycleStages"]]
        shown = record.setdefault("lifecycleHookDetails", [])
        for index, (hook, stage) in enumerate(pauses):
            if index == len(shown):
                shown.append(self._pause(record, hook, index))
                record["lifecycleStage"] = stage
            if shown[index]["status"] == "AWAITING_ACTION" and self.now >= shown[index]["expiresAt"]:
                self._resolve(record, shown[index], "TIMED_OUT", shown[index]["timeoutAction"])
            if record["status"] != "IN_PROGRESS":
                self._return(service, record)
                return True
            if shown[index]["status"] == "AWAITING_ACTION":
                return True
        return False

    def _pause(self, record: dict[str, Any], hook: dict[str, Any], index: int) -> dict[str, Any]:
        timeout = hook.get("timeoutConfiguration") or {}
        return {
            "hookId": f"ecs-pause-{record['deployment'].rsplit('/', 1)[-1]}-{index}",
            "targetType": "PAUSE",
            "status": "AWAITING_ACTION",
            "expiresAt": self.now + 60 * timeout.get("timeoutInMinutes", _PAUSE_MINUTES),
            "timeoutAction": timeout.get("action", "ROLLBACK"),
        }

    def _resolve(self, record: dict[str, Any], hook: dict[str, Any], status: str, action: str) -> None:
        hook["status"] = status
        if action == "ROLLBACK":
            message = f"a lifecycle hook {'timed out' if status == 'TIMED_OUT' else 'was answered with ROLLBACK'}"
            record |= {"status": "ROLLBACK_REQUESTED", "statusReason": message}


def _enter(deployment: dict[str, Any], state: str, reason: str = "") -> None:
    """A deployment enters a rollout state; those of strategies that shift traffic have none."""
    if "rolloutState" in deployment:
        deployment |= {"rolloutState": state, "rolloutStateReason": reason}


def _bake_seconds(configuration: dict[str, Any]) -> float:
    """How long a deployment goes on after its tasks run."""
    kind = configuration.get("strategy")
    if kind not in _NATIVE:
        return 0.0
    minutes = float(configuration.get("bakeTimeInMinutes", 0))
    if kind == "CANARY":
        minutes += float((configuration.get("canaryConfiguration") or {}).get("canaryBakeTimeInMinutes", 10))
    if kind == "LINEAR":
        linear = configuration.get("linearConfiguration") or {}
        steps = ceil(100 / float(linear.get("stepPercent", 10))) - 1
        minutes += steps * float(linear.get("stepBakeTimeInMinutes", 6))
    return 60 * minutes
