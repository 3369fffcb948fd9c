"""What ECS refuses before it does anything.

AWS: an unknown cluster is ClusterNotFoundException and is not made on the fly; a task definition must exist and be
ACTIVE, neither INACTIVE nor DELETE_IN_PROGRESS (the words for the latter are not known: those here say nothing of
"inactive"); DescribeServices takes ten services and DescribeTasks a hundred tasks; ``startedBy`` and ``clientToken``
of RunTask take certain characters, so many of them; a resource has fifty tags. ministack makes the cluster, takes any
name for a task definition, and has no limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecs

Data = dict[str, Any]
Answer = Any

_IN_A_CLUSTER = (
    "CreateService",
    "UpdateService",
    "DeleteService",
    "DescribeServices",
    "ListServices",
    "RunTask",
    "StopTask",
    "DescribeTasks",
    "ListTasks",
)
_WITH_A_DEFINITION = ("CreateService", "UpdateService", "RunTask")
_AT_MOST = {"DescribeServices": ("services", 10), "DescribeTasks": ("tasks", 100)}
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
_TEXTS = {"startedBy": re.compile(r"[A-Za-z0-9/_-]{0,128}"), "clientToken": re.compile(r"[!-~]{0,64}")}

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html
_TAGGED = ("CreateService", "RegisterTaskDefinition", "RunTask", "TagResource")
_TAGS_AT_MOST = 50


def mend() -> None:
    """Apply the mends of this module."""
    for action in _IN_A_CLUSTER:
        ecs._ACTION_MAP[action] = _checked(partial(_refusal, action), ecs._ACTION_MAP[action])
    for action in _TAGGED:
        ecs._ACTION_MAP[action] = _checked(_too_many_tags, ecs._ACTION_MAP[action])


def _checked(refusal: Callable[[Data], Answer | None], inner: Callable[[Data], Answer]) -> Callable[[Data], Answer]:
    def checked(data: Data) -> Answer:
        return refusal(data) or inner(data)

    return checked


def _too_many_tags(data: Data) -> Answer | None:
    tags = {tag.get("key") for tag in [*ecs._tags.get(str(data.get("resourceArn", "")), []), *(data.get("tags") or [])]}
    if len(tags) <= _TAGS_AT_MOST:
        return None
    message = f"The number of tags exceeds the limit of {_TAGS_AT_MOST}."
    return error_response_json("InvalidParameterException", message, 400)


def _refusal(action: str, data: Data) -> Answer | None:
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    if cluster is None or cluster not in ecs._clusters:
        return error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
    member, limit = _AT_MOST.get(action, ("", 0))
    if len(data.get(member, [])) > limit and member:
        message = f"{member.capitalize()} can have at most {limit} items."
        return error_response_json("InvalidParameterException", message, 400)
    for name, taken in _TEXTS.items() if action == "RunTask" else ():
        if not taken.fullmatch(str(data.get(name) or "")):
            message = f"Invalid {name}: it takes {taken.pattern}."
            return error_response_json("InvalidParameterException", message, 400)
    if action in _WITH_A_DEFINITION and "taskDefinition" in data:
        definition = ecs._task_defs.get(ecs._resolve_td_key(data["taskDefinition"]) or "")
        if definition is None:
            return error_response_json("ClientException", "TaskDefinition not found.", 400)
        if definition["status"] != "ACTIVE":
            is_inactive = definition["status"] == "INACTIVE"
            message = "TaskDefinition is inactive" if is_inactive else "The task definition is being deleted."
            return error_response_json("ClientException", message, 400)
    return None
