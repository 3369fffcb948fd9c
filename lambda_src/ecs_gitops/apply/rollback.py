"""Roll a service back: through ECS where it can, else by deploying the previous revision again.

A run that died at any point can be repeated: each run reads from the service what is left to do. Only the deployment
that this release started is stopped. What somebody else deployed meanwhile is left as it is.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ecs_gitops.apply.dispensable import dispensable
from ecs_gitops.apply.others import begun_meanwhile, named
from ecs_gitops.ecs.deployment_settings import ROLLING, differs, merged, put_back, rollback_settings, strategy
from ecs_gitops.ecs.service import Service, is_complete
from ecs_gitops.flow.transitions import end, fail, move
from ecs_gitops.live import revisions
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import join_texts
from ecs_gitops.model.status import Status, Step
from ecs_gitops.verdict.rollout import SHOWN_WITHIN, shows
from ecs_gitops.watch import deployment_records

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.ledger.fence import Fence
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.watch.deployment_records import Record

_CAN_BE_STOPPED = ("PENDING", "IN_PROGRESS")
_OVER = "ConflictException"


@dataclass(frozen=True, slots=True)
class Rollback:
    """The rollback of one service. ``now`` is epoch seconds."""

    aws: Aws
    release: Release
    batch: Batch
    item: Item
    now: float
    fence: Fence

    @property
    def _cluster(self) -> str:
        return self.item.cluster

    @property
    def _previous(self) -> str:
        return self.batch.task_definition_arn(self.item.change.previous or "")

    @property
    def _ours(self) -> str:
        return self.batch.task_definition_arn(self.item.change.revision or "")

    @property
    def _replaced(self) -> str:
        """What ran before. ECS may have returned the service to it, although it was not good: the rollback goes on."""
        return self.batch.task_definition_arn(self.item.change.replaced or self.item.change.previous or "")

    def start(self, service: Service | None) -> Item:
        """The item ROLLED_BACK, or at a step that is watched. Raises :class:`ItemFailed` when a rollback is not
        possible, and what the calls raise; :class:`AwsUnavailable` also when ECS's answer may be older than the
        deployment that is to be rolled back."""
        item, previous, ours = self.item, self._previous, self._ours
        service = self._present(service)
        if item.progress.step is Step.RESTORE_SETTINGS:
            return fail(item, join_texts(item.reason, self._restore_settings(service)) or "", self.now)
        runs = service.runs
        if runs not in (previous, ours, self._replaced):
            # An old answer may have what somebody deployed before us.
            self._require_current(service)
            if not self._is_copy(runs):
                raise self._left_alone(service)
            # An interrupted run has registered a copy of the previous revision, and deployed that.
            return replace(self, item=item.with_change(previous=short(runs))).start(service)
        self._require_current(service)
        if previous == ours or runs == previous:
            return self._finish(service)
        if self._stop():
            return self._watch(service)
        # Read again right before the call: somebody else may have deployed meanwhile.
        service = self._read()
        self._require_current(service)
        runs = service.runs
        if runs == previous:
            return self._finish(service)
        if runs not in (ours, self._replaced):
            raise self._left_alone(service)
        return self._update(service)

    def _present(self, service: Service | None) -> Service:
        if service is None or service.status != "ACTIVE":
            raise ItemFailed(f"service {self.item.name!r} is not there any more")
        return service

    def _read(self) -> Service:
        found = self.aws.describe_services(self._cluster, [self.item.name])
        return self._present(Service.from_api(found[0]) if found else None)

    def _require_current(self, service: Service) -> None:
        """Raise :class:`AwsUnavailable` where the answer may be from before our deployment. In such an answer the
        service seems to be rolled back already."""
        began = self.item.watched.deployed_at
        if began is None or service.runs == self._ours or shows(service, self.item.watched.deployment, began):
            return
        if service.age_of(began, self.now) < SHOWN_WITHIN:
            raise AwsUnavailable("ECS does not show the deployment that is to be rolled back yet")

    def _left_alone(self, service: Service) -> ItemFailed:
        """The error when somebody else deployed. Settings for a rollback, left by an interrupted run, are restored."""
        before = self.item.change.previous_settings
        is_for_rollback = before is not None and not differs(service.configuration, rollback_settings(before))
        has_rollback_settings = self.item.progress.has_rollback_settings or (
            is_for_rollback and differs(service.configuration, before or {})
        )
        note = self._restore_settings(service) if has_rollback_settings else ""
        return ItemFailed(join_texts(str(_left(service.runs)), note))

    def _restore_settings(self, service: Service) -> str:
        """Write the settings from before a rollback that did not complete. Settings that somebody changed meanwhile are
        left. Returns a note for people."""
        before = self.item.change.previous_settings
        if before is None:
            return ""
        # An answer of ECS may be older than the settings for the rollback.
        if all(differs(service.configuration, known) for known in (rollback_settings(before), before)):
            return "the deployment settings were changed by someone else, and are left as they are"
        try:
            self.fence.require(is_rollback=True)
            self.aws.update_service(self._cluster, self.item.name, None, before)
        except AwsRefused as error:
            return f"the deployment settings from before could not be restored: {error}"
        return "the deployment settings are those from before"

    def _update(self, service: Service) -> Item:
        """Deploy the previous revision again. The service's settings are restored when the rollback is complete."""
        item, previous = self._with_word_of_others(self._with_settings(service), service), self._previous
        before = item.change.previous_settings
        configuration = rollback_settings(before) if before is not None else None
        previous = self._as_it_was(previous)
        item = item.with_change(previous=short(previous))
        self.fence.require(is_rollback=True)
        try:
            answer = self.aws.update_service(self._cluster, item.name, previous, configuration)
        except AwsRefused as error:
            # The revision's status decides: ECS's error for it is not documented for every status.
            previous = self._usable_copy(previous, self._ours, error)
            answer = self.aws.update_service(self._cluster, item.name, previous, configuration)
            item = item.with_change(previous=short(previous))
        after = Service.from_api(answer)
        note = self._superseded(service, after, previous) or ""
        started = after.primary
        is_new = started is not None and started.created_at >= (item.watched.deployed_at or 0)
        if started is not None and is_new and started.task_definition == previous:
            item = item.with_watched(deployment=started.id, deployed_at=started.created_at, is_followed=False)
        return replace(self, item=item.with_progress(has_rollback_settings=configuration is not None))._watch(
            after, note
        )

    def _as_it_was(self, previous: str) -> str:
        """The revision whose images are those that ran: ``previous``, or a copy with their digests where a tag has
        moved since, or where it is not known whether it has."""
        if ran := self.item.change.previous_digests:
            # Where there can be no copy, the previous revision itself is better than none.
            with dispensable(self.item, self.now):
                return revisions.pinned(self.aws, self.release, previous, self._ours, ran)
        return previous

    def _superseded(self, before: Service, after: Service, previous: str) -> str | None:
        """The note about a deployment that somebody began between the last read and our call."""
        watched = self.item.watched.deployment
        # Where ours is not known by its name, one of our revision may be ours.
        ours = (previous, self._previous, watched or self._ours)
        for deployment in begun_meanwhile(before, after, ours):
            with suppress(AwsRefused):
                if self._is_copy(deployment.task_definition):
                    continue
            return f"{named(deployment)} by the rollback"
        return None

    def _usable_copy(self, previous: str, ours: str, refusal: AwsRefused) -> str:
        """A copy of a revision that ECS refuses because it is not ACTIVE. Raises ``refusal`` when it is, and
        :class:`ItemFailed` when it was deleted."""
        try:
            copy = revisions.usable(self.aws, self.release, previous, ours)
        except AwsRefused:
            raise refusal from None
        if copy == previous:
            raise refusal
        return copy

    def _is_copy(self, runs: str) -> bool:
        """Whether this execution registered ``runs`` as a copy of the previous revision."""
        _, tags = self.aws.describe_task_definition(runs)
        return revisions.is_copy(tags, self.release, self._ours)

    def _finish(self, service: Service) -> Item:
        """The item, as the service points to the previous revision already: by its circuit breaker, an alarm, somebody
        else or an earlier run."""
        item, primary = self.item, service.primary
        if item.change.revision != item.change.previous and primary is not None and not is_complete(service, primary):
            return self._watch(service)
        item = self._with_settings(service)
        before = item.change.previous_settings
        if before is not None and (item.wrote_settings or differs(service.configuration, before)):
            self.fence.require(is_rollback=True)
            self.aws.update_service(self._cluster, item.name, None, before)
        return end(item, Status.ROLLED_BACK, self.now, item.reason, running=short(self._previous))

    def _with_word_of_others(self, item: Item, service: Service) -> Item:
        """The item. Where somebody deployed our revision again, that is taken back too, and told."""
        primary, watched = service.primary, item.watched
        if primary is None or watched.deployed_at is None or watched.is_followed:
            return item
        if primary.task_definition != self._ours or primary.created_at <= watched.deployed_at:
            return item
        which = f"deployment {primary.id} of {item.change.revision}"
        told = f"{which}, which someone else started, is rolled back with ours"
        return item.with_change(warnings=tuple(dict.fromkeys((*item.change.warnings, told))))

    def _with_settings(self, service: Service) -> Item:
        """The item, which restores settings that somebody changed since the release wrote its own."""
        item, before = self.item, self.item.change.previous_settings
        if before is None:
            return item
        written = (merged(before, item.service.deployment or {}), rollback_settings(before), item.change.left_settings)
        if any(known is not None and not differs(service.configuration, known) for known in (before, *written)):
            return item
        note = "the deployment settings were changed by someone else during the release, and are kept"
        warnings = item.change.warnings if note in item.change.warnings else (*item.change.warnings, note)
        kept = put_back(service.configuration, before, filter(None, written))
        return item.with_change(previous_settings=kept, warnings=warnings)

    def _stop(self) -> bool:
        """Have ECS roll back our deployment. False when it is over, or ECS cannot. Raises :class:`ItemFailed` when
        somebody else's deployment has taken its place."""
        going_on = self._going_on()
        ours = deployment_records.own(self.item, going_on)
        newer = deployment_records.newer(self.item, going_on)
        for record in newer:
            if not record.task_definition:
                self._read_again(f"ECS does not show yet what {record.deployment_id} deploys")
            elif record.task_definition not in (self._ours, self._previous, self._replaced):
                raise _left(record.task_definition)
        if any(record.task_definition == self._previous for record in newer):
            # Somebody else has begun a rollback.
            return True
        if ours is None or newer or self.item.watched.is_followed:
            return False
        if self._replaced != self._previous:
            # ECS would return the service to what it ran before, and that was not good.
            return False
        if ours.status in _CAN_BE_STOPPED:
            self.fence.require(is_rollback=True)
            try:
                self.aws.stop_service_deployment(ours.arn)
            except AwsRefused as error:
                if error.code == _OVER:
                    # Another deployment took its place a moment ago. The next read shows which one.
                    self._read_again("ECS does not show yet what ended the deployment")
                return False
        return True

    def _read_again(self, why: str) -> None:
        """Raise :class:`AwsUnavailable`, so that ECS is read again, as its answer may be out of date. After
        ``SHOWN_WITHIN`` seconds the answer is believed."""
        if self.now - (self.item.progress.since or self.now) < SHOWN_WITHIN:
            raise AwsUnavailable(why)

    def _going_on(self) -> list[Record]:
        """The service deployments that are going on. None where they cannot be read: UpdateService is enough then."""
        with dispensable(self.item, self.now):
            return deployment_records.read(self.aws, self.item, going_on=True)
        return []

    def _watch(self, service: Service, note: str = "") -> Item:
        # Rolling deployments are judged by what the service shows, the others by their service deployment.
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
