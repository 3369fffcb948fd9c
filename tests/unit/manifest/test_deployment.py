"""The field `deployment`: AWS's own structure, and the combinations that could only fail later."""

from __future__ import annotations

import json
from pathlib import Path

import botocore
import jsonschema
import pytest
import yaml
from botocore.loaders import Loader

from ecs_gitops import manifest
from ecs_gitops.manifest import deployment
from ecs_gitops.manifest.checker import check
from ecs_gitops.manifest.field_types import Choice, ListOf, Object
from ecs_gitops.manifest.json_schema import _object
from ecs_gitops.manifest.node import from_data
from ecs_gitops.model.errors import InvalidManifest

FUNCTION = "arn:aws:lambda:us-west-2:111111111111:function:smoke-test"
ROLE = "arn:aws:iam::111111111111:role/ecs-hooks"
HOOK = {"hookTargetArn": FUNCTION, "roleArn": ROLE, "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
PAUSE = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
ALARMS = {"alarmNames": ["web-5xx"], "enable": True, "rollback": False}
BREAKER = {"enable": True, "rollback": True}

GOOD = {
    "empty": {},
    "rolling": {
        "strategy": "ROLLING",
        "minimumHealthyPercent": 100,
        "maximumPercent": 200,
        "alarms": ALARMS,
        "deploymentCircuitBreaker": {
            **BREAKER,
            "resetOnHealthyTask": False,
            "thresholdConfiguration": {"type": "COUNT", "value": 3},
        },
        "earlySuccessCriteria": {
            "enable": True,
            "healthyPercent": 100,
            "sourceServiceRevisionCleanup": "DEFERRED",
        },
    },
    "stop first": {"minimumHealthyPercent": 0, "maximumPercent": 100},
    "not rolling, so not replaced one by one": {
        "strategy": "CANARY",
        "minimumHealthyPercent": 100,
        "maximumPercent": 100,
    },
    "blue-green": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [HOOK, PAUSE]},
    "canary": {
        "strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 0.1, "canaryBakeTimeInMinutes": 0},
        "alarms": ALARMS,
        "deploymentCircuitBreaker": BREAKER,
    },
    "linear": {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 33.3, "stepBakeTimeInMinutes": 1440}},
    "the service's own strategy": {"bakeTimeInMinutes": 5, "lifecycleHooks": [], "deploymentCircuitBreaker": BREAKER},
    "off": {"earlySuccessCriteria": {"enable": False}},
    "hook with a timeout": {
        "lifecycleHooks": [{**PAUSE, "timeoutConfiguration": {"timeoutInMinutes": 20160, "action": "CONTINUE"}}]
    },
}

# A configuration, the path of its problem, the message, and whether the JSON Schema reports it too.
WRONG = [
    ({"canaryConfiguration": {}}, "canaryConfiguration", "belongs to CANARY, and there is no strategy", True),
    (
        {"strategy": "LINEAR", "canaryConfiguration": {}},
        "canaryConfiguration",
        "belongs to CANARY, and the strategy is LINEAR",
        True,
    ),
    ({"linearConfiguration": {}}, "linearConfiguration", "belongs to LINEAR, and there is no strategy", True),
    (
        {"strategy": "ROLLING", "linearConfiguration": {}},
        "linearConfiguration",
        "belongs to LINEAR, and the strategy is ROLLING",
        True,
    ),
    (
        {"strategy": "LINEAR", "earlySuccessCriteria": {"enable": False}},
        "earlySuccessCriteria",
        "early success is for ROLLING only",
        True,
    ),
    ({"strategy": "ROLLING", "bakeTimeInMinutes": 1}, "bakeTimeInMinutes", "does not bake", True),
    ({"strategy": "ROLLING", "lifecycleHooks": [PAUSE]}, "lifecycleHooks", "has no stages", True),
    ({"strategy": "BLUE_GREEN"}, "", "bakeTimeInMinutes is missing: ECS needs it", True),
    (
        {"strategy": "CANARY", "minimumHealthyPercent": 60, "maximumPercent": 50},
        "minimumHealthyPercent",
        "it is more than maximumPercent, 50",
        False,
    ),
    (
        {"minimumHealthyPercent": 100, "maximumPercent": 100},
        "minimumHealthyPercent",
        "no task may stop and none may start",
        False,
    ),
    (
        {"strategy": "ROLLING", "minimumHealthyPercent": 100, "maximumPercent": 100},
        "minimumHealthyPercent",
        "no task may stop and none may start",
        False,
    ),
    (
        {
            "minimumHealthyPercent": 90,
            "earlySuccessCriteria": {
                "enable": True,
                "healthyPercent": 80,
                "sourceServiceRevisionCleanup": "BLOCKING",
            },
        },
        "earlySuccessCriteria.healthyPercent",
        "it is less than minimumHealthyPercent, 90",
        False,
    ),
    (
        {"earlySuccessCriteria": {"enable": True, "healthyPercent": 80}},
        "earlySuccessCriteria",
        "sourceServiceRevisionCleanup is missing",
        True,
    ),
    ({"lifecycleHooks": [{**HOOK, "hookTargetArn": None}]}, "lifecycleHooks[0]", "hookTargetArn is missing", True),
    ({"lifecycleHooks": [{**HOOK, "roleArn": None}]}, "lifecycleHooks[0]", "roleArn is missing", True),
    (
        {"lifecycleHooks": [{**PAUSE, "hookTargetArn": FUNCTION}]},
        "lifecycleHooks[0].hookTargetArn",
        "a pause calls no function",
        True,
    ),
    (
        {"lifecycleHooks": [{**PAUSE, "lifecycleStages": ["PRE_SCALE_UP", "TEST_TRAFFIC_SHIFT"]}]},
        "lifecycleHooks[0].lifecycleStages[1]",
        "ECS cannot pause at TEST_TRAFFIC_SHIFT",
        False,
    ),
    ({"lifecycleHooks": [{"targetType": "PAUSE"}]}, "lifecycleHooks[0]", "lifecycleStages is missing", True),
    (
        {"lifecycleHooks": [{**PAUSE, "lifecycleStages": []}]},
        "lifecycleHooks[0].lifecycleStages",
        "the list is empty",
        True,
    ),
    ({"alarms": {"alarmNames": ["a"], "enable": True}}, "alarms", "rollback is missing", True),
    ({"alarms": {**ALARMS, "alarmNames": []}}, "alarms.alarmNames", "the list is empty", True),
    ({"alarms": {**ALARMS, "alarmNames": ["a", "a"]}}, "alarms.alarmNames[1]", "duplicate 'a'", True),
    ({"deploymentCircuitBreaker": {"rollback": True}}, "deploymentCircuitBreaker", "enable is missing", True),
    ({"strategy": "CANARY", "bakeTimeInMinutes": 1441}, "bakeTimeInMinutes", "'1441' is not accepted", True),
    (
        {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0.15}},
        "canaryConfiguration.canaryPercent",
        "'0.15' is not accepted",
        False,
    ),
    (
        {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2.9}},
        "linearConfiguration.stepPercent",
        "'2.9' is not accepted",
        True,
    ),
    ({"strategy": "linear", "linearConfiguration": {}}, "strategy", "'linear' is not accepted", True),
]


@pytest.mark.parametrize("name", GOOD)
def test_what_ecs_accepts_is_accepted_unchanged(name):
    # GIVEN a configuration that ECS takes
    data = GOOD[name]
    # WHEN it is checked
    values, problems = check(from_data(data), deployment.CONFIGURATION)
    # THEN there is nothing to tell, and the schema agrees
    assert problems == []
    assert json.loads(json.dumps(values)) == data
    jsonschema.validate(data, _object(deployment.CONFIGURATION))


@pytest.mark.parametrize(("data", "path", "message", "schema_knows"), WRONG)
def test_what_ecs_refuses_or_never_ends_is_reported_with_the_reason(data, path, message, schema_knows):
    # GIVEN a configuration that is wrong in one way
    # WHEN it is checked
    _, problems = check(from_data(data), deployment.CONFIGURATION)
    # THEN just that is message, at its place, with what is accepted
    assert [problem.path for problem in problems] == [path]
    assert message in problems[0].message
    assert problems[0].accepted
    assert jsonschema.Draft202012Validator(_object(deployment.CONFIGURATION)).is_valid(data) is not schema_knows


def item(more: str, defaults: str = "") -> str:
    return f"defaults: {{{defaults}}}\nservices:\n  - {{service: w, clusterName: c, serviceName: s, image: i{more}}}\n"


CANARY = "deployment: {strategy: CANARY, bakeTimeInMinutes: 60}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (item(f", timeoutMinutes: 30, {CANARY}"), "f:3:76: services[0].timeoutMinutes: "),
        (item(f", {CANARY}", "timeoutMinutes: 30"), "f:3:5: services[0].timeoutMinutes: "),
        (item(", timeoutMinutes: 30", CANARY), "f:3:76: services[0].timeoutMinutes: "),
        (item("", f"timeoutMinutes: 30, {CANARY}"), "f:1:28: defaults.timeoutMinutes: "),
    ],
    ids=["own", "the default is too short", "the default bakes too long", "both are defaults: message there, once"],
)
def test_a_rollout_that_bakes_longer_than_it_may_take_is_refused(text, place):
    with pytest.raises(InvalidManifest) as caught:
        manifest.load(text.encode(), "f")
    message = str(caught.value)
    assert message.startswith(f"{place}the rollout bakes 70 minutes, timeoutMinutes is 30; accepted: more than 70")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("minutes", ["", ", timeoutMinutes: 71"])
def test_a_rollout_that_bakes_shorter_than_it_may_take_is_accepted(minutes):
    read = manifest.load(item(f", {CANARY}{minutes}").encode(), "f")
    assert read.services[0].deployment == {"strategy": "CANARY", "bakeTimeInMinutes": 60}


def test_nothing_is_calculated_with_what_is_wrong():
    with pytest.raises(InvalidManifest) as caught:
        manifest.load(
            item(
                ", timeoutMinutes: 5, deployment: {strategy: CANARY, canaryConfiguration: {canaryBakeTimeInMinutes: x}}"
            ).encode(),
            "f",
        )
    assert [problem.message for problem in caught.value.problems] == ["'x' is not accepted"]


def test_the_tables_have_the_members_that_the_api_has():
    # GIVEN the service model that the layer's botocore has
    model = Loader(extra_search_paths=[str(Path(botocore.__file__).parent / "data")]).load_service_model(
        "ecs", "service-2"
    )

    def compare(table, shape):
        # THEN each member of the API is in the table; hookDetails, free JSON, is left out on purpose
        assert {*table.names} == {*shape["members"]} - {"hookDetails"}
        assert {*shape.get("required", [])} <= {field.name for field in table.fields if field.required}
        for field in table.fields:
            expected = model["shapes"][shape["members"][field.name]["shape"]]
            kind = field.type
            if isinstance(kind, ListOf):
                kind, expected = kind.element, model["shapes"][expected["member"]["shape"]]
            if isinstance(kind, Object):
                compare(kind, expected)
            if isinstance(kind, Choice):
                assert {*kind.values} == {*expected["enum"]}

    compare(deployment.CONFIGURATION, model["shapes"]["DeploymentConfiguration"])


@pytest.mark.parametrize(("text", "value"), [("5", 5.0), ("5.0", 5.0), ("0.3", 0.3), ("100.00", 100.0)])
def test_a_decimal_number_is_a_float_however_it_is_written(text, value):
    more = f", deployment: {{strategy: CANARY, canaryConfiguration: {{canaryPercent: {text}}}}}"
    read = manifest.load(item(more).encode(), "f")
    found = read.services[0].deployment["canaryConfiguration"]["canaryPercent"]
    assert (found, type(found)) == (value, float)
    data = yaml.safe_load(item(more))
    assert manifest.from_json({"services": data["services"]}).services == read.services


@pytest.mark.parametrize("text", ["0", "-1", "1e1", ".5", "5.", "0.05", "100.1", "x", "1.0000000001", "\u0665"])
def test_what_is_no_such_number_is_refused(text):
    more = f", deployment: {{strategy: CANARY, canaryConfiguration: {{canaryPercent: '{text}'}}}}"
    with pytest.raises(InvalidManifest, match=r"accepted: a number from 0\.1 to 100\.0, a multiple of 0\.1"):
        manifest.load(item(more).encode(), "f")
