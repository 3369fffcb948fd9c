"""A push whose manifest no execution takes: the build that ships stores the input, and the release reads it."""

from __future__ import annotations

import json
from collections.abc import Callable

from integration.permission_scenarios import World, large_input
from playground.stack import CLUSTER

_INPUTS = "work/inputs/"


def _stored(world: World) -> dict[str, int]:
    """The inputs in the ledger: size by key."""
    bucket = world.stack.outputs["ledger_bucket_name"]
    found = world.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=_INPUTS).get("Contents", [])
    return {each["Key"]: each["Size"] for each in found}


def test_a_push_that_no_execution_takes_is_released(world: World, settings: Callable[..., None]) -> None:
    settings(secondSeconds=0.05, rolloutSeconds=0.5)
    # WHEN a manifest of 240,000 bytes is pushed, THEN it is released
    assert large_input(world).startswith("Succeeded")
    # AND the input is in the ledger, and the execution has a pointer to it
    states = world.aws.client("stepfunctions")
    newest = states.list_executions(stateMachineArn=world.stack.outputs["state_machine_arn"])["executions"][0]
    told = states.describe_execution(executionArn=newest["executionArn"])
    pointer = json.loads(told["input"])
    assert pointer["input"]["bytes"] > 240_000
    assert _stored(world)[pointer["input"]["key"]] == pointer["input"]["bytes"]
    assert pointer["source"]["subject"] == "A large one"
    assert json.loads(told["output"])["result"]["counts"] == {"UNCHANGED": 3}


def test_two_thousand_services_that_are_not_there_are_each_checked(world: World, settings: Callable[..., None]) -> None:
    settings(secondSeconds=0.05, rolloutSeconds=0.5)
    # GIVEN a manifest of which only the first service exists
    item = (
        f"  - {{{{service: app, clusterName: {CLUSTER}, serviceName: 'large-{{:05}}{'x' * 200}', image: 'app:1'}}}}\n"
    )
    world.clone.push(world.manifest() + "".join(item.format(n) for n in range(2_000)), "Two thousand")
    # WHEN it is pushed, THEN the release fails in the check, and nothing is changed
    assert world.pipeline().startswith("Failed")
    states = world.aws.client("stepfunctions")
    newest = states.list_executions(stateMachineArn=world.stack.outputs["state_machine_arn"])["executions"][0]
    told = states.describe_execution(executionArn=newest["executionArn"])
    assert (told["status"], told["error"]) == ("FAILED", "CheckFailed")
    assert "2000 failed" in told["cause"]
