"""The botocore that everything runs on: the emulator's, and in `make test-layer` the one that the layer ships."""

from __future__ import annotations

import os
import re
from pathlib import Path

import botocore
import botocore.session
import pytest

from ecs_gitops.aws.calls import _RAW_ANSWERS, _RAW_REQUESTS

ROOT = Path(__file__).parents[2]
# Event names have the service's id in them, clients another name.
CLIENTS = {"eventbridge": "events"}


def test_it_is_the_version_that_is_pinned():
    pins = (ROOT / os.environ.get("ECS_GITOPS_TEST_PINS", "requirements/dev.txt")).read_text()
    assert re.findall(r"^botocore==(\S+)", pins, re.MULTILINE) == [botocore.__version__]


@pytest.mark.parametrize("operation", sorted({*_RAW_ANSWERS, *_RAW_REQUESTS}))
def test_operations_whose_bodies_are_passed_raw_speak_json(operation, monkeypatch):
    """A service that moves to another protocol (several have moved to CBOR) shows itself here."""
    service, name = operation.split(".")
    session = botocore.session.Session()
    session.set_credentials("x", "x")
    client = session.create_client(CLIENTS.get(service, service), region_name="us-west-2")
    # The protocol is botocore's choice among those that the service has.
    assert client.meta.service_model.resolved_protocol in ("json", "rest-json")
    assert name in client.meta.service_model.operation_names


def test_what_is_written_raw_goes_out_as_json_and_what_is_read_raw_comes_in_as_json(wired):
    task_definition = {"taskDefinition": {"taskDefinitionArn": "arn:x/web:2", "novelty": 1.5}}
    target = {"Id": "a", "Arn": "c", "Novelty": [None]}
    schedule = {
        "Name": "s",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": "c", "RoleArn": "r"},
        "Novelty": "ü",
    }
    aws, wire = wired(task_definition, task_definition, {"Targets": [target]}, {}, schedule, {})
    assert aws.describe_task_definition("web:1")[0]["novelty"] == 1.5
    aws.register_task_definition({"family": "web", "novelty": 1.5}, {})
    assert aws.list_targets_by_rule("default", "r") == [target]
    aws.put_targets("default", "r", [target])
    assert aws.get_schedule("default", "s") == schedule
    aws.update_schedule(schedule)
    assert wire.sent[1]["novelty"] == 1.5
    assert wire.sent[3]["Targets"] == [target]
    assert wire.sent[5]["Novelty"] == "ü"
    # GetSchedule has no body.
    assert all("json" in each for each in wire.content_types if each)
    assert [bool(each) for each in wire.content_types] == [True, True, True, True, False, True]
