"""Return a service to what it ran before: through ECS where it can, else by deploying the revision before again.

Safe to run again after it died at any point: what to do is read from the service each time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops import work
from ecs_gitops.errors import AwsRefused, ItemFailed
from ecs_gitops.examination import mark, target
from ecs_gitops.live import DEFAULT_CLUSTER
from ecs_gitops.provenance import rolled_back_key
from ecs_gitops.service import Service, is_complete
from ecs_gitops.strategy import ROLLING, differs, hasty, strategy
from ecs_gitops.task_definition import short

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.batch import Batch
    from ecs_gitops.work import Item


@dataclass(frozen=True, slots=True)
class Rollback:
    """The way back of one service. Times are epoch seconds."""

    aws: Aws
    batch: Batch
    item: Item
    now: float

    def start(self, service: Service | None) -> Item:
        """The item ROLLED_BACK, or in progress and to be watched. Raises :class:`ItemFailed` when there is no way
        back, and what the calls raise."""
        item, cluster = self.item, self.item.cluster or DEFAULT_CLUSTER
        if service is None or service.status != "ACTIVE":
            raise ItemFailed(f"service {item.name!r} is not there any more")
        previous = self.batch.task_definition_arn(item.previous_task_def or "")
        ours = self.batch.task_definition_arn(item.task_def or "")
        runs = service.primary.task_definition if service.primary else service.task_definition
        if runs not in (previous, ours):
            raise ItemFailed(f"someone else deployed {short(runs)} in the meantime, and that is left as it is")
        note = self._remember(previous)
        if previous == ours or runs == previous:
            return self._returned(service, note)
        if self._stop(cluster):
            after = Service.from_api(self.aws.describe_services(cluster, [item.name])[0])
            return self._watch(after, note)
        # The settings that the service had are put back when it is back itself.
        configuration = hasty(item.previous_deployment) if item.previous_deployment is not None else None
        answer = self.aws.update_service(cluster, item.name, previous, configuration)
        return self._watch(Service.from_api(answer), note)

    def _returned(self, service: Service, note: str) -> Item:
        """The service points to the revision before: its own circuit breaker, an alarm or an earlier run saw to it."""
        item, previous = self.item, self.batch.task_definition_arn(self.item.previous_task_def or "")
        primary = service.primary
        if item.task_def != item.previous_task_def and primary is not None and not is_complete(service, primary):
            return self._watch(service, note)
        before = item.previous_deployment
        if before is not None and differs(service.configuration, before):
            self.aws.update_service(item.cluster or DEFAULT_CLUSTER, item.name, None, before)
        done = replace(item, running_task_def=short(previous))
        return done.ended(work.ROLLED_BACK, self.now, "; ".join(filter(None, (item.reason, note))))

    def _stop(self, cluster: str) -> bool:
        """Have ECS itself roll back what is going on. False when nothing is, or ECS cannot."""
        going_on = self.aws.service_deployments(cluster, self.item.name, going_on=True)
        if not going_on:
            return False
        if going_on[0]["status"] in ("PENDING", "IN_PROGRESS"):
            try:
                self.aws.stop_service_deployment(going_on[0]["serviceDeploymentArn"])
            except AwsRefused as error:
                if error.code.startswith("AccessDenied"):
                    raise
                return False
        return True

    def _watch(self, service: Service, note: str) -> Item:
        going_on = []
        if strategy(service.configuration) != ROLLING:
            # Rolling deployments are judged by what the service shows; the others by ECS's own record.
            cluster = self.item.cluster or DEFAULT_CLUSTER
            going_on = self.aws.service_deployments(cluster, self.item.name, going_on=True)
        return replace(
            self.item,
            status=work.IN_PROGRESS,
            service_deployment=str(going_on[0]["serviceDeploymentArn"]).rsplit("/", 1)[-1] if going_on else None,
            started_at=self.now,
            reason="; ".join(filter(None, (self.item.reason, note))),
        )

    def _remember(self, previous: str) -> str:
        """Note on the revision returned to what was rolled back, so that the next push does not deploy it again.

        Without that note the way back is the same; what is wrong with it is told."""
        key = rolled_back_key(target(self.item))
        try:
            self.aws.tag_task_definition(previous, key, self.item.mark or mark(self.item))
        except AwsRefused as error:
            told = f"the rollback could not be noted, so the next push deploys this again: {error}"
            return "" if told in (self.item.reason or "") else told
        return ""
