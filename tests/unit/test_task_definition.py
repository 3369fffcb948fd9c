"""Task definitions: the right container changes, and everything else is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.ecs.task_definition import OUTPUT_ONLY, find_container, has_images, with_images
from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.images import image_name

ARN = "arn:aws:ecs:us-west-2:111111111111:task-definition/web:7"


def definition(*containers, **more):
    return {
        "taskDefinitionArn": ARN,
        "family": "web",
        "containerDefinitions": [{"name": name, "image": image} for name, image in containers],
        **more,
    }


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx", "nginx"),
        ("nginx:1.25", "nginx"),
        ("registry:5000/team/api:1.2", "api"),
        ("registry:5000/team/api", "api"),
        ("111111111111.dkr.ecr.us-west-2.amazonaws.com/team/api@sha256:abc", "api"),
        ("team/api:1.2@sha256:abc", "api"),
    ],
)
def test_an_image_is_known_by_the_last_segment_of_its_repository(image, name):
    assert image_name(image) == name


def test_a_container_is_taken_by_its_exact_name():
    live = definition(("api-gateway", "shop/api:1"), ("api", "other:2"))
    assert find_container(live, "api").image == "other:2"


@pytest.mark.parametrize(
    ("name", "containers"),
    [
        ("api", [("gateway", "shop/api-gateway:1")]),
        ("app:1", [("main", "shop/app:10")]),
        ("shop", [("main", "shop/app:1")]),
        ("api", [("blue", "shop/api:1"), ("green", "shop/api:2")]),
        ("web", []),
    ],
    ids=["part of a name", "part of a tag", "part of a path", "two candidates", "no containers"],
)
def test_text_inside_an_image_is_never_a_match(name, containers):
    with pytest.raises(ItemFailed, match="no container named"):
        find_container(definition(*containers), name)


def test_the_only_image_of_that_name_is_taken_with_a_warning():
    found = find_container(
        definition(("main", "gcr.io/google_containers/echoserver:1.3"), ("side", "envoy:1")), "echoserver"
    )
    assert found.name == "main"
    assert "name it in the manifest" in (found.warning or "")


json_values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
members = st.dictionaries(st.text(min_size=1, max_size=20), json_values, max_size=8)


@given(known=members, inside=members)
def test_every_member_is_kept_whether_known_or_not(known, inside):
    # GIVEN a definition with members and container members that this version has never heard of
    known = {key: value for key, value in known.items() if key not in OUTPUT_ONLY | {"family", "containerDefinitions"}}
    inside = {key: value for key, value in inside.items() if key not in {"name", "image"}}
    live = definition(("web", "web:1"), status="ACTIVE", revision=7, **known)
    live["containerDefinitions"][0] |= inside
    # WHEN an image is put in
    new = with_images(live, {"web": "web:2"})
    # THEN all else is there, and ECS's own additions are not
    assert new == {"family": "web", "containerDefinitions": [{"name": "web", "image": "web:2", **inside}], **known}


def test_absent_members_stay_absent_and_are_never_none():
    new = with_images(definition(("web", "web:1"), cpu=None), {"web": "web:2"})
    assert set(new) == {"family", "containerDefinitions"}


def test_images_are_compared_to_the_letter():
    live = definition(("web", "web:1"), ("side", "envoy:1"))
    assert has_images(live, {"web": "web:1"})
    assert not has_images(live, {"web": "web:10"})
