"""What a release works on: items, and what has come of each so far.

JSON members are camelCase; absent members are left out, and task definitions are written ``family:revision``, as
account and Region stand on the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ecs_gitops.model import event_data
from ecs_gitops.model.event_data import Shape
from ecs_gitops.model.images import Images, image_from_json, repository
from ecs_gitops.model.shared_values import Opened, Shared
from ecs_gitops.model.types import Json

# What an item can be while the release goes on, and at its end.
PENDING = "PENDING"
IN_PROGRESS = "IN_PROGRESS"
UNCHANGED = "UNCHANGED"
DEPLOYED = "DEPLOYED"
FAILED = "FAILED"
ROLLED_BACK = "ROLLED_BACK"
SKIPPED = "SKIPPED"
# Left alone on purpose: what Git asks for was rolled back before, or it waits for an item that is held.
HELD = "HELD"
FINAL = frozenset({UNCHANGED, DEPLOYED, FAILED, ROLLED_BACK, SKIPPED, HELD})
GOOD = frozenset({UNCHANGED, DEPLOYED})
# A release with one of these has failed.
BAD = frozenset({FAILED, ROLLED_BACK})

# What an item that is pending or in progress is at. None stands for the beginning, and for the rollout itself.
PRE_DEPLOY = "PRE_DEPLOY"
DEPLOY = "DEPLOY"
POST_DEPLOY = "POST_DEPLOY"
ROLLBACK = "ROLLBACK"

# What happens when an item fails.
STOP = "stop"
ROLL_BACK = "rollback"
ROLL_BACK_RELEASE = "rollbackRelease"

# Nothing reads these once an item is over; what a rollback of the whole release needs is kept of DEPLOYED ones.
_NOT_AFTER_THE_END = frozenset(
    {
        "began",
        "container",
        "dependsOn",
        "deployment",
        "digests",
        "doubtedSince",
        "forceNewDeployment",
        "hookRun",
        "hooks",
        "isGivenUp",
        "isHasty",
        "isTimeoutGiven",
        "paused",
        "phase",
        "pinDigest",
        "progress",
        "replacedTaskDef",
        "requireZeroDowntime",
        "rollbacksBegun",
        "serviceDeployment",
        "startedAt",
    }
)
_FOR_ROLLBACK = frozenset({"timeoutMinutes", "previousDeployment", "mark", "deployedAt", "isFollowed"})
_SHARED = ("deployment", "hooks", "previousDeployment", "warnings")


@dataclass(frozen=True, slots=True)
class Item:
    """A service or scheduled task to deploy, and what has come of it.

    ``number`` is its place in the manifest, tasks first. ``name`` is the service's, the rule's or the schedule's name;
    ``cluster`` is there for services, ``event_bus_name`` for rules, ``schedule_group`` for schedules. ``images`` maps
    the containers' names to the images they are to run, as the manifest has them; ``digests`` what the tags meant when
    the release was checked. ``deployment`` and ``previous_deployment`` are wanted and replaced members of ECS's
    ``deploymentConfiguration``; ``replaced_task_def`` is what ran when the item was begun, ``previous_task_def`` what
    to return to. ``began`` and ``started_at`` are epoch seconds by the functions' clock: of the item's work, and of
    what is waited for now; ``deployed_at`` is when ECS began the deployment that is watched, by ECS's clock. It
    ``is_followed`` when somebody else started it. ``doubted_since``: since when ECS's answers may hide a newer one.
    ``paused`` are the ids of PAUSE hooks that people were told of. It ``is_hasty`` when the settings for the way back
    were written, and those from before are to be put back; nothing else is left to do where the way back
    ``is_given_up``. ``hook_run`` tells of the hook's task: task (its
    id), container, log. ``mark`` tells what is wanted apart from what was wanted before. ``checks`` has a letter for
    each of :data:`ecs_gitops.plan.checks.CHECKS`.
    """

    number: int
    name: str
    cluster: str | None = None
    images: Images = field(default_factory=dict)
    timeout_minutes: int = 0
    is_timeout_given: bool = False
    event_bus_name: str | None = None
    schedule_group: str | None = None
    wave: int = 0
    depends_on: tuple[int, ...] = ()
    on_failure: str = ROLL_BACK
    force_new_deployment: bool = False
    pin_digest: bool = False
    require_zero_downtime: bool = False
    deployment: Json | None = None
    hooks: Json | None = None
    status: str = PENDING
    phase: str | None = None
    deployment_needed: bool | None = None
    previous_task_def: str | None = None
    task_def: str | None = None
    replaced_task_def: str | None = None
    running_task_def: str | None = None
    previous_image: str | None = None
    previous_deployment: Json | None = None
    digests: Images = field(default_factory=dict)
    deployment_id: str | None = None
    service_deployment: str | None = None
    deployed_at: float | None = None
    is_followed: bool = False
    doubted_since: float | None = None
    paused: tuple[str, ...] = ()
    rollbacks_begun: int = 0
    is_hasty: bool = False
    is_given_up: bool = False
    hook_run: Json | None = None
    was_returned: bool = False
    mark: str | None = None
    began: float | None = None
    started_at: float | None = None
    progress: str | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    checks: str | None = None
    seconds: float | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def container(self) -> str:
        """The name of the first container, as the manifest has it."""
        return next(iter(self.images), "")

    @property
    def image(self) -> str:
        """The image of the first container."""
        return next(iter(self.images.values()), "")

    @property
    def is_bad(self) -> bool:
        """Whether a release with this result has failed. One that is held is known already, and no failure."""
        return self.status in BAD or self.status == SKIPPED

    @property
    def is_rolled_back_by_itself(self) -> bool:
        """Whether this item returns when it fails, whatever becomes of the others."""
        return self.on_failure in (ROLL_BACK, ROLL_BACK_RELEASE)

    def hook(self, phase: str) -> Json | None:
        """The hook of PRE_DEPLOY or POST_DEPLOY."""
        return (self.hooks or {}).get({PRE_DEPLOY: "preDeploy", POST_DEPLOY: "postDeploy"}.get(phase, ""))

    @classmethod
    def from_json(cls, data: Mapping[str, Any], shared: Opened, path: str = "item") -> Item:
        """The item that :meth:`to_json` wrote. Raises :class:`ValueError`, :class:`KeyError` or :class:`TypeError` for
        anything else; ``path`` is its place in the event."""
        data = dict(event_data.require(data, {"warnings": event_data.LIST}, path))
        for member in _SHARED[:3]:
            if isinstance(data.get(member), int):
                data[member] = shared(data[member])
        data["warnings"] = [shared(index) for index in data.get("warnings", ())]
        event_data.require(data, _SHAPES, path)
        values = {name: data[member] for name, member in _ITEM.items() if member in data}
        values["warnings"] = tuple(data["warnings"])
        values["depends_on"] = tuple(data.get("dependsOn", ()))
        values["images"] = image_from_json(data)
        item = cls(**values)
        if item.previous_image is not None and item.previous_image[:1] in (":", "@"):
            return replace(item, previous_image=repository(item.image) + item.previous_image)
        return item

    def to_json(self, share: Shared) -> Json:
        values = {member: getattr(self, name) for name, member in _ITEM.items() if name != "images"}
        if self.on_failure == ROLL_BACK or self.status in GOOD:
            values["onFailure"] = None
        values["wave"] = self.wave or None
        values["rollbacksBegun"] = self.rollbacks_begun or None
        for member in ("began", "startedAt"):
            values[member] = values[member] and round(values[member], 1)
        if len(self.images) == 1:
            values |= {"container": self.container, "image": self.image}
        else:
            values["containers"] = [{"name": name, "image": image} for name, image in self.images.items()]
        if self.is_final:
            gone = _NOT_AFTER_THE_END | (frozenset() if self.status == DEPLOYED else _FOR_ROLLBACK)
            values |= dict.fromkeys(gone)
            values["previousImage"] = self._previous_image_short()
            values["deploymentNeeded"] = None
        for member in _SHARED[:3]:
            if values.get(member) is not None:
                values[member] = share(values[member])
        values["warnings"] = [share(text) for text in self.warnings]
        return {
            member: value
            for member, value in values.items()
            if value is not None and value is not False and value not in ((), [], {})
        } | ({"deploymentNeeded": False} if self.deployment_needed is False and not self.is_final else {})

    def _previous_image_short(self) -> str | None:
        """``:tag`` or ``@digest`` where the previous image is of the same repository."""
        known = repository(self.image)
        if self.previous_image and repository(self.previous_image) == known != self.previous_image:
            return self.previous_image[len(known) :]
        return self.previous_image

    def ended(self, status: str, now: float | None = None, reason: str | None = None) -> Item:
        """This item, over with ``status``; a reason replaces the one there was."""
        since = self.began or self.started_at
        took = round(now - since, 1) if now is not None and since else self.seconds
        return replace(self, status=status, reason=reason or self.reason, seconds=took, progress=None)

    def failed(self, reason: str, now: float | None = None) -> Item:
        """This item, failed for ``reason``."""
        return self.ended(FAILED, now, reason)


def listed(names: Sequence[str], shown: int) -> str:
    """``a, b and 3 more``: at most ``shown`` names."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


_ITEM = {entry.name: _camel(entry.name) for entry in fields(Item)}

# What a member may be: by its attribute's type, and where more is known, by its name.
_BY_TYPE = {
    "str": event_data.TEXT,
    "bool": event_data.SWITCH,
    "int": event_data.COUNT,
    "float": event_data.NUMBER,
    "Images": event_data.TEXTS_BY_NAME,
    "Json": event_data.OBJECT,
    "tuple[int, ...]": event_data.COUNTS,
    "tuple[str, ...]": event_data.TEXTS,
}
_SHAPES: Mapping[str, Shape] = {
    **{_ITEM[entry.name]: _BY_TYPE[str(entry.type).removesuffix(" | None")] for entry in fields(Item)},
    "container": event_data.TEXT,
    "image": event_data.TEXT,
    "containers": event_data.CONTAINERS,
    "wave": event_data.WAVE,
    "status": event_data.one_of(PENDING, IN_PROGRESS, *sorted(FINAL)),
    "phase": event_data.one_of(PRE_DEPLOY, DEPLOY, POST_DEPLOY, ROLLBACK),
    "onFailure": event_data.one_of(STOP, ROLL_BACK, ROLL_BACK_RELEASE),
    "deployment": event_data.CONFIGURATION,
    "previousDeployment": event_data.CONFIGURATION,
    "hooks": event_data.HOOKS,
    "hookRun": event_data.TEXTS_BY_NAME,
}
