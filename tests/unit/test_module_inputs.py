"""The module's inputs for what was imported: narrow where the policy has room, and never too narrow."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import hcl2
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.desired.imported_values import ImportedItem
from ecs_gitops.notify.module_inputs import hcl

ROLE = "arn:aws:iam::111111111111:role/run"
PLACE = ("aws", "111111111111", "us-west-2")


def item(
    name: str, image: str = "web:1", role: str = "arn:aws:iam::111111111111:role/run", **more: Any
) -> ImportedItem:
    definition = {"taskDefinitionArn": f"arn:aws:ecs:us-west-2:111111111111:task-definition/{name}:3"}
    values = {"service": "web", "clusterName": "shop", "serviceName": name, "image": image}
    known = {"clusters": ("shop",), "definitions": ({**definition, "executionRoleArn": role},)}
    return ImportedItem("services", PLACE, name, **{"values": values, **known, **more})


def read(text: str) -> dict[str, list[str]]:
    """The lists by their names."""
    found = re.findall(r"^(\w+) = \[(.*?)\]$", text, re.DOTALL | re.MULTILINE)
    return {name: re.findall(r'"(.*?)"', content) for name, content in found}


def test_it_is_hcl():
    content = {name: [each.strip('"') for each in value] for name, value in _hcl().items()}
    assert content == {
        "cluster_names": ["shop"],
        "pass_role_arns": ["arn:aws:iam::111111111111:role/run"],
        "task_definition_families": ["api", "web"],
        "deploy_regions": ["us-west-2"],
    }


def _hcl() -> dict[str, list[str]]:
    found: Any = hcl2.loads(hcl([item("web"), item("api")], "eu-central-1"))
    return {name: value for name, value in found.items() if isinstance(value, list) and "__" not in name}


def test_service_linked_roles_are_not_passed_and_names_of_roles_become_arns():
    linked = "arn:aws:iam::111111111111:role/aws-service-role/scheduler.amazonaws.com/AWSServiceRole"
    found = read(hcl([item("web", role="short", roles=(linked,))], "us-west-2"))
    assert found["pass_role_arns"] == ["arn:aws:iam::111111111111:role/short"]


def test_nothing_is_filled_into_a_text():
    text = hcl([item("web", role="arn:aws:iam::111111111111:role/${file(x)}%{if}")], "us-west-2")
    assert "role/$${file(x)}%%{if}" in text


def test_without_roles_the_required_input_is_an_empty_set():
    assert "pass_role_arns = []\n" in hcl([item("web", definitions=())], "us-west-2")


def test_many_names_become_prefixes_and_more_are_left_to_the_default():
    prefixes = hcl([item(f"shop-{n}") for n in range(20)], "us-west-2")
    assert '# 20 names, by their prefixes.\ntask_definition_families = ["shop-*"]' in prefixes
    many = hcl([item(f"f{n}") for n in range(20)], "us-west-2")
    assert "# task_definition_families: 20 names, too many for the policy" in many


def test_many_repositories_become_those_of_their_registries():
    host = "222222222222.dkr.ecr.eu-central-1.amazonaws.com"
    found = read(hcl([item(f"web-{n}", f"{host}/team/web-{n}:1") for n in range(60)], "us-west-2"))
    assert found["ecr_repository_arns"] == ["arn:aws:ecr:eu-central-1:222222222222:repository/*"]


names = st.from_regex(r"[a-z]{1,3}(-[a-z0-9]{1,3}){0,2}", fullmatch=True)


@given(st.lists(names, min_size=1, max_size=30, unique=True))
def test_every_family_is_allowed_by_what_is_written(families):
    found = read(hcl([item(name) for name in families], "us-west-2"))
    allowed = found.get("task_definition_families", ["*"])
    assert all(any(fnmatchcase(name, pattern) for pattern in allowed) for name in families)
    assert found["cluster_names"] == ["shop"]
