"""The calls to EventBridge rules and EventBridge Scheduler."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecs_gitops.aws.calls import Calls, as_of
from ecs_gitops.model.errors import AwsUnavailable

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# Codes of PutTargets' FailedEntries for which a retry helps.
_TRANSIENT = frozenset({"ConcurrentModificationException", "InternalException", "ThrottlingException", "LimitExceeded"})


class EventBridgeCalls(Calls):
    """Calls for rules and schedules, which run tasks at an event or at a time."""

    def list_targets_by_rule(self, bus: str, rule: str) -> list[Json]:
        """All targets of the rule, as AWS sends them."""
        targets: list[Json] = []
        page: dict[str, str] = {}
        while True:
            raw = self._call("events", "list_targets_by_rule", Rule=rule, EventBusName=bus, **page)["raw"]
            targets += raw.get("Targets", [])
            if not raw.get("NextToken"):
                return targets
            page = {"NextToken": raw["NextToken"]}

    def put_targets(self, bus: str, rule: str, targets: Sequence[Json]) -> list[Json]:
        """Write targets, and return the entries that EventBridge refused: its answer has HTTP status 200 nevertheless.

        Raises :class:`AwsUnavailable` if a retry may help."""
        body = {"Rule": rule, "EventBusName": bus, "Targets": list(targets)}
        shape = [{"Id": target["Id"], "Arn": target["Arn"]} for target in targets]
        answer = self._call_raw("events", "put_targets", body, Rule=rule, Targets=shape)
        failed = list(answer.get("FailedEntries", []))
        if any(entry.get("ErrorCode") in _TRANSIENT for entry in failed):
            raise AwsUnavailable(f"put_targets: {failed[0].get('ErrorCode')}: {failed[0].get('ErrorMessage')}")
        missing = int(answer.get("FailedEntryCount", 0)) - len(failed)
        return failed + [{"ErrorCode": "unknown", "ErrorMessage": "not named by EventBridge"}] * max(0, missing)

    def get_schedule(self, group: str, name: str) -> Json:
        """A schedule as AWS sends it. ``asOf`` in it is the time of the answer by AWS's clock."""
        answer = self._call("scheduler", "get_schedule", GroupName=group, Name=name)
        return {**answer["raw"], **as_of(answer)}

    def update_schedule(self, schedule: Json) -> None:
        """Write a whole schedule. AWS resets every member that is left out."""
        target = schedule["Target"]
        # The name is in the URL. The token makes the client's retries one update; botocore would add one, but not to a
        # body that it gets as it is.
        body = {name: value for name, value in schedule.items() if name != "Name"} | {"ClientToken": str(uuid.uuid4())}
        self._call_raw(
            "scheduler",
            "update_schedule",
            body,
            Name=schedule["Name"],
            ScheduleExpression=schedule["ScheduleExpression"],
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": target["Arn"], "RoleArn": target["RoleArn"]},
        )
