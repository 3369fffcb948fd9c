"""Start the task of a service's hook: a one-off task of the revision, placed like those of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.ecs import task_placement
from ecs_gitops.flow.transitions import queue_hook, run_hook
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.verdict import hooks

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release


def start_hook(aws: Aws, release: Release, batch: Batch, item: Item, service: Service, budget: TimeBudget) -> Item:
    """The item, whose hook runs, or waits until ECS can place its task. Raises :class:`ItemFailed` where it cannot run,
    and what the calls raise."""
    definition, _ = aws.describe_task_definition(item.change.revision or "")
    request = hooks.request(batch, item, service, definition, release)
    try:
        task, why = aws.run_task(request)
    except AwsRefused as error:
        if (refusal := task_placement.refusal(error)) is None:
            raise
        task, why = None, refusal
    now = budget.clock()
    if task is not None:
        return run_hook(item, hooks.run_state(task, request, definition, item), now)
    waiting = queue_hook(item, why, now, batch.stretch)
    if waiting is None:
        raise ItemFailed(hooks.could_not_run(item, why, now))
    return waiting
