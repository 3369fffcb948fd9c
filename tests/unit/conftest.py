"""Builders that the unit tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ecs_gitops.patience import Patience
from ecs_gitops.provenance import Release
from ecs_gitops.work import Batch, Item
from unit.fake_aws import ACCOUNT, CLUSTER, REGION, FakeAws

EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:ecs-gitops:run-1"
RELEASE = Release(EXECUTION, "run-1", 1_000_000.0, release="4.0", repository="config", commit_id="abc123")


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def patience(aws: FakeAws) -> Patience:
    def sleep(seconds: float) -> None:
        aws.now += seconds

    return Patience(until=aws.now + 600, clock=lambda: aws.now, sleep=sleep)


@pytest.fixture(scope="session")
def release() -> Release:
    return RELEASE


@pytest.fixture
def other_release() -> Release:
    return replace(RELEASE, execution_name="run-2", execution_arn=EXECUTION.replace("run-1", "run-2"))


@pytest.fixture
def services() -> Callable[..., Batch]:
    def make(*items: tuple[str, str, str], cluster: str = CLUSTER, timeout: int = 30, force: bool = False) -> Batch:
        return Batch(
            "service",
            ACCOUNT,
            REGION,
            f"arn:aws:iam::{ACCOUNT}:role/deploy",
            tuple(Item(name, container, image, timeout, force) for name, container, image in items),
            cluster=cluster,
        )

    return make


@pytest.fixture
def tasks() -> Callable[..., Batch]:
    def make(*items: tuple[str, str, str], bus: str | None = None) -> Batch:
        return Batch(
            "task",
            ACCOUNT,
            REGION,
            f"arn:aws:iam::{ACCOUNT}:role/deploy",
            tuple(Item(name, container, image, 30, event_bus_name=bus) for name, container, image in items),
        )

    return make
