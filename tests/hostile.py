"""What may come of a hostile manifest or event: a result that JSON and UTF-8 can carry, or a documented error.

For the unit tests and for the fuzzer. Events are judged by the handlers that ship, with an account and a ledger in
memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import references
from ecs_gitops import manifest
from ecs_gitops.aws.ledger_bucket import Stored
from ecs_gitops.ecs.image_reference import PATTERN, refusal
from ecs_gitops.lambdas import batch_run, deploy_ecs, deploy_task, init_config, validate_deploy
from ecs_gitops.ledger import fence, settings
from ecs_gitops.ledger.fence import Holder
from ecs_gitops.ledger.releases import release_hash
from ecs_gitops.manifest.execution_input import render
from ecs_gitops.model.errors import (
    AwsRefused,
    AwsUnavailable,
    FenceLost,
    InvalidEvent,
    InvalidManifest,
    InvalidSettings,
    LedgerRefused,
    LedgerUnavailable,
    ReleaseInProgress,
    ReleaseTooLarge,
    UnknownAccount,
)
from ecs_gitops.model.release import Release
from ecs_gitops.model.source import Source
from unit.fake_aws import ACCOUNT, REGION
from unit.fake_bucket import FakeBucket
from unit.fake_ecs import FakeEcs
from unit.machine import ROLES, Machine

HANDLERS: dict[str, Callable[[Any, Any], Any]] = {
    "init_config": init_config.handler,
    "deploy_ecs": deploy_ecs.handler,
    "deploy_task": deploy_task.handler,
    "validate_deploy": validate_deploy.handler,
}
_OF_THE_LEDGER = (LedgerUnavailable, LedgerRefused)
_OF_A_BATCH = (InvalidEvent, AwsUnavailable, FenceLost, *_OF_THE_LEDGER)
# The errors that each handler's documentation names.
DOCUMENTED: dict[str, tuple[type[Exception], ...]] = {
    "init_config": (
        *(InvalidManifest, UnknownAccount, ReleaseTooLarge, InvalidEvent, InvalidSettings, ReleaseInProgress),
        *_OF_THE_LEDGER,
    ),
    "deploy_ecs": _OF_A_BATCH,
    "deploy_task": _OF_A_BATCH,
    "validate_deploy": _OF_A_BATCH,
}
# Of an error's text, which becomes part of the state machine's data.
_ERROR_AT_MOST = 100_000
EXECUTION = {
    "id": f"arn:aws:states:{REGION}:111111111111:execution:ecs-gitops:run-1",
    "name": "run-1",
    "startTime": "2026-11-24T10:00:00Z",
}
_SETTINGS = {
    "schemaVersion": settings.SCHEMA_VERSION,
    "name": "ecs-gitops",
    "account": ACCOUNT,
    "region": REGION,
    "roleArns": ROLES,
    "defaults": {"timeoutMinutes": 30},
    "guardRails": {"executionTimeoutMinutes": 10_080},
}
# The ledger's objects where there is nothing but the instance's settings and the release that holds the fence.
LEDGER: Mapping[str, bytes] = {
    settings.KEY: json.dumps(_SETTINGS).encode(),
    fence.KEY: Holder(EXECUTION["id"], 1.0).written(),
}
_read_settings = settings.read
REFERENCE = Path(__file__).parents[1] / "docs" / "manifest.md"


class Undocumented(AssertionError):
    """A result or an error that is not documented."""


class _Polite:
    """An account that refuses what the one in memory does not know, where that one would break."""

    def __init__(self, aws: FakeEcs) -> None:
        self._aws = aws
        self.rate_limiter = aws.rate_limiter

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
def world(objects: Mapping[str, bytes] = LEDGER) -> Iterator[Machine]:
    """The handlers' surroundings: an account, a ledger with ``objects``, a clock that does not wait, silence."""
    aws, bucket = account(), FakeBucket()
    for key, content in objects.items():
        bucket.objects[key] = Stored(content, f'"{key}"')
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        machine = Machine(aws, patch, ledger=bucket)
        patch.setattr(settings, "read", _read_settings)
        for module in (batch_run, validate_deploy):
            patch.setattr(module, "connect", lambda _target: _Polite(aws))
        logging.disable()
        try:
            yield machine
        finally:
            logging.disable(logging.NOTSET)


def judge_event(name: str, event: Any, objects: Mapping[str, bytes] = LEDGER) -> str:
    """The result for an event and what the ledger has then: ``result``, or the name of the documented error. Raises
    :class:`Undocumented`."""
    with world(objects) as machine:
        return _judge_event(name, json.loads(json.dumps(event)), machine.ledger, objects)


def _judge_event(name: str, event: Any, bucket: FakeBucket, before: Mapping[str, bytes]) -> str:
    try:
        result = HANDLERS[name](event, None)
    except DOCUMENTED[name] as error:
        _require_tellable(error)
        return type(error).__name__
    except Exception as error:
        raise Undocumented(f"{name}: {type(error).__name__}: {error}"[:2000]) from error
    try:
        json.dumps(result, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError) as error:
        raise Undocumented(f"{name} returns what JSON cannot carry: {error}") from error
    after = {key: stored.content for key, stored in bucket.objects.items()}
    for key in before:
        if key.startswith("work/") and after.get(key) != before[key]:
            raise Undocumented(f"{name} wrote {key} again")
    try:
        _require_all_items(name, event, result, before, after)
    except (KeyError, TypeError, ValueError) as error:
        raise Undocumented(f"{name} returns what points to nothing: {type(error).__name__}: {error}") from error
    return "result"


# --- items -----------------------------------------------------------------------------------------------------------


def _require_all_items(
    name: str, event: Any, result: Any, objects: Mapping[str, bytes], written: Mapping[str, bytes]
) -> None:
    """No item is lost, and none made, between what the event points to and what the answer points to. ``objects`` are
    the ledger's before the call, ``written`` those after it."""
    if name == "init_config":
        return
    if name == "validate_deploy" and "stage" in event:
        stage = event["stage"]
        before = _of_stage(objects, stage)
        if result["next"] == "REPORT":
            # The report of a large release lists no more than fit; it counts them all.
            _require_same(len(before), sum(result["result"]["counts"].values()))
        else:
            _require_same(before, _of_stage(written, result))
        return
    step = step_key(result["release"], result["batch"], result["batch"]["step"])
    if step in objects:
        # A run before this one made it.
        return
    _require_same(_numbers(objects, _newest(objects, event["release"], event["batch"])), _numbers(written, step))


def _require_same(before: Any, after: Any) -> None:
    if before != after:
        raise Undocumented(f"items {before} became {after}"[:2000])


def folder(release: Any, stage: int) -> str:
    """Where the ledger has the objects of a stage."""
    return f"work/{release_hash(Release.from_json(release))}/{stage}"


def step_key(release: Any, pointer: Any, step: int) -> str:
    """Where the ledger has a step of a batch."""
    place = f"{pointer['kind']}-{pointer['account']}-{pointer['region']}"
    return f"{folder(release, pointer['stage'])}/{place}/{step}.json"


def _newest(objects: Mapping[str, bytes], release: Any, pointer: Any, *, is_later_too: bool = False) -> str:
    """The key of the step that a pointer points to, of an older one where that is absent, or of a later one."""
    step = pointer["step"]
    while step_key(release, pointer, step) not in objects:
        step -= 1
        if step < 0:
            raise KeyError("no step")
    at = pointer["step"] + 1
    while is_later_too and step_key(release, pointer, at) in objects:
        step, at = at, at + 1
    return step_key(release, pointer, step)


def _numbers(objects: Mapping[str, bytes], key: str) -> list[int]:
    """The numbers of a step's items."""
    return _of_batch(json.loads(objects[key])["batch"])


def _of_batch(batch: Any) -> list[int]:
    return sorted(item["desired"]["number"] for item in batch["items"])


def _of_stage(objects: Mapping[str, bytes], stage: Any) -> list[int]:
    """The numbers of the items that a stage's data points to."""
    found: list[int] = []
    for pointer in stage.get("batches") or ():
        found += _numbers(objects, _newest(objects, stage["release"], pointer, is_later_too=True))
    if stage.get("rest"):
        rest = json.loads(objects[f"{folder(stage['release'], stage['stage'])}/rest.json"])["batches"]
        found += [number for batch in rest for number in _of_batch(batch)]
    return sorted(found)


# --- manifests and images --------------------------------------------------------------------------------------------


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
    again = manifest.from_json(json.loads(rendered.large or rendered.text))
    if again != read:
        raise Undocumented("what was rendered is read as something else")
    stored = {rendered.stored.key: rendered.large.encode()} if rendered.stored and rendered.large else {}
    event = {"deployment": json.loads(rendered.text), "execution": EXECUTION}
    reported = judge_event("init_config", event, {**LEDGER, **stored})
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


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the state machine really sent. ``event`` is JSON, ``objects`` are the ledger's at that moment, and ``read``
    are the keys of those that the handler read."""

    handler: str
    event: str
    objects: Mapping[str, bytes]
    read: tuple[str, ...]


@cache
def events() -> tuple[Recorded, ...]:
    """Every event of some releases. After each of them, failed revisions are deregistered."""
    found: dict[tuple[str, str], Recorded] = {}
    for deployment in (*_DEPLOYMENTS, manifest.load(EVERYTHING.encode(), "f").to_json()):
        with world() as machine, pytest.MonkeyPatch.context() as patch:
            patch.setenv("ECS_GITOPS_DEREGISTER_FAILED", "true")
            invoke, bucket = machine._invoke, machine.ledger

            def record(handler: Any, event: Any, invoke: Any = invoke, bucket: FakeBucket = bucket) -> Any:
                name = next(name for name, known in HANDLERS.items() if known is handler)
                text, calls = json.dumps(event), len(bucket.calls)
                objects = MappingProxyType({key: stored.content for key, stored in bucket.objects.items()})
                try:
                    return invoke(handler, event)
                finally:
                    read = dict.fromkeys(key for call, key in bucket.calls[calls:] if call == "read" and key in objects)
                    found[name, text] = Recorded(name, text, objects, tuple(read))

            patch.setattr(machine, "_invoke", record)
            machine.run(deployment)
    return tuple(found.values())
