"""Return a service to what it ran before: through ECS where it can, else by deploying the revision before again.

Safe to run again after it died at any point: what to do is read from the service each time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops import revisions, work
from ecs_gitops.errors import AwsRefused, ItemFailed
from ecs_gitops.live import DEFAULT_CLUSTER
from ecs_gitops.memory import note_rolled_back
from ecs_gitops.service import Service, is_complete
from ecs_gitops.strategy import ROLLING, differs, hasty, strategy
from ecs_gitops.task_definition import images_of, short

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.batch import Batch
    from ecs_gitops.provenance import Release
    from ecs_gitops.types import Json
    from ecs_gitops.work import Item


@dataclass(frozen=True, slots=True)
class Rollback:
    """The way back of one service. Times are epoch seconds."""

    aws: Aws
    release: Release
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
            if not self._is_copy(runs, previous, ours):
                raise ItemFailed(f"someone else deployed {short(runs)} in the meantime, and that is left as it is")
            # An interrupted run has registered the revision before again, and deployed that.
            return replace(self, item=replace(item, previous_task_def=short(runs))).start(service)
        note = note_rolled_back(self.aws, item, previous)
        if previous == ours or runs == previous:
            return self._returned(service, note)
        if self._stop(cluster):
            after = Service.from_api(self.aws.describe_services(cluster, [item.name])[0])
            return self._watch(after, note)
        # The settings that the service had are put back when it is back itself.
        configuration = hasty(item.previous_deployment) if item.previous_deployment is not None else None
        try:
            answer = self.aws.update_service(cluster, item.name, previous, configuration)
        except AwsRefused as error:
            # The revision tells why: ECS's words for it are not known for every status.
            copy = self._instead(previous, ours, error)
            note = note_rolled_back(self.aws, item, copy)
            answer = self.aws.update_service(cluster, item.name, copy, configuration)
            item = replace(item, previous_task_def=short(copy))
        return replace(self, item=item)._watch(Service.from_api(answer), note)

    def _instead(self, previous: str, ours: str, refusal: AwsRefused) -> str:
        """What to deploy in place of a revision that ECS does not take: a copy of it where it is not ACTIVE. Raises
        ``refusal`` when that is not why, and :class:`ItemFailed` when it is deleted."""
        try:
            copy = revisions.usable(self.aws, self.release, previous, ours)
        except AwsRefused:
            raise refusal from None
        if copy == previous:
            raise refusal
        return copy

    def _is_copy(self, runs: str, previous: str, ours: str) -> bool:
        """Whether this very execution registered ``runs`` with what ``previous`` has."""
        definition, tags = self.aws.describe_task_definition(runs)
        if not revisions.is_copy(tags, self.release, ours):
            return False
        try:
            before, _ = self.aws.describe_task_definition(previous)
        except AwsRefused:
            # Deleted since; the tags alone tell as much.
            return True
        return images_of(definition) == images_of(before)

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
        going_on = self._going_on(cluster)
        if not going_on:
            return False
        if going_on[0]["status"] in ("PENDING", "IN_PROGRESS"):
            try:
                self.aws.stop_service_deployment(going_on[0]["serviceDeploymentArn"])
            except AwsRefused:
                return False
        return True

    def _going_on(self, cluster: str) -> list[Json]:
        """ECS's records of what is going on; none where they may not be read, as UpdateService does as well."""
        try:
            return self.aws.service_deployments(cluster, self.item.name, going_on=True)
        except AwsRefused:
            return []

    def _watch(self, service: Service, note: str) -> Item:
        # Rolling deployments are judged by what the service shows; the others by ECS's own record.
        is_native = strategy(service.configuration) != ROLLING
        going_on = self._going_on(self.item.cluster or DEFAULT_CLUSTER) if is_native else []
        return replace(
            self.item,
            status=work.IN_PROGRESS,
            service_deployment=str(going_on[0]["serviceDeploymentArn"]).rsplit("/", 1)[-1] if going_on else None,
            started_at=self.now,
            reason="; ".join(filter(None, (self.item.reason, note))),
        )
