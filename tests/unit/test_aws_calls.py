"""The request and the answer of each call. Only the network is replaced; the shapes are the bundled botocore's."""

from __future__ import annotations

import re

import pytest

from ecs_gitops.model.errors import AwsRefused, AwsUnavailable

DIGEST = "sha256:" + "a" * 64


def test_images_are_read_by_tag_and_digest_from_their_own_registry(wired):
    aws, wire = wired(
        {
            "images": [{"imageId": {"imageTag": "2", "imageDigest": DIGEST}}],
            "failures": [{"imageId": {"imageTag": "3"}, "failureCode": "ImageNotFound"}],
        }
    )
    found = aws.image_digests("111111111111", "eu-central-1", "team/web", ["2", "3", DIGEST])
    assert found == {"2": DIGEST, "3": None, DIGEST: DIGEST}
    assert wire.sent[0] == {
        "registryId": "111111111111",
        "repositoryName": "team/web",
        "imageIds": [{"imageTag": "2"}, {"imageTag": "3"}, {"imageDigest": DIGEST}],
        # Without these an image for several architectures may come as one platform's.
        "acceptedMediaTypes": [
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.oci.image.index.v1+json",
        ],
    }


def test_parameters_are_read_page_by_page_without_a_value(wired):
    aws, wire = wired({"Parameters": [{"Name": "/a"}], "NextToken": "t"}, {"Parameters": [{"Name": "/b"}]})
    assert aws.known_parameters(None, ["/a", "/b", "/c"]) == {"/a", "/b"}
    assert wire.sent[1]["NextToken"] == "t"
    assert wire.sent[0]["ParameterFilters"] == [{"Key": "Name", "Option": "Equals", "Values": ["/a", "/b", "/c"]}]


def test_a_secret_that_is_not_there_is_refused(wired):
    aws, _ = wired({"status": 400, "__type": "ResourceNotFoundException", "message": "no"})
    with pytest.raises(AwsRefused) as caught:
        aws.describe_secret(None, "db")
    assert caught.value.code == "ResourceNotFoundException"


def test_what_may_be_passed_is_simulated_page_by_page(wired):
    def page(role: str, decision: str, rest: str) -> str:
        return (
            '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
            "<SimulatePrincipalPolicyResult><EvaluationResults><member><EvalActionName>iam:PassRole</EvalActionName>"
            f"<EvalResourceName>{role}</EvalResourceName><EvalDecision>{decision}</EvalDecision></member>"
            f"</EvaluationResults>{rest}</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        )

    more = "<IsTruncated>true</IsTruncated><Marker>m</Marker>"
    last = "<IsTruncated>false</IsTruncated>"
    me, first, second = (f"arn:aws:iam::111111111111:role/{name}" for name in ("deploy", "a", "b"))
    aws, wire = wired(page(first, "allowed", more), page(second, "implicitDeny", last))
    assert aws.may_pass(me, [first, second], "ecs-tasks.amazonaws.com") == {first: True, second: False}
    assert "Marker=m" in wire.sent[1]
    assert "ContextKeyName=iam%3APassedToService" in wire.sent[0]


def test_a_schedule_goes_back_as_it_came(wired):
    whole = {
        "Name": "nightly",
        "GroupName": "jobs",
        "ScheduleExpression": "rate(1 day)",
        "StartDate": 1700000000.0,
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "Novelty": {"a": 1},
        "Target": {"Arn": "c", "RoleArn": "r", "EcsParameters": {"TaskDefinitionArn": "job:1", "Unheard": 1}},
    }
    aws, wire = wired(whole, {"ScheduleArn": "arn"})
    assert aws.get_schedule("jobs", "nightly") == whole
    assert "/schedules/nightly?groupName=jobs" in wire.sent[0]
    aws.update_schedule(whole)
    # AND its name is in the path, and not in the body; the client's own retries are one update
    sent = dict(wire.sent[1])
    assert re.fullmatch("[0-9a-f-]{36}", sent.pop("ClientToken"))
    assert sent == {name: value for name, value in whole.items() if name != "Name"}


def test_transient_failed_entries_are_worth_another_try(wired):
    entry = {"TargetId": "a", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "busy"}
    aws, _ = wired({"FailedEntryCount": 1, "FailedEntries": [entry]})
    with pytest.raises(AwsUnavailable, match="busy"):
        aws.put_targets("default", "nightly", [{"Id": "a", "Arn": "c"}])


def test_service_deployments_are_listed_described_and_stopped(wired):
    brief = {"serviceDeploymentArn": "d", "status": "IN_PROGRESS"}
    aws, wire = wired(
        {"serviceDeployments": [brief]},
        {"serviceDeployments": [brief]},
        {"serviceDeployments": [brief]},
        {"serviceDeployments": []},
        {"serviceDeploymentArn": "d"},
        {"serviceRevisions": [{"serviceRevisionArn": "r"}]},
    )
    assert aws.service_deployments("shop", "web", going_on=True) == [brief]
    assert "ROLLBACK_IN_PROGRESS" in wire.sent[0]["status"]
    assert aws.service_deployments("shop", "web", since=1000.0) == [brief]
    assert wire.sent[1]["createdAt"] == {"after": 1000}
    assert aws.describe_service_deployments([f"d{n}" for n in range(21)]) == [brief]
    assert [len(sent["serviceDeploymentArns"]) for sent in wire.sent[2:4]] == [20, 1]
    aws.stop_service_deployment("d")
    assert wire.sent[4] == {"serviceDeploymentArn": "d", "stopType": "ROLLBACK"}
    assert aws.describe_service_revisions(["r"]) == [{"serviceRevisionArn": "r"}]


def test_a_task_that_could_not_be_placed_says_why(wired):
    aws, _ = wired(
        {"tasks": [], "failures": [{"arn": "x", "reason": "RESOURCE:MEMORY"}]}, {"tasks": [], "failures": []}
    )
    request = {"cluster": "shop", "taskDefinition": "web:2", "count": 1}
    assert aws.run_task(request) == (None, "RESOURCE:MEMORY")
    assert aws.run_task(request) == (None, "ECS started no task and gave no reason")


def test_settings_are_written_alone_or_with_a_revision(wired):
    aws, wire = wired({"service": {"serviceName": "web"}}, {"service": {"serviceName": "web"}})
    configuration = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 5.0}}
    aws.update_service("shop", "web", None, configuration)
    aws.update_service("shop", "web", "web:2", configuration)
    assert wire.sent[0] == {"cluster": "shop", "service": "web", "deploymentConfiguration": configuration}
    assert wire.sent[1] == {**wire.sent[0], "taskDefinition": "web:2"}


def test_alarms_tags_and_stops(wired):
    # CloudWatch answers in the protocol of its model; the others are plain JSON.
    aws, wire = wired({}, {"task": {"taskArn": "t"}})
    aws.tag_task_definition("arn:x", "ecs-gitops:rolled-back-1", "m")
    assert wire.sent[0] == {"resourceArn": "arn:x", "tags": [{"key": "ecs-gitops:rolled-back-1", "value": "m"}]}
    aws.stop_task("shop", "t", "too long")
    assert wire.sent[1] == {"cluster": "shop", "task": "t", "reason": "too long"}


def test_what_an_account_has_is_listed_page_by_page(wired):
    aws, wire = wired(
        {"clusterArns": ["a"], "nextToken": "t"},
        {"clusterArns": ["b"]},
        {"daemonSummariesList": [{"daemonArn": "d"}]},
        {"taskArns": ["t1"], "nextToken": "t"},
        {"taskArns": ["t2"]},
        {"EventBuses": [{"Name": "default"}], "NextToken": "t"},
        {"EventBuses": [{"Name": "orders"}]},
        {"Rules": [{"Name": "nightly", "ManagedBy": "x"}], "NextToken": "t"},
        {"Rules": [{"Name": "hourly"}]},
        {"Schedules": [{"Name": "one"}], "NextToken": "t"},
        {"Schedules": [{"Name": "two"}]},
    )
    assert aws.list_clusters() == ["a", "b"]
    assert aws.list_daemons("arn") == ["d"]
    assert aws.list_running_tasks("shop") == ["t1", "t2"]
    assert aws.list_event_buses() == ["default", "orders"]
    assert aws.list_rules("orders") == [{"Name": "nightly", "ManagedBy": "x"}, {"Name": "hourly"}]
    assert [each["Name"] for each in aws.list_schedules()] == ["one", "two"]
    assert wire.sent[1] == {"maxResults": 100, "nextToken": "t"}
    assert wire.sent[8] == {"EventBusName": "orders", "NextToken": "t"}
    assert "NextToken=t" in wire.sent[10]
