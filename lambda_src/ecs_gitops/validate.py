"""Look at the rollouts of a batch and judge each by the id of the deployment that we started."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from ecs_gitops import rollout, work
from ecs_gitops.aws import Aws
from ecs_gitops.deploy_services import explain, settle
from ecs_gitops.errors import AwsRefused, AwsUnavailable
from ecs_gitops.observability import ItemLog
from ecs_gitops.patience import Patience
from ecs_gitops.provenance import Release
from ecs_gitops.rollout import Rollout
from ecs_gitops.service import Service
from ecs_gitops.work import Batch, Item

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Validator:
    """One look at one batch."""

    aws: Aws
    release: Release
    batch: Batch
    patience: Patience

    def run(self) -> Batch:
        """The batch with what is over judged, and how long to wait for the rest."""
        going_on = [item for item in self.batch.items if item.status == work.IN_PROGRESS]
        try:
            live = self.patience.persist(lambda: self._describe([item.name for item in going_on]))
        except AwsRefused as error:
            reason = f"the rollout cannot be watched: {explain(error, self.batch)}"
            now = self.patience.clock()
            items = tuple(i.failed(reason, now) if i.status == work.IN_PROGRESS else i for i in self.batch.items)
            return settle(replace(self.batch, items=items), now)
        items = tuple(self._item(item, live.get(item.name)) for item in self.batch.items)
        return settle(replace(self.batch, items=items), self.patience.clock())

    def _describe(self, names: list[str]) -> dict[str, Service]:
        found = self.aws.describe_services(self.batch.cluster or "default", names) if names else []
        return {service.name: service for service in map(Service.from_api, found)}

    def _item(self, item: Item, service: Service | None) -> Item:
        if item.status != work.IN_PROGRESS:
            return item
        now = self.patience.clock()
        watched = Rollout(
            deployment_id=item.deployment_id or "",
            revision=self.batch.task_definition_arn(item.task_def or ""),
            previous=self.batch.task_definition_arn(item.previous_task_def or ""),
            started_at=item.started_at or now,
            timeout=item.timeout_minutes * 60,
        )
        verdict = rollout.judge(service, watched, now)
        if verdict.status == rollout.IN_PROGRESS:
            return item
        out = ItemLog(log, self.release.to_json(), service=item.name, cluster=self.batch.cluster)
        if verdict.status == rollout.FAILED:
            why = "; ".join(filter(None, (verdict.reason, self._evidence(service, watched))))
            out.warning("service FAILED", reason=why)
            return item.failed(why, now)
        out.info("service DEPLOYED")
        reason = "; ".join(filter(None, (item.reason, verdict.reason))) or None
        return replace(item, status=work.DEPLOYED, reason=reason, seconds=round(now - watched.started_at, 1))

    def _evidence(self, service: Service | None, watched: Rollout) -> str:
        """What ECS tells of the failure. That it tells nothing must not hide the verdict itself."""
        tasks = []
        if service is not None:
            try:
                tasks = self.aws.stopped_tasks(self.batch.cluster or "default", service.name)
            except (AwsRefused, AwsUnavailable) as error:
                return f"stopped tasks could not be read: {error}"
        return rollout.evidence(service, tasks, watched)
