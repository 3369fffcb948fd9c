"""Deploy the services of a batch: new revisions, hooks, UpdateService, rollbacks.

A slice reads and plans all services, writes down what it is about to do, and then does it. A run that died at any point
can be repeated: revisions and deployments of this execution are recognised by tags, hooks by their tokens, and a
rollback by what the service runs. A rollback needs no write to the ledger, and comes first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ecs_gitops.apply import interrupted, planning
from ecs_gitops.apply.deployer import Deployer
from ecs_gitops.apply.hook_tasks import start_hook
from ecs_gitops.apply.latest_reads import LatestReads
from ecs_gitops.apply.planning import Planned
from ecs_gitops.apply.rollback import Rollback
from ecs_gitops.apply.service_change import ServiceChange
from ecs_gitops.aws.observability import ItemLog
from ecs_gitops.ecs.deployment_settings import differs
from ecs_gitops.ecs.service import Service, require_deployable
from ecs_gitops.flow.next_step import is_prepared, timeout_seconds, with_next_step
from ecs_gitops.flow.transitions import after_failure, end, fail, fail_unknown, roll_back, untouched
from ecs_gitops.live import services
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, FenceLost, LedgerRefused, LedgerUnavailable
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import join_names, join_texts
from ecs_gitops.model.memory import NOTHING
from ecs_gitops.model.status import Hook, Judgement, OnFailure, Status, Step
from ecs_gitops.plan.decision import Join
from ecs_gitops.verdict import rollout
from ecs_gitops.watch.rollouts import RolloutWatch

if TYPE_CHECKING:
    from ecs_gitops.ledger.targets import Memories
    from ecs_gitops.live.services import ServiceAnswers
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.memory import Memory

log = logging.getLogger(__name__)

T = TypeVar("T")

_PLANNED = (Step.PENDING, Step.UPDATE)
# A slice has as many items as ECS accepts in so many seconds, but not more than can be begun in that time. It has whole
# tens of them, as ECS describes ten services in a call.
_SLICE_SECONDS, _TEN, _SLICE_AT_MOST = 12.0, 10, 100
# A large batch has not more slices than this: each writes to the ledger once.
_SLICES_AT_MOST = 50
# After this time a run hands over what it has begun.
_BEGINNING_SECONDS = 600.0


@dataclass(slots=True)
class ServiceDeployer(Deployer):
    # The items whose services may have been changed by a call, with what is known of the change.
    _begun: dict[int, Item] = field(default_factory=dict)

    def run(self) -> Batch:
        """The batch with every item final, in progress, or pending when the time was too short.

        Raises :class:`FenceLost`; and :class:`LedgerUnavailable` where nothing can be done without the ledger."""
        now = self.budget.clock()
        # A run before this one may have begun an item and run out of time.
        pending = [
            item.with_progress(began=item.progress.began or now, since=item.progress.since or now)
            for item in self.batch.items
            if item.is_pending and not is_prepared(item, self.batch)
        ]
        back = [item for item in pending if item.progress.step.is_rollback]
        forward = [item for item in pending if not item.progress.step.is_rollback]
        done: list[Item] = []
        if back:
            self.ledger.fence.require(is_rollback=True)
            answers = services.describe_services(self.aws, back, self.budget)
            done += services.each(lambda item: self._rolled_back(item, answers), back, self.budget)
        batch = self.batch.updated(done)
        try:
            batch = self._in_slices(batch, forward)
        except LedgerUnavailable as error:
            if not back:
                raise
            # What was rolled back is kept. The next run waits for the ledger.
            log.warning("left for the next run", extra={"cause": str(error)})
        return with_next_step(batch, self.budget.clock())

    def _in_slices(self, batch: Batch, forward: Sequence[Item]) -> Batch:
        """Begin items slice by slice, and look at those that were begun in between: a failure is not to wait until the
        last service of many was begun. After the first failure the state machine goes on with what it asks for."""
        until = self.budget.clock() + _BEGINNING_SECONDS
        known = {item.number for item in batch.items if _has_failed(item)}
        begun = 0
        while begun < len(forward) and (not begun or self.budget.clock() < until):
            try:
                following = forward[begun : begun + self._slice_size(len(forward))]
                batch = batch.updated(self._forward(following))
                if begun + len(following) < len(forward):
                    batch = RolloutWatch(self.aws, self.release, batch, self.budget).run()
            except (AwsUnavailable, LedgerUnavailable) as error:
                if not begun:
                    raise
                # What was begun is kept.
                log.warning("left for the next run", extra={"cause": str(error)})
                break
            begun += len(following)
            if any(_has_failed(item) for item in batch.items if item.number not in known):
                break
        return _not_to_begin(batch)

    def _slice_size(self, items: int) -> int:
        """How many of ``items`` the next slice has."""
        limiter = self.aws.rate_limiter
        accepted = limiter.accepted_within(_SLICE_SECONDS, "register_task_definition", "update_service")
        return max(_TEN, min(accepted // _TEN * _TEN, _SLICE_AT_MOST), items // _SLICES_AT_MOST)

    def _out(self, item: Item) -> ItemLog:
        return ItemLog(log, self.release.to_json(), service=item.name, cluster=item.cluster, account=self.batch.account)

    # --- forward -----------------------------------------------------------------------------------------------------

    def _forward(self, items: Sequence[Item]) -> list[Item]:
        self.ledger.fence.require(is_rollback=False)
        try:
            memories = self.ledger.targets.read() or {}
        except LedgerRefused as error:
            return [self._not_begun(item, error, is_unread=self.is_retry) for item in items]
        read_at = self.budget.monotonic()
        answers = services.describe_services(self.aws, items, self.budget)
        to_plan = [item for item in items if item.progress.step in _PLANNED]
        made = services.each(lambda item: self._planned(item, answers, memories, read_at), to_plan, self.budget)
        done = [each for each in made if not isinstance(each, Planned)]
        planned = [each for each in made if isinstance(each, Planned)]
        planned = self.budget.retry(partial(planning.with_digests, self.aws, planned))
        try:
            planned = planning.write_intents(self.ledger, planned)
        except LedgerRefused as error:
            return [*done, *(self._not_begun(each.item, error, is_unread=self._is_unread(each)) for each in planned)]
        reads = LatestReads(self.aws, self.budget, planned)
        change = ServiceChange(
            self.aws, self.release, self.batch, self.budget, self.ledger, self._registrar, self._begun, reads
        )
        done += services.each(lambda each: self._acted(each, change), planned, self.budget)
        hooks = [item for item in items if item.progress.step not in _PLANNED]
        return done + services.each(lambda item: self._hooked(item, answers), hooks, self.budget)

    def _not_begun(self, item: Item, error: Exception, *, is_unread: bool) -> Item:
        """The item, where the ledger refuses what a rollback would need."""
        is_unread = is_unread and item.progress.step in _PLANNED
        return self._failed(item, str(error) if is_unread else f"nothing was changed: {error}", is_unread=is_unread)

    def _is_unread(self, planned: Planned) -> bool:
        """Whether a run before this one may have deployed what the plan found, or has not looked for."""
        decision = planned.plan.decision if planned.plan is not None else None
        is_ours = decision is None or (isinstance(decision, Join) and decision.is_ours)
        return self.is_retry and is_ours and interrupted.may_have_begun(planned.remembered, self.release)

    def _planned(self, item: Item, answers: ServiceAnswers, memories: Memories, read_at: float) -> Planned | Item:
        def plan(answer: Service | AwsRefused | None) -> Planned:
            if isinstance(answer, AwsRefused):
                raise answer
            service, now = require_deployable(answer, item.cluster, item.name), self.budget.clock()
            return planning.plan_item(self.aws, self.release, item, service, memories, now, read_at)

        # A run before this one may have died after its UpdateService, and nothing was read since.
        memory = memories.get(item.desired.identity, NOTHING)
        is_unread = self.is_retry and interrupted.may_have_begun(memory, self.release)
        return self._tried(item, answers, plan, is_unread=is_unread)

    def _acted(self, planned: Planned, change: ServiceChange) -> Item:
        is_unread = self._is_unread(planned)
        done = self._tried(planned.item, None, lambda _: change.act(planned), is_unread=is_unread)
        return self._logged(planned.item, done)

    def _hooked(self, item: Item, answers: ServiceAnswers) -> Item:
        def act(answer: Service | AwsRefused | None) -> Item:
            if isinstance(answer, AwsRefused):
                raise answer
            self.ledger.fence.require(is_rollback=False)
            service = require_deployable(answer, item.cluster, item.name)
            return start_hook(self.aws, self.release, self.batch, item, service, self.budget)

        return self._logged(item, self._tried(item, answers, act))

    # --- roll back ---------------------------------------------------------------------------------------------------

    def _rolled_back(self, item: Item, answers: ServiceAnswers) -> Item:
        def act(answer: Service | AwsRefused | None) -> Item:
            if isinstance(answer, AwsRefused):
                raise answer
            if item.change.revision is None and answer is not None:
                return self._unknown_rolled_back(item, answer)
            return self._rollback(item).start(answer)

        return self._logged(item, self._tried(item, answers, act))

    def _rollback(self, item: Item) -> Rollback:
        return Rollback(self.aws, self.release, self.batch, item, self.budget.clock(), self.ledger.fence)

    def _unknown_rolled_back(self, item: Item, service: Service) -> Item:
        """The same for an item of which a run that died, or a state that failed, did not say what it had changed."""
        memory, now, runs = self._remembered(item), self.budget.clock(), short(service.runs)
        known = interrupted.with_change(self.aws, self.release, item, service, memory, now)
        if known.change.revision is not None:
            return self._rollback(known).start(service)
        has_begun, before = interrupted.may_have_begun(memory, self.release), known.change.previous_settings
        if has_begun and known.change.previous == runs and before and differs(service.configuration, before):
            # ECS took it back, and left the settings.
            return self._rollback(known.with_change(revision=runs)).start(service).with_change(revision=None)
        why = join_texts(item.reason, f"nothing that this release deployed runs: the service runs {runs}")
        return fail(item, why or "", now, judgement=Judgement.OPEN if has_begun else Judgement.UNTOUCHED)

    def _remembered(self, item: Item) -> Memory | None:
        """What the ledger has of the item's service; None where it cannot be read: a rollback does not wait for it."""
        try:
            return (self.ledger.targets.read() or {}).get(item.desired.identity, NOTHING)
        except (LedgerUnavailable, LedgerRefused):
            return None

    # --- both --------------------------------------------------------------------------------------------------------

    def _tried(
        self,
        item: Item,
        answers: ServiceAnswers | None,
        act: Callable[[Service | AwsRefused | None], T],
        *,
        is_unread: bool = False,
    ) -> T | Item:
        """What ``act`` gives with the service as ECS describes it, tried again while AWS does not answer; the item
        itself where the time was too short, and FAILED or to be rolled back after any other error."""
        if self.budget.is_over:
            return item
        seconds = timeout_seconds(item)
        deadline = replace(self.budget, until=min(self.budget.until, (item.progress.since or 0.0) + seconds))
        first = [answers[item.number]] if answers is not None else []

        def attempt() -> T:
            # The first answer may be out of date for a second attempt.
            if first or answers is None:
                return act(first.pop() if first else None)
            return act(services.describe_services(self.aws, [item], deadline)[item.number])

        try:
            return deadline.retry(attempt)
        except AwsUnavailable as error:
            if deadline.until == self.budget.until:
                self._out(item).warning("left for the next run", cause=str(error))
                return item
            why = (
                f"AWS did not take the calls in {rollout.minutes(seconds)}, so the state of the service is unknown: "
                f"{error}"
            )
            return self._failed(item, why, is_unread=is_unread)
        except (FenceLost, LedgerUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other items have to go on
            return self._failed(item, self._reason(error, self._out(item), item), is_unread=is_unread)

    def _logged(self, item: Item, done: Item) -> Item:
        self._out(item).info(f"service {done.status or done.step}", reason=done.reason)
        return done

    def _failed(self, item: Item, why: str, *, is_unread: bool = False) -> Item:
        """The item after a failure. Before UpdateService nothing was changed, so there is nothing to roll back. Where
        its answer was lost, something may have been; also where a run before this one died (``is_unread``)."""
        now, step = self.budget.clock(), item.progress.step
        if (begun := self._begun.get(item.number)) is not None:
            return after_failure(begun, why, now, Judgement.OPEN)
        if is_unread:
            item = item.with_change(revision=None)
            unknown = fail_unknown(item, why, may_be_changed=True)
            is_back = item.desired.on_failure.rolls_back
            return roll_back(item, unknown.reason or why, Judgement.OPEN) if is_back else unknown
        if step.hook is Hook.PRE_DEPLOY or step is Step.UPDATE:
            return untouched(item, why, now)
        if step.hook is None and not step.is_rollback:
            return fail(item, why, now, judgement=Judgement.UNTOUCHED)
        # A hook whose task could not be started is no verdict.
        return after_failure(item, why, now, Judgement.OPEN)


def _has_failed(item: Item) -> bool:
    is_back = item.step is not None and item.step.is_rollback
    return is_back or (item.status is not None and item.status.is_bad)


def _not_to_begin(batch: Batch) -> Batch:
    """The batch. Where an item failed that takes the whole release back, nothing more is begun."""
    bad = [item for item in batch.items if _has_failed(item) and item.desired.on_failure is OnFailure.ROLL_BACK_RELEASE]
    if not bad:
        return batch
    why = f"not begun: the release is rolled back, because of {join_names([item.name for item in bad], 3)}"
    return batch.updated(end(item, Status.SKIPPED, reason=why) for item in batch.items if item.step is Step.PENDING)
