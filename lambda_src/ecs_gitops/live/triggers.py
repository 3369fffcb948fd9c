"""The trigger of a scheduled task: an EventBridge rule, or a schedule of EventBridge Scheduler.

Both are written back with every member that was read. Only the task definition of their ECS targets is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.ecs import ecs_targets, start_date
from ecs_gitops.ecs.service import seconds
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.model.identity import DEFAULT_BUS, short

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.types import Json

RULES = "events.amazonaws.com"
SCHEDULES = "scheduler.amazonaws.com"


class PartlyWritten(ItemFailed):
    """EventBridge accepted some of the targets and refused the others."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule on an event bus, or a schedule in a group: the other one of ``bus`` and ``group`` is None."""

    name: str
    bus: str | None
    group: str | None

    @classmethod
    def of(cls, item: Item) -> Trigger:
        return cls(item.name, item.trigger.event_bus, item.trigger.schedule_group)

    @property
    def described(self) -> str:
        if self.group is not None:
            return f"schedule {self.name!r} of group {self.group!r}"
        return f"rule {self.name!r} on bus {self.bus!r}"

    @property
    def passes_roles_to(self) -> str:
        """The AWS service that assumes the targets' roles."""
        return RULES if self.group is None else SCHEDULES

    def read(self, aws: Aws) -> State:
        """Its live state. Raises what the call raises."""
        if self.group is not None:
            whole = aws.get_schedule(self.group, self.name)
            return State(self, (whole["Target"],), whole)
        return State(self, tuple(aws.list_targets_by_rule(self.bus or DEFAULT_BUS, self.name)), None)

    def explain(self, error: AwsRefused, batch: Batch) -> str | None:
        """The message when the trigger does not exist; None for any other error."""
        if error.code != "ResourceNotFoundException" or error.operation not in ("list_targets_by_rule", "get_schedule"):
            return None
        fields = "cwRuleName and eventBusName" if self.group is None else "scheduleName and scheduleGroup"
        return f"{self.described} does not exist in account {batch.account}, Region {batch.region}: check {fields}"


@dataclass(frozen=True, slots=True)
class State:
    """A trigger as AWS sent it: its targets, and for a schedule all its members (``whole``)."""

    trigger: Trigger
    targets: Sequence[Json]
    whole: Json | None

    @property
    def references(self) -> tuple[str, ...]:
        """The task definitions that its ECS targets run. Raises :class:`ItemFailed` when none runs a task."""
        found = tuple(dict.fromkeys(map(ecs_targets.task_definition_of, ecs_targets.task_targets(self.targets))))
        if not found:
            raise ItemFailed(
                f"{self.trigger.described} has no ECS target: {len(self.targets)} targets, none runs a task"
            )
        return found

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of its ECS targets."""
        found = (str(target["RoleArn"]) for target in ecs_targets.task_targets(self.targets) if target.get("RoleArn"))
        return tuple(dict.fromkeys(found))

    def concerns(self, now: float) -> list[str]:
        """Warnings before it is written, each in a sentence. ``now`` (epoch seconds) is used where AWS's answer does
        not have AWS's time."""
        if self.whole is None:
            return []
        now = seconds(self.whole.get("asOf")) or now
        return [f"{self.trigger.described}: {text}" for text in start_date.concerns(self.whole, now)]

    def repoint(self, aws: Aws, revisions: Mapping[str, str], now: float, require_fence: Callable[[], None]) -> None:
        """Replace task definitions by others; nothing is written where nothing differs. ``now``: as above.

        The trigger is read again right before the write, so that other changes since then are kept. In between,
        ``require_fence`` raises where this release may not write any more. Raises :class:`ItemFailed` when somebody
        changed the task definitions, or when EventBridge refuses targets."""
        replaced = {ecs_targets.task_definition_of(each) for each in ecs_targets.task_targets(self.targets)}
        replaced = {each for each in replaced if revisions.get(each, each) != each}
        if not replaced:
            return
        latest = self.trigger.read(aws)
        if not replaced.issubset(latest.references):
            runs = ", ".join(map(short, latest.references))
            raise ItemFailed(
                f"someone else changed {self.trigger.described} in the meantime: it runs {runs}, which is left as it is"
            )
        require_fence()
        latest.write(aws, ecs_targets.changed_targets(latest.targets, revisions), now)

    def write(self, aws: Aws, repointed: Sequence[Json], now: float) -> None:
        """Write these targets in place of those with the same ids."""
        if self.whole is not None:
            now = seconds(self.whole.get("asOf")) or now
            aws.update_schedule(ecs_targets.schedule_update(self.whole, repointed[0], now))
            return
        refused = aws.put_targets(self.trigger.bus or DEFAULT_BUS, self.trigger.name, repointed)
        if refused:
            reasons = "; ".join(f"{e.get('TargetId')}: {e.get('ErrorCode')}: {e.get('ErrorMessage')}" for e in refused)
            error = PartlyWritten if len(refused) < len(repointed) else ItemFailed
            raise error(f"EventBridge did not take {len(refused)} of {len(repointed)} targets: {reasons}")
