"""The change of one service: register a revision, run the hook, update the service, watch what is going on."""

from __future__ import annotations

import logging
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.apply.others import begun_meanwhile, named
from ecs_gitops.apply.planning import settings_since
from ecs_gitops.ecs.deployment_settings import differs, merged, original_settings, strategy
from ecs_gitops.ecs.revision_tags import is_ours as is_of_this_release
from ecs_gitops.ecs.service import Deployment, Service, require_deployable
from ecs_gitops.ecs.task_definition import arn, images_of
from ecs_gitops.flow.transitions import end, fail, hold, move, unchanged
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import join_texts
from ecs_gitops.model.status import ChangeKind, Hook, Judgement, Status, Step
from ecs_gitops.plan.decision import Deploy, Held, Join, Judge, Unchanged
from ecs_gitops.plan.memory import is_others, settings_before
from ecs_gitops.plan.recheck import rechecked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecs_gitops.apply.latest_reads import LatestReads
    from ecs_gitops.apply.planning import Planned
    from ecs_gitops.apply.registration import Registrar
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ledger import Ledger
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json
    from ecs_gitops.plan.services import LiveService, ServicePlan

log = logging.getLogger(__name__)

# Seconds by which an answer of ECS may be out of date.
_OUT_OF_DATE = 30.0

_SETTINGS_STAY = (
    "its deployment settings are those that an earlier release left behind, as their strategy is not changed while a "
    "deployment is going on: set `deployment` to have others"
)


@dataclass(slots=True)
class ServiceChange:
    """Changes services of one batch as they were planned. ``begun`` gets each item right before a call that may change
    its service, and loses it when the answer is known."""

    aws: Aws
    release: Release
    batch: Batch
    budget: TimeBudget
    ledger: Ledger
    registrar: Registrar
    begun: dict[int, Item]
    reads: LatestReads

    def act(self, planned: Planned) -> Item:
        """The item after the change was begun, or final. Raises :class:`ItemFailed`, :class:`FenceLost` and what the
        calls raise; it may be called again after :class:`AwsUnavailable`."""
        item, live, plan = planned.item, planned.live, planned.plan
        if live is None or plan is None:
            return self._after_pre_deploy(planned)
        for warning in plan.warnings:
            log.warning(warning, extra={"service": item.name})
        decision, is_ours = plan.decision, is_of_this_release(live.tags, self.release)
        item = replace(item, change=rechecked(item.change, plan.change, is_ours))
        if isinstance(decision, Unchanged):
            return self._configure(item, planned, plan, decision)
        if isinstance(decision, Held):
            return self._hold(item, planned, plan, decision)
        if isinstance(decision, Join):
            return self._join(item, planned, live, plan, decision)
        if isinstance(decision, Judge):
            return self._judge(item, planned, live, plan, decision)
        return self._start(item, planned, live, plan, decision)

    # --- nothing is rolled out ---------------------------------------------------------------------------------------

    def _configure(self, item: Item, planned: Planned, plan: ServicePlan, decision: Unchanged) -> Item:
        """The settings are written where they differ."""
        owned, attempt = item.service.deployment or {}, planned.remembered.attempt
        before = plan.before
        if attempt is not None and attempt.execution == self.release.mark and attempt.rollback_to is not None:
            # An interrupted run has written them already.
            before = attempt.rollback_to.settings or before
        changed = item.with_change(previous=decision.revision, revision=decision.revision)
        if decision.configure:
            self._write_settings(item, planned, plan.configuration, owned, begun=changed)
        if differs(before, owned):
            reason = join_texts(item.reason, "the deployment settings alone changed: nothing was rolled out")
            return end(changed, Status.DEPLOYED, self.budget.clock(), reason)
        note = (
            "the deployment settings that an earlier release left behind were put back" if decision.configure else None
        )
        return unchanged(item, decision.revision, self.budget.clock(), join_texts(item.reason, note))

    def _hold(self, item: Item, planned: Planned, plan: ServicePlan, decision: Held) -> Item:
        note = None
        if decision.configure and decision.is_going_on:
            note = "its deployment settings are put back by the next release, as a deployment is still going on"
        elif decision.configure:
            self._write_settings(item, planned, plan.configuration, {})
            note = "its deployment settings, which that release left behind, were put back"
        return hold(item, decision.revision, self.budget.clock(), decision.by, note)

    def _judge(self, item: Item, planned: Planned, live: LiveService, plan: ServicePlan, decision: Judge) -> Item:
        """What runs was never proven. Its rollout is over, so its hook after the rollout decides, where there is
        one."""
        if decision.has_failed:
            why = f"judged again, nothing was rolled out: {decision.why}"
            item = item.with_change(revision=decision.revision)
            # Of what a rollback went to, nothing new is known.
            judgement = Judgement.FAILED if decision.is_taken_back else Judgement.UNTOUCHED
            why, now = f"{why}; it is left as it is", self.budget.clock()
            return fail(item, why, now, judgement=judgement, running=decision.revision)
        why, primary = f"judged again, nothing was rolled out: {decision.why}", live.service.primary
        # What somebody else deployed is never taken back. What a rollback of a later release goes to is written down.
        previous = item.change.previous if decision.is_taken_back else None
        item = item.with_change(revision=decision.revision, previous=previous).with_progress(reason=why)
        if decision.configure:
            # Where the answer is lost, the settings alone go back.
            begun = item.with_change(previous=decision.revision)
            self._write_settings(item, planned, plan.configuration, item.service.deployment or {}, begun=begun)
        if primary is not None:
            item = item.with_watched(deployment=primary.id, deployed_at=primary.created_at)
        if item.has_hook(Hook.POST_DEPLOY):
            return move(item, Step.POST_DEPLOY, since=None)
        if differs(plan.before, item.service.deployment or {}):
            return end(item.with_change(previous=decision.revision), Status.DEPLOYED, self.budget.clock(), why)
        return unchanged(item, decision.revision, self.budget.clock(), why)

    def _write_settings(
        self, item: Item, planned: Planned, configuration: Json, owned: Json, *, begun: Item | None = None
    ) -> None:
        """Write the settings. ``begun`` is the item that is to be rolled back where the answer is lost."""
        configuration = settings_since(planned, self._current(item, planned), configuration, owned)
        self.ledger.fence.require(is_rollback=False)
        with nullcontext() if begun is None else self._beginning(begun):
            self.aws.update_service(item.cluster, item.name, None, configuration)

    # --- what is going on --------------------------------------------------------------------------------------------

    def _join(self, item: Item, planned: Planned, live: LiveService, plan: ServicePlan, decision: Join) -> Item:
        service, deployment = live.service, decision.deployment
        before: Json = {}
        if decision.previous is not None:
            try:
                before, _ = self.aws.describe_task_definition(decision.previous)
            except (AwsRefused, AwsUnavailable):
                # It may have been deleted, so its images are unknown. The rollout is watched all the same.
                before = {}
        container = next(iter(plan.containers.values())).name
        # Also those that an earlier release left behind: when this one is good, nothing remembers them any more. The
        # strategy of a deployment that goes on stays: what is known of it depends on that.
        is_kept = plan.is_restored and strategy(service.configuration) != strategy(plan.configuration)
        if not decision.is_ours and (plan.desired.configuration is not None or (plan.is_restored and not is_kept)):
            self._write_settings(item, planned, plan.configuration, item.service.deployment or {})
        elif not decision.is_ours and is_kept:
            item = item.with_change(warnings=tuple(dict.fromkeys((*item.change.warnings, _SETTINGS_STAY))))
        note = None if decision.is_ours else "joined the deployment of this image that was going on already"
        # Where the revision was deployed again, the newer deployment is not ours.
        is_second = any(
            each.task_definition == deployment.task_definition and each.id != deployment.id
            for each in service.deployments
        )
        item = item.with_change(
            revision=short(arn(live.definition)), previous_image=images_of(before).get(container)
        ).with_progress(reason=item.reason or note)
        if not decision.is_ours and not decision.is_taken_back:
            # Somebody else's deployment is judged, and never taken back.
            item = item.with_change(previous=None)
        return self._rolling_out(item, service, deployment, is_followed=not decision.is_ours or is_second)

    def _rolling_out(self, item: Item, service: Service, deployment: Deployment, *, is_followed: bool) -> Item:
        """The item, waiting for this deployment. Its age is by ECS's clock where the answer has ECS's time, as the
        functions' clock may differ."""
        now = self.budget.clock()
        taken = 0.0 if service.as_of is None else service.age(deployment, now)
        watched = item.with_watched(
            deployment=deployment.id, deployed_at=deployment.created_at, is_followed=is_followed
        )
        return move(watched, Step.ROLLING_OUT, since=now - taken)

    # --- a new revision ----------------------------------------------------------------------------------------------

    def _start(self, item: Item, planned: Planned, live: LiveService, plan: ServicePlan, decision: Deploy) -> Item:
        desired = plan.desired
        previous = decision.previous or short(arn(live.definition))
        revision = self.registrar.revision(
            live.definition, live.tags, desired.images, previous=previous, digests=desired.digests
        )
        item = item.with_change(revision=short(revision)).with_progress(reason=item.reason or decision.why)
        if decision.note and decision.note not in item.change.warnings:
            item = item.with_change(warnings=(*item.change.warnings, decision.note))
        if item.has_hook(Hook.PRE_DEPLOY):
            # The state machine stores the revision first, so that a repeated call of RunTask is the same.
            return move(item, Step.PRE_DEPLOY)
        configuration = plan.configuration if plan.configure or desired.configuration else None
        return self._update(item, planned, configuration)

    def _after_pre_deploy(self, planned: Planned) -> Item:
        """Update the service after the hook preDeploy succeeded, unless an interrupted run has done that."""
        item, service = planned.item, planned.service
        primary, revision = service.primary, item.change.revision or ""
        is_another = primary is not None and short(primary.task_definition) not in (item.change.replaced, revision)
        if primary is not None and is_another and not self._was_there_before(planned, primary):
            deployed = f"{short(primary.task_definition)} was deployed by someone else while the hook preDeploy ran"
            raise ItemFailed(f"{deployed}; that is left as it is")
        # Somebody may have changed the settings since the plan.
        before, owned = settings_before(planned.remembered, service), item.service.deployment or {}
        configuration = merged(before, owned)
        is_written = bool(owned) or differs(service.configuration, configuration)
        if is_written:
            item = item.with_change(previous_settings=original_settings(before, owned))
        return self._update(item, planned, configuration if is_written else None)

    def _was_there_before(self, planned: Planned, deployment: Deployment) -> bool:
        """Whether nobody deployed it meanwhile: it is older than the release, and than an answer that may be out of
        date. ECS went back to it, which is what a rollback goes to, or an old answer shows what ECS took back. Both
        times are AWS's."""
        revision = short(deployment.task_definition)
        is_known = revision == planned.item.change.previous or planned.remembered.is_not_good(revision)
        return is_known and deployment.created_at < self.release.started_at - _OUT_OF_DATE

    def _update(self, item: Item, planned: Planned, configuration: Json | None) -> Item:
        revision = self.batch.task_definition_arn(item.change.revision or "")
        service = self._current(item, planned)
        primary = service.primary
        if configuration is not None:
            configuration = settings_since(planned, service, configuration, item.service.deployment or {})
        if primary is not None and primary.task_definition == revision:
            # Without an interrupted run, somebody else deployed the new revision already.
            is_ours = item.number in self.begun or self.registrar.is_retry
            is_ours = is_ours and not is_others(planned.remembered.attempt, self.release.mark)
            self.begun.pop(item.number, None)
            if not is_ours:
                item = self._followed(item, configuration)
            return self._rolling_out(item, service, primary, is_followed=not is_ours)
        known = planned.service.primary
        if primary is not None and known is not None and primary.id != known.id:
            deployed = f"{short(primary.task_definition)} was deployed by someone else a moment ago"
            raise ItemFailed(f"{deployed}; that is left as it is, and the next push tries again")
        self.ledger.fence.require(is_rollback=False)
        with self._beginning(item):
            answer = self.aws.update_service(item.cluster, item.name, revision, configuration)
            after = Service.from_api(answer)
            started = next((d for d in after.deployments if d.is_primary and d.task_definition == revision), None)
            if started is None:
                raise AwsUnavailable(f"UpdateService did not show a primary deployment of {short(revision)}")
        if (replaced := next(begun_meanwhile(service, after, (revision,)), None)) is not None:
            # A warning is kept, whatever becomes of the item.
            item = item.with_change(warnings=(*item.change.warnings, named(replaced)))
        return self._rolling_out(item, after, started, is_followed=False)

    @contextmanager
    def _beginning(self, item: Item) -> Iterator[None]:
        """While the service may be changed by a call whose answer is not known. After a refusal nothing was changed,
        unless by a call before it, whose answer was lost."""
        is_second, self.begun[item.number] = item.number in self.begun, item
        try:
            yield
        except AwsRefused:
            if not is_second:
                del self.begun[item.number]
            raise
        del self.begun[item.number]

    def _followed(self, item: Item, configuration: Json | None) -> Item:
        """The item, whose revision somebody else deployed first: that deployment is judged, and never taken back. The
        settings are still to be written."""
        if configuration is not None:
            self.ledger.fence.require(is_rollback=False)
            self.aws.update_service(item.cluster, item.name, None, configuration)
        told = f"{item.change.revision} was deployed by someone else first, and that deployment was followed"
        warnings = tuple(dict.fromkeys((*item.change.warnings, told)))
        return item.with_change(kind=ChangeKind.JOIN, previous=None, warnings=warnings)

    def _current(self, item: Item, planned: Planned) -> Service:
        """The service, by a read that is young enough. An answer that is older than the planned one is not used."""
        found = self.reads.read(planned, anew=item.number in self.begun)
        service = require_deployable(found, item.cluster, item.name)
        known, primary = planned.service.primary, service.primary
        is_older = known is not None and primary is not None and primary.created_at < known.created_at
        return planned.service if is_older else service
