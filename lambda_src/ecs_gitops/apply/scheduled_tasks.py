"""Deploy the scheduled tasks of a batch: register revisions, and point the ECS targets of rules and schedules to them.

There is no rollout: the next run of the task uses the new revision. Items of one rule or schedule are deployed
together, with one revision and one write. A run that died at any point can be repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from ecs_gitops.apply.deployer import Deployer
from ecs_gitops.apply.neighbours import as_they_run, known_digests
from ecs_gitops.aws.observability import ItemLog
from ecs_gitops.ecs.revision_tags import is_ours, previous_of
from ecs_gitops.ecs.task_definition import arn
from ecs_gitops.flow.transitions import after_failure, end, fail, fail_unknown, roll_back
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
from ecs_gitops.verdict.refusals import failure_text

log = logging.getLogger(__name__)


@dataclass(slots=True)
class TaskDeployer(Deployer):
    # Items whose own containers stay as they are, by trigger.
    _unchanged: dict[Trigger, list[Item]] = field(default_factory=dict)
    # The items of triggers for which a call that writes was made.
    _begun: dict[Trigger, Sequence[Item]] = field(default_factory=dict)
    # The triggers for which such a call had no answer.
    _lost: set[Trigger] = field(default_factory=set)

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
        return replace(self.batch.updated(chain.from_iterable(done)), next=Next.DONE, wait_seconds=0)

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
            done = self._unknown(trigger, items, self._reason(error, out))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other items have to go on
            hint = trigger.explain(error, self.batch) if isinstance(error, AwsRefused) else None
            why = hint or self._reason(error, out)
            # An interrupted run may have written, and nothing was read since.
            is_unread = self.is_retry and trigger not in self._begun and not isinstance(error, ItemFailed)
            is_known = trigger not in self._lost and not is_unread
            done = self._failed(items, why) if is_known else self._unknown(trigger, items, why)
        for item in done:
            out.info(f"scheduled task {item.status}", reason=item.reason)
        if not (neighbours := self._unchanged.get(trigger)):
            return done
        replaced = {i.change.previous for i in done if i.status is Status.DEPLOYED}
        replaced |= {i.change.revision for i in done if i.status is Status.ROLLED_BACK}
        known = {each for each in replaced if each is not None}
        return [*done, *as_they_run(self.aws, trigger, neighbours, known, self.budget)]

    def _unknown(self, trigger: Trigger, items: Sequence[Item], why: str) -> list[Item]:
        """The items after an answer that did not come: with their revisions where this run may have written them."""
        if trigger in self._begun or items[0].progress.step.is_rollback:
            return self._failed(self._begun.get(trigger, items), why)
        if self.is_retry:
            # A run before this one may have written, and died.
            return [fail_unknown(item, why, may_be_changed=True) for item in items]
        return self._failed(items, why)

    def _failed(self, items: Sequence[Item], why: str) -> list[Item]:
        now = self.budget.clock()
        return [after_failure(i, why, now) if i.progress.step.is_rollback else fail(i, why, now) for i in items]

    def _take_back(self, trigger: Trigger, items: Sequence[Item], why: str) -> list[Item]:
        """Roll the targets back after EventBridge accepted only some of them."""
        items = self._begun.get(trigger, items)
        if items[0].progress.step.is_rollback or not items[0].desired.on_failure.rolls_back:
            return self._failed(items, why)
        rolling_back = [roll_back(item, why) for item in items]
        try:
            return self.budget.retry(lambda: self._roll_back(trigger, rolling_back))
        except (ItemFailed, AwsRefused, AwsUnavailable) as error:
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
        except AwsUnavailable:
            self._lost.add(trigger)
            raise
        except (ItemFailed, AwsRefused) as error:
            if trigger in self._lost or any(target.is_ours for target in live_trigger.task_definitions):
                # An interrupted run had other targets written.
                raise PartlyWritten(failure_text(error, self.batch)) from error
            raise
        return done

    def _revision(self, trigger: Trigger, target: TargetDefinition) -> str:
        """The revision for the targets; the reference itself where nothing has to change."""
        if not target.must_be_registered:
            # A target without a revision gets the one that this execution registered.
            return arn(target.definition) if target.is_ours and not is_pinned(target.reference) else target.reference
        digests = known_digests(target, self._unchanged.get(trigger, ()))
        return self._registrar.revision(
            target.definition, target.tags, target.images, previous=target.previous, digests=digests
        )

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
        change = rechecked(item.change, plan.change, is_ours=False)
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
        if reasons:
            raise ItemFailed(reasons)
        now, left = self.budget.clock(), sorted(short(each.reference) for each in found if each.previous is None)
        done = []
        for item in items:
            before = item.change.previous or ""
            if before in running or before in live or not left:
                done.append(
                    end(item, Status.ROLLED_BACK, now, item.reason, running=running.get(before, before or None))
                )
                continue
            # Somebody changed the target meanwhile, and others of the same trigger are rolled back.
            why = f"{trigger.described} runs {', '.join(left)}, which is left as it is"
            done.append(after_failure(item, why, now))
        return done

    def _before(self, reference: str) -> _Before:
        """What a target that now runs ``reference`` ran before this release."""
        try:
            definition, tags = described(self.aws, reference)
        except ItemFailed:
            # It was deleted, so it is not what this release has just set.
            return _Before(reference)
        if not is_ours(tags, self.release):
            return _Before(reference)
        try:
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
