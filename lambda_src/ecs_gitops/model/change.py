"""What a target needs to become what is desired, as far as it is planned or done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecs_gitops.model import event_data
from ecs_gitops.model.codec import Codec
from ecs_gitops.model.status import ChangeKind, Finding
from ecs_gitops.model.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """``kind`` is None until there is a plan. Task definitions are written ``family:revision``, as account and Region
    stand on the batch.

    ``revision`` is what the target is to run; ``previous`` what a rollback returns to; ``replaced`` what ran when the
    item was begun. ``previous_image`` is what the first container ran. ``previous_settings`` are the members of the
    service's ``deploymentConfiguration`` that the release replaces, with their values before. ``digests`` are what the
    images' tags mean in the registry. ``fingerprint`` tells what is desired from what was desired before.
    ``timeout_minutes`` is how long the item may take, where the plan found that it has to be longer than desired.
    ``checks`` has a result for each check that was made, ``warnings`` what people are to know."""

    kind: ChangeKind | None = None
    revision: str | None = None
    previous: str | None = None
    replaced: str | None = None
    previous_image: str | None = None
    previous_settings: Json | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str | None = None
    timeout_minutes: int | None = None
    checks: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


CHANGE = Codec(
    Change,
    {
        "previousSettings": event_data.CONFIGURATION,
        "checks": event_data.Shape(
            "an object of check results",
            lambda value: event_data.TEXTS_BY_NAME.fits(value) and set(value.values()) <= set(Finding),
        ),
    },
)
