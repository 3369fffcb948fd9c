"""The instance's settings: in the ledger's bucket and the parameter, and what a release does with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local_aws import LocalAws
from playground.stack import CLUSTER, Stack

AT = {"Key": "settings/instance.json"}


def settings_of(stack: Stack) -> bytes:
    bucket = stack.outputs["ledger_bucket_name"]
    return bytes(stack.aws.client("s3").get_object(Bucket=bucket, **AT)["Body"].read())


@contextmanager
def changed(stack: Stack, content: bytes | None) -> Iterator[None]:
    """The settings with other content, or absent. Afterwards Terraform's own version is the newest again."""
    s3, at = stack.aws.client("s3"), {"Bucket": stack.outputs["ledger_bucket_name"], **AT}
    made = s3.delete_object(**at) if content is None else s3.put_object(**at, Body=content)
    try:
        yield
    finally:
        s3.delete_object(**at, VersionId=made["VersionId"])


def test_terraform_wrote_what_the_functions_read(stack: Stack) -> None:
    told = json.loads(settings_of(stack))
    assert told["roleArns"] == {
        "111111111111": stack.outputs["deploy_role_arn"],
        "222222222222": "arn:aws:iam::222222222222:role/ecs-gitops-deploy",
    }
    assert (told["defaults"], told["guardRails"]) == ({"timeoutMinutes": 30}, {"executionTimeoutMinutes": 240})


def test_the_parameter_tells_where_the_parts_are(stack: Stack) -> None:
    (found,) = stack.aws.client("ssm").get_parameters(Names=["/ecs-gitops/ecs-gitops"])["Parameters"]
    told = json.loads(found["Value"])
    assert (found["Type"], len(found["Value"]) < 4_096) == ("String", True)
    assert (told["schemaVersion"], told["name"], told["account"]) == (1, "ecs-gitops", "111111111111")
    assert told["ledgerBucket"] == stack.outputs["ledger_bucket_name"]
    assert told["pipelineName"] == stack.outputs["pipeline_name"]
    assert told["stateMachineArn"] == stack.outputs["state_machine_arn"]
    assert told["topicArn"] == stack.outputs["topic_arn"]
    assert told["repositoryName"] == stack.outputs["repository_name"]


@pytest.mark.parametrize(
    ("content", "tells"),
    [
        (None, "settings/instance.json does not exist"),
        (b"{", "it is not JSON"),
        (b'{"schemaVersion": 2}', "schemaVersion is 2; this function reads 1"),
    ],
    ids=["absent", "malformed", "of another version"],
)
def test_settings_that_cannot_be_used_end_the_release_before_anything(
    stack: Stack, run: Callable[..., Any], service: Callable[..., Any], content: bytes | None, tells: str
) -> None:
    # GIVEN a service, and settings that are not as they should be
    item = service()
    with changed(stack, content):
        # WHEN it is released
        done = run({"services": [item]})
    # THEN the release says what is wrong and what to do, at once
    assert (done.status, done.error) == ("FAILED", "InvalidRelease")
    assert tells in done.cause
    assert "Nothing was changed" in done.cause
    assert "terraform apply" in done.cause
    assert done.states.count("InitConfig") == 1
    # AND nothing was changed
    (found,) = stack.aws.client("ecs").describe_services(cluster=CLUSTER, services=[item["serviceName"]])["services"]
    assert found["taskDefinition"].endswith(f"{item['serviceName']}:1")


def test_two_hundred_accounts_may_be_configured(
    stack: Stack, aws: LocalAws, run: Callable[..., Any], service: Callable[..., Any]
) -> None:
    # GIVEN the roles of two hundred more accounts
    told = json.loads(settings_of(stack))
    told["roleArns"] |= {f"3{n:011d}": f"arn:aws:iam::3{n:011d}:role/ecs-gitops-deploy" for n in range(200)}
    with changed(stack, json.dumps(told).encode()):
        # WHEN a service of the instance's own account is released
        item = service()
        done = run({"services": [item]})
        # THEN it is deployed
        assert done.status == "SUCCEEDED", done.cause
        # AND one in each of twenty of them is looked for with that account's role
        named = [{**item, "account": f"3{n:011d}"} for n in range(20)]
        done = run({"services": named})
    assert (done.status, done.error) == ("FAILED", "CheckFailed")
    assert (
        "could not assume arn:aws:iam::300000000019:role/ecs-gitops-deploy" in done.cause
        or "300000000000" in done.cause
    )
