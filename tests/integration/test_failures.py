"""Every red pipeline has one notice: failures that no release can tell of reach people through EventBridge."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integration.permission_scenarios import World, role_name

MACHINE = "state_machine_arn"
_FAST = {"secondSeconds": 0.05, "rolloutSeconds": 0.5, "minuteSeconds": 1.0}


@pytest.fixture(autouse=True)
def _fast(settings: Callable[..., None]) -> None:
    settings(**_FAST)


@pytest.fixture(scope="module", autouse=True)
def _mended(world: World) -> Iterator[None]:
    """What is pushed here does not stay."""
    yield
    world.aws.control("settings", _FAST)
    world.clone.push(world.manifest(), "Right again")
    assert world.pipeline().startswith("Succeeded")
    world.aws.control("settings", {"secondSeconds": 1.0, "rolloutSeconds": 0.5, "minuteSeconds": None})


@pytest.fixture
def notices(world: World) -> Callable[..., list[dict[str, Any]]]:
    """`notices()`: those that come, until none came for a second; those of earlier tests are left out."""

    def receive(quiet: float = 1.5) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        until = time.monotonic() + 10
        last = time.monotonic()
        while time.monotonic() < until and (not found or time.monotonic() - last < quiet):
            if new := world.stack.notices(world.queue):
                found += new
                last = time.monotonic()
            time.sleep(0.1)
        return found

    _ = world.clone, world.queue
    world.stack.notices(world.queue)
    return receive


@contextmanager
def denied(world: World, role: str, action: str) -> Iterator[None]:
    world.aws.control("settings", {"deny": [{"role": role_name(role), "action": action}]})
    try:
        yield
    finally:
        world.aws.control("settings", {"deny": []})


def start(world: World) -> str:
    world.aws.client("codepipeline").start_pipeline_execution(name=world.stack.outputs["pipeline_name"])
    return world.pipeline().split("\n", 1)[0]


@pytest.mark.parametrize(
    ("stage", "role", "action"),
    [
        ("Source", "pipeline", "codecommit:GetBranch"),
        ("Build", "pipeline", "codebuild:StartBuild"),
        ("Build", "build", "lambda:GetLayerVersion"),
        ("Deploy", "pipeline", "states:StartExecution"),
        ("Deploy", "pipeline", "states:DescribeStateMachine"),
    ],
)
def test_a_stage_that_failed_before_there_was_a_release_has_one_notice(world, notices, stage, role, action):
    with denied(world, role, action):
        assert start(world) == "Failed"
        (notice,) = notices()
    assert notice["Subject"] == f"[ecs-gitops] FAILED: stage {stage} of pipeline ecs-gitops (nothing was deployed)"
    assert notice["Message"].startswith(
        f"Release FAILED in stage {stage} of pipeline ecs-gitops: nothing was deployed."
    )
    if role == "pipeline":
        assert action in notice["Message"]
    assert "/codesuite/codepipeline/pipelines/ecs-gitops/executions/" in notice["Message"]
    assert notice["MessageAttributes"]["status"]["Value"] == "FAILED"


def test_a_release_that_failed_and_told_of_it_has_no_second_notice(world, notices):
    world.clone.push("services: 3\n", "Wrong")
    assert world.pipeline().startswith("Failed")
    (notice,) = notices()
    assert "deployment.yaml:1:11: services: '3' is not a list" in notice["Message"]


def test_a_release_whose_own_notice_could_not_be_sent_has_one_all_the_same(world, notices):
    world.clone.push("services: 4\n", "Wrong, and nobody is told")
    with denied(world, "state-machine", "sns:Publish"):
        assert world.pipeline().startswith("Failed")
        (notice,) = notices()
    assert notice["Message"].startswith("Release FAILED, and its own notice could not be sent.")
    for told in ("Wrong, and nobody is told", "Ada Lovelace", "'4' is not a list", "/v2/executions/details/"):
        assert told in notice["Message"]


def test_a_release_of_the_pipeline_that_is_aborted_has_one_notice(world, notices):
    # GIVEN a release that waits for a rollout
    item = world.item("aborted", image="app:slow")
    text = "".join(f"    {name}: {value}\n" for name, value in item.items() if name != "service")
    world.aws.control("settings", {"rolloutSeconds": 300.0})
    world.clone.push(f"release: aborted\nservices:\n  - service: app\n{text}", "Take long")
    states, machine = world.aws.client("stepfunctions"), world.stack.outputs[MACHINE]
    until = time.monotonic() + 30
    while not (running := states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]):
        assert time.monotonic() < until
        time.sleep(0.1)
    # WHEN somebody stops the execution
    states.stop_execution(executionArn=running[0]["executionArn"])
    assert world.pipeline().startswith("Failed")
    # THEN execution and pipeline have one notice together
    (notice,) = notices()
    assert notice["Subject"].startswith("[ecs-gitops] ABORTED: release aborted (")
    assert "Services may be in the middle of a deployment." in notice["Message"]
    assert "Take long" in notice["Message"]


def test_an_execution_that_was_started_by_hand_and_aborted_has_one_notice(world, notices):
    states = world.aws.client("stepfunctions")
    world.aws.control("settings", {"rolloutSeconds": 300.0})
    arn = states.start_execution(
        stateMachineArn=world.stack.outputs[MACHINE],
        name=f"by-hand-{uuid.uuid4()}",
        input=json.dumps({"services": [world.item("by-hand", image="app:slow")]}),
    )["executionArn"]
    states.stop_execution(executionArn=arn)
    (notice,) = notices()
    assert notice["Subject"].startswith("[ecs-gitops] ABORTED: release by-hand-")


def test_an_event_that_is_delivered_many_times_at_once_has_one_notice(world, notices):
    from concurrent.futures import ThreadPoolExecutor

    detail = {
        "pipeline": "ecs-gitops",
        "execution-id": str(uuid.uuid4()),
        "action-execution-id": str(uuid.uuid4()),
        "stage": "Build",
        "action": "Build",
        "state": "FAILED",
        "type": {"owner": "AWS", "category": "Build", "provider": "CodeBuild", "version": "1"},
    }
    event = {
        "detail-type": "CodePipeline Action Execution State Change",
        "source": "aws.codepipeline",
        "detail": detail,
    }
    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(world.told_by_event, [event] * 6))
    assert answers == ["SENT", *["SENT_BEFORE"] * 5]
    assert len(notices()) == 1
