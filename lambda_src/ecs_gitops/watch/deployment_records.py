"""The service deployments of a service, and which of them decides: the newest one of the revision that we wait for.

A person, Terraform or another tool may deploy the same revision again during a rollout ("force new deployment"). Then
that deployment is watched in place of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.ecs.service import seconds
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.identity import short
from ecs_gitops.model.progress import Watched
from ecs_gitops.model.status import Step
from ecs_gitops.verdict.rollout import Rollout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_gitops.aws import Aws
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json

# Records are read from a little before the deployment began, as ECS does not make both at the same moment. Seconds.
_MARGIN = 180.0
_APART = 5.0


@dataclass(frozen=True, slots=True)
class Record:
    """One service deployment. ``deployment_id`` is that of the service's ``deployments``: the target revision's ARN
    ends with its number. ``created_at`` is ECS's time, in epoch seconds."""

    arn: str
    deployment_id: str
    task_definition: str
    status: str
    created_at: float

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]


def read(aws: Aws, item: Item, *, since: float | None = None, going_on: bool = False) -> list[Record]:
    """The records of the item's service, newest first, each with its task definition. Raises what the calls raise."""
    found = aws.service_deployments(item.cluster, item.name, since=since, going_on=going_on)
    revisions = list(dict.fromkeys(str(each["targetServiceRevisionArn"]) for each in found if _has_target(each)))
    deploys = {
        revision["serviceRevisionArn"]: str(revision.get("taskDefinition", ""))
        for revision in (aws.describe_service_revisions(revisions) if revisions else ())
    }
    made = [
        Record(
            str(each["serviceDeploymentArn"]),
            f"ecs-svc/{str(each['targetServiceRevisionArn']).rsplit('/', 1)[-1]}",
            deploys.get(each["targetServiceRevisionArn"], ""),
            str(each.get("status", "")),
            seconds(each.get("createdAt")),
        )
        for each in found
        if _has_target(each)
    ]
    return sorted(made, key=lambda record: record.created_at, reverse=True)


def _has_target(record: object) -> bool:
    return isinstance(record, dict) and bool(record.get("targetServiceRevisionArn"))


def returned_to(aws: Aws, record: Json) -> str | None:
    """The revision that ECS itself rolls a deployment back to, ``family:revision``, by its record; None where ECS does
    not tell."""
    arn = (record.get("rollback") or {}).get("serviceRevisionArn")
    try:
        found = aws.describe_service_revisions([str(arn)]) if arn else []
    except (AwsRefused, AwsUnavailable):
        return None
    return next((short(str(each["taskDefinition"])) for each in found if each.get("taskDefinition")), None)


def since(item: Item) -> float | None:
    """The earliest time of records that matter to the item, by ECS's clock in epoch seconds; None where it is not
    known."""
    return None if item.watched.deployed_at is None else int(item.watched.deployed_at - _MARGIN)


def awaited(item: Item, batch: Batch) -> str:
    """The ARN of the revision that the item waits for."""
    awaited = item.change.previous if item.progress.step.is_rollback else item.change.revision
    return batch.task_definition_arn(awaited or "")


def watched(item: Item, batch: Batch, now: float) -> Rollout:
    """The deployment that the item watches."""
    began = item.progress.since or now
    return Rollout(
        deployment_id=item.watched.deployment or "",
        revision=batch.task_definition_arn(item.change.revision or ""),
        previous=batch.task_definition_arn(item.change.previous) if item.change.previous else "",
        started_at=began if item.watched.deployed_at is None else item.watched.deployed_at,
        timeout=item.timeout_minutes * 60,
        since=began,
        is_followed=item.watched.is_followed,
        replaced=batch.task_definition_arn(item.change.replaced) if item.change.replaced else None,
    )


def followed(item: Item, batch: Batch, service: Service, now: float) -> Item:
    """The item with the newest deployment of its revision, as far as the service shows it. In a rollback any deployment
    of the previous revision counts, so nothing is followed."""
    primary = service.primary
    if item.progress.step is not Step.ROLLING_OUT or primary is None or primary.id == item.watched.deployment:
        return item
    if primary.task_definition != awaited(item, batch):
        return item
    if item.watched.deployed_at is None or primary.created_at < item.watched.deployed_at:
        # The answer is out of date.
        return item
    return _following(item, primary.id, primary.created_at, now - service.age(primary, now))


def newest(item: Item, batch: Batch, records: Sequence[Record], now: float) -> Item:
    """The item with its own record, or with the newest one of the revision that it waits for, where ``records`` have
    one."""
    mine = [record for record in records if record.task_definition == awaited(item, batch)]
    ours = own(item, records)
    if ours is None:
        # ECS does not show it yet. An older record of the same revision does not count.
        is_younger = (
            mine and item.watched.deployed_at is not None and mine[0].created_at >= item.watched.deployed_at - _APART
        )
        return item.with_watched(record=mine[0].id) if is_younger else item
    if mine and _is_after(mine[0], ours):
        moved = _following(item, mine[0].deployment_id, mine[0].created_at, now)
        return moved.with_watched(record=mine[0].id)
    # In a rollback, the record of the failed deployment counts only where ECS itself rolls it back.
    counts = ours.task_definition == awaited(item, batch) or ours.status.startswith("ROLLBACK_")
    return item.with_watched(record=ours.id) if counts else item


def again(item: Item, batch: Batch, service: Service | None) -> Item:
    """The item, to roll back the deployment with which somebody deployed its revision again, as far as the service
    shows it."""
    item, primary = item.with_watched(is_followed=True), service.primary if service else None
    if primary is None or primary.task_definition != batch.task_definition_arn(item.change.revision or ""):
        return item
    if item.watched.deployed_at is not None and primary.created_at < item.watched.deployed_at:
        return item
    return item.with_watched(deployment=primary.id, deployed_at=primary.created_at)


def own(item: Item, records: Sequence[Record]) -> Record | None:
    """The record of the deployment that the item watches."""
    return next((record for record in records if record.deployment_id == item.watched.deployment), None)


def newer(item: Item, records: Sequence[Record]) -> list[Record]:
    """The records, the newest first, of deployments that began after the item's own one. Where that is not among them,
    it is over, and an old answer may have those before it."""
    ours, began = own(item, records), item.watched.deployed_at or 0.0
    found = records if ours is None else records[: records.index(ours)]
    return [each for each in found if each.created_at > began - _APART]


def successor(item: Item, records: Sequence[Record]) -> Record | None:
    """The deployment that took the place of the item's, which is over; None where ``records`` have nothing newer."""
    ours = next((record for record in records if record.id == item.watched.record), None)
    found = next((record for record in records if ours is not None and _is_after(record, ours)), None)
    return found if found is not None and found.task_definition else None


def _is_after(record: Record, ours: Record) -> bool:
    """Whether a deployment began after ours. Of two that began at the same moment the later one stopped the other."""
    if record.created_at == ours.created_at:
        return ours.status == "STOPPED" and record.id != ours.id and record.status != "STOPPED"
    return record.created_at > ours.created_at


def _following(item: Item, deployment_id: str, created_at: float, since: float) -> Item:
    """The item, watching a deployment that somebody else started. The whole timeout of a rollout begins again."""
    watched = Watched(deployment=deployment_id, deployed_at=created_at, is_followed=True)
    moved = replace(item, watched=watched).with_progress(doubted_since=None)
    if item.progress.step.is_rollback:
        return moved
    note = f"{item.change.revision} was deployed again by someone else, and that deployment was followed"
    # A warning is kept, whatever becomes of the item.
    return moved.with_change(warnings=tuple(dict.fromkeys((*item.change.warnings, note)))).with_progress(since=since)
