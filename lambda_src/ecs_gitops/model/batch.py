"""A batch: items of one kind, account and Region. Its items are kept in the ledger (:mod:`ecs_gitops.ledger.work`), the
state machine carries where they are (:mod:`ecs_gitops.model.pointer`). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ecs_gitops.model import event_data, sanitize
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.identity import Target, short
from ecs_gitops.model.item import Item
from ecs_gitops.model.release import Release
from ecs_gitops.model.status import Kind, Mode, Next
from ecs_gitops.model.types import Json

_ERROR_AT_MOST = 4_000
# A reason quotes events of a service and logs of tasks.
_REASON_AT_MOST = 8_000
# The waits of the largest releases are so many times as long as usual.
STRETCH_AT_MOST = 150.0

PLACE = {
    "kind": event_data.one_of(*Kind),
    "account": event_data.like("[0-9]+", "an account's number"),
    "region": event_data.like("[a-z0-9-]+", "the name of a Region"),
    "roleArn": event_data.like("arn:[^:]+:[^:]*:[^:]*:[^:]*:.+", "the ARN of a role"),
    "mode": event_data.one_of(*Mode),
}
_SHAPES = {
    **PLACE,
    "keep": event_data.TEXTS,
    "batchesInRelease": event_data.COUNT,
    "stretch": event_data.Shape(
        f"a number from 1 to {STRETCH_AT_MOST:g}",
        lambda value: event_data.NUMBER.fits(value) and 1 <= value <= STRETCH_AT_MOST,
    ),
    "items": event_data.LIST,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of one kind, account and Region: one role is assumed for them, and one set of AWS's limits holds for them.

    ``stretch`` is the factor by which the waits between two polls are longer than usual, see
    :mod:`ecs_gitops.flow.event_budget`. ``error`` is set by the state machine when a state that worked on the batch
    failed: Step Functions' ``Error`` and ``Cause``. ``keep``: in mode CLEAN, the revisions that items in other batches
    of the same account and Region need."""

    kind: Kind
    account: str
    region: str
    role_arn: str
    items: tuple[Item, ...]
    mode: Mode = Mode.DEPLOY
    next: Next = Next.DEPLOY
    wait_seconds: int = 0
    batches_in_release: int = 1
    error: str | None = None
    keep: tuple[str, ...] = ()
    stretch: float = 1.0

    @property
    def place(self) -> tuple[Kind, str, str]:
        """The key of a batch within the release: kind, account and Region."""
        return self.kind, self.account, self.region

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Batch:
        """What :meth:`to_json` wrote. Raises :class:`InvalidEvent` for anything else."""
        try:
            data = event_data.require(data, _SHAPES)
            kind = Kind(data["kind"])
            items = tuple(Item.from_json(kind, item, f"items[{i}]") for i, item in enumerate(data["items"]))
            if len({item.number for item in items}) < len(items):
                raise ValueError("two items have the same number")
            return cls(
                kind=kind,
                account=data["account"],
                region=data["region"],
                role_arn=data["roleArn"],
                items=items,
                mode=Mode(data.get("mode", Mode.DEPLOY)),
                batches_in_release=data.get("batchesInRelease", 1),
                keep=tuple(data.get("keep", ())),
                stretch=data.get("stretch", 1.0),
            )
        except event_data.WRONG as error:
            raise InvalidEvent(f"not a batch: {event_data.error_text(error)}") from error

    def to_json(self) -> Json:
        """The batch for the ledger. What comes next with it is in its pointer."""
        data: Json = {
            "kind": self.kind,
            "account": self.account,
            "region": self.region,
            "roleArn": self.role_arn,
            "mode": self.mode,
            "batchesInRelease": self.batches_in_release,
        }
        if self.keep:
            data["keep"] = list(self.keep)
        if self.stretch != 1:
            data["stretch"] = self.stretch
        return data | {"items": [_clean(item).to_json() for item in self.items]}

    def with_items(self, items: Iterable[Item]) -> Batch:
        return replace(self, items=tuple(items))

    def updated(self, done: Iterable[Item]) -> Batch:
        """The batch with the items ``done`` in place of those with the same number. The order stays."""
        by_number = {item.number: item for item in done}
        return self.with_items(by_number.get(item.number, item) for item in self.items)

    def target(self, release: Release, *, is_read_only: bool) -> Target:
        """Where to deploy, and with which role. The session's name shows the execution in CloudTrail."""
        return Target(self.account, self.region, self.role_arn, release.execution_name, is_read_only)

    @property
    def _ecs(self) -> str:
        partition = self.role_arn.split(":")[1]
        return f"arn:{partition}:ecs:{self.region}:{self.account}"

    def task_definition_arn(self, reference: str) -> str:
        """The full ARN of ``family:revision`` in this batch's account and Region."""
        return f"{self._ecs}:task-definition/{short(reference)}"

    def task_arn(self, cluster: str, task_id: str) -> str:
        """The full ARN of a task."""
        return f"{self._ecs}:task/{cluster}/{task_id}"

    def service_deployment_arn(self, item: Item) -> str | None:
        """The full ARN of the service deployment that an item waits for; None where it is not known."""
        if item.watched.record is None:
            return None
        return f"{self._ecs}:service-deployment/{item.cluster}/{item.name}/{item.watched.record}"


def _clean(item: Item) -> Item:
    """The item with its texts cleaned for people who read the data, and of a bounded length."""
    reason = sanitize.line(item.reason, _REASON_AT_MOST) if item.reason else None
    item = item.with_change(warnings=tuple(map(sanitize.line, item.change.warnings)))
    if item.result is not None:
        return replace(item, result=replace(item.result, reason=reason))
    text = sanitize.line(item.progress.text) if item.progress.text else None
    return item.with_progress(reason=reason, text=text)


def state_error(error: object) -> str | None:
    """The error of a failed state as readable text: Step Functions' ``Error`` and ``Cause``. Of a Lambda function's
    error object only the message, without the stack trace."""
    if not isinstance(error, Mapping):
        return None if error is None else sanitize.lines(str(error), _ERROR_AT_MOST)
    name, cause = str(error.get("Error", "Error")), str(error.get("Cause", ""))
    with suppress(ValueError, AttributeError, RecursionError):
        cause = str(json.loads(cause).get("errorMessage", cause))
    return sanitize.lines(f"{name}: {cause}", _ERROR_AT_MOST)
