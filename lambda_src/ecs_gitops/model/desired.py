"""What Git asks for: a service, or a rule or schedule that runs tasks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecs_gitops.model import event_data
from ecs_gitops.model.codec import Codec
from ecs_gitops.model.identity import DEFAULT_BUS
from ecs_gitops.model.status import Hook, OnFailure
from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredTarget:
    """What services and triggers have in common.

    ``number`` is the item's position in the manifest, tasks first. ``name`` is the name of the service, rule or
    schedule. ``images`` maps container names to images, both as the manifest has them. ``depends_on`` has the numbers
    of the items that have to be deployed first. ``content_hash`` tells the item's text from any other one."""

    number: int
    name: str
    images: Mapping[str, str] = field(default_factory=dict)
    timeout_minutes: int = 0
    wave: int = 0
    depends_on: tuple[int, ...] = ()
    on_failure: OnFailure = OnFailure.ROLL_BACK
    pin_digest: bool = False
    content_hash: str = ""

    @property
    def identity(self) -> str:
        """A text that no other target in the account and Region has."""
        raise NotImplementedError

    @property
    def container(self) -> str:
        """The name of the first container, as the manifest has it."""
        return next(iter(self.images), "")

    @property
    def image(self) -> str:
        """The image of the first container."""
        return next(iter(self.images.values()), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredService(DesiredTarget):
    """``deployment``: the members of ECS's ``deploymentConfiguration`` that the manifest owns; None where it owns none.
    ``is_timeout_given``: whether the manifest itself has a timeout for the item."""

    cluster: str
    is_timeout_given: bool = False
    force_new_deployment: bool = False
    require_zero_downtime: bool = False
    deployment: Json | None = None
    hooks: Json | None = None

    def hook(self, hook: Hook | None) -> Json | None:
        """The hook's command, container and timeout; None where there is none."""
        found = (self.hooks or {}).get(hook) if hook is not None else None
        return dict(found) if found is not None else None

    @property
    def identity(self) -> str:
        return f"service {self.cluster}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredTrigger(DesiredTarget):
    """A rule on an event bus, or a schedule in a group: the other one of ``event_bus`` and ``schedule_group`` is
    None."""

    event_bus: str | None = None
    schedule_group: str | None = None

    @property
    def identity(self) -> str:
        if self.schedule_group is not None:
            return f"schedule {self.schedule_group}/{self.name}"
        return f"rule {self.event_bus or DEFAULT_BUS}/{self.name}"


SERVICE = Codec(
    DesiredService,
    {"wave": event_data.WAVE, "deployment": event_data.CONFIGURATION, "hooks": event_data.HOOKS},
)
TRIGGER = Codec(DesiredTrigger, {"wave": event_data.WAVE})
