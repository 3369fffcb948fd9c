"""Deploy the services of a batch: new revisions, hooks, UpdateService; and the way back.

Safe to run again after it died at any point: what this execution registered and started is recognised by its tags,
hooks by their tokens, and a rollback by what the service runs.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

from ecs_gitops.apply.registration import Registrar
from ecs_gitops.apply.rollback import Rollback
from ecs_gitops.aws import Aws
from ecs_gitops.aws.observability import ItemLog
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.ecs import task_placement
from ecs_gitops.ecs.deployment_settings import differs, merged
from ecs_gitops.ecs.service import Deployment, Service, require_deployable
from ecs_gitops.ecs.task_definition import arn, images_of
from ecs_gitops.flow.next_step import after_failure, explain, settle, timeout_seconds
from ecs_gitops.ledger.failure_tags import clear_rolled_back, tag_failed
from ecs_gitops.live import services
from ecs_gitops.live.service_comparison import Examined, examine
from ecs_gitops.model import items
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.model.identity import DEFAULT_CLUSTER, short
from ecs_gitops.model.items import Item
from ecs_gitops.model.release import Release
from ecs_gitops.model.types import Json
from ecs_gitops.plan.decision import Deploy, Held, Join, Unchanged
from ecs_gitops.verdict import hooks, rollout

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ServiceDeployer:
    """One run over one batch. ``is_retry``: a run before this one may have stopped between two calls."""

    aws: Aws
    release: Release
    batch: Batch
    budget: TimeBudget
    is_retry: bool
    _registrar: Registrar = field(init=False)

    def __post_init__(self) -> None:
        self._registrar = Registrar(self.aws, self.release, self.is_retry)

    def run(self) -> Batch:
        """The batch with every item final, in progress, or pending when the time did not suffice."""
        pending = [item for item in self.batch.items if item.status == items.PENDING]
        seen = services.describe_services(self.aws, pending, self.budget)
        done = services.each(lambda item: self._item(item, seen[item.number]), pending, self.budget)
        return settle(self.batch.updated(done), self.budget.clock())

    def _item(self, item: Item, seen: Service | AwsRefused | None) -> Item:
        out = ItemLog(log, self.release.to_json(), service=item.name, cluster=item.cluster, account=self.batch.account)
        now = self.budget.clock()
        # A run before this one may have begun the item and run out of time.
        item = replace(item, began=item.began or now, started_at=item.started_at or now)
        if self.budget.is_over:
            return item
        seconds = timeout_seconds(item)
        deadline = replace(self.budget, until=min(self.budget.until, (item.started_at or now) + seconds))
        looks = [seen]

        def act() -> Item:
            # What was seen before the first attempt may be out of date for the next one.
            service = looks.pop() if looks else services.describe_services(self.aws, [item], deadline)[item.number]
            if isinstance(service, AwsRefused):
                raise service
            return self._act(item, service, out)

        try:
            done = deadline.retry(act)
        except ItemFailed as error:
            done = self._failed(item, str(error))
        except AwsRefused as error:
            done = self._failed(item, explain(error, self.batch, item.cluster))
        except AwsUnavailable as error:
            if deadline.until == self.budget.until:
                out.warning("left for the next run", cause=str(error))
                return item
            done = self._failed(
                item,
                f"AWS did not take the calls in {rollout.minutes(seconds)}, so what stands is unknown: {error}",
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the siblings have to go on
            out.warning("internal error", cause=type(error).__name__)
            done = self._failed(item, f"internal error ({type(error).__name__}), so what stands is unknown")
        out.info(f"service {done.phase or ''} {done.status}", reason=done.reason)
        return done

    def _failed(self, item: Item, why: str) -> Item:
        """Before UpdateService nothing of the service was changed, and there is nothing to return."""
        now = self.budget.clock()
        if item.phase == items.PRE_DEPLOY:
            return hooks.untouched(item, why, now)
        if item.phase not in (items.POST_DEPLOY, items.ROLLBACK):
            return item.failed(why, now)
        return tag_failed(self.aws, self.batch, after_failure(item, why, now))

    def _act(self, item: Item, service: Service | None, out: ItemLog) -> Item:
        if item.phase == items.ROLLBACK:
            return Rollback(self.aws, self.release, self.batch, item, self.budget.clock()).start(service)
        found = require_deployable(service, item.cluster or DEFAULT_CLUSTER, item.name)
        if item.phase in (items.PRE_DEPLOY, items.POST_DEPLOY):
            return self._hook(item, item.phase, found)
        if item.phase == items.DEPLOY:
            return self._go_on(item, found)
        return self._deploy(item, found, out)

    def _deploy(self, item: Item, service: Service, out: ItemLog) -> Item:
        examined = examine(self.aws, self.release, item, service, self.budget.clock())
        decision = examined.decision
        for warning in examined.warnings:
            out.warning(warning)
        item = replace(item, previous_image=examined.previous_image)
        if isinstance(decision, Unchanged):
            return self._configure(item, examined, decision)
        if isinstance(decision, Held):
            return held(item, decision, self.budget.clock())
        if isinstance(decision, Join):
            return self._join(item, service, decision, examined)
        return self._start(item, service, examined, decision)

    def _configure(self, item: Item, examined: Examined, decision: Unchanged) -> Item:
        """Nothing to roll out; the settings, and the memory of an earlier rollback, are put right."""
        revision = short(decision.revision)
        told = clear_rolled_back(self.aws, examined.wanted.key, decision.revision) if decision.forget else ""
        item = replace(item, previous_task_def=revision, task_def=revision)
        # Where the check saw other settings, an interrupted run has written them already.
        seen = item.previous_deployment
        was_written = seen is not None and differs(seen, item.deployment or {})
        if not decision.configure and not was_written:
            return replace(item, deployment_needed=False).ended(items.UNCHANGED, self.budget.clock(), told or None)
        if decision.configure:
            self._write_settings(item, examined)
        told = "; ".join(filter(None, ("the deployment settings alone changed: nothing was rolled out", told)))
        return item.ended(items.DEPLOYED, self.budget.clock(), told)

    def _write_settings(self, item: Item, examined: Examined) -> None:
        self.aws.update_service(item.cluster or DEFAULT_CLUSTER, item.name, None, examined.configuration)

    def _begun(self, service: Service, deployment: Deployment, *, is_followed: bool) -> Json:
        """What an item is to have of the deployment that is watched from now on. ECS's clock tells how long it has been
        going on, where the answer has it; ours may be another one."""
        now = self.budget.clock()
        taken = 0.0 if service.as_of is None else service.age(deployment, now)
        return {
            "deployment_id": deployment.id,
            "deployed_at": deployment.created_at,
            "started_at": now - taken,
            "is_followed": is_followed,
        }

    def _join(self, item: Item, service: Service, decision: Join, examined: Examined) -> Item:
        try:
            before, _ = self.aws.describe_task_definition(decision.previous)
        except AwsRefused:
            # The revision was deleted: what it ran is not known, and the rollout is watched all the same.
            before = {}
        container = next(iter(examined.containers.values())).name
        if not decision.is_ours and examined.wanted.configuration is not None:
            self._write_settings(item, examined)
        note = None if decision.is_ours else "joined the deployment of this image that was going on already"
        # What was deployed once more is not the one that we started.
        is_second = any(
            each.task_definition == decision.deployment.task_definition and each.id != decision.deployment.id
            for each in service.deployments
        )
        return replace(
            item,
            status=items.IN_PROGRESS,
            phase=None,
            deployment_needed=True,
            previous_task_def=short(decision.previous),
            previous_image=images_of(before).get(container),
            task_def=short(arn(examined.definition)),
            reason=item.reason or note,
            **self._begun(service, decision.deployment, is_followed=not decision.is_ours or is_second),
        )

    def _start(self, item: Item, service: Service, examined: Examined, decision: Deploy) -> Item:
        wanted = examined.wanted
        revision = self._registrar.revision(
            examined.definition, examined.tags, wanted.images, previous=decision.previous, digests=wanted.digests
        )
        item = replace(
            item,
            deployment_needed=True,
            previous_task_def=short(decision.previous),
            task_def=short(revision),
            replaced_task_def=short(arn(examined.definition)),
            reason=item.reason or decision.why,
        )
        if item.hook(items.PRE_DEPLOY):
            # Handed back first: once the state machine knows the revision, a hook that is asked for again is the same.
            return replace(item, phase=items.PRE_DEPLOY)
        return self._update(item, service)

    def _go_on(self, item: Item, service: Service) -> Item:
        """The hook before the deployment went well: update the service, unless that was done by an interrupted run."""
        revision = self.batch.task_definition_arn(item.task_def or "")
        primary = service.primary
        if primary is not None and primary.task_definition == revision:
            # Without an interrupted run, somebody else deployed the new revision already.
            begun = self._begun(service, primary, is_followed=not self.is_retry)
            return replace(item, status=items.IN_PROGRESS, phase=None, **begun)
        if primary is not None and short(primary.task_definition) != item.replaced_task_def:
            told = f"{short(primary.task_definition)} was deployed by someone else while the hook preDeploy ran"
            raise ItemFailed(f"{told}; that is left as it is")
        return self._update(item, service)

    def _update(self, item: Item, service: Service) -> Item:
        revision = self.batch.task_definition_arn(item.task_def or "")
        configuration = merged(service.configuration, item.deployment) if item.deployment else None
        answer = self.aws.update_service(item.cluster or DEFAULT_CLUSTER, item.name, revision, configuration)
        after = Service.from_api(answer)
        started = next((d for d in after.deployments if d.is_primary and d.task_definition == revision), None)
        if started is None:
            raise AwsUnavailable(f"UpdateService did not show a primary deployment of {short(revision)}")
        return replace(item, status=items.IN_PROGRESS, phase=None, **self._begun(after, started, is_followed=False))

    def _hook(self, item: Item, phase: str, service: Service) -> Item:
        definition, _ = self.aws.describe_task_definition(item.task_def or "")
        hook = item.hook(phase) or {}
        asked = hooks.request(self.batch, item, phase, hook, service, definition, self.release)
        try:
            task, why = self.aws.run_task(asked)
        except AwsRefused as error:
            if (told := task_placement.refusal(error)) is None:
                raise
            task, why = None, told
        now = self.budget.clock()
        if task is None:
            waiting = hooks.unplaced_item(item, why, now, self.batch.stretch)
            if waiting is None:
                raise ItemFailed(hooks.could_not_run(item, why, now))
            return waiting
        ran = hooks.run(task, asked, definition, item)
        return replace(item, status=items.IN_PROGRESS, hook_run=ran, started_at=now, progress=None)


def held(item: Item, decision: Held, now: float) -> Item:
    """An item that is HELD: it was rolled back, and the manifest did not change it since."""
    revision = short(decision.revision)
    told = (
        "an earlier release rolled this back, and the manifest's item is the same as then: revert it, or change it, or "
        "set forceNewDeployment"
    )
    kept = replace(item, previous_task_def=revision, running_task_def=revision)
    return kept.ended(items.HELD, now, told)
