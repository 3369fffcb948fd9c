"""A release on the local AWS, from a seed: what it is made of, and its report compared with the live state."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from bench.world import Execution, World
from ecs_gitops.ecs.deployment_settings import merged
from ecs_gitops.model.names import started_by
from local_aws.control.client import ACCOUNT, REGION
from local_aws.samples import register_app, wait_until_steady
from playground.stack import CLUSTER

# One release of an instance may run at a time.
_turn = Lock()
_FINAL = ("DEPLOYED", "UNCHANGED", "ROLLED_BACK", "SKIPPED", "HELD", "FAILED")


class Case:
    """A release of one to three services of its own, from a seed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.seed = world, seed
        self.chance = random.Random(seed)  # noqa: S311 - a seed is to give the same release again
        self.ecs = world.stack.aws.client("ecs")
        self.names = [f"soak-{seed}-{n}" for n in range(self.chance.randint(1, 3))]
        self.job, self.has_job = f"soak-{seed}-job", self.chance.random() < 0.3

    def lies(self) -> list[str]:
        for name in self.names:
            breaker = {"enable": True, "rollback": self.chance.random() < 0.5}
            self.world.make(name, deploymentConfiguration={"deploymentCircuitBreaker": breaker})
        if self.has_job:
            self._schedule()
        wait_until_steady(self.world.stack.aws, CLUSTER, tuple(self.names))
        deployment = self._deployment()
        before = {name: self._live(name) for name in self.names}
        with _turn:
            has_rival = self.chance.random() < 0.15
            done, lies = self._both(deployment) if has_rival else (self._execute(deployment), [])
        reported = self._reported(done)
        wait_until_steady(self.world.stack.aws, CLUSTER, self._expected_to_settle(deployment, reported))
        return lies + [f"{lie}: {done.cause}" for lie in self._check(deployment, done, reported, before)]

    def _execute(self, deployment: dict[str, Any]) -> Execution:
        return self.world.execute(self.world.stack.outputs["state_machine_arn"], deployment, patience=300)

    def _both(self, deployment: dict[str, Any]) -> tuple[Execution, list[str]]:
        """Another execution at the same time: one of the two is refused, and changes nothing. The other one."""
        with ThreadPoolExecutor(2) as pool:
            executions = list(pool.map(self._execute, (deployment, deployment)))
        refused = [done for done in executions if "ReleaseInProgress" in done.cause]
        first, last = sorted(executions, key=lambda done: done.ended)
        if not refused and self._waited_for(first, last):
            # The first one was over before the other one gave up on it. Mostly that had nothing left to do.
            is_last = set(self._reported(last).values()) - {"UNCHANGED", "HELD"}
            return (last if is_last else first), []
        if len(refused) != 1:
            return executions[0], [f"of two releases at once {len(refused)} were refused"]
        return next(done for done in executions if done is not refused[0]), []

    def _waited_for(self, first: Execution, last: Execution) -> bool:
        """Whether ``last`` began only when ``first`` was over."""
        states = self.world.stack.aws.client("stepfunctions")
        over = states.describe_execution(executionArn=first.arn)["stopDate"]
        exits = [
            event["timestamp"]
            for event in self.world.history(last)
            if event.get("stateExitedEventDetails", {}).get("name") == "InitConfig"
        ]
        return bool(exits) and exits[0] >= over

    def _schedule(self) -> None:
        events, place = self.world.stack.aws.client("events"), f"{REGION}:{ACCOUNT}"
        definition = register_app(self.world.stack.aws, self.job)
        events.put_rule(Name=self.job, ScheduleExpression="rate(1 day)")
        target = {
            "Arn": f"arn:aws:ecs:{place}:cluster/{CLUSTER}",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/shop-events",
            "EcsParameters": {"TaskDefinitionArn": definition, "TaskCount": 1},
        }
        events.put_targets(Rule=self.job, Targets=[{"Id": name, **target} for name in "ab"])

    def _deployment(self) -> dict[str, Any]:
        chance, services = self.chance, []
        for index, name in enumerate(self.names):
            item: dict[str, Any] = {"service": "app", "clusterName": CLUSTER, "serviceName": name, "timeoutMinutes": 9}
            item["image"] = f"app:{chance.choice(('2', '2', '2', '1', 'broken'))}"
            if chance.random() < 0.2:
                canary = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1}
                item["deployment"] = {"strategy": "CANARY", "bakeTimeInMinutes": 1, "canaryConfiguration": canary}
            if chance.random() < 0.3:
                hook = chance.choice(("preDeploy", "postDeploy"))
                item["hooks"] = {hook: {"command": [chance.choice(("go", "go", "fail"))]}}
            if index and chance.random() < 0.3:
                item["dependsOn"] = [self.names[index - 1]]
            services.append(item)
        made = {"services": services, "onFailure": chance.choice(("stop", "rollback", "rollbackRelease"))}
        if not self.has_job:
            return made
        task = {"service": "app", "cwRuleName": self.job, "image": f"app:{chance.choice('12')}"}
        return made | {"tasks": [task], "tasksAfterServices": chance.random() < 0.5}

    def _live(self, name: str) -> dict[str, Any]:
        service = self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"][0]
        definition = self.ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        return {
            "image": definition["containerDefinitions"][0]["image"],
            # Only members of the service's strategy: a canary that was rolled back leaves its bakeTimeInMinutes.
            "configuration": merged(service["deploymentConfiguration"], {}),
        }

    def _expected_to_settle(self, deployment: dict[str, Any], reported: dict[str, str]) -> tuple[str, ...]:
        """Items reported as good or rolled back are steady; failed ones may be not. Of a canary ECS tells no state
        of the rollout."""
        canaries = {item["serviceName"] for item in deployment["services"] if "deployment" in item}
        good = ("DEPLOYED", "UNCHANGED", "ROLLED_BACK")
        return tuple(name for name in self.names if reported.get(name) in good and name not in canaries)

    def _reported(self, done: Execution) -> dict[str, str]:
        """The status of each item as the last NextStage reported it: a failed execution has no output."""
        for event in reversed(self.world.history(done)):
            left = event.get("stateExitedEventDetails", {})
            if left.get("name") == "NextStage":
                result = json.loads(left["output"]).get("result", {})
                return {item["name"]: item["status"] for item in result.get("items", ())}
        return {}

    def _check(
        self, deployment: dict[str, Any], done: Execution, reported: dict[str, str], before: dict[str, Any]
    ) -> list[str]:
        lies = []
        for item in deployment["services"]:
            name = item["serviceName"]
            status, was, live = reported.get(name), before[name], self._live(name)
            as_before = (was["image"], was["configuration"]) == (live["image"], live["configuration"])
            if status in ("DEPLOYED", "UNCHANGED") and live["image"] != item["image"]:
                lies.append(f"{name} {status}, and runs {live['image']}")
            if status == "DEPLOYED" and item["image"] == "app:broken":
                lies.append(f"{name} DEPLOYED, and its image cannot be pulled")
            if status in ("ROLLED_BACK", "SKIPPED", "HELD", "UNCHANGED") and not as_before:
                lies.append(f"{name} {status}, and is not as before: {was} {live}")
            if status not in _FINAL:
                lies.append(f"{name} has no result: {done.status}")
            is_rolled_out = status == "DEPLOYED" and item["image"] != was["image"]
            lies += self._hooks(name, item, done, is_rolled_out=is_rolled_out)
        if self.has_job:
            lies += self._of_job(deployment["tasks"][0]["image"], reported.get(self.job))
        is_good = all(status in ("DEPLOYED", "UNCHANGED", "HELD") for status in reported.values())
        if done.status != ("SUCCEEDED" if is_good else "FAILED"):
            lies.append(f"the execution ended {done.status} with {reported}")
        return lies

    def _of_job(self, image: str, status: str | None) -> list[str]:
        """Both targets of the rule point to the same revision, and to what is reported."""
        targets = self.world.stack.aws.client("events").list_targets_by_rule(Rule=self.job)["Targets"]
        revisions = {target["EcsParameters"]["TaskDefinitionArn"] for target in targets}
        definitions = [self.ecs.describe_task_definition(taskDefinition=each)["taskDefinition"] for each in revisions]
        images = {definition["containerDefinitions"][0]["image"] for definition in definitions}
        if status not in _FINAL:
            return [f"{self.job} has no result"]
        if len(revisions) > 1 and status != "FAILED":
            return [f"{self.job} {status}, and its targets run {revisions}"]
        if status in ("DEPLOYED", "UNCHANGED") and images != {image}:
            return [f"{self.job} {status}, and its targets run {images}"]
        if status in ("ROLLED_BACK", "SKIPPED", "HELD") and images != {"app:1"}:
            return [f"{self.job} {status}, and its targets run {images}"]
        return []

    def _hooks(self, name: str, item: dict[str, Any], done: Execution, *, is_rolled_out: bool) -> list[str]:
        """Each hook runs once in a release. One that came right before this one may have run it, too."""
        arns: set[str] = set()
        for status in ("RUNNING", "STOPPED"):
            arns.update(self.ecs.list_tasks(cluster=CLUSTER, family=name, desiredStatus=status)["taskArns"])
        tasks = self.ecs.describe_tasks(cluster=CLUSTER, tasks=sorted(arns))["tasks"] if arns else []
        ran = sum(1 for task in tasks if task.get("startedBy") == started_by(done.name))
        hooks = item.get("hooks", {})
        if ran > len(hooks) or (is_rolled_out and ran < len(hooks)):
            return [f"{name}: {ran} of {len(hooks)} hooks were run"]
        if is_rolled_out and any(hook["command"] == ["fail"] for hook in hooks.values()):
            return [f"{name} DEPLOYED, and its hook failed"]
        return []
