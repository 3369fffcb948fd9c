"""The local AWS with the real module applied, and services to release."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bench import realistic
from ecs_gitops import manifest
from ecs_gitops.manifest.execution_input import INPUT_AT_MOST, render
from ecs_gitops.model.source import UNKNOWN
from local_aws.samples import create_service, register_app, wait_until_steady
from playground.stack import CLUSTER, Stack

_AT_ONCE = 10
# Characters that ECS takes.
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution that is over; times are epoch seconds of this machine."""

    arn: str
    name: str
    status: str
    began: float
    ended: float
    output: dict[str, Any]
    cause: str


@dataclass(slots=True)
class World:
    """Services are made once and used by every run that needs as many."""

    stack: Stack
    # By the beginning of their names.
    names: dict[str, list[str]] = field(default_factory=dict)
    scale: float = 1.0
    _tag: int = 1

    def services(self, count: int) -> list[str]:
        """Names of ``count`` steady services of one task each, on image ``app:1`` at first."""
        return self._made("bench", count, self.make)

    def realistic_services(self, count: int) -> list[str]:
        """The same with what services of teams have, see :mod:`bench.realistic`."""
        return self._made(realistic.PREFIX, count, lambda name: realistic.make(self.stack.aws, CLUSTER, name))

    def idle_services(self, count: int) -> list[str]:
        """Services without tasks, on image ``app:1``. Their names are as long as ECS takes them."""
        return self._made("idle", count, lambda name: self.make(name, tasks=0), length=_LONGEST_NAME)

    def _made(self, prefix: str, count: int, make: Callable[[str], None], length: int = 0) -> list[str]:
        known = self.names.setdefault(prefix, [])
        wanted = [f"{prefix}-{number:04}".ljust(length, "x") for number in range(len(known), count)]
        self.settings(secondSeconds=1.0, rolloutSeconds=0.2)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(make, wanted))
        for start in range(0, len(wanted), 10):
            wait_until_steady(self.stack.aws, CLUSTER, tuple(wanted[start : start + 10]), patience=300)
        known += wanted
        return known[:count]

    def make(self, name: str, tasks: int = 1, **more: Any) -> None:
        """A service on image ``app:1``."""
        register_app(self.stack.aws, name)
        create_service(self.stack.aws, CLUSTER, name, name, tasks, **more)

    def settings(self, **wanted: Any) -> None:
        self.stack.aws.control("settings", wanted)
        self.scale = float(wanted.get("secondSeconds", self.scale))

    def manifest(self, names: Sequence[str], *, changed: bool, tag: str | None = None) -> dict[str, Any]:
        """The input that releases these services, on a new image or the one that they run."""
        self._tag += changed
        place = {"service": "app", "clusterName": CLUSTER}
        images = [self._image(name, tag or str(self._tag)) for name in names]
        services = [{"serviceName": name, **place, "image": i} for name, i in zip(names, images, strict=True)]
        return {"release": "bench", "services": services}

    def _image(self, name: str, tag: str) -> str:
        if not name.startswith(realistic.PREFIX):
            return f"app:{tag}"
        realistic.push(self.stack.aws, name, tag)
        return realistic.image(name, tag)

    def execute(self, machine: str, deployment: dict[str, Any], patience: float) -> Execution:
        """Run a state machine; ``patience`` is in seconds of this machine."""
        states = self.stack.aws.client("stepfunctions")
        name = f"bench-{uuid.uuid4().hex[:12]}"
        began = time.time()
        text = self._input(deployment)
        arn = states.start_execution(stateMachineArn=machine, name=name, input=text)["executionArn"]
        while (told := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.time() - began > patience:
                raise TimeoutError(f"{name} runs for more than {patience:.0f} s")
            time.sleep(0.05)
        ended = time.time()
        output = json.loads(told.get("output") or "{}")
        return Execution(arn, name, told["status"], began, ended, output, told.get("cause", ""))

    def _input(self, deployment: dict[str, Any]) -> str:
        """The execution's input. One that is too large goes to the ledger, as the pipeline's build does it."""
        text = json.dumps(deployment)
        if len(text) <= INPUT_AT_MOST:
            return text
        rendered = render(manifest.from_json(deployment), UNKNOWN, "deployment.yaml")
        if rendered.stored is not None and rendered.large is not None:
            ledger = self.stack.outputs["ledger_bucket_name"]
            s3 = self.stack.aws.client("s3")
            s3.put_object(Bucket=ledger, Key=rendered.stored.key, Body=rendered.large.encode())
        return rendered.text

    def history(self, execution: Execution) -> list[dict[str, Any]]:
        """The execution's events."""
        states, events = self.stack.aws.client("stepfunctions"), []
        page: dict[str, str] = {}
        while True:
            answer = states.get_execution_history(executionArn=execution.arn, maxResults=1000, **page)
            events += answer["events"]
            if not answer.get("nextToken"):
                return events
            page = {"nextToken": answer["nextToken"]}
