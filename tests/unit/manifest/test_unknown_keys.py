"""Keys that the manifest does not have: AWS's own are reported as not managed, and `x-` keys are for anchors."""

from __future__ import annotations

import json

import botocore.session
import jsonschema
import pytest
import yaml

from ecs_gitops import manifest
from ecs_gitops.manifest import schema
from ecs_gitops.manifest.execution_input import render
from ecs_gitops.manifest.fields import SERVICE, TASK
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.source import Source

SHAPES = {
    "ecs": (
        *("Service", "CreateServiceRequest", "UpdateServiceRequest", "AwsVpcConfiguration"),
        *("TaskDefinition", "RegisterTaskDefinitionRequest", "ContainerDefinition"),
    ),
    "events": ("Rule", "PutRuleRequest", "Target", "EcsParameters"),
    "scheduler": ("GetScheduleOutput", "CreateScheduleInput", "UpdateScheduleInput", "Target", "EcsParameters"),
}
OWN = {name.lower() for name in (*SERVICE.names, *TASK.names)}


def members():
    session = botocore.session.get_session()
    for api, shapes in SHAPES.items():
        model = session.get_service_model(api)
        for shape in shapes:
            yield from ((api, name) for name in model.shape_for(shape).members if name.lower() not in OWN)


MEMBERS = sorted(set(members()))
ITEMS = {
    "": "",
    "defaults": "defaults:\n  KEY: 1\n",
    "services[0]": "services:\n  - KEY: 1\n    service: w\n    clusterName: c\n    serviceName: s\n    image: i\n",
    "tasks[0]": "tasks:\n  - KEY: 1\n    service: w\n    cwRuleName: c\n    image: i\n",
    "services[0].containers[0]": (
        "services:\n  - containers:\n    - KEY: 1\n      name: w\n      image: i\n"
        "    clusterName: c\n    serviceName: s\n"
    ),
}


def problems(text):
    with pytest.raises(InvalidManifest) as caught:
        manifest.load(text.encode(), "f")
    return {problem.path: problem for problem in caught.value.problems}


@pytest.mark.parametrize("path", ITEMS)
def test_every_member_of_awss_own_shapes_is_not_managed(path):
    for _, name in MEMBERS:
        if path.endswith("containers[0]") and name.lower() == "name":
            continue
        for spelling in (name, name[0].upper() + name[1:]):
            text = ITEMS[path].replace("KEY", spelling) or f"{spelling}: 1\n"
            problem = problems(text)[f"{path}.{spelling}".lstrip(".")]
            assert problem.message.startswith("not managed by this manifest; "), (path, spelling, problem.message)
            assert "did you mean" not in problem.message
            assert problem.line
            assert problem.accepted


@pytest.mark.parametrize(
    ("path", "name", "advice"),
    [
        ("services[0]", "desiredCount", "a setting of the service"),
        ("services[0]", "desired_count", "a setting of the service"),
        ("services[0]", "cpu", "a part of the task definition"),
        ("services[0]", "environment", "a part of the task definition"),
        ("services[0]", "task_role_arn", "a part of the task definition"),
        ("services[0]", "launchType", "a setting of the service"),
        ("tasks[0]", "launchType", "a setting of the rule or schedule"),
        ("tasks[0]", "scheduleExpression", "a setting of the rule or schedule"),
        ("tasks[0]", "memory", "a part of the task definition"),
        ("services[0].containers[0]", "dependsOn", "a part of the task definition"),
        ("services[0]", "cluster", "`clusterName`"),
        ("services[0]", "deploymentConfiguration", "members in `deployment`"),
        ("services[0]", "containerDefinitions", "`containers`"),
        ("services[0]", "taskDefinition", "each release copies"),
        ("tasks[0]", "groupName", "`scheduleGroup`"),
        ("services[0].containers[0]", "service", "in `containers` it is `name`"),
    ],
)
def test_what_to_do_is_reported(path, name, advice):
    problem = problems(ITEMS[path].replace("KEY", name))[f"{path}.{name}"]
    assert problem.message.startswith("not managed by this manifest; ")
    assert advice in problem.message


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        ("services[0]", "cwRuleName", "unknown key; it is for scheduled tasks only"),
        ("tasks[0]", "dependsOn", "unknown key; it is for services only"),
        ("tasks[0]", "forceNewDeployment", "unknown key; it is for services only"),
        ("services[0]", "minimumHealthyPercent", "unknown key; it belongs in `deployment`"),
        ("defaults", "deploymentCircuitBreaker", "unknown key; it belongs in `deployment`"),
        ("services[0]", "pin_digest", "unknown key; did you mean pinDigest?"),
        ("services[0]", "Timeoutminutes", "unknown key; did you mean timeoutMinutes?"),
        ("services[0]", "timeoutMinute", "unknown key; did you mean timeoutMinutes?"),
        ("services[0]", "zzz", "unknown key"),
    ],
)
def test_keys_of_another_place_and_typos_have_their_own_message(path, name, message):
    assert problems(ITEMS[path].replace("KEY", name))[f"{path}.{name}"].message == message


ANCHORS = """
x-shop: &shop
  clusterName: shop
  image: "web:1"
x-any: {thing: [1, 2, {desiredCount: 3}], <<: *shop}
x-jobs: [&job {service: job, image: "job:1"}]
x-: null
defaults: &defaults {timeoutMinutes: 9}
services:
  - {<<: *shop, service: web, serviceName: web}
  - <<: [*shop, {image: "api:1"}]
    service: api
    serviceName: api
tasks:
  - {<<: *job, cwRuleName: nightly}
"""


def test_anchors_may_stand_in_keys_of_their_own_and_reach_nothing():
    # GIVEN a file whose x- keys hold what items share
    read = manifest.load(ANCHORS.encode(), "f")
    # THEN items have it, and nothing else is left of those keys
    assert [(one.cluster_name, one.image) for one in read.services] == [("shop", "web:1")] * 2
    assert read.tasks[0].image == "job:1"
    rendered = json.loads(render(read, Source(), "f").text)
    assert set(rendered) == {"schemaVersion", "defaults", "services", "tasks"}
    # AND editors agree
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(ANCHORS))


@pytest.mark.parametrize("key", ["x", "X-shop", "x_shop", "ex-shop"])
def test_other_names_are_unknown(key):
    assert problems(f"{key}: 1\n{ITEMS['services[0]'].replace('KEY: 1', 'timeoutMinutes: 1')}")[key].message.startswith(
        "unknown"
    )
    assert "x-…" in problems(f"{key}: 1\n")[key].accepted


def test_keys_for_anchors_are_for_the_top_level_of_the_file_only():
    for path in list(ITEMS)[1:]:
        assert problems(ITEMS[path].replace("KEY", "x-a"))[f"{path}.x-a"].message.startswith("unknown key")
    with pytest.raises(InvalidManifest, match="x-a: unknown key"):
        manifest.from_json(
            {"x-a": 1, "services": [{"service": "w", "clusterName": "c", "serviceName": "s", "image": "i"}]}
        )


def test_a_duplicate_key_is_reported_below_keys_for_anchors_too():
    item = "services:\n  - {<<: *b, service: w, clusterName: c, serviceName: s}\n"
    text = f"x-a:\n  - b: &b\n      image: 'a:1'\n      image: 'b:1'\n{item}"
    assert [(p.line, p.path, p.message) for p in problems(text).values()] == [
        (4, "x-a[0].b.image", "duplicate key, first in line 3")
    ]
    assert (
        problems("x-a: 1\nx-a: 2\nservices:\n" + ITEMS["services[0]"][10:].replace("KEY: 1", "timeoutMinutes: 1"))[
            "x-a"
        ].line
        == 2
    )


def test_keys_for_anchors_are_bounded_like_everything_else():
    bomb = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8))
    assert "too many values, those of aliases included" in next(iter(problems(bomb).values())).message
    deep = "x-a: " + "[" * 30 + "]" * 30 + "\n"
    assert "nested too deeply" in next(iter(problems(deep).values())).message
    assert "is not allowed" in next(iter(problems("x-a: !Ref b\n").values())).message
