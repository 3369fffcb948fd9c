"""Look at everything a release needs before it changes anything: reads alone, one pass over a batch.

What is unchanged is said so at once; what has to be deployed is looked at more closely, and stays pending.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ecs_gitops.desired.state import mark
from ecs_gitops.flow.next_step import explain
from ecs_gitops.live import dependencies, services
from ecs_gitops.model import items as work
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.model.items import Item
from ecs_gitops.plan.checks import FAILED, WARNING, Checked, Findings

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.model.release import Release


@dataclass(slots=True)
class Preflight(ABC):
    """One check of one batch. What is done to look at an item depends on its kind."""

    aws: Aws
    release: Release
    batch: Batch
    budget: TimeBudget
    # Reads can be made again.
    is_retry: bool = field(default=False)

    @abstractmethod
    def prepare(self, items: Sequence[Item]) -> None:
        """Read what is read for all items together."""

    @abstractmethod
    def look(self, checked: Checked) -> Checked:
        """Look at one item. Raises :class:`ItemFailed` when it cannot be deployed, and what the calls raise."""

    def run(self) -> Batch:
        """The batch with every item UNCHANGED, HELD, FAILED, or pending because it is to be deployed."""
        pending = [item for item in self.batch.items if item.status == work.PENDING]
        self.prepare(pending)
        checked = dependencies.images(self.aws, pending, self.budget, self.batch.region)
        checked = services.each(self._look, checked, self.budget)
        going = [each for each in checked if each.is_to_be_deployed]
        dependencies.references(self.aws, self.batch, going, self.budget)
        dependencies.roles(self.aws, self.batch, going, self.budget)
        dependencies.alarms(self.aws, going, self.budget)
        done = (_concluded(each, self.budget.clock()) for each in checked)
        return replace(self.batch.updated(done), next="DONE", wait_seconds=0)

    def _look(self, checked: Checked) -> Checked:
        item = replace(checked.item, mark=mark(checked.item), began=self.budget.clock())
        checked.findings.ok("role")
        attempt = checked

        def look() -> Checked:
            # A fresh copy for each attempt: what a broken-off one found is found again.
            nonlocal attempt
            attempt = Checked(item, checked.findings.copy())
            return self.look(attempt)

        try:
            return self.budget.retry(look)
        except ItemFailed as error:
            told = str(error)
        except AwsRefused as error:
            told = explain(error, self.batch, item.cluster)
        except AwsUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other items have to be looked at
            told = f"internal error ({type(error).__name__})"
        # The target is looked at first, and then what it runs.
        attempt.findings.add("container" if "target" in attempt.findings.results else "target", FAILED, told)
        return attempt


def _concluded(checked: Checked, now: float) -> Item:
    item, findings = checked.item, checked.findings
    if item.status == work.UNCHANGED and (cannot_pin := _cannot_pin(findings)):
        # It runs by its tag, which is not what Git says.
        return replace(item, checks=findings.encoded(), warnings=findings.warnings).failed(cannot_pin, now)
    if item.status == work.UNCHANGED:
        # Nothing is deployed: an image that was lost is a danger, but no failure of this release. What cannot be
        # looked for is told where something is deployed.
        told = [(c, r, text) for c, r, text in findings.reasons if not text.endswith(dependencies.NOT_IN_ECR)]
        findings = Findings(findings.results, [(c, WARNING if r == FAILED else r, text) for c, r, text in told])
    item = replace(item, checks=findings.encoded(), warnings=findings.warnings, began=None)
    if item.status == work.PENDING and findings.failed:
        return item.failed(findings.failed, now)
    return item


def _cannot_pin(findings: Findings) -> str:
    reasons = [
        text for _, result, text in findings.reasons if result == FAILED and text.startswith(dependencies.CANNOT_PIN)
    ]
    return "; ".join(reasons)
