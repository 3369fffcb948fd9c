"""Look at the rollouts and rollbacks that a batch waits for, and judge each by what this release started."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_gitops.aws import Aws
from ecs_gitops.aws.observability import ItemLog
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.ecs.deployment_settings import ROLLING, differs, strategy
from ecs_gitops.ecs.service import Service
from ecs_gitops.flow.next_step import settle
from ecs_gitops.flow.transitions import (
    after_failure,
    end,
    fail,
    move,
    roll_back,
)
from ecs_gitops.ledger.failure_tags import tag_failed
from ecs_gitops.live import services
from ecs_gitops.live.services import ServiceAnswers
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import Item, join_texts
from ecs_gitops.model.release import Release
from ecs_gitops.model.status import Hook, Status, Step
from ecs_gitops.model.types import Json
from ecs_gitops.verdict import evidence, rollout, service_deployment
from ecs_gitops.verdict.refusals import explain, failure_text
from ecs_gitops.verdict.rollout import Rollout, Verdict
from ecs_gitops.watch import deployment_records
from ecs_gitops.watch.hooks import HookWatch

log = logging.getLogger(__name__)

# The new tasks have come up and get traffic: that one of them dies is no crash loop any more.
_SERVING = ("PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP")
# How often the way back is begun again, when somebody deploys meanwhile what is being returned.
_ROLLBACKS_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class Validator:
    """One look at one batch."""

    aws: Aws
    release: Release
    batch: Batch
    budget: TimeBudget

    def run(self) -> Batch:
        """The batch with what is over judged, and how long to wait for the rest."""
        going_on = [item for item in self.batch.items if item.is_waiting]
        rolling_out = [item for item in going_on if item.progress.step.hook is None]
        answers = services.describe_services(self.aws, rolling_out, self.budget)
        found = services.each(lambda item: self._find(item, answers), rolling_out, self.budget)
        records = self._records(found, answers)
        done = services.each(lambda item: self._judged_alone(item, answers[item.number], records), found, self.budget)
        at_hooks = [item for item in going_on if item.progress.step.hook is not None]
        done += HookWatch(self.aws, self.batch, self.budget).run(at_hooks)
        return settle(self.batch.updated(done), self.budget.clock())

    # --- rollouts --------------------------------------------------------------------------------------------------

    def _find(self, item: Item, answers: ServiceAnswers) -> Item:
        """The item with the newest deployment of its revision, and with ECS's own record of that, which every strategy
        but ROLLING is judged by. Where that may not be read, the item's answer is the refusal."""
        service = answers[item.number]
        if not isinstance(service, Service):
            return item
        item = deployment_records.followed(item, self.batch, service, self.budget.clock())
        if strategy(service.configuration) == ROLLING or item.watched.record is not None:
            return item
        try:
            return self.budget.retry(lambda: self._with_record(item))
        except AwsRefused as error:
            if item.progress.step.is_rollback:
                # UpdateService returned it, and what the service shows has to do.
                return item
            answers[item.number] = error
            return item

    def _with_record(self, item: Item) -> Item:
        records = deployment_records.read(self.aws, item, since=deployment_records.since(item))
        return deployment_records.newest(item, self.batch, records, self.budget.clock())

    def _records(self, items: list[Item], answers: ServiceAnswers) -> Mapping[str, Json]:
        arns = [arn for item in items if (arn := self.batch.service_deployment_arn(item))]
        try:
            found = self.budget.retry(lambda: self.aws.describe_service_deployments(arns)) if arns else []
        except AwsRefused as error:
            answers.update({item.number: error for item in items if item.watched.record is not None})
            return {}
        return {each["serviceDeploymentArn"]: each for each in found}

    def _judged_alone(self, item: Item, answer: Service | AwsRefused | None, records: Mapping[str, Json]) -> Item:
        try:
            return self._judged(item, answer, records)
        except AwsUnavailable:
            return item
        except Exception as error:  # noqa: BLE001 - whatever it is, the siblings have to be judged
            log.warning("internal error", extra={"cause": type(error).__name__, "service": item.name})
            return fail(item, failure_text(error, self.batch, item))

    def _judged(self, item: Item, answer: Service | AwsRefused | None, records: Mapping[str, Json]) -> Item:
        now = self.budget.clock()
        if isinstance(answer, AwsRefused):
            told = (
                f"the rollout cannot be watched, so what stands is unknown: {explain(answer, self.batch, item.cluster)}"
            )
            return fail(item, told, now)
        watched = deployment_records.watched(item, self.batch, now)
        record = records.get(self.batch.service_deployment_arn(item) or "")
        out = ItemLog(log, self.release.to_json(), service=item.name, cluster=item.cluster, step=str(item.step))
        is_return = item.progress.step.is_rollback
        judge = service_deployment.verdict_on_return if is_return else service_deployment.verdict
        item, verdict = self._in_doubt(item, judge(record, answer, watched, now))
        item = item.with_progress(
            paused=service_deployment.paused(record, item.progress.paused),
            awaits_action=bool(service_deployment.awaiting(record or {})),
        )
        if is_return:
            return self._returned(item, answer, verdict, out)
        is_shifting = record is not None and record.get("lifecycleStage") in _SERVING
        if verdict.status == rollout.IN_PROGRESS and answer is not None and not is_shifting:
            verdict = self._crashing(item, answer, watched) or verdict
        if verdict.status == rollout.IN_PROGRESS:
            out.info("service in progress", progress=verdict.reason)
            return item.with_progress(text=verdict.reason)
        if verdict.status == rollout.FAILED:
            return self._failed(item, answer, verdict, watched, out)
        if item.has_hook(Hook.POST_DEPLOY):
            return move(item, Step.POST_DEPLOY, since=None)
        out.info("service DEPLOYED")
        return end(item, Status.DEPLOYED, now, join_texts(item.reason, verdict.reason))

    def _in_doubt(self, item: Item, verdict: Verdict) -> tuple[Item, Verdict]:
        """A deployment that was stopped may have been replaced, and ECS's answers may not show that yet: a newer one of
        the same revision is followed, somebody else's is left, and only what stays so for long is a failure."""
        now = self.budget.clock()
        if not verdict.is_uncertain:
            return item.with_progress(doubted_since=None), verdict
        try:
            records = deployment_records.read(self.aws, item, since=deployment_records.since(item))
        except (AwsRefused, AwsUnavailable):
            records = []
        found = deployment_records.successor(item, records)
        if found is not None and found.task_definition == deployment_records.awaited(item, self.batch):
            followed = deployment_records.newest(item, self.batch, records, now)
            return followed, Verdict(rollout.IN_PROGRESS, "ECS began another deployment of the same revision")
        if found is not None:
            # From where the service comes, it goes back to; from anything else there is nothing to return.
            known = map(self.batch.task_definition_arn, filter(None, (item.change.revision, item.change.previous)))
            is_known, is_return = found.task_definition in known, item.progress.step.is_rollback
            told = f"superseded by deployment {found.deployment_id} of {short(found.task_definition)}"
            told = f"{told}, which someone else started"
            return item, Verdict(
                rollout.FAILED,
                told,
                is_returning=is_known and not is_return,
                is_lost=not is_known,
                is_back=is_known and is_return,
            )
        since = item.progress.doubted_since or now
        if now - since >= rollout.SHOWN_WITHIN:
            return item, verdict
        return item.with_progress(doubted_since=since), Verdict(rollout.IN_PROGRESS, verdict.reason)

    def _failed(self, item: Item, service: Service | None, verdict: Verdict, watched: Rollout, out: ItemLog) -> Item:
        note = item.reason if item.watched.is_followed else None
        why = "; ".join(filter(None, (verdict.reason, self._evidence(item, service, watched), note)))
        out.warning("service failed", reason=why)
        if verdict.is_lost:
            return fail(item, why, self.budget.clock())
        if verdict.is_returning:
            return roll_back(item, why)
        return self._after_failure(item, why)

    def _after_failure(self, item: Item, why: str) -> Item:
        return tag_failed(self.aws, self.batch, after_failure(item, why, self.budget.clock()))

    def _returned(self, item: Item, service: Service | None, verdict: Verdict, out: ItemLog) -> Item:
        now = self.budget.clock()
        if verdict.status == rollout.IN_PROGRESS:
            out.info("service in progress", progress=verdict.reason)
            return item.with_progress(text=verdict.reason)
        if verdict.is_back and item.progress.rollbacks < _ROLLBACKS_AT_MOST:
            told = "; ".join(filter(None, (item.reason, verdict.reason)))
            # That one is to be returned now: a read that shows it once more tells of no third one.
            return deployment_records.again(roll_back(item, told), self.batch, service)
        if verdict.status == rollout.FAILED:
            runs = f"it runs {service.task_definition.rsplit('/', 1)[-1]}" if service else ""
            told = "; ".join(filter(None, (verdict.reason, runs)))
            failed = after_failure(item, told, now) if verdict.is_lost else self._after_failure(item, told)
            if not item.progress.has_rollback_settings or service is None or service.status != "ACTIVE":
                return failed
            # The deploy state puts the settings back before the item is over.
            return move(item, Step.RESTORE_SETTINGS, since=None, reason=failed.reason)
        before = item.change.previous_settings
        if (
            service is not None
            and before is not None
            and (item.progress.has_rollback_settings or differs(service.configuration, before))
        ):
            # The revision is back; its settings are put back by the deploy state.
            return move(item, Step.ROLL_BACK, since=None)
        out.info("service ROLLED_BACK")
        return end(item, Status.ROLLED_BACK, now, running=item.change.previous)

    def _crashing(self, item: Item, service: Service, watched: Rollout) -> Verdict | None:
        """A crash loop, which ECS may not end by itself, ends the wait."""
        if not evidence.may_be_crashing(service, watched):
            return None
        try:
            told = evidence.crash_loop(service, self._stopped_tasks(item), watched)
        except (AwsRefused, AwsUnavailable):
            return None
        return Verdict(rollout.FAILED, told) if told else None

    def _evidence(self, item: Item, service: Service | None, watched: Rollout) -> str:
        """What ECS tells of the failure. That it tells nothing must not hide the verdict itself."""
        tasks: list[Json] = []
        if service is not None:
            try:
                tasks = self._stopped_tasks(item)
            except (AwsRefused, AwsUnavailable) as error:
                return f"stopped tasks could not be read: {error}"
        return evidence.evidence_of(service, tasks, watched)

    def _stopped_tasks(self, item: Item) -> list[Json]:
        return self.aws.stopped_tasks(item.cluster, item.name)
