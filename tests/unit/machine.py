"""The state machine's stages in memory: the handlers that ship, JSON between them, retries as the definition has them.

For tests that walk through every call of a release. The definition itself is tested on the local AWS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.desired.batches import Settings
from ecs_gitops.lambdas import batch_run, deploy_ecs, deploy_task, init_config, validate_deploy
from ecs_gitops.ledger import settings
from ecs_gitops.ledger.fence import Fence
from ecs_gitops.model.errors import AwsUnavailable, EcsGitopsError, LedgerUnavailable
from ecs_gitops.model.release import Release
from unit.fake_aws import ACCOUNT, REGION, Died, FakeAws
from unit.fake_bucket import FakeBucket

ROLES = {ACCOUNT: f"arn:aws:iam::{ACCOUNT}:role/deploy"}
INVOCATION = 880.0
_TURNS_AT_MOST = 2_000
_WRITES = ("update_", "register_", "deregister_", "run_", "put_", "create_", "delete_", "continue_", "stop_service_")


class ReadOnly:
    """The account for a read-only session: no call that writes, except to stop tasks and to tag."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws

    def __getattr__(self, name: str) -> Any:
        if name.startswith(_WRITES):
            raise AssertionError(f"{name}: no session policy allows this call")
        return getattr(self._aws, name)


class Machine:
    """Runs releases against an account in memory. ``deaths`` counts the invocations that died and were retried, and
    ``alerts`` has the notices ahead of the report. ``settings`` are the instance's. ``clock_ahead``: seconds by which
    the functions' clock differs from ECS's."""

    def __init__(
        self,
        aws: FakeAws,
        monkeypatch: pytest.MonkeyPatch,
        clock_ahead: float = 0.0,
        ledger: FakeBucket | None = None,
    ) -> None:
        self.aws, self.deaths, self._number = aws, 0, 0
        self.alerts: list[dict[str, Any]] = []
        for module in (batch_run, validate_deploy):
            monkeypatch.setattr(module, "connect", lambda target: ReadOnly(aws) if target.is_read_only else aws)

        def sleep(seconds: float) -> None:
            aws.now += seconds

        def clock() -> float:
            return aws.now + clock_ahead

        def of(_context: object) -> TimeBudget:
            return TimeBudget(clock() + INVOCATION, clock, sleep, concurrency=1, monotonic=clock)

        monkeypatch.setattr(TimeBudget, "of", of)
        self.settings = Settings(ROLES, ACCOUNT, REGION, timeout_minutes=30)
        self.ledger = ledger if ledger is not None else FakeBucket()
        monkeypatch.setattr(LedgerBucket, "of_environment", lambda: self.ledger)
        monkeypatch.setattr(settings, "read", lambda _: self.settings)
        # The status of each execution, as DescribeExecution has it.
        self.executions: dict[str, str] = {}
        monkeypatch.setattr(init_config, "acquire", self._acquire(sleep))

    def _acquire(self, sleep: Callable[[float], None]) -> Callable[[FakeBucket, Release], None]:
        def acquire(bucket: FakeBucket, release: Release) -> None:
            fence = Fence(bucket, release.execution_arn, sleep=sleep)
            fence.acquire(release.started_at, self.executions.get)

        return acquire

    def run(self, deployment: dict[str, Any], name: str | None = None) -> dict[str, Any]:
        """Release ``deployment``; what the last NextStage gave."""
        self._number += 1
        name = name or f"run-{self._number}"
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:ecs-gitops:{name}"
        self.executions[arn] = "ABORTED"
        started = datetime.fromtimestamp(self.aws.now, UTC)
        execution = {"id": arn, "name": name, "startTime": started.isoformat().replace("+00:00", "Z")}
        try:
            state = self._invoke(init_config.handler, {"deployment": deployment, "execution": execution})
        except EcsGitopsError as error:
            # The state machine catches what InitConfig raises, and has it reported as what stopped the release.
            caught = {"Error": type(error).__name__, "Cause": json.dumps({"errorMessage": str(error)})}
            stage = {"deployment": deployment, "execution": execution, "error": caught}
            return self._reported(arn, self._invoke(validate_deploy.handler, {"stage": stage}))
        for _ in range(_TURNS_AT_MOST):
            batches = [self._batch(state["release"], each) for each in state["batches"]]
            state = self._invoke(validate_deploy.handler, {"stage": {**state, "batches": batches}})
            if state["next"] == "REPORT":
                return self._reported(arn, state)
        raise AssertionError("the release does not come to an end")

    def _reported(self, arn: str, state: dict[str, Any]) -> dict[str, Any]:
        self.executions[arn] = state["status"]
        return state

    def results(self, deployment: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Release ``deployment``; its items by name."""
        return {item["name"]: item for item in self.run(deployment)["result"]["items"]}

    def _batch(self, release: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        event: dict[str, Any] = {"release": release, "batch": data}
        self._last = event
        try:
            return self._settled(event)
        except EcsGitopsError as error:
            # The state machine catches it, with what the last state that succeeded gave.
            caught = {"Error": type(error).__name__, "Cause": json.dumps({"errorMessage": str(error)})}
            return {**self._last["batch"], "error": caught}

    def _settled(self, event: dict[str, Any]) -> dict[str, Any]:
        if event["batch"]["kind"] == "task":
            return dict(self._invoke(deploy_task.handler, event)["batch"])
        event = self._last = self._invoke(deploy_ecs.handler, event)
        for _ in range(_TURNS_AT_MOST):
            if alert := event.pop("alert", None):
                self.alerts.append(alert)
            if event["batch"]["next"] == "DONE":
                return dict(event["batch"])
            if event["batch"]["next"] == "DEPLOY":
                event = self._last = self._invoke(deploy_ecs.handler, event)
                continue
            self.aws.now += event["batch"]["waitSeconds"]
            event = self._last = self._invoke(validate_deploy.handler, event)
        raise AssertionError("a batch does not come to an end")

    def _invoke(self, handler: Callable[[Any, Any], Any], event: dict[str, Any]) -> dict[str, Any]:
        """One state with its retries; the payload goes through JSON, as it does on AWS."""
        for attempt in range(7):
            given = json.loads(json.dumps({**event, "attempt": attempt, "redrive": 0}))
            try:
                return dict(json.loads(json.dumps(handler(given, None))))
            except Died:
                self.deaths += 1
            except (AwsUnavailable, LedgerUnavailable):
                self.aws.now += 1
        raise AssertionError("a state ran out of retries")
