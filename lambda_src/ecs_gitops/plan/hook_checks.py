"""Checks of hooks: what keeps their task from ending, and how it differs from the service's tasks. Pure.

A restart policy starts a container again when it exits, also with exit code 0, once it ran for
``restartAttemptPeriod`` seconds (300 when absent). RunTask cannot override it.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerOverride.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ecs_gitops.ecs.task_definition import find_container
from ecs_gitops.ecs.task_overrides import OVERRIDES_AT_MOST, overrides_size

if TYPE_CHECKING:
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json

_PERIOD = 300


def problems(item: Item, definition: Json) -> list[str]:
    """Why a hook of the item cannot work, a sentence for each reason."""
    known = {each["name"]: each for each in definition.get("containerDefinitions", [])}
    found = []
    for hook, container in _hooks(item, definition):
        defined = known.get(container)
        size = overrides_size(container, (item.service.hooks or {})[hook]["command"])
        if size > OVERRIDES_AT_MOST:
            found.append(
                f"hooks.{hook}: as JSON, its command has {size:,} characters with the container's name, and RunTask "
                f"takes {OVERRIDES_AT_MOST:,} at most: put the script into the image"
            )
        if defined is None:
            found.append(f"hooks.{hook}: no container is named {container!r}: {', '.join(known)}")
        elif not defined.get("essential", True):
            found.append(f"hooks.{hook}: container {container!r} is not essential, so its task would not end with it")
        elif _is_restarted(defined) and 0 not in _ignored(defined):
            seconds = (defined.get("restartPolicy") or {}).get("restartAttemptPeriod") or _PERIOD
            found.append(
                f"hooks.{hook}: container {container!r} has a restartPolicy: a command of {seconds} seconds or more "
                "would run again after it exited with 0; name another container in the hook, add 0 to "
                "ignoredExitCodes, or switch the policy off in the task definition"
            )
    return found


def warnings(item: Item, service: Service, definition: Json) -> list[str]:
    """How the task of a hook differs from the service's tasks, a sentence for each difference."""
    if not item.service.hooks:
        return []
    known = {each["name"]: each for each in definition.get("containerDefinitions", [])}
    found = [
        f"hooks.{hook}: container {container!r} has a restartPolicy: a command that fails may be started again"
        for hook, container in _hooks(item, definition)
        if _is_restarted(known.get(container) or {})
    ]
    if service.has_service_connect:
        found.append(
            "hooks: the service uses Service Connect, and a one-off task does not have it: its command cannot reach "
            "other services by their Service Connect names"
        )
    spot = [each for each in service.placement.get("capacityProviderStrategy") or () if _is_used_spot(each)]
    if spot:
        found.append("hooks: the service's strategy has FARGATE_SPOT: AWS may interrupt the hook's task while it works")
    return found


def _hooks(item: Item, definition: Json) -> Iterator[tuple[str, str]]:
    """Each hook's name, and the name of its container in the task definition."""
    for name, hook in (item.service.hooks or {}).items():
        yield name, hook.get("container") or find_container(definition, item.desired.container).name


def _is_restarted(container: Json) -> bool:
    return bool((container.get("restartPolicy") or {}).get("enabled"))


def _ignored(container: Json) -> list[int]:
    return list((container.get("restartPolicy") or {}).get("ignoredExitCodes") or ())


def _is_used_spot(provider: Json) -> bool:
    is_used = bool(provider.get("weight") or provider.get("base"))
    return provider.get("capacityProvider") == "FARGATE_SPOT" and is_used
