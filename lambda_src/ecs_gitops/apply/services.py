"""Deploy the services of a batch: new revisions, hooks, UpdateService, rollbacks.

A run that died at any point can be repeated: revisions and deployments of this execution are recognised by tags, hooks
by their tokens, and a rollback by what the service runs.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from ecs_gitops.apply.deployer import Deployer
from ecs_gitops.apply.rollback import Rollback
from ecs_gitops.aws.observability import ItemLog
from ecs_gitops.ecs import task_placement
from ecs_gitops.ecs.deployment_settings import differs, merged
from ecs_gitops.ecs.revision_tags import is_ours as is_of_this_release
from ecs_gitops.ecs.service import Deployment, Service, require_deployable
from ecs_gitops.ecs.task_definition import arn, images_of
from ecs_gitops.flow.next_step import timeout_seconds, with_next_step
from ecs_gitops.flow.transitions import (
    after_failure,
    end,
    fail,
    hold,
    move,
    queue_hook,
    run_hook,
    unchanged,
    untouched,
)
from ecs_gitops.ledger.failure_tags import clear_rolled_back, tag_failed
from ecs_gitops.live import services
from ecs_gitops.live.service_state import read_service_state
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import Item, join_texts
from ecs_gitops.model.status import Hook, Status, Step
from ecs_gitops.plan.decision import Deploy, Held, Join, Unchanged
from ecs_gitops.plan.recheck import rechecked
from ecs_gitops.plan.services import LiveService, ServicePlan, plan_service
from ecs_gitops.verdict import hooks, rollout

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ServiceDeployer(Deployer):
    def run(self) -> Batch:
        """The batch with every item final, in progress, or pending when the time was too short."""
        pending = [item for item in self.batch.items if item.is_pending]
        answers = services.describe_services(self.aws, pending, self.budget)
        done = services.each(lambda item: self._item(item, answers[item.number]), pending, self.budget)
        return with_next_step(self.batch.updated(done), self.budget.clock())

    def _item(self, item: Item, answer: Service | AwsRefused | None) -> Item:
        out = ItemLog(log, self.release.to_json(), service=item.name, cluster=item.cluster, account=self.batch.account)
        now = self.budget.clock()
        # A run before this one may have begun the item and run out of time.
        item = item.with_progress(began=item.progress.began or now, since=item.progress.since or now)
        if self.budget.is_over:
            return item
        seconds = timeout_seconds(item)
        deadline = replace(self.budget, until=min(self.budget.until, (item.progress.since or now) + seconds))
        answers = [answer]

        def act() -> Item:
            # The first answer may be out of date for a second attempt.
            service = answers.pop() if answers else services.describe_services(self.aws, [item], deadline)[item.number]
            if isinstance(service, AwsRefused):
                raise service
            return self._act(item, service, out)

        try:
            done = deadline.retry(act)
        except AwsUnavailable as error:
            if deadline.until == self.budget.until:
                out.warning("left for the next run", cause=str(error))
                return item
            done = self._failed(
                item,
                f"AWS did not take the calls in {rollout.minutes(seconds)}, so the state of the service is unknown: "
                f"{error}",
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the other items have to go on
            done = self._failed(item, self._reason(error, out, item))
        out.info(f"service {done.status or done.step}", reason=done.reason)
        return done

    def _failed(self, item: Item, why: str) -> Item:
        """The item after a failure. Before UpdateService nothing was changed, so there is nothing to roll back."""
        now = self.budget.clock()
        step = item.progress.step
        if step.hook is Hook.PRE_DEPLOY:
            return untouched(item, why, now)
        if step.hook is None and not step.is_rollback:
            return fail(item, why, now)
        return tag_failed(self.aws, self.budget, self.batch, after_failure(item, why, now))

    def _rollback(self, item: Item) -> Rollback:
        return Rollback(self.aws, self.release, self.batch, item, self.budget.clock(), self.budget)

    def _act(self, item: Item, service: Service | None, out: ItemLog) -> Item:
        step = item.progress.step
        if step.is_rollback:
            return self._rollback(item).start(service)
        found = require_deployable(service, item.cluster, item.name)
        if step.hook is not None:
            return self._hook(item, found)
        if step is Step.UPDATE:
            return self._after_pre_deploy(item, found)
        return self._deploy(item, found, out)

    def _deploy(self, item: Item, service: Service, out: ItemLog) -> Item:
        now = self.budget.clock()
        live = read_service_state(self.aws, item, service)
        plan = plan_service(item, live, self.release, now)
        for warning in plan.warnings:
            out.warning(warning)
        decision, is_ours = plan.decision, is_of_this_release(live.tags, self.release)
        item = replace(item, change=rechecked(item.change, plan.change, is_ours))
        if isinstance(decision, Unchanged):
            return self._configure(item, plan, decision)
        if isinstance(decision, Held):
            return hold(item, short(decision.revision), now)
        if isinstance(decision, Join):
            return self._join(item, live, plan, decision)
        return self._start(item, live, plan, decision)

    def _configure(self, item: Item, plan: ServicePlan, decision: Unchanged) -> Item:
        """Nothing is rolled out. The settings are written where they differ, and the tag of an earlier rollback is
        removed."""
        revision, now = short(decision.revision), self.budget.clock()
        key, forgotten = plan.desired.key, None
        if decision.forget:
            forgotten = clear_rolled_back(self.aws, self.budget, key, decision.revision)
        # Where the check found other settings than now, an interrupted run has written them already.
        before = item.change.previous_settings
        was_written = before is not None and differs(before, item.service.deployment or {})
        if not decision.configure and not was_written:
            return unchanged(item, revision, now, join_texts(item.reason, forgotten))
        if decision.configure:
            self._write_settings(item, plan)
        reason = join_texts(item.reason, "the deployment settings alone changed: nothing was rolled out", forgotten)
        return end(item.with_change(previous=revision, revision=revision), Status.DEPLOYED, now, reason)

    def _write_settings(self, item: Item, plan: ServicePlan) -> None:
        self.aws.update_service(item.cluster, item.name, None, plan.configuration)

    def _rolling_out(self, item: Item, service: Service, deployment: Deployment, *, is_followed: bool) -> Item:
        """The item, waiting for this deployment. Its age is by ECS's clock where the answer has ECS's time, as the
        functions' clock may differ."""
        now = self.budget.clock()
        taken = 0.0 if service.as_of is None else service.age(deployment, now)
        watched = item.with_watched(
            deployment=deployment.id, deployed_at=deployment.created_at, is_followed=is_followed
        )
        return move(watched, Step.ROLLING_OUT, since=now - taken)

    def _join(self, item: Item, live: LiveService, plan: ServicePlan, decision: Join) -> Item:
        service, deployment = live.service, decision.deployment
        try:
            before, _ = self.aws.describe_task_definition(decision.previous)
        except AwsRefused:
            # The revision was deleted, so its images are unknown. The rollout is watched all the same.
            before = {}
        container = next(iter(plan.containers.values())).name
        if not decision.is_ours and plan.desired.configuration is not None:
            self._write_settings(item, plan)
        note = None if decision.is_ours else "joined the deployment of this image that was going on already"
        # Where the revision was deployed again, the newer deployment is not ours.
        is_second = any(
            each.task_definition == deployment.task_definition and each.id != deployment.id
            for each in service.deployments
        )
        item = item.with_change(
            revision=short(arn(live.definition)), previous_image=images_of(before).get(container)
        ).with_progress(reason=item.reason or note)
        return self._rolling_out(item, service, deployment, is_followed=not decision.is_ours or is_second)

    def _start(self, item: Item, live: LiveService, plan: ServicePlan, decision: Deploy) -> Item:
        desired = plan.desired
        revision = self._registrar.revision(
            live.definition, live.tags, desired.images, previous=decision.previous, digests=desired.digests
        )
        item = item.with_change(revision=short(revision)).with_progress(reason=item.reason or decision.why)
        if item.has_hook(Hook.PRE_DEPLOY):
            # The state machine stores the revision first, so that a repeated call of RunTask is the same.
            return move(item, Step.PRE_DEPLOY)
        return self._update(item, live.service)

    def _after_pre_deploy(self, item: Item, service: Service) -> Item:
        """Update the service after the hook preDeploy succeeded, unless an interrupted run has done that."""
        revision = self.batch.task_definition_arn(item.change.revision or "")
        primary = service.primary
        if primary is not None and primary.task_definition == revision:
            # Without an interrupted run, somebody else deployed the new revision already.
            return self._rolling_out(item, service, primary, is_followed=not self.is_retry)
        if primary is not None and short(primary.task_definition) != item.change.replaced:
            deployed = f"{short(primary.task_definition)} was deployed by someone else while the hook preDeploy ran"
            raise ItemFailed(f"{deployed}; that is left as it is")
        return self._update(item, service)

    def _update(self, item: Item, service: Service) -> Item:
        revision = self.batch.task_definition_arn(item.change.revision or "")
        deployment = item.service.deployment
        configuration = merged(service.configuration, deployment) if deployment else None
        answer = self.aws.update_service(item.cluster, item.name, revision, configuration)
        after = Service.from_api(answer)
        started = next((d for d in after.deployments if d.is_primary and d.task_definition == revision), None)
        if started is None:
            raise AwsUnavailable(f"UpdateService did not show a primary deployment of {short(revision)}")
        return self._rolling_out(item, after, started, is_followed=False)

    def _hook(self, item: Item, service: Service) -> Item:
        definition, _ = self.aws.describe_task_definition(item.change.revision or "")
        request = hooks.request(self.batch, item, service, definition, self.release)
        try:
            task, why = self.aws.run_task(request)
        except AwsRefused as error:
            if (refusal := task_placement.refusal(error)) is None:
                raise
            task, why = None, refusal
        now = self.budget.clock()
        if task is None:
            waiting = queue_hook(item, why, now, self.batch.stretch)
            if waiting is None:
                raise ItemFailed(hooks.could_not_run(item, why, now))
            return waiting
        return run_hook(item, hooks.run_state(task, request, definition, item), now)
