"""Builders that the unit tests share."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from ecs_gitops.aws import Aws, session
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.ledger.fence import KEY, Holder
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.release import Release
from ecs_gitops.model.source import Source
from ecs_gitops.model.status import Kind
from unit.fake_aws import ACCOUNT, CLUSTER, REGION, FakeAws
from unit.fake_bucket import FakeBucket
from unit.fake_ecs import FakeEcs
from unit.item_maker import service_item, trigger_item
from unit.machine import Machine
from unit.shop import GOOD, stock
from unit.wire import Wire
from unit.wire import wired as over_the_wire

# No deadline for one example: on a busy machine it says nothing of the code.
settings.register_profile("ecs-gitops", deadline=None)
settings.load_profile("ecs-gitops")

EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:ecs-gitops:run-1"
RELEASE = Release(EXECUTION, "run-1", 1_000_000.0, release="4.0", source=Source("config", commit_id="abc123"))


_OF_BOTOCORE = re.compile(r"\b(botocore|boto3|moto|wired)\b")
# Of botocore these need AWS's examples and texts, which the layer leaves out.
_NEED_EXAMPLES = {"test_normal_shapes.py"}
_NEED_TEXTS = "test_what_starts_a_deployment_is_what_aws_documents"


_EXHAUSTIVE = {
    "test_batch.py",
    "test_event_budget.py",
    "test_faults.py",
    "test_hostile.py",
    "test_interruptions.py",
    "test_large_inputs.py",
    "test_import.py",
    "test_memory_model.py",
    "test_normal_properties.py",
    "test_other_deployments.py",
    "test_pause_hooks.py",
    "test_preview_model.py",
    "test_refused_manifest.py",
    "test_report.py",
    "test_rooms.py",
    "test_splice.py",
    "test_trigger_model.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what depends on botocore, which `make test` runs on the layer's as well, and what plays many cases."""
    for each in items:
        if each.path.name in _EXHAUSTIVE:
            each.add_marker(pytest.mark.exhaustive)
    texts: dict[Path, bool] = {}
    for item in items:
        if item.path not in texts:
            texts[item.path] = bool(_OF_BOTOCORE.search(item.path.read_text()))
        if texts[item.path] and item.path.name not in _NEED_EXAMPLES and not item.name.startswith(_NEED_TEXTS):
            item.add_marker("botocore")


@pytest.fixture(autouse=True)
def own_session() -> None:
    """Each test has its own environment, and so its own session of boto3."""
    session.cache_clear()


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def budget(aws: FakeAws) -> TimeBudget:
    def sleep(seconds: float) -> None:
        aws.now += seconds

    return TimeBudget(aws.now + 600, lambda: aws.now, sleep, concurrency=1, monotonic=lambda: aws.now)


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    """The ledger, in which the release of these tests holds the fence."""
    made = FakeBucket()
    made.put(KEY, Holder(EXECUTION, 1_000_000.0).written())
    monkeypatch.setattr(LedgerBucket, "of_environment", lambda: made)
    return made


@pytest.fixture(scope="session")
def release() -> Release:
    return RELEASE


@pytest.fixture
def other_release() -> Release:
    return replace(RELEASE, execution_name="run-2", execution_arn=EXECUTION.replace("run-1", "run-2"))


@pytest.fixture
def services() -> Callable[..., Batch]:
    def make(
        *given: tuple[str, str, str],
        cluster: str = CLUSTER,
        timeout: int = 30,
        force: bool = False,
        on_failure: str = "stop",
    ) -> Batch:
        made = [
            service_item(
                number,
                name,
                cluster=cluster,
                images={container: image},
                timeout_minutes=timeout,
                force_new_deployment=force,
                on_failure=on_failure,
            )
            for number, (name, container, image) in enumerate(given)
        ]
        return Batch(Kind.SERVICE, ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:role/deploy", tuple(made))

    return make


@pytest.fixture
def tasks() -> Callable[..., Batch]:
    def make(*given: tuple[str, str, str], bus: str = "default") -> Batch:
        made = [
            trigger_item(number, name, {container: image}, event_bus=bus)
            for number, (name, container, image) in enumerate(given)
        ]
        return Batch(Kind.TASK, ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:role/deploy", tuple(made))

    return make


@pytest.fixture
def ecs() -> FakeEcs:
    """An account whose ECS goes on as the clock does."""
    return FakeEcs()


@pytest.fixture
def machine(ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Runs whole releases against ``ecs``."""
    return Machine(ecs, monkeypatch)


@pytest.fixture
def worst() -> Callable[[str], dict[str, Any]]:
    """What the worst "manifests" or "events" cost, by name, without the largest: measured in a process of its own."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root / "lambda_src"), str(root / "tests")))}

    def measured(what: str) -> dict[str, Any]:
        given = [sys.executable, "-m", "worst_cases", what, "small"]
        done = subprocess.run(given, env=environment, stdout=subprocess.PIPE, timeout=300, check=True)
        return dict(json.loads(done.stdout))

    return measured


@pytest.fixture
def wired(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Aws, Wire]]:
    """See :func:`unit.wire.wired`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    return over_the_wire


@pytest.fixture
def shop(ecs: FakeEcs) -> FakeEcs:
    """Three services on their first images, a rule and a schedule."""
    stock(ecs)
    return ecs


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A manifest that is good, for the command line."""
    path = tmp_path / "deployment.yaml"
    path.write_text(GOOD)
    return path
