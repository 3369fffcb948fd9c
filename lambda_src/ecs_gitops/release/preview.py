"""A preview of a release: the check that a release begins with, with other credentials, and without a release.

It makes no call that writes, neither in the accounts nor in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.desired.batches import Settings, make_batches, unknown_account
from ecs_gitops.flow.stages import Stage, following
from ecs_gitops.flow.transitions import fail
from ecs_gitops.live import services
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, LedgerRefused, LedgerUnavailable
from ecs_gitops.model.identity import short
from ecs_gitops.model.status import Finding, Kind, Mode, Status
from ecs_gitops.plan.findings import Checked
from ecs_gitops.plan.preview import Memory, ReleasePlan, Remembered, planned
from ecs_gitops.release.preflight import Preflight, Preview, concluded
from ecs_gitops.release.preflight_services import ServicePreflight
from ecs_gitops.release.preflight_tasks import TaskPreflight

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.ledger_bucket import LedgerBucket
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ledger.targets import Memories
    from ecs_gitops.manifest import Manifest
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.plan.preview import Place

_NOT_REMEMBERED = "not checked: whether it is HELD, or is judged again: what is remembered of it could not be read"


@dataclass(frozen=True, slots=True)
class Instance:
    """What is known of the instance that would make the release.

    ``settings`` are its own, or defaults where they are not known; ``is_known`` says which. ``read_memory`` reads what
    is remembered of the services of an account and Region. ``bucket`` is the ledger's, None where it is not known."""

    settings: Settings
    is_known: bool
    read_memory: Callable[[str, str], Memories | None]
    bucket: LedgerBucket | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """How the targets are read. ``connect`` gives the calls in an account and Region; it raises
    :class:`ecs_gitops.model.errors.AwsRefused` with the reason where there are none. ``on_item`` is called for each
    item that was read."""

    connect: Callable[[str, str], Aws]
    budget: TimeBudget
    on_item: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class _Targets:
    """The memory of one place, instead of the ledger's."""

    memories: Memories

    def read(self) -> Memories:
        return self.memories


@dataclass(frozen=True, slots=True)
class _Ledger:
    targets: _Targets


def preview(
    manifest: Manifest, instance: Instance, reader: Reader, release: Release, *, only: Collection[str] = ()
) -> ReleasePlan:
    """The plan of a release of ``manifest``, which has its defaults written into each item. ``only``: the names of the
    items to plan.

    Raises :class:`InvalidManifest` as a release does, and :class:`AwsUnavailable` when AWS does not answer until the
    time budget is over."""
    settings, without_role = _with_all_accounts(manifest, instance.settings)
    batches = _needed(make_batches(manifest, settings), only)
    memory: dict[Place, Memory] = {}
    found: dict[int, tuple[Batch, Checked]] = {}
    items: dict[int, Item] = {}
    for batch in batches:
        knows_role, known = batch.account not in without_role, Memory(Remembered.ABSENT, {})
        try:
            aws = reader.connect(batch.account, batch.region)
        except AwsRefused as refused:
            every = [_unread(item, refused.message) for item in batch.items]
        else:
            if batch.kind is Kind.SERVICE:
                known = memory[batch.account, batch.region] = _remembered(instance, batch)
            every = _examined(aws, batch, known, reader, release, knows_role=knows_role)
        for checked in every:
            item = concluded(checked, reader.budget.clock())
            if instance.is_known and not knows_role:
                item = fail(item, unknown_account([batch.account], instance.settings))
            elif known.state is Remembered.DENIED:
                item = item.with_change(warnings=(*item.change.warnings, _NOT_REMEMBERED))
            found[item.number], items[item.number] = (batch, checked), item
    items, error = _as_a_whole(batches, items, settings)
    shown = tuple(
        planned(found[number][1], items[number], found[number][0])
        for number in sorted(found)
        # What fails the check is shown too: then the named items are not deployed either.
        if not only or items[number].name in only or items[number].status is Status.FAILED
    )
    unmanaged, unlisted = ((), ()) if only else _unmanaged(batches, reader)
    return ReleasePlan(shown, memory, error, unmanaged, unlisted)


def _with_all_accounts(manifest: Manifest, settings: Settings) -> tuple[Settings, frozenset[str]]:
    """The settings with a role for each account of the manifest, and the accounts whose role is made up: a plan needs
    none to be made."""
    accounts = {each.account or settings.account for each in manifest.tasks}
    accounts |= {each.account or settings.account for each in manifest.services}
    missing = accounts - set(settings.role_arns)
    made_up = {account: f"arn:aws:iam::{account}:role/unknown" for account in missing}
    return replace(settings, role_arns={**settings.role_arns, **made_up}), frozenset(missing)


def _needed(batches: Sequence[Batch], only: Collection[str]) -> tuple[Batch, ...]:
    """The batches with the named items, and what these depend on: a dependant of one that is HELD is HELD."""
    if not only:
        return tuple(batches)
    items = {item.number: item for batch in batches for item in batch.items}
    needed = {number for number, item in items.items() if item.name in only}
    added = needed
    while added:
        added = {each for number in added for each in items[number].desired.depends_on} - needed
        needed |= added
    chosen = (batch.with_items(item for item in batch.items if item.number in needed) for batch in batches)
    return tuple(batch for batch in chosen if batch.items)


def _examined(
    aws: Aws, batch: Batch, memory: Memory, reader: Reader, release: Release, *, knows_role: bool
) -> list[Checked]:
    """The items of a batch with what was found."""
    make: type[Preflight] = ServicePreflight if batch.kind is Kind.SERVICE else TaskPreflight
    look = Preview(knows_role, reader.on_item)
    return make(aws, release, batch, reader.budget, _Ledger(_Targets(memory.entries)), preview=look).examined()


def _remembered(instance: Instance, batch: Batch) -> Memory:
    try:
        found = instance.read_memory(batch.account, batch.region)
    except (AwsRefused, AwsUnavailable, LedgerRefused, LedgerUnavailable) as error:
        return Memory(Remembered.DENIED, {}, str(error))
    return Memory(Remembered.READ, found) if found else Memory(Remembered.ABSENT, {})


def _unread(item: Item, why: str) -> Checked:
    checked = Checked(item)
    checked.findings.add("target", Finding.NOT_CHECKED, why)
    return checked


def _as_a_whole(
    batches: Sequence[Batch], items: Mapping[int, Item], settings: Settings
) -> tuple[dict[int, Item], str | None]:
    """The items with those HELD that depend on a HELD one, and why the release as a whole cannot be made."""
    if any(item.status is Status.FAILED for item in items.values()):
        # The release changes nothing, so nothing is left out because of another item.
        return dict(items), None
    done = tuple(batch.updated(items[item.number] for item in batch.items) for batch in batches)
    after = following(Stage(done, (), Mode.CHECK, execution_minutes=settings.execution_minutes))
    if after.error is not None:
        return dict(items), after.error
    every = (item for batch in (*after.batches, *after.rest) for item in batch.items)
    return {**items, **{item.number: item for item in every if item.status is Status.HELD}}, None


def _unmanaged(batches: Sequence[Batch], reader: Reader) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The services in the manifest's clusters that it does not have, and the clusters that could not be listed."""
    clusters: dict[tuple[str, str, str], set[str]] = {}
    for batch in batches:
        for item in batch.items if batch.kind is Kind.SERVICE else ():
            clusters.setdefault((batch.account, batch.region, item.cluster), set()).add(item.name)

    def left(place: tuple[str, str, str]) -> list[str] | None:
        account, region, cluster = place
        try:
            listed = reader.budget.retry(lambda: reader.connect(account, region).list_services(cluster))
        except AwsRefused:
            return None
        return sorted(f"{short(cluster)}/{name}" for name in set(listed) - clusters[place])

    answers = dict(zip(clusters, services.each(left, list(clusters), reader.budget), strict=True))
    unlisted = tuple(
        f"{short(cluster)} in {account} {region}"
        for (account, region, cluster), names in answers.items()
        if names is None
    )
    return tuple(name for names in answers.values() for name in names or ()), unlisted
