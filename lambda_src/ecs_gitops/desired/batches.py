"""From a checked manifest to the batches that the state machine works on. Pure.

A batch has all items of one kind, account and Region: one role is assumed for them. AWS limits calls per account and
Region, so one batch can keep to the limits. Its items are in waves, which are deployed one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.ecs.deployment_settings import bake_minutes, pause_minutes
from ecs_gitops.ecs.revision_tags import fingerprint
from ecs_gitops.manifest.order import dependencies, waves
from ecs_gitops.manifest.typed_manifest import item_json
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.desired import DesiredService, DesiredTrigger
from ecs_gitops.model.errors import InvalidManifest, UnknownAccount
from ecs_gitops.model.identity import DEFAULT_BUS, DEFAULT_GROUP
from ecs_gitops.model.item import Item, join_names
from ecs_gitops.model.problem import Problem
from ecs_gitops.model.status import Kind, Mode, OnFailure

if TYPE_CHECKING:
    from ecs_gitops.manifest.typed_manifest import Manifest, ServiceItem, TaskItem

_ACCOUNTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the deployed module: role ARNs by account, and defaults for items. Times are in minutes."""

    role_arns: Mapping[str, str]
    account: str
    region: str
    timeout_minutes: int
    execution_minutes: int = 10_080


def make_batches(manifest: Manifest, settings: Settings) -> tuple[Batch, ...]:
    """All batches of a release, in mode CHECK. ``manifest`` has its defaults written into each item.

    Raises :class:`UnknownAccount`, and :class:`InvalidManifest` for a duplicate target."""
    _require_roles([*manifest.tasks, *manifest.services], settings)
    on_failure = OnFailure(manifest.on_failure) if manifest.on_failure else OnFailure.ROLL_BACK
    service_waves = waves(manifest.services)
    after = max(service_waves, default=-1) + 1
    placed: list[tuple[Kind, ServiceItem | TaskItem, Item]] = []
    for number, task in enumerate(manifest.tasks):
        made = _trigger(number, task, settings, on_failure, after if manifest.tasks_after_services else -1)
        placed.append((Kind.TASK, task, made))
    first, needed = len(manifest.tasks), dependencies(manifest.services)
    for index, service in enumerate(manifest.services):
        numbers = [first + n for n in needed[index]]
        made = _service(first + index, service, settings, on_failure, service_waves[index], numbers)
        placed.append((Kind.SERVICE, service, made))
    _require_time(manifest.services, service_waves, settings)
    grouped: dict[tuple[Kind, str, str], list[Item]] = {}
    for kind, item, made in placed:
        grouped.setdefault((kind, *_place(item, settings)), []).append(made)
    planned = tuple(
        Batch(kind, account, region, settings.role_arns[account], tuple(items), Mode.CHECK)
        for (kind, account, region), items in grouped.items()
    )
    _require_one_item_per_target(planned)
    return tuple(replace(batch, batches_in_release=len(planned)) for batch in planned)


def _trigger(number: int, task: TaskItem, settings: Settings, on_failure: OnFailure, wave: int) -> Item:
    is_schedule = task.schedule_name is not None
    return Item(
        DesiredTrigger(
            number=number,
            name=task.schedule_name or task.cw_rule_name or "",
            images={image.name: image.image for image in task.images},
            timeout_minutes=task.timeout_minutes or settings.timeout_minutes,
            event_bus=None if is_schedule else task.event_bus_name or DEFAULT_BUS,
            schedule_group=task.schedule_group or DEFAULT_GROUP if is_schedule else None,
            # Tasks are deployed before the services or after them, in a wave of their own.
            wave=wave,
            on_failure=on_failure,
            pin_digest=bool(task.pin_digest),
            content_hash=_content_hash(task, on_failure),
        )
    )


def _service(
    number: int,
    service: ServiceItem,
    settings: Settings,
    on_failure: OnFailure,
    wave: int,
    needed: Sequence[int],
) -> Item:
    deployment = dict(service.deployment) if service.deployment else None
    return Item(
        DesiredService(
            number=number,
            name=service.service_name,
            cluster=service.cluster_name,
            images={image.name: image.image for image in service.images},
            timeout_minutes=service.timeout_minutes or settings.timeout_minutes + bake_minutes(deployment or {}),
            is_timeout_given=service.timeout_minutes is not None,
            wave=wave,
            depends_on=tuple(needed),
            on_failure=OnFailure(service.on_failure) if service.on_failure else on_failure,
            force_new_deployment=bool(service.force_new_deployment),
            pin_digest=bool(service.pin_digest),
            content_hash=_content_hash(service, on_failure),
            require_zero_downtime=bool(service.require_zero_downtime),
            deployment=deployment,
            hooks=dict(service.hooks) if service.hooks else None,
        )
    )


def _content_hash(item: ServiceItem | TaskItem, on_failure: OnFailure) -> str:
    """What tells the item's text from another: with the manifest's defaults, and without the command to deploy anew."""
    content = {"onFailure": on_failure, **item_json(item)}
    return fingerprint({name: value for name, value in content.items() if name != "forceNewDeployment"})


def _require_roles(items: Iterable[ServiceItem | TaskItem], settings: Settings) -> None:
    """Raise :class:`UnknownAccount` naming every account that has no role to assume."""
    missing = sorted({_place(item, settings)[0] for item in items} - set(settings.role_arns))
    if missing:
        raise UnknownAccount(unknown_account(missing, settings))


def unknown_account(accounts: Sequence[str], settings: Settings) -> str:
    """The text for accounts without a role."""
    known = join_names(sorted(settings.role_arns), _ACCOUNTS_SHOWN) or "none"
    return (
        f"no role to assume is configured for account {join_names(accounts, _ACCOUNTS_SHOWN)}: apply "
        f"modules/deploy_role there and add its role to target_role_arns (accounts configured: {known})"
    )


def _require_time(services: Sequence[ServiceItem], waves: Sequence[int], settings: Settings) -> None:
    """Raise :class:`InvalidManifest` when the bake times are longer than an execution may last."""
    longest: dict[int, int] = {}
    for service, wave in zip(services, waves, strict=True):
        longest[wave] = max(longest.get(wave, 0), bake_minutes(service.deployment or {}))
    total = sum(longest.values())
    if total >= settings.execution_minutes:
        message = f"the release bakes for {total} minutes, and is given up after {settings.execution_minutes}"
        if pauses := sum(pause_minutes(service.deployment or {}) for service in services):
            message += f" (PAUSE hooks may wait for {pauses} minutes)"
        accepted = (
            "shorter bake times, a shorter timeoutConfiguration.timeoutInMinutes of PAUSE hooks, fewer waves, or a "
            "longer execution_timeout_minutes of the module"
        )
        raise InvalidManifest("input", [Problem(0, 0, "services", message, accepted)])


def _require_one_item_per_target(batches: Iterable[Batch]) -> None:
    """Raise :class:`InvalidManifest` for duplicates. The manifest's own check cannot find all: an item without an
    account is deployed to the deployer's, which only the settings know."""
    known = set()
    for batch in batches:
        for item in batch.items:
            for container in item.desired.images if batch.kind is Kind.TASK else (None,):
                place = (*batch.place, item.desired.identity, container)
                if place in known:
                    message = f"duplicate {batch.kind} {item.name!r} in account {batch.account}, Region {batch.region}"
                    raise InvalidManifest("input", [Problem(0, 0, f"{batch.kind}s", message, "each target once")])
                known.add(place)


def _place(item: ServiceItem | TaskItem, settings: Settings) -> tuple[str, str]:
    return item.account or settings.account, item.region or settings.region
