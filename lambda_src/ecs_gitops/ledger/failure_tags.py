"""Tags that record failures and rollbacks on task definition revisions, so that later releases know of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import fingerprint_of
from ecs_gitops.ecs.revision_tags import failed_key, rolled_back_key
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.status import Status

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item

# A rollback and the items beside it wait for a tag no longer than this.
_SECONDS = 20.0


def _tag(aws: Aws, budget: TimeBudget, revision: str, key: str, value: str) -> None:
    budget.at_most(_SECONDS).retry(lambda: aws.tag_task_definition(revision, key, value))


def tag_rolled_back(aws: Aws, budget: TimeBudget, item: Item, revision: str) -> str:
    """Record on the restored revision (an ARN) what was rolled back, so that the next push does not deploy it again.

    Returns the message if that fails, else an empty text. The rollback goes on in either case. An item that was good
    itself, and goes back with the release, is not remembered: the next push deploys it."""
    if item.progress.is_with_release:
        return ""
    try:
        _tag(aws, budget, revision, rolled_back_key(item.desired.memory_key), fingerprint_of(item))
    except (AwsRefused, AwsUnavailable) as error:
        message = f"the rollback could not be recorded, so the next push deploys this again: {error}"
        return "" if message in (item.reason or "") else message
    return ""


def clear_rolled_back(aws: Aws, budget: TimeBudget, key: str, revision: str) -> str:
    """Record on the running revision (an ARN) that an earlier rollback is over, because the manifest went back too.

    Returns the message if that fails, else an empty text. ECS refuses to tag a revision that is not ACTIVE."""
    try:
        _tag(aws, budget, revision, key, "")
    except (AwsRefused, AwsUnavailable) as error:
        return f"the end of the earlier rollback could not be recorded, so what it rolled back stays HELD: {error}"
    return ""


def tag_failed(aws: Aws, budget: TimeBudget, batch: Batch, item: Item) -> Item:
    """Record a failed item on its revision, which was not rolled back and may look stable to the next release.

    Returns the item, with a message in its reason if that fails. An item that has not failed is returned as it is."""
    if item.result is None or item.status is not Status.FAILED or item.change.revision is None:
        return item
    revision = batch.task_definition_arn(item.change.revision)
    try:
        _tag(aws, budget, revision, failed_key(item.desired.memory_key), fingerprint_of(item))
    except (AwsRefused, AwsUnavailable) as error:
        message = f"the failure could not be recorded, so the next push may report this as unchanged: {error}"
        return replace(item, result=replace(item.result, reason=f"{item.reason}; {message}"))
    return item
