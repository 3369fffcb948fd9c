"""The check before a release changes anything: only reads, once over each batch.

An unchanged item gets its result at once. An item that has to be deployed gets more checks, and stays pending.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from ecs_gitops.flow.transitions import fail
from ecs_gitops.live import dependencies, services
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.item import Item
from ecs_gitops.model.status import Finding, Next, Status
from ecs_gitops.plan.findings import FAILED, NOT_CHECKED, Checked
from ecs_gitops.verdict.refusals import failure_text

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ledger.targets import Memories
    from ecs_gitops.model.release import Release


class ReadsMemory(Protocol):
    """Reads what is remembered of the batch's targets: the ledger does, or a preview that has read it before."""

    def read(self) -> Memories | None: ...


class HasMemory(Protocol):
    @property
    def targets(self) -> ReadsMemory: ...


@dataclass(frozen=True, slots=True)
class Preview:
    """How a check is made for a preview: with other credentials than the deploy role's, so that what these may not read
    is NOT_CHECKED. ``knows_role``: whether the deploy role is known. ``on_item`` is called for each item that was
    read."""

    knows_role: bool
    on_item: Callable[[], None]


@dataclass(slots=True)
class Preflight(ABC):
    """The check of one batch. The subclasses check the two kinds of items."""

    aws: Aws
    release: Release
    batch: Batch
    budget: TimeBudget
    ledger: HasMemory
    # Reads can be made again.
    is_retry: bool = field(default=False)
    preview: Preview | None = field(default=None)

    @abstractmethod
    def prepare(self, items: Sequence[Item]) -> None:
        """Make the reads that are made for all items together."""

    @abstractmethod
    def check(self, checked: Checked) -> Checked:
        """Check one item. Raises :class:`ItemFailed` when it cannot be deployed, and what the calls raise."""

    def run(self) -> Batch:
        """The batch with every item UNCHANGED, HELD, FAILED, or pending because it is to be deployed."""
        done = (concluded(each, self.budget.clock()) for each in self.examined())
        return replace(self.batch.updated(done), next=Next.DONE, wait_seconds=0)

    def examined(self) -> list[Checked]:
        """The pending items with everything that was found."""
        pending = [item for item in self.batch.items if item.is_pending]
        self.prepare(pending)
        checked = dependencies.images(self.aws, pending, self.budget, self.batch.region)
        checked = services.each(self._checked_safely, checked, self.budget)
        going = [each for each in checked if each.is_to_be_deployed]
        dependencies.references(self.aws, self.batch, going, self.budget)
        if self.preview is None or self.preview.knows_role:
            dependencies.roles(self.aws, self.batch, going, self.budget)
        else:
            dependencies.unknown_deploy_role(going)
        dependencies.alarms(self.aws, going, self.budget)
        return checked

    def _checked_safely(self, checked: Checked) -> Checked:
        item = checked.item.with_progress(began=self.budget.clock())
        if self.preview is None:
            checked.findings.ok("role")
        attempt = checked

        def check() -> Checked:
            # A new copy for each attempt, so that findings of an interrupted attempt are not kept.
            nonlocal attempt
            attempt = Checked(item, checked.findings.copy())
            return self.check(attempt)

        try:
            return self.budget.retry(check)
        except AwsUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other items have to be checked
            result, reason = self._failure(error, item)
        finally:
            if self.preview is not None:
                self.preview.on_item()
        # The check of the target comes first, and then that of its containers.
        attempt.findings.add("container" if "target" in attempt.findings.results else "target", result, reason)
        return attempt

    def _failure(self, error: Exception, item: Item) -> tuple[Finding, str]:
        if self.preview is not None and isinstance(error, AwsRefused) and error.is_denied:
            return NOT_CHECKED, f"{self.aws.reader} may not read it ({error.operation})"
        return FAILED, failure_text(error, self.batch, item)


def concluded(checked: Checked, now: float) -> Item:
    """The item with its findings, and with its result where it has one already. ``now`` is epoch seconds."""
    item, findings = checked.item, checked.findings
    is_unchanged = item.status is Status.UNCHANGED
    if is_unchanged and findings.cannot_pin:
        # It runs an image by its tag, and Git asks for a digest.
        item = item.with_change(checks=findings.checks, warnings=findings.warnings)
        return fail(item, findings.cannot_pin, now)
    if is_unchanged:
        findings = findings.of_unchanged()
    item = item.with_change(checks=findings.checks, warnings=findings.warnings)
    if item.is_final:
        return item
    if findings.failed:
        return fail(item, findings.failed, now)
    return item.with_progress(began=None)
