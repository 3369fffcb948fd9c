"""The tables of normal forms, entry by entry: each default is left out, and nothing but the default."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import get_session

from ecs_gitops.ecs import normal_autoscaling, normal_service, normal_task_definition
from ecs_gitops.ecs.normal_form import Key, Rules, SameAs, git_tags, is_key, normal, same

Json = dict[str, Any]
_TABLES = {
    "RegisterTaskDefinitionRequest": normal_task_definition._RULES,
    "CreateServiceRequest": normal_service._RULES,
    "RegisterScalableTargetRequest": normal_autoscaling._RULES,
}
# Not a member of any request: what AWS returns of a service.
_RETURNED_ALONE = ("resourceManagementType",)


def _within(pattern: str, value: Any) -> Json:
    """The smallest object that has the value at the place. An element of a list has nothing else."""
    for step in reversed(pattern.split(".")):
        name, brackets, _ = step.partition("[")
        value = {name: [value] if brackets else value}
    return dict(value)


@pytest.mark.parametrize(
    ("rules", "pattern"),
    [pytest.param(rules, pattern, id=pattern) for rules in _TABLES.values() for pattern in rules.defaults],
)
def test_each_default_is_left_out_and_another_value_is_kept(rules: Rules, pattern: str) -> None:
    default = rules.defaults[pattern]
    parent, _, member = pattern.rpartition(".")
    beside: Json = {}
    if isinstance(default, SameAs):
        beside, default = {default.member: "same", "kept": 1}, "same"

    # GIVEN an object without the member, with its default, and with another value
    without, with_default, with_another = (
        normal(_within(parent, {**beside, **extra}) if parent else {**beside, **extra}, rules)
        for extra in ({}, {member: default}, {member: "another"})
    )
    # THEN the default is none, and the other one is there
    assert with_default == without
    assert "another" in str(with_another)
    assert with_another != without


@pytest.mark.parametrize("shape", _TABLES)
def test_each_place_of_a_table_is_one_that_aws_has(shape: str) -> None:
    # GIVEN AWS's own model
    service = "application-autoscaling" if "Scalable" in shape else "ecs"
    if service not in get_session().get_available_services():
        pytest.skip("the layer leaves this service's model out")
    model = get_session().get_service_model(service)
    rules = _TABLES[shape]
    # WHEN each pattern is looked for, THEN it is there, and a list where the table says so
    for pattern in {*rules.defaults, *rules.keyed, *rules.unordered, *rules.converted}:
        at: Any = model.shape_for(shape)
        for step in [] if pattern in _RETURNED_ALONE else pattern.split("."):
            at = at.members[step.removesuffix("[]")]
            at = at.member if step.endswith("[]") else at
        if pattern in rules.keyed:
            assert at.type_name == "list"
            assert set(rules.keyed[pattern].members) <= at.member.members.keys()
        if pattern in rules.unordered:
            assert at.member.type_name in ("string", "integer")


# Lists that the botocore of the layer has and that of the tests does not. They keep their order: AWS does not say that
# it has no meaning.
_NEWER = {
    "gatewayConnectors",
    "gatewayConnectors[].filters.accessTypes",
    "serviceConnectConfiguration.containerConfigurations",
}


@pytest.mark.parametrize("shape", ["RegisterTaskDefinitionRequest", "CreateServiceRequest"])
def test_every_list_of_aws_is_ordered_or_not_by_decision(shape: str) -> None:
    # GIVEN the lists in AWS's model, so that a new one is seen
    rules = _TABLES[shape]
    known = {*rules.keyed, *rules.unordered}
    ordered = set(_lists(get_session().get_service_model("ecs").shape_for(shape), "")) - known - _NEWER
    # THEN these alone keep their order
    assert (
        ordered
        == {
            "RegisterTaskDefinitionRequest": {
                "containerDefinitions[].command",
                "containerDefinitions[].entryPoint",
                "containerDefinitions[].environmentFiles",
                "containerDefinitions[].dnsServers",
                "containerDefinitions[].dnsSearchDomains",
                "containerDefinitions[].healthCheck.command",
                "containerDefinitions[].linuxParameters.tmpfs[].mountOptions",
            },
            "CreateServiceRequest": {
                "placementStrategy",
                "deploymentConfiguration.lifecycleHooks",
                # By metric: it is converted.
                "monitoring.metricConfigurations",
                "monitoring.metricConfigurations[].metricNames",
            },
        }[shape]
    )


def _lists(shape: Any, pattern: str) -> list[str]:
    if shape.type_name == "structure":
        return [
            found
            for name, member in shape.members.items()
            for found in _lists(member, f"{pattern}.{name}" if pattern else name)
        ]
    if shape.type_name == "list":
        return [pattern, *_lists(shape.member, f"{pattern}[]")]
    return []


def test_numbers_and_truth_are_told_apart() -> None:
    assert same(5, 5.0)
    assert same({"a": [1, "x"]}, {"a": (1.0, "x")})
    for one, other in ((True, 1), (0, False), ("1", 1), (None, 0), ([], {}), ([1], [1, 1]), ({"a": 1}, {"b": 1})):
        assert not same(one, other)


def test_elements_with_the_same_key_have_numbers_whatever_their_order() -> None:
    rules = Rules(keyed={"items": Key(("id",))})
    items = [{"id": "a", "x": 2}, {"id": "a", "x": 1}, {"x": 3}, {"id": "a#2"}]
    expected = {"items": {"[]": {"x": 3}, "[a]": {"x": 1}, "[a#2]": {}, "[a#3]": {"x": 2}}}
    assert normal({"items": items}, rules) == normal({"items": items[::-1]}, rules) == expected
    assert normal(expected, rules) == expected


def test_the_normal_form_shares_nothing_with_what_was_given() -> None:
    given: Json = {"other": {"deep": [{"a": [1]}]}}
    found = normal(given, Rules())
    found["other"]["deep"][0]["a"].append(2)
    assert given == {"other": {"deep": [{"a": [1]}]}}


def test_tags_of_aws_and_of_ecs_gitops_are_not_gits() -> None:
    tags = {
        "[team]": "a",
        "[ecs-gitops:commit]": "b",
        "[aws:x]": "c",
        "[AWS:y]": "d",
        "ecs-gitops:z": "e",
        "awsx": "f",
    }
    assert git_tags(tags) == {"[team]": "a", "awsx": "f"}
    assert git_tags([1]) == [1]


def test_keys_are_in_brackets() -> None:
    assert [is_key(name) for name in ("[app]", "[]", "app", "[app", "app]")] == [True, True, False, False, False]
