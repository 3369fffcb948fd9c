"""Task definitions in memory, with the statuses that ECS gives them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ecs_gitops.model.errors import AwsRefused
from unit.ecs_defaults import complete_definition
from unit.fake_lookups import FakeLookups

ACCOUNT, REGION, CLUSTER = "111111111111", "us-west-2", "shop"
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
TAGS_AT_MOST = 50


class FakeDefinitions(FakeLookups):
    """``definitions``: by ARN, each with its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.definitions: dict[str, tuple[dict[str, Any], dict[str, str]]] = {}
        self._numbers: dict[str, int] = {}

    # --- what a test sets up -----------------------------------------------------------------------------------------

    def define(self, family: str, *containers: tuple[str, str], tags: dict[str, str] | None = None, **more: Any) -> str:
        # A number is not given again, also when its revision was deleted.
        revision = self._numbers[family] = self._numbers.get(family, 0) + 1
        arn = f"{ARN}:task-definition/{family}:{revision}"
        self.definitions[arn] = (
            {
                "taskDefinitionArn": arn,
                "family": family,
                "revision": revision,
                "status": "ACTIVE",
                "containerDefinitions": [{"name": name, "image": image} for name, image in containers],
                **more,
            },
            tags or {},
        )
        return arn

    def deregister(self, arn: str, status: str = "INACTIVE") -> None:
        """Somebody deregisters a revision; DELETE_IN_PROGRESS: and deletes it while something uses it; DELETED: or
        nothing does."""
        if status == "DELETED":
            del self.definitions[arn]
        else:
            self.definitions[arn][0]["status"] = status

    # --- what the package calls --------------------------------------------------------------------------------------

    def describe_task_definition(self, reference: str) -> tuple[dict[str, Any], dict[str, str]]:
        self._called("describe_task_definition")
        name = reference.rsplit("/", 1)[-1]
        if ":" not in name:
            # A family alone means its newest revision that is ACTIVE.
            arn = next((arn for arn in reversed(self.definitions) if f"/{name}:" in arn and self._is_active(arn)), "")
        else:
            arn = f"{ARN}:task-definition/{name}"
        if arn not in self.definitions:
            raise AwsRefused("describe_task_definition", "ClientException", "Unable to describe task definition.")
        definition, tags = copy.deepcopy(self.definitions[arn])
        self._done("describe_task_definition")
        return definition, tags

    def read_task_definition(self, reference: str) -> tuple[dict[str, Any], dict[str, str]]:
        return self.describe_task_definition(reference)

    def register_task_definition(self, content: dict[str, Any], tags: Mapping[str, str]) -> str:
        self._called("register_task_definition")
        self._require_few("register_task_definition", tags)
        content = complete_definition(content)
        containers = content.pop("containerDefinitions")
        arn = self.define(content.pop("family"), tags=dict(tags), **content)
        self.definitions[arn][0]["containerDefinitions"] = containers
        self._done("register_task_definition")
        return arn

    def deregister_task_definition(self, arn: str) -> None:
        self._called("deregister_task_definition")
        self.deregister(arn)
        self._done("deregister_task_definition")

    def tag_task_definition(self, arn: str, key: str, value: str) -> None:
        self._called("tag_resource")
        if arn not in self.definitions or not self._is_active(arn):
            raise AwsRefused("tag_resource", "InvalidParameterException", "The specified resource is inactive.")
        self._require_few("tag_resource", {**self.definitions[arn][1], key: value})
        self.definitions[arn][1][key] = value
        self._done("tag_resource")

    def _require_few(self, operation: str, tags: Mapping[str, str]) -> None:
        if len(tags) > TAGS_AT_MOST:
            message = f"The number of tags exceeds the limit of {TAGS_AT_MOST}."
            raise AwsRefused(operation, "InvalidParameterException", message)

    def _require_cluster(self, operation: str, cluster: str) -> None:
        if cluster != CLUSTER:
            raise AwsRefused(operation, "ClusterNotFoundException", "Cluster not found.")

    def _is_active(self, arn: str) -> bool:
        return bool(self.definitions[arn][0].get("status", "ACTIVE") == "ACTIVE")

    def _require_active(self, operation: str, arn: str) -> None:
        """ECS starts nothing with any other revision. Its words for one that is being deleted are not known."""
        if arn not in self.definitions:
            raise AwsRefused(operation, "ClientException", "TaskDefinition not found.")
        if not self._is_active(arn):
            is_inactive = self.definitions[arn][0]["status"] == "INACTIVE"
            message = "TaskDefinition is inactive" if is_inactive else "The task definition is being deleted."
            raise AwsRefused(operation, "ClientException", message)
