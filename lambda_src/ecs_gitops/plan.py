"""From a checked manifest to the batches that the state machine deploys. Pure.

Items of one account, Region and cluster travel together, in batches of ten: DescribeServices takes ten. A release of
more than two hundred gets batches of twenty, thirty, …, so that one cluster makes about twenty batches at most. Each
further account, Region or cluster makes at least one more; the history's 25,000 events are not checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TypeVar

from ecs_gitops.errors import InvalidManifest, UnknownAccount
from ecs_gitops.manifest.model import Manifest, ServiceItem, TaskItem
from ecs_gitops.manifest.node import Problem
from ecs_gitops.work import REASONS_AT_MOST, Batch, Item

BATCH = 10
BATCHES_AT_MOST = 20

T = TypeVar("T", ServiceItem, TaskItem)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the module that is deployed knows: roles by account, and what applies to items that do not say."""

    role_arns: Mapping[str, str]
    account: str
    region: str
    timeout_minutes: int


def task_batches(items: Sequence[TaskItem], settings: Settings) -> tuple[Batch, ...]:
    """Batches of scheduled tasks, in the manifest's order; each account has a role."""
    made = []
    for (account, region), group in _grouped(items, lambda item: _place(item, settings)):
        # Batches run at once and PutTargets replaces whole targets: items of one rule must follow one another.
        for part in _parts_by_rule(group, _batch_size(len(items))):
            work = tuple(
                Item(
                    name=item.cw_rule_name,
                    container=item.service,
                    image=item.image,
                    timeout_minutes=item.timeout_minutes or settings.timeout_minutes,
                    event_bus_name=item.event_bus_name,
                )
                for item in part
            )
            made.append(Batch("task", account, region, settings.role_arns[account], work))
    return tuple(made)


def service_batches(items: Sequence[ServiceItem], settings: Settings) -> tuple[Batch, ...]:
    """Batches of services, in the manifest's order; each account has a role."""
    made = []
    for (account, region, cluster), group in _grouped(items, lambda i: (*_place(i, settings), i.cluster_name)):
        for part in _parts(group, _batch_size(len(items))):
            work = tuple(
                Item(
                    name=item.service_name,
                    container=item.service,
                    image=item.image,
                    timeout_minutes=item.timeout_minutes or settings.timeout_minutes,
                    force_new_deployment=bool(item.force_new_deployment),
                )
                for item in part
            )
            made.append(Batch("service", account, region, settings.role_arns[account], work, cluster=cluster))
    return tuple(made)


def _require_one_item_per_target(batches: Iterable[Batch]) -> None:
    """An item that names the deployer's own account and one that names none may be the same: only here it is known."""
    seen = set()
    for batch in batches:
        for item in batch.items:
            container = item.container if batch.kind == "task" else None
            target = (batch.kind, batch.account, batch.region, batch.cluster, item.event_bus_name, item.name, container)
            if target in seen:
                told = f"{batch.kind} {item.name!r} in account {batch.account}, Region {batch.region}, stands twice"
                raise InvalidManifest("input", [Problem(0, 0, f"{batch.kind}s", told, "each target once")])
            seen.add(target)


def require_roles(items: Iterable[ServiceItem | TaskItem], settings: Settings) -> None:
    """Raise :class:`UnknownAccount` naming every account that has no role to assume."""
    missing = sorted({_place(item, settings)[0] for item in items} - set(settings.role_arns))
    if missing:
        raise UnknownAccount(
            f"no role to assume is configured for account {', '.join(missing)}: apply modules/deploy_role there and "
            f"add its role to target_role_arns (accounts configured: {', '.join(sorted(settings.role_arns)) or 'none'})"
        )


def batches(manifest: Manifest, settings: Settings) -> tuple[Batch, ...]:
    """All batches of a release, tasks first, in the manifest's order. Raises :class:`UnknownAccount`."""
    require_roles([*manifest.tasks, *manifest.services], settings)
    made = (*task_batches(manifest.tasks, settings), *service_batches(manifest.services, settings))
    _require_one_item_per_target(made)
    return tuple(replace(batch, reason_budget=REASONS_AT_MOST // len(made)) for batch in made)


def _place(item: ServiceItem | TaskItem, settings: Settings) -> tuple[str, str]:
    return item.account or settings.account, item.region or settings.region


def _batch_size(count: int) -> int:
    return BATCH * ceil(max(count, 1) / (BATCH * BATCHES_AT_MOST))


K = TypeVar("K", bound=Hashable)


def _grouped(items: Sequence[T], key: Callable[[T], K]) -> list[tuple[K, list[T]]]:
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())


def _parts_by_rule(items: Sequence[TaskItem], size: int) -> Iterable[Sequence[TaskItem]]:
    """Parts of about ``size`` items in which no rule is split; a part may be longer by one rule's items."""
    part: list[TaskItem] = []
    for _, same in _grouped(items, lambda item: (item.event_bus_name or "default", item.cw_rule_name)):
        part += same
        if len(part) >= size:
            yield part
            part = []
    if part:
        yield part


def _parts(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
