"""Rules of EventBridge and schedules of its Scheduler, in memory."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

from ecs_gitops.model.errors import AwsRefused
from unit.fake_tasks import FakeTasks


class FakeTriggers(FakeTasks):
    """``rules``: targets by event bus and rule; ``schedules``: by group and name; ``modified``: when each was."""

    def __init__(self) -> None:
        super().__init__()
        self.rules: dict[tuple[str, str], list[dict[str, Any]]] = {}
        # Members of rules as ListRules has them, by name: State, ManagedBy.
        self.about_rules: dict[str, dict[str, Any]] = {}
        self.schedules: dict[tuple[str, str], dict[str, Any]] = {}
        self.modified: dict[tuple[str, str], float] = {}
        # Entries of targets that EventBridge refuses, as it answers. It takes the others.
        self.refuse_entries: list[dict[str, Any]] = []

    def list_event_buses(self) -> list[str]:
        self._called("list_event_buses")
        self._done("list_event_buses")
        return list(dict.fromkeys(["default", *(bus for bus, _ in self.rules)]))

    def list_rules(self, bus: str) -> list[dict[str, Any]]:
        self._called("list_rules")
        self._done("list_rules")
        return [{"Name": name, **self.about_rules.get(name, {})} for known, name in self.rules if known == bus]

    def list_schedules(self) -> list[dict[str, Any]]:
        self._called("list_schedules")
        self._done("list_schedules")
        return [
            {"GroupName": group, "Name": name, "Target": {"Arn": schedule["Target"]["Arn"]}}
            for (group, name), schedule in self.schedules.items()
        ]

    def list_targets_by_rule(self, bus: str, rule: str) -> list[dict[str, Any]]:
        self._called("list_targets_by_rule")
        self._require_rule("list_targets_by_rule", bus, rule)
        self._done("list_targets_by_rule")
        return copy.deepcopy(self.rules[bus, rule])

    def put_targets(self, bus: str, rule: str, targets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        self._called("put_targets")
        self._require_rule("put_targets", bus, rule)
        refused = [entry for entry in self.refuse_entries if entry["TargetId"] in {each["Id"] for each in targets}]
        left = {entry["TargetId"] for entry in refused}
        changed = {target["Id"]: target for target in targets if target["Id"] not in left}
        kept = [changed.pop(target["Id"], target) for target in self.rules[bus, rule]]
        self.rules[bus, rule] = kept + list(changed.values())
        self._done("put_targets")
        return refused

    def _require_rule(self, operation: str, bus: str, rule: str) -> None:
        if (bus, rule) not in self.rules:
            raise AwsRefused(operation, "ResourceNotFoundException", f"Rule {rule} does not exist.")

    def get_schedule(self, group: str, name: str) -> dict[str, Any]:
        self._called("get_schedule")
        self._require_schedule("get_schedule", (group, name))
        self._done("get_schedule")
        return {
            **copy.deepcopy(self.schedules[group, name]),
            "Arn": "arn",
            "CreationDate": 1,
            "LastModificationDate": self.modified.get((group, name), 2),
            "asOf": self.now,
        }

    def phase(self, place: tuple[str, str]) -> float | None:
        """The second of its period at which a schedule of ``rate(N hours)`` runs: it counts from its start, or from its
        last update. None for any other."""
        schedule = self.schedules[place]
        hours = re.fullmatch(r"rate\((\d+) hours?\)", schedule.get("ScheduleExpression", ""))
        anchor = float(schedule.get("StartDate", self.modified.get(place, 2)))
        return anchor % (int(hours[1]) * 3_600) if hours else None

    def update_schedule(self, schedule: dict[str, Any]) -> None:
        self._called("update_schedule")
        assert not {"Arn", "CreationDate", "LastModificationDate", "asOf"} & set(schedule)
        is_recurring = not schedule["ScheduleExpression"].startswith("at(")
        start, end = schedule.get("StartDate"), schedule.get("EndDate")
        if is_recurring and start is not None and start < self.now - 300:
            message = "The StartDate you specify cannot be earlier than 5 minutes ago."
            raise AwsRefused("update_schedule", "ValidationException", message)
        if is_recurring and start is not None and end is not None and start >= end:
            raise AwsRefused("update_schedule", "ValidationException", "The StartDate must come before the EndDate.")
        place = schedule["GroupName"], schedule["Name"]
        self._require_schedule("update_schedule", place)
        self.schedules[place] = copy.deepcopy(schedule)
        self.modified[place] = self.now
        self._done("update_schedule")

    def _require_schedule(self, operation: str, place: tuple[str, str]) -> None:
        if place not in self.schedules:
            raise AwsRefused(operation, "ResourceNotFoundException", f"Schedule {place[1]} does not exist.")
