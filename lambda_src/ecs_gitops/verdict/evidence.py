"""Why a rollout failed, by stopped tasks and the service's events. Pure."""

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
# Events of every deployment, also of one that succeeds.
_ORDINARY = re.compile(
    r"has (started|stopped|begun draining|reached a steady state)|registered \d+ (targets|instances)|"
    r"deregistered \d+ (targets|instances)|deployment completed|rolling back to deployment"
)
# Ids in events that are otherwise equal.
_IDS = re.compile(r"\((?:task|instance|container-instance) [^)]*\)|\((?:deployment ecs-svc/\d+)\)|\b[0-9a-f]{32}\b")
_STARTED = re.compile(r"has started (\d+) tasks")
# Of ECS's circuit breaker: half the desired count, at least 3 and at most 200.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
_FEWEST, _MOST = 3, 200
_FAILURES = frozenset({"EssentialContainerExited", "TaskFailedToStart"})
# Exit codes of a container that ECS stops with its task: after SIGTERM, and after SIGKILL where that had no effect.
STOP_EXIT_CODES = (143, 137)


def evidence_of(service: Service | None, tasks: Iterable[Json], rollout: Rollout) -> str:
    """The stopped tasks of our deployment, grouped by reason, and the service's events since its start: failed health
    checks, placement, images. Empty where ECS has nothing."""
    reasons = Counter(stop_reason(task) for task in of_deployment(tasks, rollout))
    parts = [f"{count} stopped task{'s' if count > 1 else ''}: {why}" for why, count in reasons.most_common(_SHOWN)]
    if service is not None:
        events = Counter(_plain(text) for text in events_since(service, rollout) if not _ORDINARY.search(text))
        parts += [f"event{f' ({count} times)' if count > 1 else ''}: {e}" for e, count in events.most_common(_SHOWN)]
    return "; ".join(parts)[:_AT_MOST]


def of_deployment(tasks: Iterable[Json], rollout: Rollout) -> list[Json]:
    """The tasks that our deployment started."""
    return [task for task in tasks if task.get("startedBy") == rollout.deployment_id]


def events_since(service: Service, rollout: Rollout) -> list[str]:
    """The service's events since the deployment began, newest first. Their times are whole seconds."""
    return [text for at, text in service.events if at >= int(rollout.started_at)]


def may_be_crashing(service: Service, rollout: Rollout) -> bool:
    """Whether so many tasks were started that some must have stopped, so that the stopped tasks have to be read."""
    started = sum(int(found[1]) for text in events_since(service, rollout) if (found := _STARTED.search(text)))
    ours = service.deployment(rollout.deployment_id)
    return started >= service.desired + _FEWEST or (ours is not None and ours.failed >= _FEWEST)


def crash_loop(service: Service, tasks: Sequence[Json], rollout: Rollout) -> str | None:
    """The message about a deployment whose tasks start and stop again and again; None when they do not. ECS's circuit
    breaker does not end each such deployment, and a service may have none."""
    died = [task for task in of_deployment(tasks, rollout) if _has_crashed(task)]
    tolerated = _tolerated(service)
    if len(died) < tolerated:
        return None
    return f"crash loop: {len(died)} tasks of this deployment have died, and it is not steady"


def _tolerated(service: Service) -> int:
    """How many crashed tasks are a failure: by the service's circuit breaker, or else by ECS's default."""
    threshold = (service.configuration.get("deploymentCircuitBreaker") or {}).get("thresholdConfiguration") or {}
    value = int(threshold.get("value") or 0)
    if threshold.get("type") == "COUNT" and value > 0:
        return value
    percent = value if value > 0 else 50
    return min(_MOST, max(_FEWEST, ceil(service.desired * percent / 100)))


def _has_crashed(task: Json) -> bool:
    """Whether a stopped task counts as a failure. A task that is done does not: one container exited with 0, and ECS
    stopped the others with it."""
    if task.get("stopCode") not in _FAILURES:
        return False
    containers = task.get("containers") or []
    codes = [container.get("exitCode") for container in containers]
    is_done = 0 in codes and all(code in (0, *STOP_EXIT_CODES) for code in codes)
    return not is_done or any(container.get("reason") for container in containers)


def stop_reason(task: Json) -> str:
    """Why a task stopped: ECS's reason, and those of its containers."""
    return ", ".join(stop_reasons(task))


def stop_reasons(task: Json, *, but: str | None = None) -> list[str]:
    """The same as a list: the task's own reason first, then each container's. Container ``but`` is left out."""
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
    """An event or reason without its ids, so that equal ones can be counted."""
    shorter = re.sub(r"^\(service [^)]*\) ", "", text)
    return sanitize.line(_IDS.sub("", shorter))
