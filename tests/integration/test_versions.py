"""An apply does not change the code under a running release."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from integration.live_services import obey, wait_for, waiting_commands
from local_aws import LocalAws
from playground.stack import Stack

PAUSE = {
    "targetType": "PAUSE",
    "lifecycleStages": ["POST_SCALE_UP"],
    "timeoutConfiguration": {"timeoutInMinutes": 60},
}
HANDLERS = ("init_config", "deploy_task", "deploy_ecs", "validate_deploy")
FAILING = """
class OtherLayer(Exception):
    pass


def handler(event, context):
    raise OtherLayer("the handler of another layer")
"""


@pytest.fixture
def other_layer(tmp_path: Path) -> Path:
    """A layer whose handlers fail."""
    path = tmp_path / "layer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in HANDLERS:
            archive.writestr(f"python/ecs_gitops/lambdas/{name}.py", FAILING)
    return path


@contextmanager
def applied(stack: Stack, **variables: str) -> Iterator[None]:
    """The stack applied with other variables; afterwards with its own again."""
    stack.terraform.with_variables(**variables).apply()
    try:
        yield
    finally:
        stack.terraform.apply()


def started(stack: Stack, item: dict[str, Any]) -> str:
    """A release of the item; the execution's ARN."""
    machine, given = stack.outputs["state_machine_arn"], json.dumps({"services": [item]})
    states = stack.aws.client("stepfunctions")
    return str(states.start_execution(stateMachineArn=machine, input=given)["executionArn"])


def is_running(aws: LocalAws, execution: str) -> bool:
    return bool(described(aws, execution)["status"] == "RUNNING")


def described(aws: LocalAws, execution: str) -> dict[str, Any]:
    return dict(aws.client("stepfunctions").describe_execution(executionArn=execution))


def test_a_release_goes_on_with_the_layer_that_it_began_with(
    stack: Stack,
    aws: LocalAws,
    run: Callable[..., Any],
    service: Callable[..., dict[str, Any]],
    minutes: Callable[[float], None],
    other_layer: Path,
) -> None:
    # GIVEN a release that waits for a person, for twenty real minutes at most
    minutes(20.0)
    deployment = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [PAUSE]}
    waiting, other = service(deployment=deployment), service()
    queue, seen = stack.listen(), list[dict[str, Any]]()
    stack.notices(queue)
    execution = started(stack, waiting)
    wait_for(lambda: bool(waiting_commands(stack, queue, seen)) or not is_running(aws, execution))
    # WHEN an apply gives the functions a layer that does not work, and deletes the layer before
    before = layer_versions(aws)
    with applied(stack, layer_zip=str(other_layer)):
        assert before.isdisjoint(layer_versions(aws))
        # AND the person says how to go on
        obey(aws, waiting_commands(stack, queue, seen)[0])
        # THEN the release goes on with the versions that it began with, and ends well
        wait_for(lambda: not is_running(aws, execution), 120)
        told = described(aws, execution)
        assert told["status"] == "SUCCEEDED", told
        (item,) = json.loads(told["output"])["result"]["items"]
        assert item["status"] == "DEPLOYED"
        # AND the next release runs the new versions
        failed = run({"services": [other]})
        assert failed.error == "ReportFailed"
        assert "OtherLayer" in failed.cause
    # AND another apply gives the next release a layer that works
    assert run({"services": [other]}).items[other["serviceName"]]["status"] == "DEPLOYED"


def layer_versions(aws: LocalAws) -> set[int]:
    listed = aws.client("lambda").list_layer_versions(LayerName="ecs-gitops")["LayerVersions"]
    return {layer["Version"] for layer in listed}
