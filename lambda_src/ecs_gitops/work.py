"""The data that travels through the state machine: batches of items, and each item's result so far.

JSON members are camelCase; absent members are left out, and task definitions are written ``family:revision`` (account
and Region stand on the batch), because Step Functions carries at most 256 KiB from state to state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias

from ecs_gitops.aws import Target
from ecs_gitops.errors import InvalidEvent
from ecs_gitops.provenance import Release
from ecs_gitops.task_definition import repository, short
from ecs_gitops.types import Json

Kind: TypeAlias = Literal["task", "service"]

# What an item can be while the release goes on, and at its end.
PENDING = "PENDING"
IN_PROGRESS = "IN_PROGRESS"
UNCHANGED = "UNCHANGED"
DEPLOYED = "DEPLOYED"
FAILED = "FAILED"
ROLLED_BACK = "ROLLED_BACK"
SKIPPED = "SKIPPED"
FINAL = frozenset({UNCHANGED, DEPLOYED, FAILED, ROLLED_BACK, SKIPPED})
GOOD = frozenset({UNCHANGED, DEPLOYED})

_ERROR_AT_MOST = 4_000
# What all reasons of a release may take of the 256 KiB together, in characters, and what each gets at least.
REASONS_AT_MOST = 50_000
_REASON_AT_LEAST = 60

_NOT_AFTER_THE_END = ("startedAt", "container", "timeoutMinutes", "forceNewDeployment")

# What the state machine does next with a batch.
Next: TypeAlias = Literal["DEPLOY", "WAIT", "DONE"]


@dataclass(frozen=True, slots=True)
class Item:
    """A service or scheduled task to deploy, and what has come of it.

    ``name`` is the service's or the rule's name, ``container`` the manifest's ``service``. ``started_at`` is epoch
    seconds, ``seconds`` how long the item took. ``deployment_needed`` is None until the live state was compared.
    """

    name: str
    container: str = ""
    image: str = ""
    timeout_minutes: int = 0
    force_new_deployment: bool = False
    event_bus_name: str | None = None
    status: str = PENDING
    deployment_needed: bool | None = None
    previous_task_def: str | None = None
    task_def: str | None = None
    previous_image: str | None = None
    deployment_id: str | None = None
    started_at: float | None = None
    reason: str | None = None
    seconds: float | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Item:
        item = cls(**{name: data[member] for name, member in _ITEM.items() if member in data})
        if item.previous_image is not None and item.previous_image[:1] in (":", "@"):
            return replace(item, previous_image=repository(item.image) + item.previous_image)
        return item

    def to_json(self) -> Json:
        values = {member: getattr(self, name) for name, member in _ITEM.items()}
        if self.is_final:
            # Nothing reads these again, and the results of hundreds of items are carried together.
            values |= dict.fromkeys(_NOT_AFTER_THE_END)
            values["previousImage"] = self._previous_image_short()
            values["deploymentNeeded"] = None
        return {member: value for member, value in values.items() if value is not None and value is not False} | (
            {"deploymentNeeded": False} if self.deployment_needed is False else {}
        )

    def _previous_image_short(self) -> str | None:
        """``:tag`` or ``@digest`` where the previous image is of the same repository."""
        known = repository(self.image)
        if self.previous_image and repository(self.previous_image) == known != self.previous_image:
            return self.previous_image[len(known) :]
        return self.previous_image

    def failed(self, reason: str, now: float | None = None) -> Item:
        """This item, failed for ``reason``."""
        took = round(now - self.started_at, 1) if now is not None and self.started_at else self.seconds
        return replace(self, status=FAILED, reason=reason, seconds=took)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


_ITEM = {field.name: _camel(field.name) for field in fields(Item)}


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of one kind, account, Region and, for services, cluster. ``error`` is set by the state machine when a
    state that worked on the batch failed: Step Functions' ``Error`` and ``Cause``."""

    kind: Kind
    account: str
    region: str
    role_arn: str
    items: tuple[Item, ...]
    cluster: str | None = None
    next: Next = "DEPLOY"
    wait_seconds: int = 0
    reason_budget: int = REASONS_AT_MOST
    error: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Batch:
        try:
            return cls(
                kind=data["kind"],
                account=data["account"],
                region=data["region"],
                role_arn=data["roleArn"],
                items=tuple(Item.from_json(item) for item in data["items"]),
                cluster=data.get("cluster"),
                reason_budget=int(data.get("reasonBudget", REASONS_AT_MOST)),
                error=error_text(data.get("error")),
            )
        except (KeyError, TypeError) as error:
            raise InvalidEvent(f"not a batch: {error!r}") from error

    def to_json(self) -> Json:
        told = sum(1 for item in self.items if item.reason)
        room = max(_REASON_AT_LEAST, self.reason_budget // max(1, told))
        items = (replace(item, reason=item.reason[:room]) if item.reason else item for item in self.items)
        data: Json = {
            "kind": self.kind,
            "account": self.account,
            "region": self.region,
            "roleArn": self.role_arn,
            "next": self.next,
            "waitSeconds": self.wait_seconds,
            "reasonBudget": self.reason_budget,
            "items": [item.to_json() for item in items],
        }
        return data | ({"cluster": self.cluster} if self.cluster else {})

    def target(self, release: Release) -> Target:
        """Where to deploy, and as whom: the session's name shows the execution in CloudTrail."""
        return Target(self.account, self.region, self.role_arn, release.execution_name[:64])

    def task_definition_arn(self, reference: str) -> str:
        """The full ARN of ``family:revision`` in this batch's account and Region."""
        partition = self.role_arn.split(":")[1]
        return f"arn:{partition}:ecs:{self.region}:{self.account}:task-definition/{short(reference)}"


def error_text(error: object) -> str | None:
    """What a failed state says, readably: Step Functions' ``Error`` and ``Cause``, and of a Lambda function's error
    object its message alone, without the stack trace."""
    if not isinstance(error, Mapping):
        return None if error is None else str(error)
    name, cause = str(error.get("Error", "Error")), str(error.get("Cause", ""))
    try:
        told = json.loads(cause)
        cause = str(told.get("errorMessage", cause))
    except (ValueError, AttributeError):
        pass
    return f"{name}: {cause}"[:_ERROR_AT_MOST]


def parse_event(event: Mapping[str, Any]) -> tuple[Release, Batch]:
    """The ``release`` and ``batch`` of the event of a deploy or validate state. Raises :class:`InvalidEvent`."""
    try:
        return Release.from_json(event["release"]), Batch.from_json(event["batch"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidEvent(f"the event has no usable release or batch: {error!r}") from error
