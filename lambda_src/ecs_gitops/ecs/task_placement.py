"""Why ECS did not place a task: what passes by itself, and what a person has to do. Pure.

RunTask gives the reason of each place that it tried. With managed scaling, and on Fargate, a task may also be taken,
and stop before it starts.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_gitops.model.errors import AwsRefused
    from ecs_gitops.model.types import Json

_FREE = "no instance of the cluster has that much free: add instances, or let the task definition ask for less"
# What ECS says, whether it passes without a change of settings, and what to do.
_KNOWN = (
    (r"RESOURCE:(MEMORY|CPU|GPU)", True, _FREE),
    (r"RESOURCE:PORTS?", True, "a host port of the task is taken on every instance: use host port 0, or add instances"),
    (
        r"RESOURCE:ENI",
        True,
        "no instance has a network interface left: add instances, or switch awsvpcTrunking on in the account settings",
    ),
    (r"RESOURCE:", True, "the cluster's instances lack that resource: add instances"),
    (r"\bAGENT\b", True, "the ECS agent of an instance is not connected: replace the instance"),
    (
        r"[Cc]apacity is unavailable",
        True,
        "Fargate has no capacity there: give the service subnets in further Availability Zones",
    ),
    (r"reached the limit|limit .*PROVISIONING|PROVISIONING .*limit", True, "raise the quota in Service Quotas"),
    (
        r"NO ACTIVE INSTANCES|EMPTY CAPACITY PROVIDER|[Nn]o [Cc]ontainer [Ii]nstances were found|InactiveInstance",
        True,
        "the cluster has no instance that takes tasks: add instances",
    ),
    (
        r"network interface provisioning|[Ff]ree[ A]*[Aa]ddresses",
        True,
        "no network interface could be made in time: look for free addresses in the service's subnets",
    ),
    (
        r"\bATTRIBUTE\b",
        False,
        "no instance has an attribute that the task definition requires, such as a log driver or an architecture",
    ),
    (r"\bLOCATION\b", False, "the service's subnets are in other Availability Zones than the cluster's instances"),
    (
        r"placement constraint|MemberOf|DistinctInstance",
        False,
        "no instance fulfils the placement constraints of the service and its task definition",
    ),
    (r"SpotInterruption|Spot Task was interrupted", False, "Spot took its capacity back: give the service another one"),
)


def passes(why: str) -> bool:
    """Whether the task may find a place later, though nobody changes a setting. With several instances each gives a
    reason of its own: one that passes is enough."""
    return any(is_passing and re.search(pattern, why) for pattern, is_passing, _ in _KNOWN)


def advice(why: str) -> str:
    """What to do; empty where the reason is not known."""
    return next((told for pattern, _, told in _KNOWN if re.search(pattern, why)), "")


def refusal(error: AwsRefused) -> str | None:
    """The reason in an error of RunTask that stands for a failed placement; None for any other error."""
    # Managed scaling has too many tasks in PROVISIONING (ClientException), or the cluster has no instance at all.
    told = error.code in ("ClientException", "InvalidParameterException") and passes(error.message)
    return error.message if told else None


def unplaced(task: Json) -> str | None:
    """Why a stopped task found no place; None for one that started, or that ended for another reason."""
    why = str(task.get("stoppedReason") or "")
    containers = task.get("containers") or []
    has_started = task.get("startedAt") is not None or any(each.get("exitCode") is not None for each in containers)
    is_early = task.get("stopCode") == "TaskFailedToStart" or why.startswith("TaskFailedToStart")
    return why if is_early and not has_started and passes(why) else None
