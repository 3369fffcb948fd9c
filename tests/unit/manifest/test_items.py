"""Items with several containers, schedules, hooks, and their defaults."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from ecs_gitops import manifest
from ecs_gitops.manifest import ContainerImage, schema
from ecs_gitops.model.errors import InvalidManifest

SCHEMA = jsonschema.Draft202012Validator(schema())
TWO = "containers: [{name: web, image: 'web:1'}, {name: proxy, image: 'proxy:2'}]"


def load(text):
    return manifest.load(text.encode(), "f")


def problem_lines(text):
    with pytest.raises(InvalidManifest) as caught:
        load(text)
    return [problem.text("f") for problem in caught.value.problems]


def service(fields, defaults=""):
    return f"defaults: {{{defaults}}}\nservices:\n  - {{clusterName: shop, serviceName: web, {fields}}}\n"


def task(fields, defaults=""):
    return f"defaults: {{{defaults}}}\ntasks:\n  - {{{fields}}}\n"


# --- several containers ---


def test_several_containers_of_one_task_are_in_one_item():
    read = load(service(TWO)).with_defaults()
    assert read.services[0].images == (ContainerImage("web", "web:1"), ContainerImage("proxy", "proxy:2"))
    assert (read.services[0].service, read.services[0].image) == ("", "")


def test_one_container_gives_the_same_type():
    read = load(service("service: web, image: 'web:1'") + "tasks: [{service: a, image: b, cwRuleName: c}]")
    assert read.services[0].images == (ContainerImage("web", "web:1"),)
    assert read.tasks[0].images == (ContainerImage("a", "b"),)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        (f"image: 'web:1', {TWO}", "services[0].containers: image and containers cannot be used together"),
        (f"service: web, {TWO}", "services[0].containers: service and containers cannot be used together"),
        ("containers: []", "services[0].containers: the list is empty; accepted: at least 1 element"),
        (
            "containers: [{name: web, image: 'web:1'}, {name: web, image: 'web:2'}]",
            "services[0].containers[1].name: duplicate 'web', first in line 3",
        ),
        ("containers: [{name: web}]", "services[0].containers[0]: image is missing"),
        ("containers: web", "services[0].containers: 'web' is not a list"),
    ],
)
def test_wrong_containers_are_reported(fields, place):
    lines = problem_lines(service(fields))
    assert len(lines) == 1
    assert place in lines[0]


def test_without_any_container_both_ways_are_reported():
    lines = problem_lines(service("region: us-west-2"))
    assert [line.split(": ")[2].split(";")[0] for line in lines] == ["image is missing", "service is missing"]
    assert all(line.endswith("it may be in `defaults` too. Or `containers` instead.") for line in lines)


@pytest.mark.parametrize(
    ("fields", "defaults", "images"),
    [
        (TWO, "service: web, image: 'web:9'", [("web", "web:1"), ("proxy", "proxy:2")]),
        ("service: web, image: 'web:3'", TWO, [("web", "web:3")]),
        ("region: us-west-2", TWO, [("web", "web:1"), ("proxy", "proxy:2")]),
        ("image: 'web:3'", "service: web", [("web", "web:3")]),
    ],
)
def test_what_an_item_says_shuts_out_the_other_way_of_its_defaults(fields, defaults, images):
    read = load(service(fields, defaults))
    for whole in (read, manifest.from_json(json.loads(json.dumps(read.to_json())))):
        assert whole.with_defaults().services[0].images == tuple(ContainerImage(*each) for each in images)


def test_defaults_with_both_ways_are_refused_where_they_stand():
    lines = problem_lines(service("region: us-west-2", f"service: web, {TWO}"))
    assert len(lines) == 1
    assert "f:1:38: defaults.containers: service and containers cannot be used together" in lines[0]


# --- rules and schedules ---


def test_a_task_has_a_rule_or_a_schedule():
    read = load(task("service: a, image: b, scheduleName: nightly, scheduleGroup: jobs"))
    assert (read.tasks[0].schedule_name, read.tasks[0].schedule_group) == ("nightly", "jobs")
    assert read.tasks[0].cw_rule_name is None


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        (
            "cwRuleName: a, scheduleName: b",
            "tasks[0].scheduleName: cwRuleName and scheduleName cannot be used together",
        ),
        (
            "cwRuleName: a, scheduleGroup: b",
            "tasks[0].scheduleGroup: cwRuleName and scheduleGroup cannot be used together",
        ),
        (
            "eventBusName: a, scheduleName: b",
            "tasks[0].scheduleName: eventBusName and scheduleName cannot be used together",
        ),
        ("scheduleGroup: b", "tasks[0]: scheduleName is missing"),
        ("scheduleName: 'a/b'", "tasks[0].scheduleName: 'a/b' is not accepted"),
    ],
)
def test_wrong_schedules_are_reported(fields, place):
    lines = problem_lines(task(f"service: a, image: b, {fields}"))
    assert len(lines) == 1
    assert place in lines[0]


def test_a_task_without_either_is_reported_with_both():
    lines = problem_lines(task("service: a, image: b"))
    assert len(lines) == 1
    assert "cwRuleName is missing" in lines[0]
    assert "Or `scheduleName` instead." in lines[0]


def test_the_bus_and_the_group_in_defaults_are_for_those_that_use_them():
    text = """\
defaults: {eventBusName: orders, scheduleGroup: jobs, service: a, image: b}
tasks:
  - {cwRuleName: nightly}
  - {scheduleName: nightly}
"""
    rule, schedule = load(text).with_defaults().tasks
    assert (rule.event_bus_name, rule.schedule_group) == ("orders", None)
    assert (schedule.event_bus_name, schedule.schedule_group) == (None, "jobs")


JOB = "  - {service: a, image: b, scheduleName: nightly}\n"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (JOB, True),
        (JOB.replace("}", ", scheduleGroup: default}"), True),
        (JOB.replace("}", ", scheduleGroup: jobs}"), False),
        (JOB.replace("service: a, image: b", "containers: [{name: z, image: b}, {name: a, image: c}]"), True),
        (JOB.replace("service: a", "service: z"), False),
        (JOB.replace("scheduleName", "cwRuleName"), False),
    ],
)
def test_a_container_of_a_schedule_is_in_one_item(other, same):
    text = f"tasks:\n{JOB}{other}"
    if same:
        assert "tasks[1]: the same scheduled task as tasks[0] in line 2" in problem_lines(text)[0]
    else:
        assert len(load(text).tasks) == 2


# --- hooks and the rest ---


def test_hooks_are_plain_data_with_texts():
    read = load(service(f"{TWO}, hooks: {{preDeploy: {{command: [sleep, 5], container: proxy, timeoutMinutes: 2}}}}"))
    assert read.services[0].hooks == {
        "preDeploy": {"command": ["sleep", "5"], "container": "proxy", "timeoutMinutes": 2}
    }


@pytest.mark.parametrize(
    ("hooks", "place"),
    [
        ("{preDeploy: {command: []}}", "hooks.preDeploy.command: the list is empty"),
        ("{preDeploy: {}}", "hooks.preDeploy: command is missing"),
        ("{preDeploy: {command: make}}", "hooks.preDeploy.command: 'make' is not a list"),
        ("{postDeploy: {command: [a], timeoutMinutes: 0}}", "hooks.postDeploy.timeoutMinutes: '0' is not accepted"),
        ("{preDeploi: {command: [a]}}", "hooks.preDeploi: unknown key; did you mean preDeploy?"),
        ('{preDeploy: {command: ["\\0"]}}', "hooks.preDeploy.command[0]: "),
    ],
)
def test_wrong_hooks_are_reported(hooks, place):
    lines = problem_lines(service(f"{TWO}, hooks: {hooks}"))
    assert len(lines) == 1
    assert f"services[0].{place}" in lines[0]


def test_the_switches_are_read_from_the_top_level_the_item_and_the_defaults():
    read = load(
        "onFailure: rollbackRelease\ntasksAfterServices: false\n"
        + service(f"{TWO}, onFailure: stop", "pinDigest: false, requireZeroDowntime: true")
    ).with_defaults()
    one = read.services[0]
    assert (read.on_failure, read.tasks_after_services) == ("rollbackRelease", False)
    assert (one.on_failure, one.pin_digest, one.require_zero_downtime) == ("stop", False, True)
    assert "accepted: stop or rollback or rollbackRelease" in problem_lines(service(f"{TWO}, onFailure: ignore"))[0]


def test_a_manifest_that_uses_none_of_it_renders_as_before():
    text = (
        "release: 1\ndefaults: {forceNewDeployment: true, region: us-west-2}\n"
        "tasks: [{image: 'a:1', service: a, cwRuleName: n, eventBusName: b, timeoutMinutes: 3}]\n"
        "services: [{image: 'a:1', serviceName: s, service: a, clusterName: c, account: '111111111111'}]\n"
    )
    assert json.dumps(load(text).to_json()) == (
        '{"release": "1", "defaults": {"region": "us-west-2", "forceNewDeployment": true}, "tasks": [{"service": "a", '
        '"cwRuleName": "n", "image": "a:1", "eventBusName": "b", "timeoutMinutes": 3}], "services": [{"service": "a", '
        '"clusterName": "c", "serviceName": "s", "image": "a:1", "account": "111111111111"}]}'
    )


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (service(TWO), True),
        (service("region: us-west-2", TWO), True),
        (service(TWO, "image: b"), True),
        (service("service: a"), False),
        (service(f"image: b, {TWO}"), False),
        (service(f"{TWO}, dependsOn: []"), False),
        (service(f"{TWO}, onFailure: no"), False),
        (service(f"{TWO}, deployment: {{strategy: BLUE_GREEN}}"), False),
        (task("service: a, image: b, scheduleName: c"), True),
        (task("service: a, image: b", "scheduleName: c"), True),
        (task("service: a, image: b"), False),
        (task("service: a, image: b, cwRuleName: c, scheduleName: d"), False),
        (task("service: a, image: b, scheduleName: c, eventBusName: d"), False),
    ],
)
def test_published_schema_and_checker_agree(text, valid):
    assert SCHEMA.is_valid(yaml.safe_load(text)) is valid
    if valid:
        load(text)
    else:
        assert problem_lines(text)


ECR = "111111111111.dkr.ecr.us-west-2.amazonaws.com/app"
SHA = "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (service("service: a, image: 'a:1', pinDigest: true"), ["services[0].image"]),
        (service("service: a, image: 'a:1'", "pinDigest: true"), ["services[0].image"]),
        (service("service: a, image: public.ecr.aws/a/b, pinDigest: true"), ["services[0].image"]),
        (task("service: a, image: 'a:1', cwRuleName: c, pinDigest: true"), ["tasks[0].image"]),
        (service(f"{TWO}, pinDigest: true"), ["services[0].containers[0].image", "services[0].containers[1].image"]),
        (service("timeoutMinutes: 9", "pinDigest: true, service: a, image: 'a:1'"), ["defaults.image"]),
        (service("service: a, pinDigest: true", "image: 'a:1'"), ["services[0].image"]),
        (service("service: a, image: 'a:1', pinDigest: false", "pinDigest: true"), []),
        (service(f"service: a, image: '{ECR}:1', pinDigest: true"), []),
        (service(f"service: a, image: '{ECR}@{SHA}', pinDigest: true"), []),
        (service(f"service: a, image: 'a@{SHA}', pinDigest: true"), []),
        (service(f"service: a, image: '{ECR}:1'", "image: 'a:1'"), []),
    ],
)
def test_pin_digest_is_for_images_that_can_be_pinned(text, paths):
    lines = problem_lines(text) if paths else []
    assert [line.split(": ")[1] for line in lines] == paths
    assert all("pinDigest cannot pin this image: it is not in ECR" in line for line in lines)
    if not paths:
        load(text)


def test_an_image_that_no_engine_accepts_is_reported_at_its_place_with_the_reason():
    lines = problem_lines("services:\n  - service: a\n    clusterName: c\n    serviceName: s\n    image: 'Web:1'\n")
    reason = "the repository has upper case letters: 'Web'"
    accepted = "lower case letters and digits, with `.`, `_`, `__` or hyphens between them"
    assert lines == [f"f:5:12: services[0].image: 'Web:1' is not accepted: {reason}; accepted: {accepted}"]
