"""The local AWS with the real module applied, and services to release."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from local_aws.samples import create_service, register_app, wait_until_steady
from playground.stack import CLUSTER, Stack

_AT_ONCE = 10


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
    names: list[str] = field(default_factory=list)
    scale: float = 1.0
    _tag: int = 1

    def services(self, count: int, **more: Any) -> list[str]:
        """Names of ``count`` steady services of one task each."""
        wanted = [f"bench-{len(self.names) + n:04}" for n in range(max(0, count - len(self.names)))]
        self.settings(secondSeconds=1.0, rolloutSeconds=0.2)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda name: self.make(name, **more), wanted))
        for start in range(0, len(wanted), 10):
            wait_until_steady(self.stack.aws, CLUSTER, tuple(wanted[start : start + 10]), patience=300)
        self.names += wanted
        return self.names[:count]

    def make(self, name: str, **more: Any) -> None:
        """A service of one task on image ``app:1``."""
        register_app(self.stack.aws, name)
        create_service(self.stack.aws, CLUSTER, name, name, 1, **more)

    def settings(self, **wanted: Any) -> None:
        self.stack.aws.control("settings", wanted)
        self.scale = float(wanted.get("secondSeconds", self.scale))

    def manifest(self, names: list[str], *, changed: bool, tag: str | None = None) -> dict[str, Any]:
        """The input that releases these services, on a new image or the one that they run."""
        self._tag += changed
        image = f"app:{tag or self._tag}"
        place = {"service": "app", "clusterName": CLUSTER, "image": image}
        return {"release": "bench", "services": [{"serviceName": name, **place} for name in names]}

    def execute(self, machine: str, deployment: dict[str, Any], patience: float) -> Execution:
        """Run a state machine; ``patience`` is in seconds of this machine."""
        states = self.stack.aws.client("stepfunctions")
        name = f"bench-{uuid.uuid4().hex[:12]}"
        began = time.time()
        arn = states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(deployment))["executionArn"]
        while (told := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.time() - began > patience:
                raise TimeoutError(f"{name} runs for more than {patience:.0f} s")
            time.sleep(0.05)
        ended = time.time()
        output = json.loads(told.get("output") or "{}")
        return Execution(arn, name, told["status"], began, ended, output, told.get("cause", ""))

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
