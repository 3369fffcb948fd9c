"""Deploy the scheduled tasks of a batch: register revisions, and point the ECS targets of rules and schedules to them.

There is no rollout: the next run of the task uses the new revision. Items of one rule or schedule are deployed
together, with one revision and one write. A run that died at any point can be repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from ecs_gitops.apply.deployer import Deployer
from ecs_gitops.aws.observability import ItemLog
from ecs_gitops.desired.state import desired_state
from ecs_gitops.ecs.revision_tags import is_ours, previous_of
from ecs_gitops.ecs.task_definition import arn, has_images, resolve
from ecs_gitops.flow.transitions import after_failure, end, fail, roll_back
from ecs_gitops.live import services
from ecs_gitops.live.revisions import described, is_pinned, usable
from ecs_gitops.live.trigger_state import LiveTrigger, read_trigger_state
from ecs_gitops.live.triggers import PartlyWritten, State, Trigger
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, FenceLost, ItemFailed, LedgerUnavailable
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import Item
from ecs_gitops.model.status import Next, Status
from ecs_gitops.plan.recheck import rechecked
from ecs_gitops.plan.triggers import TargetDefinition, plan_trigger

log = logging.getLogger(__name__)


@dataclass(slots=True)
class TaskDeployer(Deployer):
    # Items whose own containers stay as they are, by trigger.
    _unchanged: dict[Trigger, list[Item]] = field(default_factory=dict)
    # The items of triggers for which a call that writes was made.
    _begun: dict[Trigger, Sequence[Item]] = field(default_factory=dict)
    # The revisions that targets run now, by those that they ran before; None where that is not known.
    _runs: dict[Trigger, dict[str, str | None]] = field(default_factory=dict)

    def run(self) -> Batch:
        """The batch with every item final. Raises :class:`FenceLost`, and but for a rollback
        :class:`LedgerUnavailable` and :class:`LedgerRefused` where the fence cannot be read."""
        units: dict[Trigger, list[Item]] = {}
        for item in self.batch.items:
            if item.is_pending:
                units.setdefault(Trigger.of(item), []).append(item)
            elif item.status is Status.UNCHANGED:
                self._unchanged.setdefault(Trigger.of(item), []).append(item)
        is_rollback = any(item.progress.step.is_rollback for unit in units.values() for item in unit)
        self.ledger.fence.require(is_rollback=is_rollback)
        done = services.each(lambda unit: self._unit(*unit), list(units.items()), self.budget)
        batch = self.batch.updated(chain(self._neighbours(), *done))
        return replace(batch, next=Next.DONE, wait_seconds=0)

    def _neighbours(self) -> Iterator[Item]:
        """The items whose own containers stay as they are, while another item of the same trigger has their task
        definition replaced: they run the new revision, too."""
        for trigger, runs in self._runs.items():
            for item in self._unchanged.get(trigger, ()):
                if item.change.previous in runs:
                    yield item.with_change(revision=runs[item.change.previous])

    def _unit(self, trigger: Trigger, items: Sequence[Item]) -> list[Item]:
        out = ItemLog(log, self.release.to_json(), trigger=trigger.described, account=self.batch.account)
        began = self.budget.clock()
        items = [item.with_progress(began=began) for item in items]
        is_rollback = items[0].progress.step.is_rollback
        seconds = max(item.timeout_minutes for item in items) * 60
        # A rollback waits for AWS for as long as the function may run.
        until = self.budget.until if is_rollback else min(self.budget.until, began + seconds)
        act: Callable[[Trigger, Sequence[Item]], list[Item]] = self._roll_back if is_rollback else self._deploy
        try:
            done = replace(self.budget, until=until).retry(lambda: act(trigger, items))
        except (FenceLost, LedgerUnavailable):
            raise
        except PartlyWritten as error:
            done = self._take_back(trigger, items, str(error))
        except AwsUnavailable as error:
            # An answer may have been lost, so it may be changed.
            done = self._failed(self._begun.get(trigger, items), self._reason(error, out))
            if is_rollback or trigger in self._begun:
                self._is_unknown(trigger, done)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other items have to go on
            hint = trigger.explain(error, self.batch) if isinstance(error, AwsRefused) else None
            done = self._failed(items, hint or self._reason(error, out))
            if is_rollback:
                self._is_unknown(trigger, done)
        for item in done:
            out.info(f"scheduled task {item.status}", reason=item.reason)
        return done

    def _is_unknown(self, trigger: Trigger, items: Sequence[Item]) -> None:
        """Some targets may run what they ran before, and others the new revision."""
        self._runs[trigger] = dict.fromkeys(item.change.previous or "" for item in items)

    def _failed(self, items: Sequence[Item], why: str) -> list[Item]:
        now = self.budget.clock()
        return [after_failure(i, why, now) if i.progress.step.is_rollback else fail(i, why, now) for i in items]

    def _take_back(self, trigger: Trigger, items: Sequence[Item], why: str) -> list[Item]:
        """Roll the targets back after EventBridge accepted only some of them."""
        items = self._begun.get(trigger, items)
        if items[0].progress.step.is_rollback or not items[0].desired.on_failure.rolls_back:
            self._is_unknown(trigger, items)
            return self._failed(items, why)
        rolling_back = [roll_back(item, why) for item in items]
        try:
            return self.budget.retry(lambda: self._roll_back(trigger, rolling_back))
        except (ItemFailed, AwsRefused, AwsUnavailable) as error:
            self._is_unknown(trigger, items)
            return self._failed(rolling_back, str(error))

    def _repoint(self, state: State, revisions: Mapping[str, str], *, is_rollback: bool) -> None:
        state.repoint(
            self.aws, revisions, self.budget.clock(), partial(self.ledger.fence.require, is_rollback=is_rollback)
        )

    # --- deploy ------------------------------------------------------------------------------------------------------

    def _deploy(self, trigger: Trigger, items: Sequence[Item]) -> list[Item]:
        live_trigger = read_trigger_state(self.aws, self.release, trigger, items)
        revisions = {target.reference: self._revision(trigger, target) for target in live_trigger.task_definitions}
        done = [self._result(item, live_trigger, revisions) for item in items]
        # From here on the trigger may have been changed, also where no answer comes.
        self._begun[trigger] = [replace(item, change=each.change) for item, each in zip(items, done, strict=True)]
        try:
            self._repoint(live_trigger.state, revisions, is_rollback=False)
        except ItemFailed as error:
            if any(target.is_ours for target in live_trigger.task_definitions):
                # An interrupted run had other targets written.
                raise PartlyWritten(str(error)) from error
            raise
        self._runs[trigger] = {
            target.previous: short(revisions[target.reference]) for target in live_trigger.task_definitions
        }
        return done

    def _revision(self, trigger: Trigger, target: TargetDefinition) -> str:
        """The revision for the targets; the reference itself where nothing has to change."""
        if not target.must_be_registered:
            # A target without a revision gets the one that this execution registered.
            return arn(target.definition) if target.is_ours and not is_pinned(target.reference) else target.reference
        digests = {**target.digests, **self._unchanged_digests(trigger, target)}
        return self._registrar.revision(
            target.definition, target.tags, target.images, previous=target.previous, digests=digests
        )

    def _unchanged_digests(self, trigger: Trigger, target: TargetDefinition) -> dict[str, str]:
        """The digests of the neighbours' images, so that a later release sees that a tag was moved."""
        found: dict[str, str] = {}
        for item in self._unchanged.get(trigger, ()):
            # Its containers may be in another target.
            with suppress(ItemFailed):
                desired = desired_state(item, resolve(target.definition, item.desired.images)[0])
                if has_images(target.definition, desired.images):
                    found |= desired.digests
        return found

    def _result(self, item: Item, live_trigger: LiveTrigger, revisions: dict[str, str]) -> Item:
        now = self.budget.clock()
        try:
            task_definitions = live_trigger.of(item)
        except ItemFailed as error:
            return fail(item, str(error), now)
        plan = plan_trigger(item, task_definitions)
        shown = plan.shown
        revision = revisions[shown.reference] if shown.must_be_registered else arn(shown.definition)
        note = f"{len(task_definitions)} task definitions" if len(task_definitions) > 1 else None
        change = rechecked(item.change, plan.change, shown.is_ours)
        item = replace(item, change=replace(change, revision=short(revision)))
        return end(item, Status.DEPLOYED if plan.changed else Status.UNCHANGED, now, note)

    # --- roll back ---------------------------------------------------------------------------------------------------

    def _roll_back(self, trigger: Trigger, items: Sequence[Item]) -> list[Item]:
        """Point the targets to the revisions that this release replaced, which the new revisions' tags name."""
        state = trigger.read(self.aws)
        found = [self._before(reference) for reference in state.references]
        revisions = {each.reference: each.revision for each in found if each.revision is not None}
        running = {each.previous: short(each.revision or each.reference) for each in found if each.previous}
        live = {short(reference) for reference in state.references}
        reasons = "; ".join(each.why for each in found if each.why)
        if not running and not any(item.change.previous in live for item in items):
            raise ItemFailed(reasons or f"{trigger.described} runs {', '.join(sorted(live))}, which is left as it is")
        self._repoint(state, revisions, is_rollback=True)
        # Where an interrupted run has rolled it back, it runs what it ran before.
        self._runs[trigger] = {**{revision: revision for revision in live}, **running}
        if reasons:
            raise ItemFailed(reasons)
        now = self.budget.clock()
        return [
            end(
                item,
                Status.ROLLED_BACK,
                now,
                item.reason,
                running=running.get(item.change.previous or "", item.change.previous),
            )
            for item in items
        ]

    def _before(self, reference: str) -> _Before:
        """What a target that now runs ``reference`` ran before this release."""
        try:
            definition, tags = described(self.aws, reference)
            if not is_ours(tags, self.release):
                return _Before(reference)
            previous = previous_of(tags, reference)
            _, before = described(self.aws, previous)
            if is_ours(before, self.release):
                # An interrupted run has rolled it back already: this is a copy, and the one before it is what failed.
                return _Before(reference, previous_of(before, previous))
            ours = short(arn(definition))
            return _Before(
                reference,
                previous,
                usable(self.aws, self.release, self.batch.task_definition_arn(previous), ours),
            )
        except ItemFailed as error:
            return _Before(reference, why=str(error))


@dataclass(frozen=True, slots=True)
class _Before:
    """``reference`` is what a target runs, ``previous`` what it ran before this release, ``revision`` is what a
    rollback sets: ``previous`` or a copy. ``why`` is the reason where a rollback is not possible."""

    reference: str
    previous: str | None = None
    revision: str | None = None
    why: str | None = None
