"""Read the rules of every event bus and the schedules of every group, with their targets, for an import."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from ecs_gitops.ecs.listed import ListedTrigger
from ecs_gitops.live.services import each
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.identity import DEFAULT_BUS, DEFAULT_GROUP, short
from ecs_gitops.model.types import Json

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget

T = TypeVar("T")

_ENABLED = "ENABLED"


class Denied(Protocol):
    """Reads something, and notes where the caller may not: :meth:`InventoryReader.denied`."""

    def __call__(self, what: str, right: str, read: Callable[[], list[T]]) -> list[T]: ...


@dataclass(frozen=True, slots=True)
class TriggerInventory:
    aws: Aws
    budget: TimeBudget
    denied: Denied
    expect: Callable[[int], None]
    on_read: Callable[[], None]

    def read(self, clusters: Collection[str] | None) -> tuple[ListedTrigger, ...]:
        """The rules and schedules that run tasks in ``clusters`` (all, if None), and those that run none."""
        found = [*self._rules(), *self._schedules(clusters)]
        return tuple(
            trigger
            for trigger in found
            if clusters is None or not trigger.references or set(trigger.clusters) & set(clusters)
        )

    # --- rules -----------------------------------------------------------------------------------------------------

    def _rules(self) -> list[ListedTrigger]:
        buses = self.denied("event buses", "events:ListEventBuses", self.aws.list_event_buses) or [DEFAULT_BUS]
        listed = each(self._rules_of, buses, self.budget)
        rules = [(bus, rule) for bus, found in zip(buses, listed, strict=True) for rule in found]
        self.expect(len(rules))
        return each(lambda place: self._rule(*place), rules, self.budget)

    def _rules_of(self, bus: str) -> list[Json]:
        return self.denied(f"rules of event bus {bus}", "events:ListRules", lambda: self.aws.list_rules(bus))

    def _rule(self, bus: str, rule: Json) -> ListedTrigger:
        name, why, targets = str(rule["Name"]), "", list[Json]()
        try:
            targets = self.budget.retry(lambda: self.aws.list_targets_by_rule(bus, name))
        except AwsRefused as error:
            why = self._why(error, "events:ListTargetsByRule")
        finally:
            self.on_read()
        return ListedTrigger(
            name=name,
            bus=bus,
            group=None,
            is_enabled=not str(rule.get("State", _ENABLED)).startswith("DISABLED"),
            managed_by=str(rule.get("ManagedBy") or ""),
            targets=tuple(targets),
            why=why,
        )

    # --- schedules -------------------------------------------------------------------------------------------------

    def _schedules(self, clusters: Collection[str] | None) -> list[ListedTrigger]:
        listed = self.denied("schedules", "scheduler:ListSchedules", self.aws.list_schedules)
        # A schedule's target is a cluster if it runs a task, so that the others need not be read.
        runs_task = [":cluster/" in _target_arn(brief) for brief in listed]
        runs_there = [
            brief
            for brief, runs in zip(listed, runs_task, strict=True)
            if runs and (clusters is None or short(_target_arn(brief)) in clusters)
        ]
        self.expect(len(runs_there))
        found = each(self._schedule, runs_there, self.budget)
        others = [
            _listed(brief, ({"Arn": _target_arn(brief)},))
            for brief, runs in zip(listed, runs_task, strict=True)
            if not runs
        ]
        return [*found, *others]

    def _schedule(self, brief: Json) -> ListedTrigger:
        group, name = str(brief.get("GroupName") or DEFAULT_GROUP), str(brief["Name"])
        try:
            whole = self.budget.retry(lambda: self.aws.get_schedule(group, name))
        except AwsRefused as error:
            return _listed(brief, (), self._why(error, "scheduler:GetSchedule"))
        finally:
            self.on_read()
        return _listed(brief, (whole["Target"],))

    def _why(self, error: AwsRefused, right: str) -> str:
        return f"{self.aws.reader} may not read it ({right})" if error.is_denied else str(error)


def _target_arn(brief: Json) -> str:
    return str((brief.get("Target") or {}).get("Arn", ""))


def _listed(brief: Json, targets: tuple[Json, ...], why: str = "") -> ListedTrigger:
    return ListedTrigger(
        name=str(brief["Name"]),
        bus=None,
        group=str(brief.get("GroupName") or DEFAULT_GROUP),
        is_enabled=brief.get("State", _ENABLED) == _ENABLED,
        targets=targets,
        why=why,
    )
