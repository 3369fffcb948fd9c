"""What somebody else began in the moment between our last read of a service and our UpdateService. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.model.identity import short

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ecs_gitops.ecs.service import Deployment, Service


def begun_meanwhile(before: Service, after: Service, ours: Collection[str]) -> Iterator[Deployment]:
    """The deployments in UpdateService's answer that the last read did not have. ``ours`` are the ARNs of the task
    definitions that are our own, or the ids of our deployments."""
    known = {each.id for each in before.deployments}
    for deployment in after.deployments:
        if deployment.id not in known and not {deployment.id, deployment.task_definition} & {*ours}:
            yield deployment


def named(deployment: Deployment) -> str:
    """The deployment, in a note about it."""
    found = f"deployment {deployment.id} of {short(deployment.task_definition)}"
    return f"{found}, which someone else started at the same moment, was replaced"
