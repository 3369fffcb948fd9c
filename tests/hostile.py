"""What may come of a hostile manifest or event: a result that JSON and UTF-8 can carry, or a documented error.

For the unit tests and for the fuzzer. Events are judged by the handlers that ship, with an account in memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import references
from ecs_gitops import manifest
from ecs_gitops.ecs.image_reference import PATTERN, refusal
from ecs_gitops.lambdas import batch_run, deploy_ecs, deploy_task, init_config, validate_deploy
from ecs_gitops.manifest.execution_input import render
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, InvalidEvent, InvalidManifest, UnknownAccount
from ecs_gitops.model.source import Source
from unit.fake_aws import REGION
from unit.fake_ecs import FakeEcs
from unit.machine import Machine

HANDLERS: dict[str, Callable[[Any, Any], Any]] = {
    "init_config": init_config.handler,
    "deploy_ecs": deploy_ecs.handler,
    "deploy_task": deploy_task.handler,
    "validate_deploy": validate_deploy.handler,
}
DOCUMENTED = (InvalidManifest, UnknownAccount, InvalidEvent, AwsUnavailable)
# Of an error's text, which becomes part of the state machine's data.
_ERROR_AT_MOST = 100_000
EXECUTION = {
    "id": f"arn:aws:states:{REGION}:111111111111:execution:ecs-gitops:run-1",
    "name": "run-1",
    "startTime": "2026-11-24T10:00:00Z",
}
REFERENCE = Path(__file__).parents[1] / "docs" / "manifest.md"


class Undocumented(AssertionError):
    """A result or an error that is not documented."""


class _Polite:
    """An account that refuses what the one in memory does not know, where that one would break."""

    def __init__(self, aws: FakeEcs) -> None:
        self._aws = aws

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._aws, name)

        def call(*arguments: Any, **options: Any) -> Any:
            try:
                return method(*arguments, **options)
            except (KeyError, IndexError, StopIteration, AssertionError) as error:
                raise AwsRefused(name, "ClientException", "it is not known") from error

        return call


def account() -> FakeEcs:
    """Services web and api, a rule and a schedule."""
    aws = FakeEcs()
    for name in ("web", "api"):
        aws.serve(name, aws.define(name, (name, f"{name}:1"), networkMode="awsvpc"))
    job = aws.define("job", ("job", "job:1"))
    aws.rules["default", "nightly"] = [{"Id": "1", "Arn": "c", "EcsParameters": {"TaskDefinitionArn": job}}]
    target = {"Arn": "c", "RoleArn": "r", "EcsParameters": {"TaskDefinitionArn": job}}
    aws.schedules["default", "weekly"] = {"Name": "weekly", "GroupName": "default", "Target": target}
    return aws


@contextlib.contextmanager
def world() -> Iterator[FakeEcs]:
    """The handlers' surroundings: an account, their settings, a clock that does not wait, silence."""
    aws = account()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        Machine(aws, patch)
        for module in (batch_run, validate_deploy):
            patch.setattr(module, "connect", lambda _target: _Polite(aws))
        logging.disable()
        try:
            yield aws
        finally:
            logging.disable(logging.NOTSET)


def judge_event(name: str, event: Any) -> str:
    """The result for an event: ``result``, or the name of the documented error. Raises :class:`Undocumented`."""
    with world():
        return _judge_event(name, json.loads(json.dumps(event)))


def _judge_event(name: str, event: Any) -> str:
    try:
        result = HANDLERS[name](event, None)
    except DOCUMENTED as error:
        _require_tellable(error)
        return type(error).__name__
    except Exception as error:
        raise Undocumented(f"{name}: {type(error).__name__}: {error}"[:2000]) from error
    try:
        json.dumps(result, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError) as error:
        raise Undocumented(f"{name} returns what JSON cannot carry: {error}") from error
    _require_all_items(event, result)
    return "result"


def _require_all_items(event: Any, result: Any) -> None:
    """No item is lost, and none made."""
    if "batch" in event:
        before, after = _numbers([event["batch"]]), _numbers([result["batch"]])
    elif "stage" in event:
        stage = event["stage"]
        before = _numbers([*(stage.get("batches") or ()), *(stage.get("rest") or ())])
        after = _numbers([*result.get("batches", ()), *result.get("rest", ())])
        if result["next"] == "REPORT":
            # The report of a very large release lists no more than fit; it counts them all.
            before, after = len(before), sum(result["result"]["counts"].values())
    else:
        return
    if before != after:
        raise Undocumented(f"items {before} became {after}")


def _numbers(batches: list[Any]) -> Any:
    return sorted(item.number for each in batches for item in Batch.from_json(each).items)


def judge_image(image: str) -> str:
    """``taken`` or ``refused``. Raises :class:`Undocumented` where the grammar says otherwise."""
    found = refusal(image)
    # What engines take may still be no host of ECR.
    of_ecr = found is not None and ("Amazon ECR" in found.reason or "ECR has no" in found.reason)
    if (found is None or of_ecr) != references.is_reference(image):
        raise Undocumented(f"{image!r}: {found}, and the grammar says {references.is_reference(image)}")
    if found is None and not re.fullmatch(PATTERN, image):
        raise Undocumented(f"{image!r} is accepted, and the schema's pattern does not match")
    host, slash, _ = image.partition("/")
    if found and "is not" in found.reason and of_ecr and slash and host.removesuffix(":443") in references.ecr_hosts():
        raise Undocumented(f"{image!r} is in ECR, and is said not to be: {found}")
    return "refused" if found else "taken"


def judge_manifest(data: bytes) -> str:
    """The result for a file: ``good``, ``too large``, or the error's name. Raises :class:`Undocumented`."""
    try:
        read = manifest.load(data, "f")
    except InvalidManifest as error:
        _require_tellable(error)
        return "InvalidManifest"
    except Exception as error:
        raise Undocumented(f"load: {type(error).__name__}: {error}"[:2000]) from error
    try:
        rendered = render(read, Source(), "f")
    except InvalidManifest as error:
        _require_tellable(error)
        return "too large"
    except Exception as error:
        raise Undocumented(f"render: {type(error).__name__}: {error}"[:2000]) from error
    again = manifest.from_json(json.loads(rendered.text))
    if again != read:
        raise Undocumented("what was rendered is read as something else")
    reported = judge_event("init_config", {"deployment": json.loads(rendered.text), "execution": EXECUTION})
    return "good" if reported in ("result", "UnknownAccount") else reported


def judge_input(data: Any) -> str:
    """What comes of an execution's input: ``good``, or the error's name. Raises :class:`Undocumented`."""
    reported = judge_event("init_config", {"deployment": data, "execution": EXECUTION})
    return "good" if reported == "result" else reported


def _require_tellable(error: Exception) -> None:
    reported = str(error)
    if len(reported) > _ERROR_AT_MOST:
        raise Undocumented(f"an error of {len(reported):,} characters: {reported[:200]}") from error
    for line in reported.split("\n"):
        if not line.isprintable():
            raise Undocumented(f"an error that cannot be printed: {line[:500]!a}") from error


def manifests() -> list[str]:
    """The manifests of the reference, and one with all there is."""
    found = re.findall(r"^```yaml\n(.*?)^```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [*found, EVERYTHING]


EVERYTHING = """\
release: 4.0
onFailure: rollbackRelease
tasksAfterServices: true
defaults: &defaults
  clusterName: shop
  timeoutMinutes: 20
tasks:
  - {service: job, cwRuleName: nightly, image: "job:2"}
  - {service: job, scheduleName: weekly, image: "111111111111.dkr.ecr.us-west-2.amazonaws.com/job:2", pinDigest: true}
services:
  - service: api
    serviceName: api
    image: "api:2"
    hooks:
      preDeploy: {command: [migrate], timeoutMinutes: 5}
      postDeploy: {command: [check]}
  - <<: *defaults
    serviceName: web
    containers:
      - {name: web, image: "web:2"}
    dependsOn: [api]
    requireZeroDowntime: false
    deployment:
      strategy: CANARY
      canaryConfiguration: {canaryPercent: 12.5, canaryBakeTimeInMinutes: 1}
      alarms: {alarmNames: [5xx], enable: true, rollback: true}
      deploymentCircuitBreaker: {enable: true, rollback: true}
      lifecycleHooks:
        - targetType: PAUSE
          lifecycleStages: [POST_SCALE_UP]
          timeoutConfiguration: {timeoutInMinutes: 5, action: CONTINUE}
"""
_DEPLOYMENTS = (
    {"services": [{"service": "web", "clusterName": "shop", "serviceName": "web", "image": "web:bad"}]},
    {"tasks": [{"service": "job", "cwRuleName": "nightly", "image": "job:2"}]},
    {
        "onFailure": "rollbackRelease",
        "defaults": {"clusterName": "shop"},
        "services": [
            {
                "service": "api",
                "serviceName": "api",
                "image": "api:2",
                "hooks": {"preDeploy": {"command": ["ok"]}, "postDeploy": {"command": ["fail"]}},
            },
            {"service": "web", "serviceName": "web", "image": "web:2", "dependsOn": ["api"]},
        ],
    },
)


@cache
def events() -> tuple[tuple[str, str], ...]:
    """Every event of some releases, by handler, as JSON: what the state machine really sends, and the same packed."""
    found: dict[tuple[str, str], None] = {}
    for deployment in (*_DEPLOYMENTS, manifest.load(EVERYTHING.encode(), "f").to_json()):
        with world() as aws, pytest.MonkeyPatch.context() as patch:
            machine = Machine(aws, patch)
            invoke = machine._invoke

            def record(handler: Any, event: Any, invoke: Any = invoke) -> Any:
                name = next(name for name, known in HANDLERS.items() if known is handler)
                found[name, json.dumps(event)] = None
                return invoke(handler, event)

            patch.setattr(machine, "_invoke", record)
            machine.run(deployment)
    for name, text in list(found):
        event = json.loads(text)
        if "batch" in event:
            packed = replace(Batch.from_json(event["batch"]), reason_budget=1).to_json()
            found[name, json.dumps({**event, "batch": packed})] = None
    return tuple(found)
