"""Each scenario runs on both accounts: the answers have to be the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from contract.accounts import Account, InMemory, Local
from contract.deployments import Service


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    from local_aws import LocalAws

    with LocalAws(tmp_path_factory.mktemp("contract"), rollout_seconds=0.6) as running:
        yield Local(running)


@pytest.fixture(params=["in memory", "local AWS"])
def account(request: pytest.FixtureRequest) -> Any:
    """The account that the scenario is played on."""
    return InMemory() if request.param == "in memory" else request.getfixturevalue("local")


@pytest.fixture
def name() -> str:
    """A name that no other scenario uses."""
    return f"c{uuid.uuid4().hex[:10]}"


@pytest.fixture
def service(account: Account, name: str) -> Service:
    """A steady rolling service of two tasks, with the circuit breaker on."""
    account.serve(name, desired=2)
    return Service(account, name)
