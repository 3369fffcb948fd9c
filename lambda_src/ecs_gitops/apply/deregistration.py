"""Deregister the revisions that a failed release registered and that nothing runs.

This is the last step, when every item has its result: no rollback waits for it. An error here is added to the item's
reason and changes no result.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.ecs.revision_tags import is_ours
from ecs_gitops.ecs.service import Service
from ecs_gitops.ecs.task_definition import arn
from ecs_gitops.flow import leftover_revisions
from ecs_gitops.live import services
from ecs_gitops.live.revisions import is_active, is_gone, is_pinned
from ecs_gitops.live.triggers import Trigger
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.model.identity import family, short
from ecs_gitops.model.item import join_texts
from ecs_gitops.model.status import Kind, Next, Status

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ledger import Ledger
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release

log = logging.getLogger(__name__)

_SECONDS_AT_MOST = 120.0


@dataclass(slots=True)
class Deregistration:
    """One run over one batch whose items all have results."""

    aws: Aws
    release: Release
    batch: Batch
    budget: TimeBudget
    ledger: Ledger
    # Not needed: a revision that was deregistered is not ACTIVE, and is not deregistered again.
    is_retry: bool

    def run(self) -> Batch:
        """The batch, with the revisions that were deregistered, or could not be, in the items' reasons."""
        now = self.budget.clock()
        budget = replace(self.budget, until=min(self.budget.until, now + _SECONDS_AT_MOST))
        left = [item for item in self.batch.items if leftover_revisions.has_left(item)]
        try:
            runs = self._runs(left, budget)
            if any(item.status is Status.FAILED and item.number not in runs for item in left):
                # Its target could not be read, and may run a revision that another item left behind.
                left = []
            used = leftover_revisions.needed(self.batch.items) | set(self.batch.keep)
            used |= {short(each) for found in runs.values() for each in found if is_pinned(each)}
            done = [self._item(item, runs[item.number], used, budget) for item in left if item.number in runs]
        except Exception as error:  # noqa: BLE001 - the release is over, and its report must not be lost
            log.warning("nothing was deregistered", extra={"cause": type(error).__name__})
            done = []
        return replace(self.batch.updated(done), next=Next.DONE, wait_seconds=0)

    def _runs(self, items: list[Item], budget: TimeBudget) -> dict[int, list[str]]:
        """The task definitions that each item's target refers to, by the item's number; items whose target cannot be
        read are left out."""
        runs: dict[int, list[str]] = {}
        if self.batch.kind is Kind.SERVICE:
            for number, answer in services.describe_services(self.aws, items, budget).items():
                if isinstance(answer, Service):
                    runs[number] = [answer.task_definition, *(each.task_definition for each in answer.deployments)]
                elif answer is None:
                    runs[number] = []
            return runs
        for item in items:
            try:
                runs[item.number] = self._references(Trigger.of(item), budget)
            except AwsRefused as error:
                if error.code == "ResourceNotFoundException":
                    runs[item.number] = []
            except ItemFailed:
                runs[item.number] = []
            except AwsUnavailable:
                continue
        return runs

    def _references(self, trigger: Trigger, budget: TimeBudget) -> list[str]:
        return list(budget.retry(lambda: trigger.read(self.aws)).references)

    def _item(self, item: Item, runs: Iterable[str], used: set[str], budget: TimeBudget) -> Item:
        """The item, after its own revision and the newest ones of its families were deregistered where possible."""
        families = {family(each) for each in (*runs, item.change.revision or "") if each}
        references = [*([item.change.revision] if item.change.revision else []), *sorted(families)]
        notes = [self._deregister(self.batch.task_definition_arn(each), used, budget) for each in references]
        if item.result is None:
            return item
        return replace(item, result=replace(item.result, reason=join_texts(item.reason, *dict.fromkeys(notes))))

    def _deregister(self, reference: str, used: set[str], budget: TimeBudget) -> str:
        """Deregister the revision of ``reference``, if this release registered it and nothing needs it. Returns a note
        for people, empty where nothing was done."""
        try:
            definition, tags = budget.retry(lambda: self.aws.read_task_definition(reference))
            revision = short(arn(definition))
            if not is_active(definition) or not is_ours(tags, self.release) or revision in used:
                return ""
            self.ledger.fence.require(is_rollback=False)
            budget.retry(lambda: self.aws.deregister_task_definition(arn(definition)))
        except (AwsRefused, AwsUnavailable) as error:
            is_over = isinstance(error, AwsRefused) and is_gone(error)
            return "" if is_over else f"{short(reference)} could not be deregistered: {error}"
        return f"{revision} was deregistered"
