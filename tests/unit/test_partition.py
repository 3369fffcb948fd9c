"""Domains come from one table, which says what botocore's does."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

import references
from ecs_gitops.ecs.ecr import ecr_image
from ecs_gitops.model import partition

BOTOCORE = json.loads(files("botocore").joinpath("data/partitions.json").read_text())["partitions"]


def test_the_table_has_each_partition_of_botocore():
    table = {one.id: (one.domain, f"api.{one.dual_stack}") for one in partition.PARTITIONS}
    assert table == {one["id"]: (one["outputs"]["dnsSuffix"], one["outputs"]["dualStackDnsSuffix"]) for one in BOTOCORE}


@pytest.mark.parametrize("one", BOTOCORE, ids=lambda one: one["id"])
def test_each_region_is_in_its_partition(one):
    for region in one["regions"]:
        if not region.endswith("-global"):
            assert partition.of_region(region).id == one["id"]


def test_a_region_that_is_newer_than_the_table_is_a_commercial_one():
    assert partition.of_region("nz-north-1").id == "aws"


@pytest.mark.parametrize("host", references.ecr_hosts())
def test_an_image_in_the_ecr_of_any_partition_is_in_ecr(host):
    image = ecr_image(f"{host}/team/web:1")
    assert image is not None
    assert image.place == ("111111111111", host.split(".")[3 if ".dkr.ecr" in host else 2], "team/web")
    assert image.reference == "1"
    assert image.pinned("sha256:x") == f"{host}/team/web@sha256:x"


def test_a_console_that_nobody_knows_is_none():
    assert partition.console("aws-us-gov") == "console.amazonaws-us-gov.com"
    assert partition.console("aws-eusc") == "console.amazonaws-eusc.eu"
    assert partition.console("aws-iso") is None
    assert partition.console("aws-new") is None
