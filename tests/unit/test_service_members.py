"""What a changed member of a service takes: the table against AWS's own model."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.session import get_session

from ecs_gitops.ecs.service_members import Effect, effect_of


def _members(shape: str) -> Any:
    return get_session().get_service_model("ecs").shape_for(shape).members


# Members that say which service, or how to call.
_OF_THE_CALL = {"service", "forceNewDeployment", "clientToken"}


def test_every_member_of_a_service_is_known() -> None:
    # GIVEN what CreateService and UpdateService take
    create, update = (set(_members(f"{name}ServiceRequest")) - _OF_THE_CALL for name in ("Create", "Update"))
    # THEN each has an effect, but for the controller, as other ones than ECS's are not ours, and for what AWS has added
    unknown = {member for member in create | update if effect_of(member) is None}
    assert unknown - {"gatewayConnectors"} == {"deploymentController"}
    # AND what UpdateService does not take is create-only or a tag; the cluster says where the service is
    assert {member: effect_of(member) for member in create - update} == {
        "launchType": Effect.CREATE_ONLY,
        "role": Effect.CREATE_ONLY,
        "schedulingStrategy": Effect.CREATE_ONLY,
        "serviceName": Effect.CREATE_ONLY,
        "tags": Effect.BY_TAGGING,
    }


@pytest.mark.parametrize(
    ("text", "effects"),
    [
        ("This parameter triggers a new service deployment", {Effect.DEPLOYS}),
        ("This parameter doesn't trigger a new service deployment", {Effect.IN_PLACE, Effect.NEEDS_FORCE}),
    ],
)
def test_what_starts_a_deployment_is_what_aws_documents(text: str, effects: set[Effect]) -> None:
    found = {
        name: effect_of(name)
        for name, member in _members("UpdateServiceRequest").items()
        if text in re.sub(r"<[^>]+>", "", member.documentation)
    }
    assert set(found.values()) == effects
    assert len(found) > 5


def test_what_is_not_known_has_no_effect() -> None:
    assert effect_of("ofTomorrow") is None
