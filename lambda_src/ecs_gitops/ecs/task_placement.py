"""Why ECS did not place a task: whether a retry may help, and advice. Pure.

RunTask reports a reason for each instance that it tried. With managed scaling, and on Fargate, ECS may also accept a
task that then stops before it starts.
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
# A pattern of ECS's reason, whether a retry may help without a change of settings, and advice.
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
        "the cluster has no instance that accepts tasks: add instances",
    ),
    (
        r"network interface provisioning|[Ff]ree[ A]*[Aa]ddresses",
        True,
        "no network interface could be created in time: check that the service's subnets have free addresses",
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
    (
        r"SpotInterruption|Spot Task was interrupted",
        False,
        "Spot took its capacity back: give the service another capacity provider",
    ),
)


def is_temporary(reason: str) -> bool:
    """Whether ECS may be able to place the task later without a change of settings. ``reason`` may have several parts,
    one per instance; one temporary part is enough."""
    return any(temporary and re.search(pattern, reason) for pattern, temporary, _ in _KNOWN)


def advice(reason: str) -> str:
    """What to do about it; empty for an unknown reason."""
    return next((text for pattern, _, text in _KNOWN if re.search(pattern, reason)), "")


def refusal(error: AwsRefused) -> str | None:
    """The reason, if an error of RunTask means that the task could not be placed now; None for any other error."""
    # Managed scaling has too many tasks in PROVISIONING (ClientException), or the cluster has no instance at all.
    is_placement = error.code in ("ClientException", "InvalidParameterException") and is_temporary(error.message)
    return error.message if is_placement else None


def placement_failure(task: Json) -> str | None:
    """The reason why a stopped task could not be placed; None if it started, or stopped for another reason."""
    reason = str(task.get("stoppedReason") or "")
    containers = task.get("containers") or []
    has_started = task.get("startedAt") is not None or any(each.get("exitCode") is not None for each in containers)
    is_early = task.get("stopCode") == "TaskFailedToStart" or reason.startswith("TaskFailedToStart")
    return reason if is_early and not has_started and is_temporary(reason) else None
