"""The change that brings a target from its live to its desired state, as far as it is planned or done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecs_gitops.model import event_data
from ecs_gitops.model.codec import Codec
from ecs_gitops.model.status import ChangeKind, Finding
from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """``kind`` is None until there is a plan. Task definitions are written ``family:revision``: the batch has account
    and Region.

    ``revision`` is what the target is to run, ``previous`` what it is rolled back to after a failure, ``replaced`` what
    ran when the item was begun. ``previous_image`` is what the first container ran, ``previous_digests`` are the
    digests that ``previous`` ran, by the containers' names. ``previous_settings`` are the members of the service's
    ``deploymentConfiguration`` that the release replaces, with their values before. ``left_settings`` are those that
    the plan found, where an earlier release had left them behind: nobody else wrote them. ``digests`` are those of the
    images' tags in the registry. ``timeout_minutes`` is the item's timeout, where the plan had to make it longer than
    desired. ``checks`` has a result for each check that was made, ``warnings`` are for people."""

    kind: ChangeKind | None = None
    revision: str | None = None
    previous: str | None = None
    replaced: str | None = None
    previous_image: str | None = None
    previous_digests: Mapping[str, str] = field(default_factory=dict)
    previous_settings: Json | None = None
    left_settings: Json | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    timeout_minutes: int | None = None
    checks: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


CHANGE = Codec(
    Change,
    {
        "previousSettings": event_data.CONFIGURATION,
        "leftSettings": event_data.CONFIGURATION,
        "checks": event_data.Shape(
            "an object of check results",
            lambda value: event_data.TEXTS_BY_NAME.fits(value) and set(value.values()) <= set(Finding),
        ),
    },
)
