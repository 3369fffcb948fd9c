"""How an item goes on: what follows a failure, and what the state machine does next with a batch. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_gitops.model import items
from ecs_gitops.verdict import hooks, rollout
from ecs_gitops.verdict.service_deployment import AWAITING_ACTION

if TYPE_CHECKING:
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.errors import AwsRefused
    from ecs_gitops.model.items import Item


def after_failure(item: Item, why: str, now: float) -> Item:
    """An item whose change of the service failed: on its way back, where it is to return, or FAILED."""
    if item.phase == items.ROLLBACK:
        told = f"could not roll back: {why}"
        return item.failed(f"{told}; {item.reason}" if item.reason else told, now)
    if not item.is_rolled_back_by_itself:
        left = f"left as it is (onFailure: stop): the service points to {item.task_def}"
        return replace(item, running_task_def=item.task_def).failed(f"{why}; {left}", now)
    if item.previous_task_def is None or item.previous_task_def == item.task_def:
        return item.failed(f"{why}; could not roll back: no earlier revision is known", now)
    return to_rollback(item, why)


def to_rollback(item: Item, why: str) -> Item:
    """The item, to be returned to what it ran before by the next run of the deploy state."""
    return replace(
        item,
        status=items.PENDING,
        phase=items.ROLLBACK,
        reason=why,
        started_at=None,
        progress=None,
        was_returned=True,
        service_deployment=None,
        doubted_since=None,
    )


def timeout_seconds(item: Item) -> float:
    """How long what the item waits for now may take."""
    if item.phase in (items.PRE_DEPLOY, items.POST_DEPLOY):
        return hooks.timeout_seconds(item)
    return float(item.timeout_minutes) * 60


def settle(batch: Batch, now: float) -> Batch:
    """The batch with what the state machine does next: deploy what is pending, wait for what is going on, or end."""
    going_on = [item for item in batch.items if item.status == items.IN_PROGRESS]
    if any(item.status == items.PENDING for item in batch.items):
        return replace(batch, next="DEPLOY", wait_seconds=rollout.SHORTEST_WAIT)
    if not going_on:
        return replace(batch, next="DONE", wait_seconds=0)
    starts = [item.started_at or now for item in going_on]
    # A hook's task that found no place is tried again when it is due, and not before.
    ends = [hooks.due(item) or start + timeout_seconds(item) for start, item in zip(starts, going_on, strict=True)]
    wait = rollout.wait_seconds(starts, ends, now, batch.stretch)
    if all((item.progress or "").startswith(AWAITING_ACTION) for item in going_on):
        wait = max(wait, rollout.pause_seconds(starts, ends, now))
    return replace(batch, next="WAIT", wait_seconds=wait)


def explain(error: AwsRefused, batch: Batch, cluster: str | None = None) -> str:
    """What a person can do about an answer of AWS."""
    if error.code == "ClusterNotFoundException":
        return f"cluster {cluster!r} does not exist in account {batch.account}, Region {batch.region}"
    if error.operation == "assume_role":
        return (
            f"could not assume {batch.role_arn}: {error.code}: {error.message}; is modules/deploy_role applied in "
            f"account {batch.account}, and does it trust this deployer's function roles?"
        )
    if error.code.startswith("AccessDenied") and "iam:PassRole" in error.message:
        return f"{error}; add the role to pass_role_arns of the deploy role"
    if error.code.startswith("AccessDenied"):
        return f"{error}; widen the scope of the deploy role {batch.role_arn}"
    return str(error)
