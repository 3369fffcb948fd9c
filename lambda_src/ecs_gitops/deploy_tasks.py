"""Deploy a batch of scheduled tasks: new revisions, then the rule's ECS targets point to them.

Nothing rolls out: the rule's next run uses the new revision. Safe to run again after it died at any point.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from ecs_gitops import schedule, work
from ecs_gitops.aws import Aws
from ecs_gitops.deploy_services import explain
from ecs_gitops.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.observability import ItemLog
from ecs_gitops.patience import Patience
from ecs_gitops.provenance import PREVIOUS, Release, is_ours
from ecs_gitops.registration import register
from ecs_gitops.task_definition import arn, find_container, has_images, short
from ecs_gitops.types import Json
from ecs_gitops.work import Batch, Item

log = logging.getLogger(__name__)

DEFAULT_BUS = "default"


@dataclass(frozen=True, slots=True)
class _Change:
    """One task definition among a rule's targets: what it becomes, and what it was before this release."""

    revision: str
    previous: str
    previous_image: str
    needed: bool
    warning: str | None


@dataclass(frozen=True, slots=True)
class TaskDeployer:
    """One run over one batch. ``is_retry``: a run before this one may have stopped between two calls."""

    aws: Aws
    release: Release
    batch: Batch
    patience: Patience
    is_retry: bool

    def run(self) -> Batch:
        """The batch with every item final."""
        return replace(self.batch, items=tuple(self._item(item) for item in self.batch.items), next="DONE")

    def _item(self, item: Item) -> Item:
        bus = item.event_bus_name or DEFAULT_BUS
        out = ItemLog(log, self.release.to_json(), rule=item.name, bus=bus, account=self.batch.account)
        item = replace(item, started_at=self.patience.clock())
        try:
            until = min(self.patience.until, (item.started_at or 0) + item.timeout_minutes * 60)
            done = replace(self.patience, until=until).persist(lambda: self._deploy(item, bus, out))
        except ItemFailed as error:
            done = item.failed(str(error), self.patience.clock())
        except AwsRefused as error:
            done = item.failed(self._explain(error, item, bus), self.patience.clock())
        except AwsUnavailable as error:
            done = item.failed(f"AWS did not take the calls in time: {error}", self.patience.clock())
        out.info(f"scheduled task {done.status}", reason=done.reason)
        return done

    def _deploy(self, item: Item, bus: str, out: ItemLog) -> Item:
        targets = self.aws.list_targets_by_rule(bus, item.name)
        changes = self._changes(item, bus, targets)
        revisions = {reference: change.revision for reference, change in changes.items()}
        repointed = schedule.repointed(targets, revisions) if any(c.needed for c in changes.values()) else []
        if repointed:
            refused = self.aws.put_targets(bus, item.name, repointed)
            if refused:
                told = "; ".join(f"{e.get('TargetId')}: {e.get('ErrorCode')}: {e.get('ErrorMessage')}" for e in refused)
                raise ItemFailed(f"EventBridge did not take {len(refused)} of {len(repointed)} targets: {told}")
        return self._result(item, list(changes.values()), out)

    def _result(self, item: Item, changes: list[_Change], out: ItemLog) -> Item:
        shown = next((change for change in changes if change.needed), changes[0])
        warnings = [change.warning for change in changes if change.warning]
        for warning in warnings:
            out.warning(warning)
        notes = warnings + ([f"{len(changes)} task definitions"] if len(changes) > 1 else [])
        return replace(
            item,
            status=work.DEPLOYED if shown.needed else work.UNCHANGED,
            deployment_needed=shown.needed,
            previous_task_def=short(shown.previous),
            previous_image=shown.previous_image,
            task_def=short(shown.revision),
            reason="; ".join(notes) or None,
            seconds=round(self.patience.clock() - (item.started_at or 0), 1),
        )

    def _changes(self, item: Item, bus: str, targets: list[Json]) -> dict[str, _Change]:
        """What becomes of each task definition among the targets that has the container."""
        references = dict.fromkeys(map(schedule.task_definition, schedule.ecs_targets(targets)))
        if not references:
            raise ItemFailed(
                f"rule {item.name!r} on bus {bus!r} has no ECS target: {len(targets)} targets, none runs a task"
            )
        # All are read, and the container looked for, before the first is registered.
        found, missing = {}, []
        for reference in references:
            definition, tags = self.aws.describe_task_definition(reference)
            try:
                found[reference] = (definition, tags, find_container(definition, item.container))
            except ItemFailed as error:
                missing.append(str(error))
        if not found:
            raise ItemFailed(f"rule {item.name!r}: " + "; ".join(missing))
        made = {}
        for reference, (definition, tags, container) in found.items():
            images = {container.name: item.image}
            made[reference] = replace(self._change(definition, tags, container.name, images), warning=container.warning)
        return made

    def _change(self, definition: Json, tags: dict[str, str], container: str, images: dict[str, str]) -> _Change:
        live = arn(definition)
        if not has_images(definition, images):
            revision = register(self.aws, self.release, definition, tags, images, previous=live, is_retry=self.is_retry)
            return _Change(revision, live, _image(definition, container), needed=True, warning=None)
        if is_ours(tags, self.release):
            previous = tags.get(PREVIOUS, live)
            before, _ = self.aws.describe_task_definition(previous)
            return _Change(live, previous, _image(before, container), needed=True, warning=None)
        return _Change(live, live, _image(definition, container), needed=False, warning=None)

    def _explain(self, error: AwsRefused, item: Item, bus: str) -> str:
        if error.code == "ResourceNotFoundException" and error.operation == "list_targets_by_rule":
            return (
                f"rule {item.name!r} does not exist on bus {bus!r} in account {self.batch.account}, "
                f"Region {self.batch.region}: check cwRuleName and eventBusName"
            )
        return explain(error, self.batch)


def _image(definition: Json, container: str) -> str:
    return next((c.get("image", "") for c in definition["containerDefinitions"] if c.get("name") == container), "")
