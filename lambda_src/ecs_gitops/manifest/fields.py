"""What may stand in a manifest: one table, from which both the checks and the published JSON Schema are made.

Names are the manifest's own (camelCase). A ``source`` of the limits stands beside each type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar, read as the text that stands in the file. ``accepted`` says what ``pattern`` means, for people."""

    pattern: str
    accepted: str
    longest: int


@dataclass(frozen=True, slots=True)
class Integer:
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Boolean:
    pass


Type: TypeAlias = Text | Integer | Boolean


@dataclass(frozen=True, slots=True)
class Field:
    """``attribute`` is the name in the model's dataclasses."""

    type: Type
    attribute: str
    description: str
    example: str
    required: bool = False


# Names of clusters, services and containers: ECS API reference, CreateCluster, CreateService, ContainerDefinition.
_ECS_NAME = Text(r"[A-Za-z0-9_-]+", "letters, digits, hyphens and underscores, at most 255", 255)
# EventBridge API reference, PutRule and CreateEventBus.
_RULE = Text(r"[.A-Za-z0-9_-]+", "letters, digits, dots, hyphens and underscores, at most 64", 64)
_BUS = Text(r"[/.A-Za-z0-9_-]+", "letters, digits, dots, slashes, hyphens and underscores, at most 256", 256)
_IMAGE = Text(
    r"[A-Za-z0-9][A-Za-z0-9._:/-]*(@[A-Za-z0-9]+:[A-Fa-f0-9]+)?",
    "an image as in a task definition: repository:tag or repository@sha256:digest",
    1024,
)
_ACCOUNT = Text(r"[0-9]{12}", "an account id of 12 digits", 12)
_REGION = Text(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}", "a Region such as us-west-2", 32)
RELEASE = Text(r"\S(.*\S)?", "one line of text, at most 128 characters", 128)

_SHARED: Mapping[str, Field] = {
    "service": Field(
        _ECS_NAME, "service", "Name of the container in the task definition.", "echoserver", required=True
    ),
    "image": Field(_IMAGE, "image", "Image that the container is to run.", "example.com/echoserver:1.3", required=True),
    "account": Field(_ACCOUNT, "account", "Account to deploy to; the deployer's own when absent.", "111111111111"),
    "region": Field(_REGION, "region", "Region to deploy to; the deployer's own when absent.", "us-west-2"),
}

TASK: Mapping[str, Field] = {
    "service": _SHARED["service"],
    "cwRuleName": Field(
        _RULE, "cw_rule_name", "EventBridge rule that runs the task.", "nightly-cleanup", required=True
    ),
    "image": _SHARED["image"],
    "eventBusName": Field(_BUS, "event_bus_name", "Event bus of the rule; default when absent.", "orders"),
    "account": _SHARED["account"],
    "region": _SHARED["region"],
}

SERVICE: Mapping[str, Field] = {
    "service": _SHARED["service"],
    "clusterName": Field(_ECS_NAME, "cluster_name", "Cluster of the service.", "shop", required=True),
    "serviceName": Field(_ECS_NAME, "service_name", "Name of the ECS service.", "web", required=True),
    "image": _SHARED["image"],
    "account": _SHARED["account"],
    "region": _SHARED["region"],
    "timeoutMinutes": Field(
        Integer(1, 1440), "timeout_minutes", "Minutes that the rollout may take before it counts as failed.", "30"
    ),
    "forceNewDeployment": Field(
        Boolean(),
        "force_new_deployment",
        "Deploy in every release, even if the image is the same text: for tags that move.",
        "true",
    ),
}

# `defaults` takes any field of either; one that tasks do not know is for services alone.
DEFAULTS: Mapping[str, Field] = {**TASK, **SERVICE}

TOP = ("release", "defaults", "tasks", "services")
# What `render` adds for the state machine.
RENDERED = ("schemaVersion", "source")
SCHEMA_VERSION = 1
