"""From `git push` to a running revision, and back to nothing: the whole chain, in order."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from local_aws.samples import create_service
from local_aws.samples import wait_until_steady as steady
from local_aws.stores.push import push_image
from playground.stack import CLUSTER, RULE, SERVICES, Clone, Stack, build_shop, image, manifest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def queue(stack: Stack) -> str:
    """The queue of the notices, without those that other tests were told."""
    queue = stack.listen()
    stack.notices(queue)
    stack.received.clear()
    return queue


@pytest.fixture(scope="module")
def clone(stack: Stack, queue: str, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    build_shop(stack.aws)
    steady(stack.aws, CLUSTER, SERVICES)
    return stack.clone(tmp_path_factory.mktemp("clone") / "config")


def revisions(stack: Stack) -> dict[str, str]:
    services = stack.aws.client("ecs").describe_services(cluster=CLUSTER, services=list(SERVICES))["services"]
    return {service["serviceName"]: service["taskDefinition"].rsplit("/", 1)[-1] for service in services}


def test_a_plan_right_after_the_apply_changes_nothing(stack):
    assert stack.terraform.planned_changes() == ""


def test_a_push_deploys_what_changed_and_tells_of_it(stack, clone, queue):
    # WHEN two of three services and the scheduled task get new images by a push
    clone.push(manifest({"web": "2.0.0", "api": "2.0.0", "worker": "1.0.0"}, "2.0", "2.0.0"), "Ship two")
    # THEN the pipeline succeeds, and what changed runs its new revision
    assert stack.release() == "Succeeded"
    assert revisions(stack) == {"web": "web:2", "api": "api:2", "worker": "worker:1"}
    target = stack.aws.client("events").list_targets_by_rule(Rule=RULE)["Targets"][0]
    assert target["EcsParameters"]["TaskDefinitionArn"].endswith("cleanup:2")
    assert target["Input"] == '{"containerOverrides": []}'
    # AND the sidecar and everything else of the task definition are as they were
    web = stack.aws.client("ecs").describe_task_definition(taskDefinition="web:2", include=["TAGS"])
    containers = web["taskDefinition"]["containerDefinitions"]
    assert [c["image"] for c in containers] == [image("web", "2.0.0"), "envoyproxy/envoy:v1.31"]
    tags = {tag["key"]: tag["value"] for tag in web["tags"]}
    assert tags["team"] == "shop"
    assert (tags["ecs-gitops:release"], tags["ecs-gitops:repository"]) == ("2.0", "ecs-gitops-config")
    # AND the notice says all of it, to people and to machines
    (notice,) = stack.notices(queue)
    assert notice["Subject"] == "[ecs-gitops] deployed: release 2.0 (3 deployed, 1 unchanged)"
    for told in ("Ship two", "Ada Lovelace", "web:1 -> web:2", "ecs-gitops-config (main)", "pipelines/ecs-gitops/view"):
        assert told in notice["Message"]
    result = json.loads(notice["MessageAttributes"]["result"]["Value"])
    assert {i["name"]: i["status"] for i in result["items"]}["web"] == "DEPLOYED"


def test_a_push_that_changes_nothing_ends_within_seconds(stack, clone, queue):
    clone.push(manifest({"web": "2.0.0", "api": "2.0.0", "worker": "1.0.0"}, "2.1", "2.0.0"), "Only a name")
    assert stack.release(patience=30) == "Succeeded"
    (notice,) = stack.notices(queue)
    assert "4 unchanged" in notice["Subject"]
    assert revisions(stack) == {"web": "web:2", "api": "api:2", "worker": "worker:1"}


def test_a_broken_image_fails_alone_with_its_reason(stack, clone, queue):
    clone.push(manifest({"web": "3.0.0", "api": "broken-3.0.0", "worker": "1.0.0"}, "3.0"), "Break it")
    assert stack.release() == "Failed"
    # THEN people know before it is back, and then what became of all
    ahead, notice = stack.notices(queue)
    assert ahead["Subject"] == "[ecs-gitops] FAILING: release 3.0 (api)"
    assert "It is being rolled back to api:" in ahead["Message"]
    assert ahead["MessageAttributes"]["status"]["Value"] == "FAILING"
    assert "FAILED" in notice["Subject"]
    assert "CannotPullContainerError" in notice["Message"]
    assert revisions(stack)["web"] == "web:3"


def test_a_migration_that_fails_and_a_release_that_returns_leave_everything_as_it_was(stack, clone, queue):
    # GIVEN what runs
    before = revisions(stack), stack.aws.client("events").list_targets_by_rule(Rule=RULE)["Targets"]
    # WHEN one service's migration fails in a release that returns as a whole
    hook = 'hooks:\n  preDeploy:\n    command: ["migrate", "fail"]\n'
    tags, more = {"web": "4.0.0", "worker": "4.0.0"}, {"worker": hook}
    clone.push(manifest(tags, "4.1", "4.0.0", more=more, top="onFailure: rollbackRelease"), "Migrate, or not at all")
    assert stack.release() == "Failed"
    # THEN everything is as it was, and the notice has the exit code
    ahead, notice = stack.notices(queue)
    assert "What this release changed is going to be rolled back." in ahead["Message"]
    assert "hook preDeploy: container worker exited with 3" in notice["Message"]
    assert (revisions(stack), stack.aws.client("events").list_targets_by_rule(Rule=RULE)["Targets"]) == before


def test_a_wrong_manifest_is_told_by_the_release_with_every_problem_and_changes_nothing(stack, clone, queue):
    before = revisions(stack)
    clone.push("release: 4.0\nservices:\n  - service: web\n    clusterNme: shop\n", "Misspell")
    lines = [e["line"] for e in stack.watch() if e["kind"] == "build-log"]
    problems = [line for line in lines if re.match(r"deployment\.yaml:\d+:\d+: ", line)]
    assert any(
        line.startswith("deployment.yaml:4:5: services[0].clusterNme: unknown key; did you") for line in problems
    )
    assert len(problems) > 1
    # THEN the one notice has what the build's log has, with the commit and its author, and Deploy has the first of it
    assert stack.executions()[0]["status"] == "Failed"
    (notice,) = stack.notices(queue)
    for told in (*problems, "Misspell", "Ada Lovelace", "/v2/executions/details/"):
        assert told in notice["Message"]
    failed = stack.failed_action()
    assert failed["stageName"] == "Deploy"
    assert f"InvalidRelease: {problems[0]}" in failed["output"]["executionResult"]["errorDetails"]["message"]
    assert revisions(stack) == before


def test_a_manifest_that_is_a_link_out_of_the_repository_is_refused_and_not_read(stack, clone, queue):
    # WHEN the manifest becomes a link to a file of the build's machine
    manifest_path = clone.folder / "deployment.yaml"
    manifest_path.unlink()
    manifest_path.symlink_to("/etc/passwd")
    clone.commit("Look around")
    lines = [e["line"] for e in stack.watch() if e["kind"] == "build-log"]
    manifest_path.unlink()
    # THEN the release says so, and nothing of that file is in log or notice
    assert stack.executions()[0]["status"] == "Failed"
    (notice,) = stack.notices(queue)
    assert "deployment.yaml: leads out of the repository through a link" in notice["Message"]
    assert "root:" not in notice["Message"] + "".join(lines)


def test_the_articles_own_manifest_and_the_seed_example_deploy_unchanged(stack, clone, queue):
    # GIVEN what the article has: a cluster and a service vtj-poc; and the seed's scheduled task
    aws = stack.aws
    ecs, events = aws.client("ecs"), aws.client("events")
    ecs.create_cluster(clusterName="vtj-poc")
    for name, old in (
        ("echoserver", "gcr.io/google_containers/echoserver:1.2"),
        ("rating-cleanup", "x/rating-cleanup:1"),
    ):
        ecs.register_task_definition(family=name, containerDefinitions=[{"name": name, "image": old, "memory": 64}])
    create_service(aws, "vtj-poc", "vtj-poc", "echoserver", 1)
    steady(aws, "vtj-poc", ("vtj-poc",))
    events.put_rule(Name="test-rating-cleanup", ScheduleExpression="rate(1 day)")
    events.put_targets(
        Rule="test-rating-cleanup",
        Targets=[
            {
                "Id": "1",
                "Arn": "arn:aws:ecs:us-west-2:111111111111:cluster/vtj-poc",
                "RoleArn": "arn:aws:iam::111111111111:role/shop-events",
                "EcsParameters": {
                    "TaskDefinitionArn": "arn:aws:ecs:us-west-2:111111111111:task-definition/rating-cleanup:1"
                },
            }
        ],
    )
    article = (
        "release: 4.0\nservices:\n  - service: echoserver\n    clusterName: vtj-poc\n    serviceName: vtj-poc\n"
        '    image: "gcr.io/google_containers/echoserver:1.3"\n'
    )
    push_image(aws, image("rating-cleanup", "2.0.0"))
    # WHEN the article's manifest is pushed, then the seed example with its task
    clone.push(article, "The article's")
    assert stack.release() == "Succeeded"
    tasks = (
        "tasks:\n  - service: rating-cleanup\n    cwRuleName: test-rating-cleanup\n"
        '    image: "111111111111.dkr.ecr.us-west-2.amazonaws.com/rating-cleanup:2.0.0"\n'
    )
    clone.push(article + tasks, "The seed's")
    assert stack.release() == "Succeeded"
    # THEN both run what they say
    live = ecs.describe_services(cluster="vtj-poc", services=["vtj-poc"])["services"][0]["taskDefinition"]
    assert live.endswith("echoserver:2")
    target = events.list_targets_by_rule(Rule="test-rating-cleanup")["Targets"][0]
    assert target["EcsParameters"]["TaskDefinitionArn"].endswith("rating-cleanup:2")
    assert [n["Subject"].split(": ", 1)[1] for n in stack.notices(queue)] == [
        "release 4.0 (1 deployed)",
        "release 4.0 (1 deployed, 1 unchanged)",
    ]


def contents(data: bytes) -> list[str]:
    """An object's text, and if it is an archive, that of its files."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return [data.decode(errors="replace")]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [archive.read(name).decode(errors="replace") for name in archive.namelist()]


def test_no_secret_stands_in_any_log_notice_or_execution(stack, clone):
    """Container environments, tokens and credentials, searched for in all that a full run at DEBUG left behind: logs,
    artifacts, notices, executions."""
    aws = stack.aws
    logs, texts = aws.client("logs"), []
    for group in logs.describe_log_groups()["logGroups"]:
        for stream in logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]:
            found = logs.get_log_events(logGroupName=group["logGroupName"], logStreamName=stream["logStreamName"])
            texts += [event["message"] for event in found["events"]]
    states = aws.client("stepfunctions")
    for execution in states.list_executions(stateMachineArn=stack.outputs["state_machine_arn"])["executions"]:
        texts.append(json.dumps(states.describe_execution(executionArn=execution["executionArn"]), default=str))
        history = states.get_execution_history(executionArn=execution["executionArn"], maxResults=1000)
        texts.append(json.dumps(history["events"], default=str))
    s3, bucket = aws.client("s3"), "ecs-gitops-111111111111-us-west-2"
    objects = s3.list_objects_v2(Bucket=bucket)["Contents"]
    for each in objects:
        texts += contents(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())
    texts += stack.received
    everything = "\n".join(texts)
    assert len(stack.received) > 3
    assert "release planned" in everything
    assert "deployment.yaml" in everything
    password = aws.control("git")["password"]
    for secret in ("secret-of-", "hunter2", "SecretAccessKey", "SessionToken", "ASIA", password):
        assert secret not in everything


def test_destroy_leaves_nothing(stack, tmp_path: Path):
    # WHEN the module is destroyed, its bucket full of artifacts
    bucket = "ecs-gitops-111111111111-us-west-2"
    assert stack.aws.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] > 0
    stack.terraform.destroy()
    # THEN nothing of it is left: not in Terraform's state, not in AWS
    assert stack.terraform.resources() == []
    aws = stack.aws
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.client("lambda").list_functions()["Functions"] == []
    assert aws.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert aws.client("sns").list_topics()["Topics"] == []
    assert aws.client("codepipeline").list_pipelines()["pipelines"] == []
    assert aws.client("codebuild").list_projects()["projects"] == []
    assert [r["Name"] for r in aws.client("events").list_rules()["Rules"] if r["Name"].startswith("ecs-gitops")] == []
    assert [r["RoleName"] for r in aws.client("iam").list_roles()["Roles"] if "ecs-gitops" in r["RoleName"]] == []
    assert aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/")["logGroups"] == []
