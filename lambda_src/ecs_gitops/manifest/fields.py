"""What may stand in a manifest: one table, from which both the checks and the published JSON Schema are made.

The source of the limits stands beside each type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecs_gitops.manifest.kinds import Boolean, Choice, Field, Integer, ListOf, Object, Rule, Text
from ecs_gitops.manifest.rules import one_item_per_target, something_to_deploy

SCHEMA_VERSION = 1

# Names of clusters, services and containers: ECS API reference, CreateCluster, CreateService, ContainerDefinition.
_ECS_NAME = Text(
    r"[A-Za-z0-9_-]+", "letters, digits, hyphens and underscores, at most 255", 255, ("integer", "boolean")
)
# EventBridge API reference, PutRule and CreateEventBus.
_RULE = Text(r"[.A-Za-z0-9_-]+", "letters, digits, dots, hyphens and underscores, at most 64", 64)
_BUS = Text(r"[/.A-Za-z0-9_-]+", "letters, digits, dots, slashes, hyphens and underscores, at most 256", 256)
_IMAGE = Text(
    r"[A-Za-z0-9][A-Za-z0-9._:/-]*(@[A-Za-z0-9]+:[A-Fa-f0-9]+)?",
    "an image as in a task definition: repository:tag or repository@sha256:digest",
    1024,
)
_ACCOUNT = Text(r"[0-9]{12}", "an account id of 12 digits", 12, ("integer",))
_REGION = Text(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", "a Region such as us-west-2", 32, ())
# Not in a line: control characters, line ends, marks that turn the direction of text around, halves of characters.
_NOT_IN_LINE = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_RELEASE = Text(
    rf"[^\s{_NOT_IN_LINE}]([^{_NOT_IN_LINE}]*[^\s{_NOT_IN_LINE}])?", "one line of text, at most 128 characters", 128
)
_TOLD = Text(rf"[^{_NOT_IN_LINE}]*", "one line of text, at most 1024 characters", 1024)

_SERVICE_NAME = Field(
    "service", _ECS_NAME, "Name of the container in the task definition.", "echoserver", required=True
)
_IMAGE_NAME = Field("image", _IMAGE, "Image that the container is to run.", "example.com/echoserver:1.3", required=True)
_PLACE = (
    Field("account", _ACCOUNT, "Account to deploy to; the deployer's own when absent.", "111111111111"),
    Field("region", _REGION, "Region to deploy to; the deployer's own when absent.", "us-west-2"),
)

_TIMEOUT = Field("timeoutMinutes", Integer(1, 1440), "Minutes that the item may take before it counts as failed.", 30)

TASK = Object(
    (
        _SERVICE_NAME,
        Field("cwRuleName", _RULE, "EventBridge rule that runs the task.", "nightly-cleanup", required=True),
        _IMAGE_NAME,
        Field("eventBusName", _BUS, "Event bus of the rule; default when absent.", "orders"),
        *_PLACE,
        _TIMEOUT,
    ),
    inherits=True,
)

SERVICE = Object(
    (
        _SERVICE_NAME,
        Field("clusterName", _ECS_NAME, "Cluster of the service.", "shop", required=True),
        Field("serviceName", _ECS_NAME, "Name of the ECS service.", "web", required=True),
        _IMAGE_NAME,
        *_PLACE,
        _TIMEOUT,
        Field(
            "forceNewDeployment",
            Boolean(),
            "Deploy in every release, even if the image is the same text: for tags that move.",
            True,
        ),
    ),
    inherits=True,
)

# `defaults` takes any field of either; one that tasks do not know is for services alone.
DEFAULTS = Object(
    tuple({field.name: replace(field, required=False) for field in (*TASK.fields, *SERVICE.fields)}.values())
)


def _has_items(name: str) -> Mapping[str, Any]:
    return {"required": [name], "properties": {name: {"type": "array", "minItems": 1}}}


MANIFEST = Object(
    (
        Field("release", _RELEASE, "What people call this release; kept as text.", "4.0"),
        Field("defaults", DEFAULTS, "Values for items that do not say; what only services know is for services alone."),
        Field("tasks", ListOf(TASK), "Scheduled tasks, deployed before the services."),
        Field("services", ListOf(SERVICE), "ECS services."),
    ),
    rules=(
        Rule(something_to_deploy, {"anyOf": [_has_items("services"), _has_items("tasks")]}),
        Rule(
            one_item_per_target(
                "tasks",
                "scheduled task",
                ("account", "region", "eventBusName", "cwRuleName", "service"),
                {"eventBusName": "default"},
            )
        ),
        Rule(one_item_per_target("services", "service", ("account", "region", "clusterName", "serviceName"))),
    ),
    accepted="a mapping with tasks or services",
)

SOURCE = Object(
    (
        Field("repository", _TOLD, "Name of the config repository."),
        Field("branch", _TOLD, "Branch that was pushed."),
        Field("commitId", _TOLD, "Commit that was pushed."),
        Field("author", _TOLD, "Who made the commit."),
        Field("subject", _TOLD, "First line of the commit's message."),
    )
)

# The state machine's input: the manifest, and what `render` adds.
DEPLOYMENT = Object(
    (
        *MANIFEST.fields,
        Field("schemaVersion", Choice((str(SCHEMA_VERSION),)), "Version of this format."),
        Field("source", SOURCE, "Where the manifest comes from."),
    ),
    rules=MANIFEST.rules,
    accepted=MANIFEST.accepted,
)
