"""How many tags a resource of ECS takes."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws


def _tags(count: int) -> list[dict[str, str]]:
    return [{"key": f"tag-{number}", "value": "x"} for number in range(count)]


def test_a_resource_has_fifty_tags_at_most(aws: LocalAws, name: str) -> None:
    ecs: Any = aws.client("ecs")
    containers = [{"name": "app", "image": "app:1", "memory": 64}]

    def refused(call: Any, **given: Any) -> str:
        with pytest.raises(ClientError) as caught:
            call(**given)
        return str(caught.value.response["Error"]["Code"])

    # GIVEN a revision with fifty tags
    made = ecs.register_task_definition(family=name, containerDefinitions=containers, tags=_tags(50))
    arn = made["taskDefinition"]["taskDefinitionArn"]

    # WHEN one of them is set, THEN it is; one more is refused, there and where a resource is made
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "tag-1", "value": "y"}])
    assert refused(ecs.tag_resource, resourceArn=arn, tags=[{"key": "more", "value": "x"}]) == (
        "InvalidParameterException"
    )
    given = {"family": name, "containerDefinitions": containers, "tags": _tags(51)}
    assert refused(ecs.register_task_definition, **given) == "InvalidParameterException"
    ecs.create_cluster(clusterName=name)
    run = {"cluster": name, "taskDefinition": name, "tags": _tags(51)}
    assert refused(ecs.run_task, **run) == "InvalidParameterException"
