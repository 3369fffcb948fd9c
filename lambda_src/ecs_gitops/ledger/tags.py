"""What is noted on task definition revisions, so that later releases know of it: tags that need no other store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import fingerprint_of
from ecs_gitops.ecs.revision_tags import failed_key, rolled_back_key
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.status import Status

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item


def note_rolled_back(aws: Aws, item: Item, revision: str) -> str:
    """Note on the revision returned to (an ARN) what was rolled back, so that the next push does not deploy it again.

    Without that note the way back is the same; what is wrong with it is told."""
    try:
        aws.tag_task_definition(revision, rolled_back_key(item.desired.identity), fingerprint_of(item))
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
    if item.result is None or item.status is not Status.FAILED or item.change.revision is None:
        return item
    revision = batch.task_definition_arn(item.change.revision)
    try:
        aws.tag_task_definition(revision, failed_key(item.desired.identity), fingerprint_of(item))
    except AwsRefused as error:
        told = f"that it failed could not be noted, so the next push may take it for unchanged: {error}"
        return replace(item, result=replace(item.result, reason=f"{item.reason}; {told}"))
    return item
