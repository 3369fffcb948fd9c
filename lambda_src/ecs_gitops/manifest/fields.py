"""The fields of a manifest, in one table: the checks and the published JSON Schema are both made from it. Pure.

Each limit names its source: here, in :mod:`ecs_gitops.manifest.text_types` and in
:mod:`ecs_gitops.manifest.deployment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecs_gitops.manifest.deployment import CONFIGURATION
from ecs_gitops.manifest.field_types import Boolean, Choice, Either, Field, Integer, ListOf, Object, Rule
from ecs_gitops.manifest.item_rules import TIMEOUT_AT_MOST, bakes_within_timeout, command_fits, images_can_be_pinned
from ecs_gitops.manifest.rules import defaults_fit, has_items, unique_targets, valid_dependencies
from ecs_gitops.manifest.text_types import (
    ACCOUNT,
    ARGUMENT,
    BUS,
    ECS_NAME,
    EVENT_NAME,
    IMAGE,
    LINE,
    REGION,
    RELEASE,
    SERVICE_NAME,
)

SCHEMA_VERSION = 1
# Of each list. A release of twice as many as are tested still fits into the functions' memory and time.
ITEMS_AT_MOST = 10_000

CONTAINER = Object(
    (
        Field("name", ECS_NAME, "Name of the container in the task definition.", "web", required=True),
        Field("image", IMAGE, "Image to deploy to it.", "example.com/web:2.0.0", required=True),
    )
)

_SERVICE = Field("service", ECS_NAME, "Name of the container in the task definition.", "echoserver", required=True)
_IMAGE = Field("image", IMAGE, "Image to deploy to the container.", "example.com/echoserver:1.3", required=True)
_CONTAINERS = Field(
    "containers",
    ListOf(CONTAINER, min_items=1, unique_by="name"),
    "Several containers of the task and their images, instead of service and image.",
    required=True,
)
_ONE_OR_SEVERAL = Either(("service", "image"), ("containers",), "either service and image, or containers")
_RULE_OR_SCHEDULE = Either(
    ("cwRuleName", "eventBusName"),
    ("scheduleName", "scheduleGroup"),
    "either cwRuleName, with eventBusName where needed, or scheduleName, with scheduleGroup where needed",
)
_PLACE = (
    Field("account", ACCOUNT, "Account to deploy to; the deployer's own when absent.", "111111111111"),
    Field("region", REGION, "Region to deploy to; the deployer's own when absent.", "us-west-2"),
)
_MINUTES = Integer(1, TIMEOUT_AT_MOST)
_TIMEOUT = Field("timeoutMinutes", _MINUTES, "Minutes that the item may take before it counts as failed.", 30)
_PIN = Field("pinDigest", Boolean(), "Deploy an ECR image by the digest that its tag has at release time.", True)
_ON_FAILURE = Field(
    "onFailure",
    Choice(("stop", "rollback", "rollbackRelease")),
    "When an item fails: stop leaves it as it is, rollback rolls it back, rollbackRelease rolls the release back.",
    "rollback",
)
_BAKES = Rule(bakes_within_timeout)
_PINS = Rule(images_can_be_pinned)

TASK = Object(
    (
        _SERVICE,
        Field("cwRuleName", EVENT_NAME, "EventBridge rule that runs the task.", "nightly-cleanup", required=True),
        _IMAGE,
        _CONTAINERS,
        Field("eventBusName", BUS, "Event bus of the rule; default when absent.", "orders"),
        Field(
            "scheduleName",
            EVENT_NAME,
            "Schedule of EventBridge Scheduler that runs the task, instead of a rule.",
            "nightly-cleanup",
            required=True,
        ),
        Field("scheduleGroup", EVENT_NAME, "Group of the schedule; default when absent.", "jobs"),
        *_PLACE,
        _TIMEOUT,
        _PIN,
    ),
    rules=(_PINS,),
    inherits=True,
    either=(_ONE_OR_SEVERAL, _RULE_OR_SCHEDULE),
)

HOOK = Object(
    (
        Field(
            "command",
            ListOf(ARGUMENT, min_items=1),
            "Command of the container, one word per element.",
            ["python", "manage.py", "migrate"],
            required=True,
        ),
        Field("container", ECS_NAME, "Container that runs it; the item's first when absent.", "web"),
        Field("timeoutMinutes", _MINUTES, "Minutes that it may take.", 10),
    ),
    rules=(Rule(command_fits),),
)
HOOKS = Object(
    (
        Field("preDeploy", HOOK, "One task with the new task definition, before the rollout."),
        Field("postDeploy", HOOK, "One task with the new task definition, after the rollout."),
    )
)

SERVICE = Object(
    (
        _SERVICE,
        Field("clusterName", ECS_NAME, "Cluster of the service.", "shop", required=True),
        Field("serviceName", ECS_NAME, "Name of the ECS service.", "web", required=True),
        _IMAGE,
        _CONTAINERS,
        *_PLACE,
        _TIMEOUT,
        Field(
            "forceNewDeployment",
            Boolean(),
            "Deploy in every release, even without a difference: for tags that move in registries other than ECR.",
            True,
        ),
        _PIN,
        Field("deployment", CONFIGURATION, "Members of the service's DeploymentConfiguration to change."),
        Field(
            "dependsOn",
            ListOf(SERVICE_NAME, min_items=1, unique_by=""),
            "Services that are deployed before this one.",
            ["api"],
        ),
        Field("hooks", HOOKS, "Commands that run as tasks before and after the rollout. If one fails, the item fails."),
        _ON_FAILURE,
        Field(
            "requireZeroDowntime",
            Boolean(),
            "Refuse to deploy, rather than warn, if the service's settings would interrupt it.",
            True,
        ),
    ),
    rules=(_BAKES, _PINS),
    inherits=True,
    either=(_ONE_OR_SEVERAL,),
)

# `defaults` takes any field of a task or a service; each item inherits the fields that it has. An event bus and a group
# of schedules may both be there: each task inherits the one that it can use.
DEFAULTS = Object(
    tuple({field.name: replace(field, required=False) for field in (*TASK.fields, *SERVICE.fields)}.values()),
    rules=(_BAKES, _PINS),
    either=(
        _ONE_OR_SEVERAL,
        replace(_RULE_OR_SCHEDULE, one=("cwRuleName",), other=("scheduleName",)),
    ),
)


def _has_any(name: str) -> Mapping[str, Any]:
    return {"required": [name], "properties": {name: {"type": "array", "minItems": 1}}}


MANIFEST = Object(
    (
        Field("release", RELEASE, "Name of the release, for people; kept as text.", "4.0"),
        _ON_FAILURE,
        Field("tasksAfterServices", Boolean(), "Deploy scheduled tasks after the services, not before.", True),
        Field(
            "defaults",
            DEFAULTS,
            "Values for items without their own. Fields that only services have are for services.",
        ),
        Field("tasks", ListOf(TASK, max_items=ITEMS_AT_MOST), "Scheduled tasks, deployed before the services."),
        Field("services", ListOf(SERVICE, max_items=ITEMS_AT_MOST), "ECS services."),
    ),
    rules=(
        Rule(has_items, {"anyOf": [_has_any("services"), _has_any("tasks")]}),
        Rule(defaults_fit({"tasks": TASK, "services": SERVICE}), bounds=True),
        Rule(
            unique_targets(
                "tasks",
                "scheduled task",
                TASK,
                ("account", "region", "eventBusName", "cwRuleName", "service"),
                {"eventBusName": "default"},
            )
        ),
        Rule(
            unique_targets(
                "tasks",
                "scheduled task",
                TASK,
                ("account", "region", "scheduleGroup", "scheduleName", "service"),
                {"scheduleGroup": "default"},
            )
        ),
        Rule(unique_targets("services", "service", SERVICE, ("account", "region", "clusterName", "serviceName"))),
        Rule(valid_dependencies(SERVICE)),
    ),
    accepted="a mapping with tasks or services",
    free="x-",
)

SOURCE = Object(
    (
        Field("repository", LINE, "Name of the config repository."),
        Field("branch", LINE, "Branch that was pushed."),
        Field("commitId", LINE, "Commit that was pushed."),
        Field("author", LINE, "Who made the commit."),
        Field("subject", LINE, "First line of the commit's message."),
    )
)

# The state machine's input: the manifest, and the fields that `render` adds.
DEPLOYMENT = Object(
    (
        *MANIFEST.fields,
        Field("schemaVersion", Choice((str(SCHEMA_VERSION),)), "Version of this format."),
        Field("source", SOURCE, "Where the manifest comes from."),
    ),
    rules=MANIFEST.rules,
    accepted=MANIFEST.accepted,
)
