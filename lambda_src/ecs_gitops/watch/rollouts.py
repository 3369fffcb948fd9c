"""Watch the rollouts and rollbacks that a batch waits for, judged by the deployments that this release started."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_gitops.aws import Aws
from ecs_gitops.aws.observability import ItemLog
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.ecs.deployment_settings import ROLLING, differs, strategy
from ecs_gitops.ecs.service import Service
from ecs_gitops.flow.next_step import with_next_step
from ecs_gitops.flow.transitions import after_failure, end, fail, good, move, roll_back
from ecs_gitops.live import services
from ecs_gitops.live.services import ServiceAnswers
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import Item, join_texts
from ecs_gitops.model.release import Release
from ecs_gitops.model.status import ChangeKind, Hook, Judgement, Status, Step
from ecs_gitops.model.types import Json
from ecs_gitops.verdict import evidence, rollout, service_deployment
from ecs_gitops.verdict.refusals import explain, failure_text
from ecs_gitops.verdict.rollout import Rollout, RolloutStatus, Verdict
from ecs_gitops.watch import deployment_records
from ecs_gitops.watch.hooks import HookWatch

log = logging.getLogger(__name__)

# Lifecycle stages in which the new tasks get traffic. A task that stops then is no sign of a crash loop.
_SERVING = ("PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP")
# How often a rollback is begun again, when somebody deploys the failed revision again meanwhile.
_ROLLBACKS_AT_MOST = 3
# Records of services with traffic shifting are waited for so long in one look. Seconds.
_BRIEFLY = 20.0
_UNREAD = "AWS does not answer what becomes of it: it is looked at again"
# With more items than this, a look writes one line to the log, and none for each item that goes on.
_LINES_OF_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class RolloutWatch:
    """One poll of one batch: its rollouts, its rollbacks and, by :class:`HookWatch`, its hooks."""

    aws: Aws
    release: Release
    batch: Batch
    budget: TimeBudget

    def run(self) -> Batch:
        """The batch after the verdict on each item, with the next step and the wait before the next poll."""
        going_on = [item for item in self.batch.items if item.is_waiting]
        rolling_out = [item for item in going_on if item.progress.step.hook is None]
        answers = services.describe_services(self.aws, rolling_out, self.budget)
        briefly, unread = self.budget.at_most(_BRIEFLY), set[int]()
        found = services.each(lambda item: self._find(item, answers, briefly, unread), rolling_out, self.budget)
        records = self._records(found, answers, briefly, unread)
        # What could not be read is looked at again, until it takes too long. The others do not wait for it.
        now = self.budget.clock()
        left = [each for each in found if each.number in unread and not self._is_late(each, now)]
        numbers = {each.number for each in left}
        seen = [each for each in found if each.number not in numbers]
        done = [each.with_progress(text=_UNREAD) for each in left]
        done += services.each(lambda item: self._judged_safely(item, answers[item.number], records), seen, self.budget)
        at_hooks = [item for item in going_on if item.progress.step.hook is not None]
        done += HookWatch(self.aws, self.batch, self.budget).run(at_hooks)
        judged = with_next_step(self.batch.updated(done), self.budget.clock())
        if len(judged.items) > _LINES_OF_AT_MOST:
            counts = Counter(str(item.status or item.step) for item in judged.items)
            log.info("services looked at", extra={"account": judged.account, "counts": dict(counts)})
        return judged

    def _in_progress(self, out: ItemLog, verdict: Verdict) -> None:
        """A line for an item that goes on. With many items, one line tells of the whole look."""
        if len(self.batch.items) <= _LINES_OF_AT_MOST:
            out.info("service in progress", progress=verdict.reason)

    # --- rollouts --------------------------------------------------------------------------------------------------

    def _is_late(self, item: Item, now: float) -> bool:
        return deployment_records.watched(item, self.batch, now).is_late(now)

    def _find(self, item: Item, answers: ServiceAnswers, briefly: TimeBudget, unread: set[int]) -> Item:
        """The item with the newest deployment of its revision, and with its service deployment, by which every strategy
        but ROLLING is judged. Where that may not be read, the item's answer becomes the refusal; where AWS does not
        answer, ``unread`` gets its number."""
        service = answers[item.number]
        if not isinstance(service, Service):
            return item
        item = deployment_records.followed(item, self.batch, service, self.budget.clock())
        if strategy(service.configuration) == ROLLING or item.watched.record is not None:
            return item
        try:
            return briefly.retry(lambda: self._with_record(item))
        except AwsUnavailable:
            unread.add(item.number)
            return item
        except AwsRefused as error:
            if item.progress.step.is_rollback:
                # UpdateService rolled it back, so the verdict by what the service shows is enough.
                return item
            answers[item.number] = error
            return item

    def _with_record(self, item: Item) -> Item:
        records = deployment_records.read(self.aws, item, since=deployment_records.since(item))
        return deployment_records.newest(item, self.batch, records, self.budget.clock())

    def _records(
        self, items: list[Item], answers: ServiceAnswers, briefly: TimeBudget, unread: set[int]
    ) -> Mapping[str, Json]:
        arns = [arn for item in items if (arn := self.batch.service_deployment_arn(item))]
        try:
            found = briefly.retry(lambda: self.aws.describe_service_deployments(arns)) if arns else []
        except AwsUnavailable:
            unread.update(item.number for item in items if item.watched.record is not None)
            return {}
        except AwsRefused as error:
            answers.update({item.number: error for item in items if item.watched.record is not None})
            return {}
        return {each["serviceDeploymentArn"]: each for each in found}

    def _judged_safely(self, item: Item, answer: Service | AwsRefused | None, records: Mapping[str, Json]) -> Item:
        try:
            return self._judged(item, answer, records)
        except AwsUnavailable:
            return item
        except Exception as error:  # noqa: BLE001 - whatever it is, the other items have to be judged
            log.warning("internal error", extra={"cause": type(error).__name__, "service": item.name})
            return fail(item, failure_text(error, self.batch, item))

    def _judged(self, item: Item, answer: Service | AwsRefused | None, records: Mapping[str, Json]) -> Item:
        now = self.budget.clock()
        if isinstance(answer, AwsRefused):
            why = explain(answer, self.batch, item.cluster)
            return fail(item, f"the rollout cannot be watched, so the state of the service is unknown: {why}", now)
        watched = deployment_records.watched(item, self.batch, now)
        record = records.get(self.batch.service_deployment_arn(item) or "")
        out = ItemLog(log, self.release.to_json(), service=item.name, cluster=item.cluster, step=str(item.step))
        is_rollback = item.progress.step.is_rollback
        judge = service_deployment.rollback_verdict if is_rollback else service_deployment.rollout_verdict
        item, verdict = self._in_doubt(item, judge(record, answer, watched, now))
        item = item.with_progress(
            paused=service_deployment.paused(record, item.progress.paused),
            awaits_action=bool(service_deployment.awaiting(record or {})),
        )
        if is_rollback:
            return self._rolled_back(item, answer, verdict, out)
        is_shifting = record is not None and record.get("lifecycleStage") in _SERVING
        if verdict.status is RolloutStatus.IN_PROGRESS and answer is not None and not is_shifting:
            verdict = self._crashing(item, answer, watched) or verdict
        if verdict.status is RolloutStatus.IN_PROGRESS:
            self._in_progress(out, verdict)
            return item.with_progress(text=verdict.reason)
        if verdict.status is RolloutStatus.FAILED:
            return self._failed(item, answer, verdict, watched, record, out)
        if item.has_hook(Hook.POST_DEPLOY):
            return move(item, Step.POST_DEPLOY, since=None)
        out.info("service DEPLOYED")
        is_empty = answer is not None and answer.desired == 0
        return good(item, now, join_texts(item.reason, verdict.reason), runs_nothing=is_empty)

    def _in_doubt(self, item: Item, verdict: Verdict) -> tuple[Item, Verdict]:
        """A stopped deployment may have been replaced, and ECS's answers may not show that yet. A newer deployment of
        the same revision is followed, somebody else's is left alone. Where none appears for long, it is a failure."""
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
            return followed, Verdict(RolloutStatus.IN_PROGRESS, "ECS began another deployment of the same revision")
        if found is not None:
            # The rollback goes on if that is one of our two revisions. With any other, there is nothing to roll back.
            known = map(
                self.batch.task_definition_arn,
                filter(None, (item.change.revision, item.change.previous, item.change.replaced)),
            )
            is_known, is_rollback = found.task_definition in known, item.progress.step.is_rollback
            deployment = f"deployment {found.deployment_id} of {short(found.task_definition)}"
            return item, Verdict(
                RolloutStatus.FAILED,
                f"superseded by {deployment}, which someone else started",
                is_rolling_back=is_known and not is_rollback,
                is_lost=not is_known,
                is_deployed_again=is_known and is_rollback,
                judgement=Judgement.OPEN,
            )
        since = item.progress.doubted_since or now
        if now - since >= rollout.SHOWN_WITHIN:
            return item, verdict
        return item.with_progress(doubted_since=since), Verdict(RolloutStatus.IN_PROGRESS, verdict.reason)

    def _failed(
        self,
        item: Item,
        service: Service | None,
        verdict: Verdict,
        watched: Rollout,
        record: Json | None,
        out: ItemLog,
    ) -> Item:
        note = item.reason if item.watched.is_followed else None
        why = join_texts(verdict.reason, self._evidence(item, service, watched), note) or ""
        out.warning("service failed", reason=why)
        if verdict.is_lost:
            return fail(item, why, self.budget.clock(), judgement=verdict.judgement)
        if verdict.is_rolling_back:
            if item.change.previous is None:
                # ECS does it all the same. That is no rollback to something good.
                running = self._returned_to(item, service, record)
                why = f"{why}; ECS rolls {f'back to {running}' if running else 'it back'}"
                why += "" if item.change.kind is ChangeKind.JOIN else ", and no good revision is known"
                return fail(item, why, self.budget.clock(), judgement=verdict.judgement, running=running)
            return roll_back(item, why, verdict.judgement)
        return after_failure(item, why, self.budget.clock(), verdict.judgement)

    def _returned_to(self, item: Item, service: Service | None, record: Json | None) -> str | None:
        """What ECS itself returns the service to; None where it does not show that yet. What was joined ran already."""
        told = deployment_records.returned_to(self.aws, record) if record is not None else None
        known = (told, short(service.task_definition) if service is not None else None, item.change.replaced)
        return next((each for each in known if each and each != item.change.revision), None)

    def _rolled_back(self, item: Item, service: Service | None, verdict: Verdict, out: ItemLog) -> Item:
        now = self.budget.clock()
        if verdict.status is RolloutStatus.IN_PROGRESS:
            self._in_progress(out, verdict)
            return item.with_progress(text=verdict.reason)
        if verdict.is_deployed_again and item.progress.rollbacks < _ROLLBACKS_AT_MOST:
            reason = join_texts(item.reason, verdict.reason) or ""
            # Now that deployment is rolled back. It is stored, so that it is not taken for one more when read again.
            return deployment_records.again(roll_back(item, reason, item.progress.judgement), self.batch, service)
        if verdict.status is RolloutStatus.FAILED:
            runs = f"it runs {short(service.task_definition)}" if service else ""
            why = join_texts(verdict.reason, runs) or ""
            failed = after_failure(item, why, now)
            if not item.progress.has_rollback_settings or service is None or service.status != "ACTIVE":
                return failed
            # The deploy state restores the settings before the item is final.
            return move(item, Step.RESTORE_SETTINGS, since=None, reason=failed.reason)
        before = item.change.previous_settings
        if (
            service is not None
            and before is not None
            and (item.wrote_settings or differs(service.configuration, before))
        ):
            # The revision is rolled back. The deploy state restores the settings.
            return move(item, Step.ROLL_BACK, since=None)
        out.info("service ROLLED_BACK")
        return end(item, Status.ROLLED_BACK, now, running=item.change.previous)

    def _crashing(self, item: Item, service: Service, watched: Rollout) -> Verdict | None:
        """The verdict FAILED for a crash loop, which ECS may not end by itself; None where there is none."""
        if not evidence.may_be_crashing(service, watched):
            return None
        try:
            reason = evidence.crash_loop(service, self._stopped_tasks(item), watched)
        except (AwsRefused, AwsUnavailable):
            return None
        return Verdict(RolloutStatus.FAILED, reason) if reason else None

    def _evidence(self, item: Item, service: Service | None, watched: Rollout) -> str:
        """What ECS has on the failure. An error of this read must not hide the verdict."""
        tasks: list[Json] = []
        if service is not None:
            try:
                tasks = self._stopped_tasks(item)
            except (AwsRefused, AwsUnavailable) as error:
                return f"stopped tasks could not be read: {error}"
        return evidence.evidence_of(service, tasks, watched)

    def _stopped_tasks(self, item: Item) -> list[Json]:
        return self.aws.stopped_tasks(item.cluster, item.name)
