"""What is noted on task definition revisions, so that later releases know of it: tags that need no other store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import mark, target
from ecs_gitops.ecs.revision_tags import failed_key, rolled_back_key
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.items import FAILED

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.items import Item


def note_rolled_back(aws: Aws, item: Item, revision: str) -> str:
    """Note on the revision returned to (an ARN) what was rolled back, so that the next push does not deploy it again.

    Without that note the way back is the same; what is wrong with it is told."""
    try:
        aws.tag_task_definition(revision, rolled_back_key(target(item)), item.mark or mark(item))
    except AwsRefused as error:
        told = f"the rollback could not be noted, so the next push deploys this again: {error}"
        return "" if told in (item.reason or "") else told
    return ""


def forget(aws: Aws, key: str, revision: str) -> str:
    """Note on what runs (an ARN) that an earlier rollback is over, as the manifest went back too; what is wrong with
    that. ECS tags no revision that is not ACTIVE."""
    try:
        aws.tag_task_definition(revision, key, "")
    except AwsRefused as error:
        return f"that the earlier rollback is over could not be noted, so what was rolled back then stays held: {error}"
    return ""


def noted(aws: Aws, batch: Batch, item: Item) -> Item:
    """An item that failed, with that noted on its revision, which was left there: it may look steady to the next
    release. Any other item as it is."""
    if item.status != FAILED or item.task_def is None:
        return item
    revision = batch.task_definition_arn(item.task_def)
    try:
        aws.tag_task_definition(revision, failed_key(target(item)), item.mark or mark(item))
    except AwsRefused as error:
        told = f"that it failed could not be noted, so the next push may take it for unchanged: {error}"
        return replace(item, reason=f"{item.reason}; {told}")
    return item
