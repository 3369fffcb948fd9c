"""The whole system, applied once for all tests that need it: the real module, IAM enforced, on a local AWS."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Imported where a test asks for them: unit tests start none of this, and need none of it.
if TYPE_CHECKING:
    from playground.stack import Stack

ROOT = Path(__file__).parents[1]
# What waits longest or is longest begins first, so that no process is left with it at the end. The others follow by
# name: pull requests are merged after the tests that push to a clone of their own.
_FIRST = ("test_lifecycle_rules.py", "test_terraform.py", "test_permissions.py", "test_failures.py", "test_versions.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in the order in which processes take them."""
    items.sort(key=lambda item: _FIRST.index(item.path.name) if item.path.name in _FIRST else len(_FIRST))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """``examples/local`` applied. Waits of the state machine take their real time; images run after 0.5 seconds."""
    from local_aws import LocalAws
    from playground.stack import Stack

    folder = tmp_path_factory.mktemp("stack")
    with LocalAws(folder / "aws", rollout_seconds=0.5) as aws:
        yield Stack.apply(aws, folder / "terraform")


@dataclass(frozen=True, slots=True)
class Run:
    """An execution that is over. ``states`` are those that it entered, in order."""

    status: str
    output: dict[str, Any]
    error: str
    cause: str
    states: list[str]
    seconds: float

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        """Results by name, from a successful execution's output."""
        return {item["name"]: item for item in self.output["result"]["items"]}


@pytest.fixture
def run(stack: Stack) -> Callable[..., Run]:
    """Start the state machine with an input, and wait for its end."""

    def start(deployment: dict[str, Any], patience: float = 120) -> Run:
        states = stack.aws.client("stepfunctions")
        began, name, mark = time.monotonic(), f"test-{uuid.uuid4()}", stack.mark()
        machine = stack.outputs["state_machine_arn"]
        arn = states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(deployment))["executionArn"]
        while (reported := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() - began < patience, f"still running: {reported}"
            time.sleep(0.1)
        seconds = time.monotonic() - began
        trace = stack.aws.control(f"trace?since={mark}")
        entered = [e["state"] for e in trace if e["kind"] == "state-entered" and e["execution"] == name]
        output = json.loads(reported.get("output") or "{}")
        return Run(reported["status"], output, reported.get("error", ""), reported.get("cause", ""), entered, seconds)

    return start


@pytest.fixture
def settings(stack: Stack) -> Iterator[Callable[..., None]]:
    """Change settings of the local AWS; afterwards they are as they were in the beginning."""
    yield lambda **desired: stack.aws.control("settings", desired)
    as_before = {"faults": None, "deny": [], "secondSeconds": 1.0, "rolloutSeconds": 0.5, "minuteSeconds": None}
    stack.aws.control("settings", as_before)


@pytest.fixture
def fast(settings: Callable[..., None]) -> None:
    """A minute takes six seconds: for what has to wait for a timeout."""
    settings(secondSeconds=0.1, rolloutSeconds=2.0)


@pytest.fixture(scope="session")
def layer() -> Any:
    """Path of the layer that `make layer` built."""
    path = ROOT / "build" / "ecs_gitops-layer-arm64.zip"
    assert path.exists(), "run `make layer` first"
    return path
