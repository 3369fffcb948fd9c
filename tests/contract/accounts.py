"""Two accounts for the same scenarios: the one in memory of the unit tests, and one on the local AWS.

Both are used through the calls of :class:`ecs_gitops.aws.Aws`. What the package itself never calls, people do: those
are the methods here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from ecs_gitops.aws import Aws
from ecs_gitops.aws.calls import pass_raw_json
from local_aws import LocalAws
from local_aws.samples import create_service, load_balancer, wait_until_steady
from unit.fake_aws import CLUSTER
from unit.fake_ecs import BALANCERS, FakeEcs

Json = dict[str, Any]
BREAKER: Json = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
ROLE = "arn:aws:iam::111111111111:role/contract"


class Account(Protocol):
    """``aws``: the package's calls. ``bad``: an image that does not come up, and fails at once; ``app:never``: one that
    stays pending; any other one runs. ``minute``: seconds of a minute of bake time. ``now``: its clock, in seconds."""

    aws: Any
    bad: str
    minute: float

    @property
    def now(self) -> float: ...

    def serve(self, name: str, desired: int = 1, **members: Any) -> str:
        """A steady service with one container ``app``, on revision 1 of a family of its name; -> the revision."""

    def force(self, name: str) -> None:
        """UpdateService with forceNewDeployment alone."""

    def delete(self, name: str) -> None:
        """DeleteService, by force."""

    def answer_hook(self, arn: str, hook_id: str, action: str) -> None:
        """ContinueServiceDeployment."""

    def make_rule(self, name: str, *targets: Json) -> None:
        """PutRule on the default bus, and its targets."""

    def make_schedule(self, schedule: Json) -> None:
        """CreateSchedule."""

    def push(self, repository: str, tag: str) -> str:
        """Push an image to ECR; -> its digest."""

    def until(self, look: Callable[[], Any], is_so: Callable[[Any], Any] = bool) -> Any:
        """Look again until what is seen is so; -> what is seen."""


class InMemory:
    """The account of the unit tests. Its clock goes on while somebody waits, and never else."""

    bad = "app:bad"
    minute = 60.0

    def __init__(self) -> None:
        self.aws = FakeEcs()

    @property
    def now(self) -> float:
        return self.aws.now

    def serve(self, name: str, desired: int = 1, **members: Any) -> str:
        made = self.aws.define(name, ("app", "app:1"))
        members.setdefault("loadBalancers", list(BALANCERS))
        self.aws.serve(name, made, desired, **members)
        return made

    def force(self, name: str) -> None:
        self.aws.force(name)

    def delete(self, name: str) -> None:
        self.aws.delete(name)

    def answer_hook(self, arn: str, hook_id: str, action: str) -> None:
        self.aws.continue_service_deployment(arn, hook_id, action)

    def make_rule(self, name: str, *targets: Json) -> None:
        self.aws.rules["default", name] = list(targets)

    def make_schedule(self, schedule: Json) -> None:
        self.aws.schedules[schedule["GroupName"], schedule["Name"]] = dict(schedule)

    def push(self, repository: str, tag: str) -> str:
        digest = f"sha256:{len(self.aws.registry):064x}"
        self.aws.registry[f"{repository}:{tag}"] = digest
        return digest

    def until(self, look: Callable[[], Any], is_so: Callable[[Any], Any] = bool) -> Any:
        for _ in range(1_000):
            if is_so(seen := look()):
                return seen
            self.aws.now += 1
        return pytest.fail(f"still not so: {seen}")


class Local:
    """An account of the local AWS."""

    bad = "app:broken"
    minute = 1.0

    def __init__(self, local: LocalAws) -> None:
        self._local, self._ecs, self._scheduler = local, local.client("ecs"), local.client("scheduler")
        clients: dict[str, Any] = {"ecs": self._ecs, "scheduler": self._scheduler, "events": local.client("events")}
        for client in clients.values():
            pass_raw_json(client)
        self.aws = Aws(lambda service, region=None: clients.get(service) or local.client(service))
        self._ecs.create_cluster(clusterName=CLUSTER)

    @property
    def now(self) -> float:
        return float(self._local.control("clock")["now"])

    def serve(self, name: str, desired: int = 1, **members: Any) -> str:
        containers = [{"name": "app", "image": "app:1", "memory": 64}]
        made = self._ecs.register_task_definition(family=name, containerDefinitions=containers)
        members.setdefault("loadBalancers", [load_balancer("app")])
        create_service(self._local, CLUSTER, name, name, desired, **members)
        wait_until_steady(self._local, CLUSTER, (name,))
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def force(self, name: str) -> None:
        self._ecs.update_service(cluster=CLUSTER, service=name, forceNewDeployment=True)

    def delete(self, name: str) -> None:
        self._ecs.delete_service(cluster=CLUSTER, service=name, force=True)

    def answer_hook(self, arn: str, hook_id: str, action: str) -> None:
        self.aws._call("ecs", "continue_service_deployment", serviceDeploymentArn=arn, hookId=hook_id, action=action)

    def make_rule(self, name: str, *targets: Json) -> None:
        events = self._local.client("events")
        events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
        if targets:
            events.put_targets(Rule=name, Targets=list(targets))

    def make_schedule(self, schedule: Json) -> None:
        self._scheduler.create_schedule(**schedule)

    def push(self, repository: str, tag: str) -> str:
        from local_aws.stores.push import image_uri, push_image

        return push_image(self._local, image_uri(f"{repository}:{tag}"), tag)

    def until(self, look: Callable[[], Any], is_so: Callable[[Any], Any] = bool) -> Any:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if is_so(seen := look()):
                return seen
            time.sleep(0.05)
        return pytest.fail(f"still not so: {seen}")
