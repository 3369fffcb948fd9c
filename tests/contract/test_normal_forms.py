"""What is written and what is read back have the same normal form: nothing that AWS adds is a difference."""

from __future__ import annotations

from typing import Any

import pytest

from contract.accounts import Account
from contract.deployments import Service
from ecs_gitops.aws.rate_limit import PUBLISHED, RateLimiter
from ecs_gitops.ecs.arns import Place
from ecs_gitops.ecs.normal_service import left_to_aws, normal_service
from ecs_gitops.ecs.normal_task_definition import normal_task_definition
from ecs_gitops.plan.diff import diff, lines
from unit.fake_aws import ACCOUNT, CLUSTER, REGION
from unit.shapes_task_definitions import SHAPES

Json = dict[str, Any]
# What ECS adds to every container.
_ADDED = {"cpu", "essential", "portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"}
_BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
_CONNECT = {"enabled": True, "namespace": "shop", "services": [{"portName": "web"}]}


def test_task_definitions_are_read_back_as_they_were_written(
    account: Account, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The local AWS does not throttle here.
    unlimited = RateLimiter({**PUBLISHED, "registrations": (1_000, 1_000), "definitions": (1_000, 1_000)})
    monkeypatch.setattr(account.aws, "rate_limiter", unlimited, raising=False)
    found = {}
    for number, (feature, shape) in enumerate(SHAPES.items()):
        # GIVEN a definition with another feature, and tags; the local AWS knows no such roles
        tags = {"team": "shop"}
        content = {key: value for key, value in shape.items() if key != "tags" and not key.endswith("RoleArn")}
        content["family"] = f"{name}-{number}"

        # WHEN it is registered and read back
        arn = account.aws.register_task_definition(content, {**tags, "ecs-gitops:execution": "run-1"})
        read, read_tags = account.aws.read_task_definition(arn)

        # THEN ECS added to it, and nothing differs
        assert read["containerDefinitions"][0].keys() >= _ADDED
        assert ("networkMode" in read) == ("networkMode" in shape)
        before = normal_task_definition({**content, "tags": _listed(tags)})
        after = normal_task_definition({**read, "tags": _listed(read_tags)})
        found[feature] = lines(diff(before, after))
    assert {feature: differences for feature, differences in found.items() if differences} == {}


def _listed(tags: dict[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in tags.items()]


@pytest.mark.parametrize(
    "members",
    [
        {"deploymentConfiguration": {"strategy": "ROLLING", "maximumPercent": 200, "minimumHealthyPercent": 100}},
        {"deploymentConfiguration": {**_BREAKER, "maximumPercent": 150}, "healthCheckGracePeriodSeconds": 30},
        {"deploymentConfiguration": _BREAKER, "enableExecuteCommand": True, "propagateTags": "SERVICE"},
        {
            "deploymentConfiguration": _BREAKER,
            "placementConstraints": [{"type": "distinctInstance"}],
            "placementStrategy": [{"type": "spread", "field": "host"}, {"type": "binpack", "field": "memory"}],
        },
        {"deploymentConfiguration": _BREAKER, "availabilityZoneRebalancing": "DISABLED"},
        {"deploymentConfiguration": _BREAKER, "capacityProviderStrategy": [{"capacityProvider": "x", "weight": 1}]},
        {"deploymentConfiguration": _BREAKER, "serviceConnectConfiguration": _CONNECT},
        {"deploymentConfiguration": _BREAKER, "tags": [{"key": "team", "value": "shop"}]},
    ],
)
def test_services_are_read_back_as_they_were_written(account: Account, name: str, members: Json) -> None:
    # GIVEN a service
    revision = account.serve(name, desired=1, **members)
    read = Service(account, name).now()
    written = {
        "serviceName": name,
        "cluster": CLUSTER,
        "taskDefinition": revision,
        "desiredCount": 1,
        "loadBalancers": read["loadBalancers"],
        **members,
    }

    # WHEN it is read back, THEN nothing differs
    place, without = Place("aws", REGION, ACCOUNT), left_to_aws(written) | {"cluster"}
    before, after = (normal_service(each, place=place, without=without) for each in (written, read))
    assert lines(diff(before, after)) == []
