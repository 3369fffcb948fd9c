"""The table carries more than today's fields: nested objects, lists, choices, rules; checker and schema agree."""

from __future__ import annotations

from dataclasses import fields as attributes

import jsonschema
import pytest
import yaml

from ecs_gitops.manifest import ServiceItem, TaskItem, schema
from ecs_gitops.manifest.checker import check
from ecs_gitops.manifest.field_types import Boolean, Choice, Field, Finding, Integer, ListOf, Object, Rule, Text
from ecs_gitops.manifest.fields import MANIFEST, SERVICE, TASK
from ecs_gitops.manifest.json_schema import _object
from ecs_gitops.manifest.node import from_data

WORD = Text("[a-z]+", "lower-case letters", 9, ())


def bakes_only_when_native(values):
    if values.get("strategy") != "CANARY" and "bakeTimeInMinutes" in values:
        yield Finding("bakeTimeInMinutes", "needs a strategy that bakes", "strategy: CANARY")


TABLE = Object(
    (
        Field("strategy", Choice(("ROLLING", "CANARY")), "How.", "CANARY", required=True),
        Field("bakeTimeInMinutes", Integer(0, 9), "How long.", 5),
        Field("alarms", Object((Field("alarmNames", ListOf(WORD), "Which.", required=True),)), "Alarms."),
        Field("quick", Boolean(), "Whether."),
    ),
    rules=(
        Rule(
            bakes_only_when_native,
            {
                "if": {"required": ["bakeTimeInMinutes"], "properties": {"bakeTimeInMinutes": {"type": "integer"}}},
                "then": {"properties": {"strategy": {"const": "CANARY"}}},
            },
        ),
    ),
)

GOOD = [
    {"strategy": "ROLLING"},
    {"strategy": "ROLLING", "bakeTimeInMinutes": None, "quick": None},
    {"strategy": "CANARY", "bakeTimeInMinutes": 5, "alarms": {"alarmNames": ["a", "b"]}, "quick": False},
    {"strategy": "ROLLING", "alarms": {"alarmNames": []}},
]
WRONG = {
    "strategy": {"strategy": "BLUE"},
    "": {"strategy": None},
    "alarms": {"strategy": "ROLLING", "alarms": {}},
    "alarms.alarmNames": {"strategy": "ROLLING", "alarms": {"alarmNames": "a"}},
    "alarms.alarmNames[1]": {"strategy": "ROLLING", "alarms": {"alarmNames": ["a", "B"]}},
    "alarms.names": {"strategy": "ROLLING", "alarms": {"alarmNames": [], "names": 1}},
    "bakeTimeInMinutes": {"strategy": "ROLLING", "bakeTimeInMinutes": 5},
    "quick": {"strategy": "ROLLING", "quick": {}},
}


@pytest.mark.parametrize("data", GOOD)
def test_checker_and_schema_accept_the_same(data):
    values, problems = check(from_data(data), TABLE)
    assert problems == []
    assert values["strategy"] == data["strategy"]
    jsonschema.validate(data, _object(TABLE))


@pytest.mark.parametrize("path", WRONG)
def test_checker_and_schema_refuse_the_same(path):
    _, problems = check(from_data(WRONG[path]), TABLE)
    assert [problem.path for problem in problems] == [path]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(WRONG[path], _object(TABLE))


def test_nested_values_are_plain_and_typed():
    values, _ = check(from_data(GOOD[2]), TABLE)
    expected = {"strategy": "CANARY", "bakeTimeInMinutes": 5, "alarms": {"alarmNames": ("a", "b")}, "quick": False}
    assert values == expected


@pytest.mark.parametrize(("table", "model"), [(SERVICE, ServiceItem), (TASK, TaskItem)])
def test_the_model_has_the_fields_of_the_table(table, model):
    assert {field.attribute for field in table.fields} == {attribute.name for attribute in attributes(model)}


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("services: [{service: a, clusterName: b, serviceName: c, image: d}]", True),
        ("services: [{service: 12, clusterName: b, serviceName: c, image: d, account: 111111111111}]", True),
        ("services: [{service: a, clusterName: b, serviceName: c}]", False),
        ("services: [{service: a, clusterName: b, serviceName: c, image: }]", False),
        ("defaults: {image: d}\nservices: [{service: a, clusterName: b, serviceName: c}]", True),
        ("defaults: {image: }\nservices: [{service: a, clusterName: b, serviceName: c}]", False),
        ("defaults: {cwRuleName: d, image: e}\ntasks: [{service: a}]\nservices:", True),
        ("services: null", False),
        ("tasks: []\nservices: []", False),
        ("services: [null]", False),
        ("services: [{service: a, clusterName: b, serviceName: c, image: d, region: 7}]", False),
    ],
)
def test_published_schema_and_checker_agree_on_whole_files(text, valid):
    data = yaml.safe_load(text)
    assert jsonschema.Draft202012Validator(schema()).is_valid(data) is valid
    assert (check(from_data(data), MANIFEST)[1] == []) is valid
