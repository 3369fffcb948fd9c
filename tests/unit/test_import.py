"""What is live becomes a manifest whose release changes nothing; what a release cannot deploy is named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ecs_gitops import manifest
from ecs_gitops.desired.importing import Home, missing
from ecs_gitops.ecs.sidecars import is_sidecar
from ecs_gitops.manifest.splice import spliced
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.notify import import_text
from ecs_gitops.notify.module_inputs import hcl
from ecs_gitops.plan.preview import Action
from unit.fake_aws import ACCOUNT, CLUSTER, REGION, FakeAws
from unit.fake_ecs import FakeEcs
from unit.imports import imports, planned, schedule, target
from unit.machine import Machine
from unit.previews import plan

DENIED = AwsRefused("any", "AccessDeniedException", "not authorized")
DIGEST = "sha256:" + "a" * 64


def text(aws: FakeAws, **more: Any) -> str:
    return import_text.text(imports(aws, **more))


def left(aws: FakeAws, **more: Any) -> list[str]:
    return import_text.left(imports(aws, **more))


# --- the file ------------------------------------------------------------------------------------------------------


def test_services_rules_and_schedules_become_items_in_a_stable_order():
    # GIVEN two services, one with a sidecar and two containers of its own, a rule of another bus, and a schedule
    aws = FakeAws()
    router = ("log_router", "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable")
    aws.serve("web", aws.define("web", ("web", "web:1"), ("nginx", "nginx:1.27"), router))
    aws.serve("api", aws.define("api", ("app", "example.com/api:2")))
    job = aws.define("job", ("job", "job:7"))
    aws.rules["orders", "nightly"] = [target(job)]
    schedule(aws, "hourly", job, group="jobs")
    # WHEN it is imported THEN the file is this, whatever the order in which AWS lists
    expected = """\
# What is live, written by `ecs-gitops init`. A release of this file as it is changes nothing.
# Change an image and push: that service is deployed. docs/manifest.md has all fields.
defaults:
  clusterName: shop
tasks:
  - service: job
    cwRuleName: nightly
    eventBusName: orders
    image: "job:7"
  - service: job
    scheduleName: hourly
    scheduleGroup: jobs
    image: "job:7"
services:
  - service: app
    serviceName: api
    image: "example.com/api:2"
  - serviceName: web
    containers:
      - name: web
        image: "web:1"
      - name: nginx
        image: "nginx:1.27"
    # not managed, a sidecar: log_router (public.ecr.aws/aws-observability/aws-for-fluent-bit:stable)
"""
    assert text(aws) == expected
    aws.services = dict(reversed(aws.services.items()))
    assert text(aws, concurrency=4) == expected


def test_the_page_about_the_import_shows_what_it_writes():
    # GIVEN the account of docs/import.md
    aws = FakeAws()
    ecr = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
    router = ("log_router", "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable")
    roles = {
        "taskRoleArn": "arn:aws:iam::111111111111:role/shop-task",
        "executionRoleArn": "arn:aws:iam::111111111111:role/shop-execution",
    }
    aws.serve("api", aws.define("api", ("api", f"{ecr}/api:2.0.0"), router, **roles))
    aws.serve("web", aws.define("web", ("web", f"{ecr}/web:2.0.0"), ("nginx", "nginx:1.27"), **roles))
    aws.serve("legacy", "any", deploymentController={"type": "CODE_DEPLOY"})
    own = target(aws.define("cleanup", ("cleanup", f"{ecr}/cleanup:2.0.0"), **roles), RoleArn=roles["taskRoleArn"])
    aws.rules["default", "nightly-cleanup"] = [own]
    # WHEN it is imported THEN the page has the file and the module's inputs
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(yaml|hcl)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    found = imports(aws)
    assert dict(blocks) == {"yaml": import_text.text(found), "hcl": hcl(found.items, "us-west-2")}


def test_tags_that_move_and_services_without_tasks_have_a_comment():
    aws = FakeAws()
    containers = ("web", "example.com:5000/web"), ("api", "api:latest"), ("job", "job:1"), ("db", f"db@{DIGEST}")
    aws.serve("web", aws.define("web", *containers), desired=0)
    comments = [line.strip() for line in text(aws).splitlines() if line.startswith("    #")]
    moves = "its tag moves, so the file does not say what runs; name a version"
    assert comments == [f"# web: {moves}", f"# api: {moves}", "# its desired count is 0"]


def test_names_that_yaml_reads_as_something_else_are_quoted():
    aws = FakeAws()
    for name in ("no", "123", "null", "on"):
        aws.serve(name, aws.define("f", (name, "a:1")))
    written = text(aws)
    assert 'serviceName: "no"' in written
    loaded = manifest.load(written.encode(), "deployment.yaml")
    assert sorted(item.service_name for item in loaded.services) == ["123", "no", "null", "on"]


def test_a_region_that_is_not_the_deployers_is_written():
    aws = FakeAws()
    for name in ("web", "api"):
        aws.serve(name, aws.define(name, (name, "a:1")))
    written = text(aws, home="eu-central-1")
    assert "defaults:\n  clusterName: shop\n  region: us-west-2\n" in written


def test_a_task_of_sidecars_alone_is_managed():
    aws = FakeAws()
    aws.serve("agent", aws.define("agent", ("datadog-agent", "datadog/agent:7")), schedulingStrategy="DAEMON")
    assert 'image: "datadog/agent:7"' in text(aws)


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"name": "x", "image": "amazon/aws-xray-daemon:latest"}, True),
        ({"name": "x", "image": "gcr.io/datadoghq/agent:7", "firelensConfiguration": {"type": "fluentbit"}}, True),
        ({"name": "envoy", "image": "own/proxy:1"}, True),
        ({"name": "x", "image": "public.ecr.aws/datadog/agent:7"}, True),
        ({"name": "x", "image": "own/agent:7"}, False),
        ({"name": "xray-daemon-ui", "image": "own/ui:7"}, False),
    ],
)
def test_sidecars_are_known_by_name_repository_and_firelens(container, expected):
    assert is_sidecar(container) is expected


# --- what is left out ------------------------------------------------------------------------------------------------


def test_what_a_release_cannot_deploy_is_named_with_the_reason():
    # GIVEN services of other controllers, one of Express Mode, one that drains; rules without a task; a daemon; a task
    aws = FakeAws()
    arn = aws.define("web", ("web", "web:1"))
    aws.serve("web", arn)
    aws.serve("blue", arn, deploymentController={"type": "CODE_DEPLOY"})
    aws.serve("tool", arn, deploymentController={"type": "EXTERNAL"})
    aws.serve("easy", arn, resourceManagementType="ECS")
    aws.serve("old", arn)
    aws.delete("old")
    aws.rules["default", "function"] = [{"Id": "1", "Arn": "arn:aws:lambda:us-west-2:111111111111:function:f"}]
    aws.rules["default", "theirs"] = [target(arn)]
    aws.about_rules["theirs"] = {"ManagedBy": "other.amazonaws.com"}
    aws.rules["default", "gone"] = [target(arn.replace(":1", ":9"))]
    aws.daemons.append("agent")
    aws.tasks["t"] = {"taskArn": "arn:task/1", "taskDefinitionArn": arn, "group": "family:web", "lastStatus": "RUNNING"}
    aws.tasks["u"] = {"taskArn": "arn:task/2", "taskDefinitionArn": arn, "group": "service:web"}
    # WHEN it is imported THEN each is listed, and the file has the rest
    assert left(aws) == [
        "service shop/blue: deployment controller CODE_DEPLOY: CodeDeploy deploys it",
        "service shop/easy: Express Mode: ECS manages its task definition",
        "service shop/old: it is INACTIVE",
        "service shop/tool: deployment controller EXTERNAL: another tool deploys it",
        "rule function: no ECS target",
        "rule gone: its task definition web:9 was deleted, or never was",
        "rule theirs: managed by other.amazonaws.com",
        "daemon shop/agent: a daemon of Managed Instances is no service",
        "1 of shop/web: tasks that run without a service, rule or schedule",
    ]
    written = text(aws)
    assert "# - service shop/blue: deployment controller CODE_DEPLOY: CodeDeploy deploys it\n" in written
    assert [item.service_name for item in manifest.load(written.encode(), "").services] == ["web"]


def test_an_image_that_a_manifest_refuses_is_left_out_with_the_reason():
    aws = FakeAws()
    aws.serve("web", aws.define("web", ("web", "web:1"), ("odd", "example.com/Case:1")))
    aws.serve("odd", aws.define("odd", ("odd", "example.com/Case:1")))
    assert "    # not managed: odd (example.com/Case:1): the repository has upper case letters: 'Case'" in text(aws)
    assert left(aws)[0].startswith("service shop/odd: not managed: odd (example.com/Case:1)")


def test_targets_of_one_rule_are_items_of_their_containers_and_those_that_disagree_are_left_out():
    # GIVEN a rule whose targets share a container with one image, and another container with two images
    aws = FakeAws()
    first = aws.define("first", ("app", "app:1"), ("job", "job:1"))
    second = aws.define("second", ("app", "app:1"), ("job", "job:2"))
    aws.rules["default", "nightly"] = [target(first, 1), target(second, 2)]
    # WHEN it is imported THEN the shared one is an item, and the other is named
    assert 'service: app\n    cwRuleName: nightly\n    image: "app:1"' in text(aws)
    assert left(aws) == ["container job of rule nightly: its targets run it with different images: job:1, job:2"]


def test_with_named_clusters_rules_and_schedules_of_others_are_left_out():
    aws = FakeAws()
    arn = aws.define("web", ("web", "web:1"))
    aws.serve("web", arn)
    aws.rules["default", "here"] = [target(arn)]
    aws.rules["default", "there"] = [target(arn, Arn="arn:aws:ecs:us-west-2:111111111111:cluster/other")]
    assert [item.name for item in imports(aws, clusters=(CLUSTER,)).items] == ["service shop/web", "rule here"]
    assert [item.name for item in imports(aws, clusters=(CLUSTER,), tasks=False).items] == ["service shop/web"]


# --- rights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "right"),
    [
        ("list_services", "ecs:ListServices"),
        ("describe_services", "ecs:DescribeServices"),
        ("describe_task_definition", "ecs:DescribeTaskDefinition"),
        ("list_event_buses", "events:ListEventBuses"),
        ("list_rules", "events:ListRules"),
        ("list_targets_by_rule", "events:ListTargetsByRule"),
        ("list_schedules", "scheduler:ListSchedules"),
        ("get_schedule", "scheduler:GetSchedule"),
        ("list_tasks", "ecs:ListTasks"),
        ("list_daemons", "ecs:ListDaemons"),
    ],
)
def test_a_right_that_is_missing_is_told_and_the_rest_is_read(call, right):
    aws = FakeAws()
    arn = aws.define("web", ("web", "web:1"))
    aws.serve("web", arn)
    aws.rules["default", "nightly"] = [target(arn)]
    schedule(aws, "hourly", arn)
    aws.refuse[call] = DENIED
    found = imports(aws)
    assert any(right in line for line in import_text.report(found))
    assert f"`{right}`" in (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    assert len(found.items) < 3 or call in ("list_event_buses", "list_tasks", "list_daemons")


def test_a_throttled_call_is_made_again_and_one_that_never_answers_raises():
    aws = FakeAws()
    aws.serve("web", aws.define("web", ("web", "web:1")))
    aws.throttle = {1, 3}
    assert len(imports(aws).items) == 1
    aws.throttle = set(range(len(aws.calls), 100))
    with pytest.raises(AwsUnavailable):
        imports(aws, timeout=0)


# --- the plan of it --------------------------------------------------------------------------------------------------


def test_a_deployment_that_goes_on_or_has_failed_is_named():
    ecs = FakeEcs()
    for name in ("web", "api"):
        ecs.serve(name, ecs.define(name, (name, f"{name}:1")))
    ecs.services["web"]["deployments"][0] |= {"rolloutState": "IN_PROGRESS", "failedTasks": 2}
    ecs.services["api"]["deployments"][0] |= {"rolloutState": "FAILED", "rolloutStateReason": "tasks stopped"}
    found = imports(ecs)
    assert import_text.concerns(found.items) == [
        "service shop/api: its last deployment failed: tasks stopped",
        "service shop/web: a deployment is going on, with 2 failed tasks",
    ]
    assert "    # its last deployment failed: tasks stopped\n" in import_text.text(found)


def test_a_reason_with_line_ends_and_escapes_stays_in_its_comment():
    ecs = FakeEcs()
    ecs.serve("web", ecs.define("web", ("web", "web:1")))
    reason = "stopped\n  - service: evil\r\u2028x: y\x1b[2J"
    ecs.services["web"]["deployments"][0] |= {"rolloutState": "FAILED", "rolloutStateReason": reason}
    written = import_text.text(imports(ecs))
    assert "\\n  - service: evil" in written
    assert "\x1b" not in written
    assert len(manifest.load(written.encode(), "").services) == 1


def test_pinned_images_are_the_digests_that_run_and_the_plan_says_what_that_means(monkeypatch):
    # GIVEN a service by its tag, with the digest that ECS resolved, and one that names its digest itself
    ecs = FakeEcs()
    arn = ecs.define("web", ("web", "example.com/web:1"))
    ecs.serve("web", arn, currentServiceRevisions=[{"arn": "revision/1"}])
    image = {"containerName": "web", "imageDigest": DIGEST}
    known = {"taskDefinition": arn, "containerImages": [image], "serviceRevisionArn": "revision/1"}
    ecs.revisions["revision/1"] = known
    ecs.serve("api", ecs.define("api", ("api", f"example.com/api@{DIGEST}")))
    found = imports(ecs, pin=True)
    # WHEN the import pins THEN the tag becomes its digest, which is one change
    assert f'image: "example.com/web@{DIGEST}"\n    # web: the digest of example.com/web:1\n' in import_text.text(found)
    made = planned(Machine(ecs, monkeypatch), found)
    assert import_text.verdict(made, found.items).startswith("1 change, 1 unchanged. --pin: 1 item")
    assert not import_text.is_as_live(made)
    # AND without it there is none
    found = imports(ecs)
    made = planned(Machine(ecs, monkeypatch), found)
    assert import_text.verdict(made, found.items) == "0 changes, 2 unchanged"
    assert import_text.is_as_live(made)


def test_services_of_one_task_definition_are_pinned_to_what_each_of_them_runs():
    # GIVEN two services of one task definition; its tag moved between their deployments
    aws = FakeAws()
    arn = aws.define("web", ("web", "web:1"))
    for number, name in enumerate(("a", "b")):
        aws.serve(name, arn, currentServiceRevisions=[{"arn": f"revision/{name}"}])
        image = {"containerName": "web", "imageDigest": f"sha256:{number:064}"}
        known = {"taskDefinition": arn, "containerImages": [image], "serviceRevisionArn": f"revision/{name}"}
        aws.revisions[f"revision/{name}"] = known
    images = [item.values["image"] for item in imports(aws, pin=True).items]
    assert images == [f"web@sha256:{0:064}", f"web@sha256:{1:064}"]


names = st.sampled_from(["app", "web", "job", "envoy", "xray-daemon", "worker", "log_router"])
images = st.sampled_from(["app:1", "app:2", "example.com/team/web", "envoyproxy/envoy:v1", f"job@{DIGEST}", "Bad:1"])
containers = st.dictionaries(names, images, min_size=1, max_size=4)
controllers = st.sampled_from([None, None, None, "CODE_DEPLOY", "EXTERNAL"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_live_its_import_loads_and_changes_nothing(monkeypatch, data):
    # GIVEN any account: task definitions, services of any controller, rules with any targets, schedules
    ecs = FakeEcs()
    families = data.draw(st.lists(containers, min_size=1, max_size=5))
    arns = [ecs.define(f"family-{n}", *each.items()) for n, each in enumerate(families)]
    some = st.sampled_from(arns)
    for number in range(data.draw(st.integers(1, 6))):
        kind = data.draw(controllers)
        more: dict[str, Any] = {"deploymentController": {"type": kind}} if kind else {}
        more |= data.draw(st.sampled_from([{}, {"schedulingStrategy": "DAEMON"}, {"resourceManagementType": "ECS"}]))
        ecs.serve(f"service-{number}", data.draw(some), desired=data.draw(st.integers(0, 2)), **more)
    others = {"Arn": "arn:aws:sqs:us-west-2:111111111111:queue"}
    for number in range(data.draw(st.integers(0, 4))):
        bus = data.draw(st.sampled_from(["default", "orders"]))
        runs = data.draw(st.lists(st.one_of(st.none(), some), min_size=0, max_size=5))
        made = [{"Id": str(n), **others} if arn is None else target(arn, n) for n, arn in enumerate(runs)]
        ecs.rules[bus, f"rule-{number}"] = made
    for number in range(data.draw(st.integers(0, 3))):
        schedule(ecs, f"schedule-{number}", data.draw(st.one_of(some, some.map(lambda arn: arn.rpartition(":")[0]))))
    # WHEN it is imported THEN a release of the file changes nothing, and every service and schedule is in it or named
    found = imports(ecs)
    listed = {item.name for item in found.items} | {each.name for each in found.skipped}
    assert {f"service shop/{name}" for name in ecs.services} <= listed
    assert {f"schedule {name}" for _, name in ecs.schedules} <= listed
    if found.items:
        made = planned(Machine(ecs, monkeypatch), found)
        assert set(made.counts) == {Action.UNCHANGED}, import_text.text(found)
        assert import_text.text(imports(ecs)) == import_text.text(found)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_a_file_has_an_update_makes_it_whole_and_changes_nothing(monkeypatch, data):
    # GIVEN a file of some of what is live, with or without defaults of its own
    ecs = FakeEcs()
    for number in range(data.draw(st.integers(2, 5))):
        arn = ecs.define(f"family-{number}", *data.draw(containers).items())
        ecs.serve(f"service-{number}", arn)
        ecs.rules["orders", f"rule-{number}"] = [target(arn)]
        schedule(ecs, f"schedule-{number}", arn)
    whole = imports(ecs)
    assume(whole.items)
    kept = data.draw(st.sets(st.sampled_from([item.name for item in whole.items]), min_size=1))
    shorter = replace(whole, items=tuple(item for item in whole.items if item.name in kept))
    defaults = data.draw(st.sampled_from(["", "clusterName: shop", "eventBusName: orders", "timeoutMinutes: 9"]))
    before = import_text.text(shorter)
    if defaults and "defaults:" not in before:
        before += f"defaults: {{{defaults}}}\n"
    # WHEN it is updated
    new = missing(whole.items, manifest.load(before.encode(), ""), Home(ACCOUNT, REGION))
    added = {kind: import_text.entries(item for item in new if item.kind == kind) for kind in ("tasks", "services")}
    after = manifest.load(spliced(before.encode(), "", added), "")
    # THEN it has all of it, and a release of it changes nothing
    assert len(after.tasks) + len(after.services) == len(whole.items)
    assert missing(whole.items, after, Home(ACCOUNT, REGION)) == ()
    assert set(plan(Machine(ecs, monkeypatch), after.to_json()).counts) == {Action.UNCHANGED}
