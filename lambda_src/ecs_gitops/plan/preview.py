"""What a release would do with each item, for people who have not pushed yet. Pure.

It is made of what the check before a release finds, so that both say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from ecs_gitops.ecs.deployment_settings import bake_minutes, pause_minutes, strategy
from ecs_gitops.ecs.revision_tags import digests_of
from ecs_gitops.ecs.task_definition import arn, images_of
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import Item
from ecs_gitops.model.status import ChangeKind, Hook, Status
from ecs_gitops.plan.decision import Deploy, Judge
from ecs_gitops.plan.diff import Difference, diff
from ecs_gitops.plan.triggers import TriggerPlan

if TYPE_CHECKING:
    from ecs_gitops.model import memory
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.plan.findings import Checked
    from ecs_gitops.plan.services import LiveService, ServicePlan


class Action(StrEnum):
    """What the release would do with an item. BLOCKED: it fails the check, so that the release changes nothing.
    NOT_CHECKED: what is live could not be read."""

    UNCHANGED = "UNCHANGED"
    UPDATE = "UPDATE"
    HELD = "HELD"
    BLOCKED = "BLOCKED"
    NOT_CHECKED = "NOT_CHECKED"


class Remembered(StrEnum):
    """Whether the ledger's memory of a place could be read. ABSENT: nothing is remembered, as before a first
    release."""

    READ = "READ"
    ABSENT = "ABSENT"
    DENIED = "DENIED"


# Account and Region.
Place: TypeAlias = "tuple[str, str]"


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of the services of a place, by their identities; ``why`` it could not be read."""

    state: Remembered
    entries: Mapping[str, memory.Memory]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChange:
    """The image of one container before and after, with the digests as far as they are known."""

    container: str
    before: str | None
    after: str
    digest_before: str | None = None
    digest_after: str | None = None

    @property
    def is_change(self) -> bool:
        """Whether another image would run."""
        if self.before != self.after:
            return True
        known = self.digest_before and self.digest_after
        return bool(known) and not str(self.digest_after).startswith(str(self.digest_before))


@dataclass(frozen=True, slots=True)
class NewRevision:
    """A revision that is registered: a copy of ``family:revision`` with these images, by container."""

    copy_of: str
    images: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What would become of an item's target. ``revisions`` are those that are registered for it, ``why`` is the reason
    where the images alone are none. ``strategy`` and ``minutes`` (the least that its bake times take) are None where no
    deployment starts."""

    images: tuple[ImageChange, ...] = ()
    settings: tuple[Difference, ...] = ()
    revisions: tuple[NewRevision, ...] = ()
    starts_deployment: bool = False
    strategy: str | None = None
    minutes: int | None = None
    waits_for_person: bool = False
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """One item of a plan. The rest is in ``item``: warnings, checks, the reason, hooks, waves."""

    kind: str
    account: str
    region: str
    item: Item
    action: Action
    comparison: Comparison = field(default_factory=Comparison)

    @property
    def puts_settings_back(self) -> bool:
        """Whether it is HELD, and the settings that the failed release left behind are undone."""
        return self.action is Action.HELD and bool(self.comparison.settings)

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks that would run."""
        kind = self.item.change.kind
        if self.action is not Action.UPDATE or kind is None:
            return ()
        runs = {Hook.PRE_DEPLOY: self.comparison.starts_deployment, Hook.POST_DEPLOY: kind is not ChangeKind.CONFIGURE}
        return tuple(hook for hook in Hook if runs[hook] and self.item.has_hook(hook))


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """``items`` in the manifest's order. ``memory`` has each account and Region with services. ``error``: why the whole
    release would fail, where it is not an item's fault. ``unmanaged`` are the services (``CLUSTER/NAME``) in the
    manifest's clusters that the manifest does not have, ``unlisted`` the clusters whose services could not be
    listed."""

    items: tuple[PlannedItem, ...]
    memory: Mapping[Place, Memory] = field(default_factory=dict)
    error: str | None = None
    unmanaged: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Action, int]:
        """The number of items of each action, those that there are."""
        found = Counter(each.action for each in self.items)
        return {action: found[action] for action in Action if found[action]}

    @property
    def is_blocked(self) -> bool:
        """Whether the release would fail before it changes anything."""
        return self.error is not None or Action.BLOCKED in self.counts

    @property
    def has_changes(self) -> bool:
        """Whether the release would change something, or may."""
        is_changed = Action.UPDATE in self.counts or Action.NOT_CHECKED in self.counts
        return is_changed or any(each.puts_settings_back for each in self.items)

    @property
    def revisions(self) -> tuple[NewRevision, ...]:
        """The revisions that are registered. Items of one rule share one, and so do items with the same copy."""
        by_target: dict[tuple[str, ...], dict[str, str]] = {}
        for each in self.items:
            place = (each.item.desired.identity, each.kind, each.account, each.region)
            for revision in each.comparison.revisions:
                by_target.setdefault((*place, revision.copy_of), {}).update(revision.images)
        made: dict[tuple[object, ...], NewRevision] = {}
        for (_, kind, account, region, copy_of), images in by_target.items():
            key = (kind == "service", account, region, copy_of, *sorted(images.items()))
            made[key] = NewRevision(copy_of, images)
        return tuple(made.values())

    @property
    def minutes(self) -> int:
        """The least time that the bake times of all waves take."""
        longest: dict[int, int] = {}
        for each in self.items:
            if each.action is Action.UPDATE:
                longest[each.item.wave] = max(longest.get(each.item.wave, 0), each.comparison.minutes or 0)
        return sum(longest.values())


def planned(checked: Checked, item: Item, batch: Batch) -> PlannedItem:
    """The planned item. ``item`` is the checked one, with its result if the check gave it one."""
    action, comparison = action_of(item), _comparison(checked, item)
    if action is not Action.UPDATE:
        comparison = replace(comparison, revisions=(), starts_deployment=False, strategy=None, minutes=None)
    if item.status is Status.HELD:
        # It is left as it is.
        comparison = replace(comparison, settings=())
    return PlannedItem(
        kind=_kind(item),
        account=batch.account,
        region=batch.region,
        item=item,
        action=action,
        comparison=comparison,
    )


def action_of(item: Item) -> Action:
    """The action for an item after the check."""
    if item.status is Status.UNCHANGED:
        return Action.UNCHANGED
    if item.status is Status.HELD:
        return Action.HELD
    if item.is_final:
        return Action.BLOCKED
    if item.change.kind is None:
        return Action.NOT_CHECKED
    return Action.HELD if item.change.kind is ChangeKind.HELD else Action.UPDATE


def _kind(item: Item) -> str:
    return item.desired.identity.partition(" ")[0]


def _comparison(checked: Checked, item: Item) -> Comparison:
    found = checked.compared
    if found is None:
        return Comparison()
    return _of_trigger(found, item) if isinstance(found, TriggerPlan) else _of_service(*found, item)


def _of_service(live: LiveService, plan: ServicePlan, item: Item) -> Comparison:
    decision, is_left = plan.decision, item.change.kind is ChangeKind.HELD
    starts = isinstance(decision, Deploy)
    names = {container.name: name for name, container in plan.containers.items()}
    before = images_of(live.definition)
    running = {**live.running, **digests_of(live.tags)}
    images = tuple(
        ImageChange(
            container=name,
            before=before.get(name),
            after=before.get(name, "") if is_left else image,
            digest_before=running.get(name),
            digest_after=running.get(name) if is_left else item.change.digests.get(names[name]),
        )
        for name, image in plan.desired.images.items()
    )
    minutes = bake_minutes(plan.configuration) - pause_minutes(plan.configuration)
    return Comparison(
        images=images,
        settings=_settings(live.service.configuration, plan.configuration),
        revisions=(NewRevision(short(live.service.runs), plan.desired.images),) if starts else (),
        starts_deployment=starts,
        strategy=strategy(plan.configuration) if starts else None,
        minutes=minutes if starts else None,
        waits_for_person=starts and pause_minutes(plan.configuration) > 0,
        why=decision.why if isinstance(decision, Deploy | Judge) else None,
    )


def _settings(live: Mapping[str, object], desired: Mapping[str, object]) -> tuple[Difference, ...]:
    """What differs in ``deploymentConfiguration``. Members that are not desired are not changed."""
    owned = {name: value for name, value in live.items() if name in desired}
    return diff({"deploymentConfiguration": owned}, {"deploymentConfiguration": dict(desired)})


def _of_trigger(plan: TriggerPlan, item: Item) -> Comparison:
    targets = plan.changed or (plan.shown,)
    images = {
        name: ImageChange(
            container=name,
            before=target.before.get(name),
            after=image,
            digest_before=digests_of(target.tags).get(name),
            digest_after=target.desired[item.number].digests.get(name),
        )
        for target in targets
        for name, image in target.desired[item.number].images.items()
    }
    registered = (
        NewRevision(short(arn(target.definition)), target.images)
        for target in plan.changed
        if target.must_be_registered
    )
    return Comparison(images=tuple(images.values()), revisions=tuple(registered))
