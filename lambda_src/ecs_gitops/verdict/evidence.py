"""Why a rollout fails, from what ECS knows: stopped tasks, and the service's events. Pure."""

from __future__ import annotations

import re
from collections import Counter
from math import ceil
from typing import TYPE_CHECKING

from ecs_gitops.model import sanitize

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.types import Json
    from ecs_gitops.verdict.rollout import Rollout

_SHOWN = 3
_AT_MOST = 1000
# Events that tell of nothing but the ordinary course of a deployment.
_ORDINARY = re.compile(
    r"has (started|stopped|begun draining|reached a steady state)|registered \d+ (targets|instances)|"
    r"deregistered \d+ (targets|instances)|deployment completed|rolling back to deployment"
)
# Ids that make equal events look different.
_IDS = re.compile(r"\((?:task|instance|container-instance) [^)]*\)|\((?:deployment ecs-svc/\d+)\)|\b[0-9a-f]{32}\b")
_STARTED = re.compile(r"has started (\d+) tasks")
# Of ECS's circuit breaker: half the desired count, at least 3 and at most 200.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
_FEWEST, _MOST = 3, 200
_FAILURES = frozenset({"EssentialContainerExited", "TaskFailedToStart"})
# Exit codes of a container that ECS ends with its task: SIGTERM, and SIGKILL where that does not suffice.
TOLD_TO_STOP = (143, 137)


def evidence_of(service: Service | None, tasks: Iterable[Json], rollout: Rollout) -> str:
    """The stopped tasks of our deployment, grouped by reason, and what the service's events say since its start:
    failed health checks, placement, images; empty when ECS tells nothing."""
    told = Counter(stop_reason(task) for task in of_deployment(tasks, rollout))
    parts = [f"{count} stopped task{'s' if count > 1 else ''}: {why}" for why, count in told.most_common(_SHOWN)]
    if service is not None:
        events = Counter(_plain(text) for text in events_since(service, rollout) if not _ORDINARY.search(text))
        parts += [f"event{f' ({count} times)' if count > 1 else ''}: {e}" for e, count in events.most_common(_SHOWN)]
    return "; ".join(parts)[:_AT_MOST]


def of_deployment(tasks: Iterable[Json], rollout: Rollout) -> list[Json]:
    """The tasks that our deployment started."""
    return [task for task in tasks if task.get("startedBy") == rollout.deployment_id]


def events_since(service: Service, rollout: Rollout) -> list[str]:
    """The service's events since the deployment began, newest first. ECS's times are whole seconds."""
    return [text for at, text in service.events if at >= int(rollout.started_at)]


def may_be_crashing(service: Service, rollout: Rollout) -> bool:
    """Whether so many tasks were started that some of them must have died: worth a look at the stopped tasks."""
    started = sum(int(found[1]) for text in events_since(service, rollout) if (found := _STARTED.search(text)))
    ours = service.deployment(rollout.deployment_id)
    return started >= service.desired + _FEWEST or (ours is not None and ours.failed >= _FEWEST)


def crash_loop(service: Service, tasks: Sequence[Json], rollout: Rollout) -> str | None:
    """What is said of a deployment whose tasks start and die again and again, which ECS's circuit breaker does not
    see, or which it is not there to see; None when it is not so."""
    died = [task for task in of_deployment(tasks, rollout) if _has_crashed(task)]
    tolerated = _tolerated(service)
    if len(died) < tolerated:
        return None
    return f"crash loop: {len(died)} tasks of this deployment have died, and it is not steady"


def _tolerated(service: Service) -> int:
    """How many dead tasks are a failure: what the service's circuit breaker says, or what ECS takes else."""
    threshold = (service.configuration.get("deploymentCircuitBreaker") or {}).get("thresholdConfiguration") or {}
    value = int(threshold.get("value") or 0)
    if threshold.get("type") == "COUNT" and value > 0:
        return value
    percent = value if value > 0 else 50
    return min(_MOST, max(_FEWEST, ceil(service.desired * percent / 100)))


def _has_crashed(task: Json) -> bool:
    """Whether a task that stopped counts as a failure. One whose work is done does not: a container ended well, and the
    others, if there are any, were only told to stop with it."""
    if task.get("stopCode") not in _FAILURES:
        return False
    containers = task.get("containers") or []
    codes = [container.get("exitCode") for container in containers]
    has_ended_well = 0 in codes and all(code in (0, *TOLD_TO_STOP) for code in codes)
    return not has_ended_well or any(container.get("reason") for container in containers)


def stop_reason(task: Json) -> str:
    """Why a task stopped: ECS's reason, and what its containers say."""
    return ", ".join(stop_reasons(task))


def stop_reasons(task: Json, *, but: str | None = None) -> list[str]:
    """The same, one by one: the task's own reason first, then each container's, without those of container ``but``."""
    parts = [_plain(task.get("stoppedReason") or task.get("stopCode") or "no reason given")]
    for container in task.get("containers") or []:
        if container.get("name") == but:
            continue
        if container.get("exitCode") not in (None, 0):
            parts.append(f"container {container.get('name')} exited with {container['exitCode']}")
        if container.get("reason") and _plain(container["reason"]) not in parts[0]:
            parts.append(f"container {container.get('name')}: {_plain(container['reason'])}")
    return parts


def _plain(text: str) -> str:
    """An event or reason without the ids that make equal ones differ."""
    shorter = re.sub(r"^\(service [^)]*\) ", "", text)
    return sanitize.line(_IDS.sub("", shorter))
