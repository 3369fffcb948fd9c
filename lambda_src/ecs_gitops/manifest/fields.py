"""What may stand in a manifest: one table, from which both the checks and the published JSON Schema are made.

The source of the limits stands beside each type: here, in :mod:`ecs_gitops.manifest.texts` and in
:mod:`ecs_gitops.manifest.deployment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecs_gitops.manifest.deployment import CONFIGURATION, TIMEOUT_AT_MOST, bakes_within_timeout
from ecs_gitops.manifest.kinds import Boolean, Choice, Either, Field, Integer, ListOf, Object, Rule
from ecs_gitops.manifest.pins import pins_what_it_can
from ecs_gitops.manifest.rules import defaults_fit, one_item_per_target, possible_order, something_to_deploy
from ecs_gitops.manifest.texts import (
    ACCOUNT,
    ARGUMENT,
    BUS,
    ECS_NAME,
    EVENT_NAME,
    IMAGE,
    REGION,
    RELEASE,
    SERVICE_NAME,
    TOLD,
)

SCHEMA_VERSION = 1

CONTAINER = Object(
    (
        Field("name", ECS_NAME, "Name of the container in the task definition.", "web", required=True),
        Field("image", IMAGE, "Image that it is to run.", "example.com/web:2.0.0", required=True),
    )
)

_SERVICE = Field("service", ECS_NAME, "Name of the container in the task definition.", "echoserver", required=True)
_IMAGE = Field("image", IMAGE, "Image that the container is to run.", "example.com/echoserver:1.3", required=True)
_CONTAINERS = Field(
    "containers",
    ListOf(CONTAINER, least=1, once="name"),
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
    "What happens when an item fails: it stays as it is, its service goes back, or all that the release changed does.",
    "rollback",
)
_BAKES = Rule(bakes_within_timeout)
_PINS = Rule(pins_what_it_can)

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
            ListOf(ARGUMENT, least=1),
            "Command of the container, one word an element.",
            ["python", "manage.py", "migrate"],
            required=True,
        ),
        Field("container", ECS_NAME, "Container that runs it; the item's first when absent.", "web"),
        Field("timeoutMinutes", _MINUTES, "Minutes that it may take.", 10),
    )
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
            "Deploy in every release, even if nothing differs: for tags that move in other registries than ECR.",
            True,
        ),
        _PIN,
        Field("deployment", CONFIGURATION, "Members of the service's DeploymentConfiguration that are to change."),
        Field(
            "dependsOn",
            ListOf(SERVICE_NAME, least=1, once=""),
            "Services that are deployed before this one.",
            ["api"],
        ),
        Field(
            "hooks", HOOKS, "Commands that run as tasks before and after the rollout; one that fails fails the item."
        ),
        _ON_FAILURE,
        Field(
            "requireZeroDowntime",
            Boolean(),
            "Refuse to deploy where settings of the service would interrupt it, rather than warn.",
            True,
        ),
    ),
    rules=(_BAKES, _PINS),
    inherits=True,
    either=(_ONE_OR_SEVERAL,),
)

# `defaults` takes any field of either; one that tasks do not know is for services alone. An event bus and a group of
# schedules may stand beside each other there: each task takes what it has a use for.
DEFAULTS = Object(
    tuple({field.name: replace(field, required=False) for field in (*TASK.fields, *SERVICE.fields)}.values()),
    rules=(_BAKES, _PINS),
    either=(
        _ONE_OR_SEVERAL,
        replace(_RULE_OR_SCHEDULE, one=("cwRuleName",), other=("scheduleName",)),
    ),
)


def _has_items(name: str) -> Mapping[str, Any]:
    return {"required": [name], "properties": {name: {"type": "array", "minItems": 1}}}


MANIFEST = Object(
    (
        Field("release", RELEASE, "What people call this release; kept as text.", "4.0"),
        _ON_FAILURE,
        Field("tasksAfterServices", Boolean(), "Deploy scheduled tasks after the services, not before.", True),
        Field("defaults", DEFAULTS, "Values for items that do not say; what only services know is for services alone."),
        Field("tasks", ListOf(TASK), "Scheduled tasks, deployed before the services."),
        Field("services", ListOf(SERVICE), "ECS services."),
    ),
    rules=(
        Rule(something_to_deploy, {"anyOf": [_has_items("services"), _has_items("tasks")]}),
        Rule(defaults_fit({"tasks": TASK, "services": SERVICE}), bounds=True),
        Rule(
            one_item_per_target(
                "tasks",
                "scheduled task",
                TASK,
                ("account", "region", "eventBusName", "cwRuleName", "service"),
                {"eventBusName": "default"},
            )
        ),
        Rule(
            one_item_per_target(
                "tasks",
                "scheduled task",
                TASK,
                ("account", "region", "scheduleGroup", "scheduleName", "service"),
                {"scheduleGroup": "default"},
            )
        ),
        Rule(one_item_per_target("services", "service", SERVICE, ("account", "region", "clusterName", "serviceName"))),
        Rule(possible_order(SERVICE)),
    ),
    accepted="a mapping with tasks or services",
    free="x-",
)

SOURCE = Object(
    (
        Field("repository", TOLD, "Name of the config repository."),
        Field("branch", TOLD, "Branch that was pushed."),
        Field("commitId", TOLD, "Commit that was pushed."),
        Field("author", TOLD, "Who made the commit."),
        Field("subject", TOLD, "First line of the commit's message."),
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
