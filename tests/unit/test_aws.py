"""The room that talks to AWS: what it sends, what it keeps, and how it classifies errors."""

from __future__ import annotations

import logging
import time

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError
from moto import mock_aws

from ecs_gitops import aws as edge
from ecs_gitops.aws import Target, connect, observability
from ecs_gitops.aws.calls import attempt
from ecs_gitops.ecs.service import seconds
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable

ROLE = "arn:aws:iam::111111111111:role/deploy"
TARGET = Target("111111111111", "us-west-2", ROLE, "run-1")


def test_a_member_that_botocore_has_never_heard_of_goes_from_description_to_registration(wired):
    # GIVEN AWS answers with members that are not in the bundled model, also inside a container
    live = {
        "taskDefinitionArn": "arn:x",
        "family": "web",
        "future": {"a": [1, None]},
        "containerDefinitions": [{"name": "web", "image": "i:1", "novelty": True}],
    }
    answer = {"taskDefinition": live, "tags": [{"key": "team", "value": "shop"}]}
    registered = {"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:us-west-2:1:task-definition/web:2"}}
    aws, wire = wired(answer, registered)
    # WHEN it is described and registered again
    definition, tags = aws.describe_task_definition("arn:x")
    content = {key: value for key, value in definition.items() if key != "taskDefinitionArn"}
    arn = aws.register_task_definition(content, tags)
    # THEN what was sent is what was read
    assert definition == live
    assert wire.sent[0] == {"taskDefinition": "arn:x", "include": ["TAGS"]}
    assert wire.sent[1] == {**content, "tags": [{"key": "team", "value": "shop"}]}
    assert arn.endswith("web:2")


def test_targets_are_read_page_by_page_and_written_back_whole(wired):
    first, second = {"Id": "a", "Arn": "c", "Novelty": 1}, {"Id": "b", "Arn": "c"}
    aws, wire = wired({"Targets": [first], "NextToken": "t"}, {"Targets": [second]}, {"FailedEntryCount": 0})
    assert aws.list_targets_by_rule("default", "nightly") == [first, second]
    assert wire.sent[1]["NextToken"] == "t"
    assert aws.put_targets("default", "nightly", [first]) == []
    assert wire.sent[2] == {"Rule": "nightly", "EventBusName": "default", "Targets": [first]}


def test_a_failed_entry_count_is_never_ignored_even_without_entries(wired):
    aws, _ = wired({"FailedEntryCount": 2, "FailedEntries": [{"TargetId": "a", "ErrorCode": "X"}]})
    failed = aws.put_targets("default", "nightly", [{"Id": "a", "Arn": "c"}])
    assert [entry["ErrorCode"] for entry in failed] == ["X", "unknown"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "Op"), AwsUnavailable),
        (ClientError({"Error": {"Code": "Odd"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "Op"), AwsUnavailable),  # type: ignore[typeddict-item]
        (EndpointConnectionError(endpoint_url="x"), AwsUnavailable),
        (ConnectionResetError(), AwsUnavailable),
        (
            ClientError(
                {
                    "Error": {
                        "Code": "ClientException",
                        "Message": "Too many concurrent attempts to create a new revision",
                    }
                },
                "Op",
            ),
            AwsUnavailable,
        ),
        (ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Op"), AwsRefused),
        (ClientError({"Error": {"Code": "ServiceNotFoundException"}}, "Op"), AwsRefused),
        (ParamValidationError(report="value: hunter2"), AwsRefused),
    ],
)
def test_errors_that_a_retry_can_fix_are_unavailable_and_others_refused(error, expected):
    def fail() -> None:
        raise error

    with pytest.raises(expected) as caught:
        attempt("op", fail)
    assert "hunter2" not in str(caught.value)


def test_a_role_is_assumed_once_while_its_credentials_last(monkeypatch):
    monkeypatch.setattr(edge, "_sessions", {})
    with mock_aws():
        first = connect(TARGET)
        assert connect(TARGET) is first
        # Credentials that could run out within an invocation are renewed before it.
        edge._sessions[TARGET].expires = time.time() + 16 * 60
        assert connect(TARGET) is not first
        renewed = edge._sessions[TARGET].aws
        edge._sessions[TARGET].expires = time.time() + 20 * 60
        assert connect(TARGET) is renewed


def test_calls_of_an_assumed_role_work_and_log_no_secret_at_debug(monkeypatch, caplog):
    # GIVEN a task definition with a secret in its environment, and everything logged that can be
    monkeypatch.setattr(edge, "_sessions", {})
    observability.set_up()
    caplog.set_level(logging.DEBUG)
    with mock_aws():
        aws = connect(TARGET)
        content = {
            "family": "web",
            "containerDefinitions": [
                {"name": "web", "image": "i:1", "memory": 64, "environment": [{"name": "PASSWORD", "value": "hunter2"}]}
            ],
        }
        # WHEN it is registered and described with the assumed role's credentials
        arn = aws.register_task_definition(content, {"team": "shop"})
        definition, tags = aws.describe_task_definition(arn)
    # THEN it is all there, and neither the value nor a credential was logged
    assert definition["containerDefinitions"][0]["environment"] == [{"name": "PASSWORD", "value": "hunter2"}]
    assert tags == {"team": "shop"}
    logged = "\n".join(record.getMessage() for record in caplog.records)
    for secret in ("hunter2", "SessionToken", "SecretAccessKey", "AccessKeyId"):
        assert secret not in logged


def test_ecs_calls_are_shaped_as_the_api_documents(wired):
    aws, wire = wired(
        {"services": [{"serviceName": "a"}]},
        {"services": []},
        {"taskArns": []},
        {"taskArns": ["t"]},
        {"tasks": [{"taskArn": "t"}]},
        {"service": {"serviceName": "a"}},
    )
    assert aws.describe_services("shop", [f"s{n}" for n in range(11)]) == [{"serviceName": "a", "events": []}]
    assert [len(sent["services"]) for sent in wire.sent] == [10, 1]
    assert aws.stopped_tasks("shop", "a") == []
    assert aws.stopped_tasks("shop", "a") == [{"taskArn": "t"}]
    assert wire.sent[2] == {"cluster": "shop", "serviceName": "a", "desiredStatus": "STOPPED", "maxResults": 100}
    assert aws.update_service("shop", "a", "a:2") == {"serviceName": "a"}
    assert wire.sent[-1] == {"cluster": "shop", "service": "a", "taskDefinition": "a:2"}


def test_events_of_a_service_are_read_whole_and_in_epoch_seconds(wired):
    # GIVEN a service with events and one without, as the wire has them
    events = [{"id": "2", "createdAt": 1774000002.25, "message": "(service web) has reached a steady state."}]
    web = {"serviceName": "web", "serviceArn": "arn:web", "createdAt": 1774000000.5, "events": events}
    aws, _ = wired({"services": [web, {"serviceName": "api", "serviceArn": "arn:api"}]})
    # WHEN they are described
    found = {each["serviceName"]: each for each in aws.describe_services("shop", ["web", "api"])}
    # THEN nothing of the events is lost, and all else is as botocore gives it
    assert found["web"]["events"] == events
    assert seconds(found["web"]["createdAt"]) == 1774000000.5
    assert found["api"]["events"] == []


def test_a_revision_is_read_once_except_for_its_status(wired):
    def answer(status):
        return {"taskDefinition": {"taskDefinitionArn": "arn:x:task-definition/web:1", "status": status}}

    aws, wire = wired(answer("ACTIVE"), answer("INACTIVE"))
    assert aws.describe_task_definition("web:1") == aws.describe_task_definition("web:1")
    assert len(wire.sent) == 1
    # WHEN its status matters, THEN ECS is asked again, and the answer is cached
    assert aws.read_task_definition("web:1")[0]["status"] == "INACTIVE"
    assert aws.describe_task_definition("web:1")[0]["status"] == "INACTIVE"
    assert len(wire.sent) == 2
