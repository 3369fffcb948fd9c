"""Return a service to what it ran before: through ECS where it can, else by deploying the revision before again.

Safe to run again after it died at any point: what to do is read from the service each time. Only the deployment that
this release started is ever stopped; what somebody else deployed meanwhile is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.ecs.deployment_settings import ROLLING, differs, rollback_settings, strategy
from ecs_gitops.ecs.service import Service, is_complete
from ecs_gitops.ecs.task_definition import images_of
from ecs_gitops.flow.transitions import end, fail, move
from ecs_gitops.ledger.failure_tags import tag_rolled_back
from ecs_gitops.live import revisions
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import join_texts
from ecs_gitops.model.status import Status, Step
from ecs_gitops.verdict.rollout import SHOWN_WITHIN, shows
from ecs_gitops.watch import deployment_records

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.watch.deployment_records import Record

_CAN_BE_STOPPED = ("PENDING", "IN_PROGRESS")
_OVER = "ConflictException"


@dataclass(frozen=True, slots=True)
class Rollback:
    """The way back of one service. Times are epoch seconds."""

    aws: Aws
    release: Release
    batch: Batch
    item: Item
    now: float

    @property
    def _cluster(self) -> str:
        return self.item.cluster

    @property
    def _previous(self) -> str:
        return self.batch.task_definition_arn(self.item.change.previous or "")

    @property
    def _ours(self) -> str:
        return self.batch.task_definition_arn(self.item.change.revision or "")

    def start(self, service: Service | None) -> Item:
        """The item ROLLED_BACK, or in progress and to be watched. Raises :class:`ItemFailed` when there is no way
        back, and what the calls raise; :class:`AwsUnavailable` also when ECS's answer may be older than the
        deployment that is to be returned."""
        item, previous, ours = self.item, self._previous, self._ours
        service = self._present(service)
        if item.progress.step is Step.RESTORE_SETTINGS:
            return fail(item, join_texts(item.reason, self._put_back(service)) or "", self.now)
        runs = service.runs
        if runs not in (previous, ours):
            if not self._is_copy(runs, previous, ours):
                raise self._left_alone(service)
            # An interrupted run has registered the revision before again, and deployed that.
            return replace(self, item=item.with_change(previous=short(runs))).start(service)
        self._require_new(service)
        note = tag_rolled_back(self.aws, item, previous)
        if previous == ours or runs == previous:
            return self._returned(service, note)
        if self._stop():
            return self._watch(service, note)
        # Read once more, right before the call: the service may have become somebody else's.
        service = self._read()
        self._require_new(service)
        runs = service.runs
        if runs == previous:
            return self._returned(service, note)
        if runs != ours:
            raise self._left_alone(service)
        return self._update(service, note)

    def _present(self, service: Service | None) -> Service:
        if service is None or service.status != "ACTIVE":
            raise ItemFailed(f"service {self.item.name!r} is not there any more")
        return service

    def _read(self) -> Service:
        found = self.aws.describe_services(self._cluster, [self.item.name])
        return self._present(Service.from_api(found[0]) if found else None)

    def _require_new(self, service: Service) -> None:
        """An answer from before our deployment looks as if the service were back already."""
        began = self.item.watched.deployed_at
        if began is None or service.runs == self._ours or shows(service, self.item.watched.deployment, began):
            return
        if service.age_of(began, self.now) < SHOWN_WITHIN:
            raise AwsUnavailable("ECS does not show the deployment that is to be returned yet")

    def _left_alone(self, service: Service) -> ItemFailed:
        """The service is somebody else's. Settings for our way back, of a run that was interrupted, do not stay."""
        before = self.item.change.previous_settings
        is_hasty = before is not None and not differs(service.configuration, rollback_settings(before))
        is_to_be_put_back = self.item.progress.has_rollback_settings or (
            is_hasty and differs(service.configuration, before or {})
        )
        note = self._put_back(service) if is_to_be_put_back else ""
        return ItemFailed(join_texts(str(_left(service.runs)), note))

    def _put_back(self, service: Service) -> str:
        """Write the settings from before the way back, which did not come to its end; what is told of that. Those that
        somebody changed meanwhile are left."""
        before = self.item.change.previous_settings
        if before is None:
            return ""
        # An answer of ECS may be older than the settings for the way back.
        if all(differs(service.configuration, known) for known in (rollback_settings(before), before)):
            return "the deployment settings were changed by someone else, and are left as they are"
        try:
            self.aws.update_service(self._cluster, self.item.name, None, before)
        except AwsRefused as error:
            return f"the deployment settings from before could not be put back: {error}"
        return "the deployment settings are those from before"

    def _update(self, service: Service, note: str) -> Item:
        """Deploy the revision before again. The settings that the service had are put back when it is back itself."""
        item, previous = self.item, self._previous
        before = item.change.previous_settings
        configuration = rollback_settings(before) if before is not None else None
        try:
            answer = self.aws.update_service(self._cluster, item.name, previous, configuration)
        except AwsRefused as error:
            # The revision tells why: ECS's words for it are not known for every status.
            previous = self._instead(previous, self._ours, error)
            note = tag_rolled_back(self.aws, item, previous)
            answer = self.aws.update_service(self._cluster, item.name, previous, configuration)
            item = item.with_change(previous=short(previous))
        after = Service.from_api(answer)
        note = join_texts(note, self._replaced(service, after, previous)) or ""
        started = after.primary
        is_new = started is not None and started.created_at >= (item.watched.deployed_at or 0)
        if started is not None and is_new and started.task_definition == previous:
            item = item.with_watched(deployment=started.id, deployed_at=started.created_at, is_followed=False)
        return replace(self, item=item.with_progress(has_rollback_settings=configuration is not None))._watch(
            after, note
        )

    def _replaced(self, before: Service, after: Service, previous: str) -> str | None:
        """What is told of a deployment that somebody began between the last read and our call."""
        known = {deployment.id for deployment in before.deployments}
        for deployment in after.deployments:
            if deployment.id not in known and deployment.task_definition not in (previous, self._ours):
                told = f"deployment {deployment.id} of {short(deployment.task_definition)}"
                return f"{told}, which someone else started at the same moment, was replaced by that"
        return None

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
        """The service points to the revision before: its own circuit breaker, an alarm, somebody else or an earlier run
        saw to it."""
        item = self.item
        primary = service.primary
        if item.change.revision != item.change.previous and primary is not None and not is_complete(service, primary):
            return self._watch(service, note)
        before = item.change.previous_settings
        if before is not None and (item.progress.has_rollback_settings or differs(service.configuration, before)):
            self.aws.update_service(self._cluster, item.name, None, before)
        return end(item, Status.ROLLED_BACK, self.now, join_texts(item.reason, note), running=short(self._previous))

    def _stop(self) -> bool:
        """Have ECS itself roll back what is going on. False when nothing of ours is, or ECS cannot; raises
        :class:`ItemFailed` when somebody else's deployment has taken its place."""
        going_on = self._going_on()
        ours = deployment_records.own(self.item, going_on)
        newer = going_on if ours is None else going_on[: going_on.index(ours)]
        for record in newer:
            if not record.task_definition:
                self._look_again(f"ECS does not tell yet what {record.deployment_id} deploys")
            elif record.task_definition not in (self._ours, self._previous):
                raise _left(record.task_definition)
        if any(record.task_definition == self._previous for record in newer):
            # Somebody else returns it.
            return True
        if ours is None or newer or self.item.watched.is_followed:
            return False
        if ours.status in _CAN_BE_STOPPED:
            try:
                self.aws.stop_service_deployment(ours.arn)
            except AwsRefused as error:
                if error.code == _OVER:
                    # Something took its place a moment ago; what, the next look shows.
                    self._look_again("ECS does not show yet what became of the deployment")
                return False
        return True

    def _look_again(self, why: str) -> None:
        """Raise :class:`AwsUnavailable`, as ECS's reads may be old; not for ever, as they may be right."""
        if self.now - (self.item.progress.since or self.now) < SHOWN_WITHIN:
            raise AwsUnavailable(why)

    def _going_on(self) -> list[Record]:
        """ECS's records of what is going on; none where they may not be read, as UpdateService does as well."""
        try:
            return deployment_records.read(self.aws, self.item, going_on=True)
        except AwsRefused:
            return []

    def _watch(self, service: Service, note: str) -> Item:
        # Rolling deployments are judged by what the service shows; the others by ECS's own record.
        is_native = strategy(service.configuration) != ROLLING
        going_on = self._going_on() if is_native else []
        record = deployment_records.own(self.item, going_on)
        item = move(
            self.item,
            Step.ROLLING_BACK,
            since=self.now,
            rollbacks=self.item.progress.rollbacks + 1,
            doubted_since=None,
            reason=join_texts(self.item.reason, note),
        )
        return item.with_watched(record=record.id if record else None)


def _left(revision: str) -> ItemFailed:
    return ItemFailed(f"someone else deployed {short(revision)} in the meantime, and that is left as it is")
