"""Deploy a batch of services of one account, Region and cluster: new revisions, then UpdateService.

Safe to run again after it died at any point: what this execution registered and started is recognised by its tags.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

from ecs_gitops import rollout, work
from ecs_gitops.aws import Aws
from ecs_gitops.errors import AwsRefused, AwsUnavailable, ItemFailed
from ecs_gitops.observability import ItemLog
from ecs_gitops.patience import Patience
from ecs_gitops.provenance import Release
from ecs_gitops.registration import register
from ecs_gitops.service import Deploy, Join, Service, Unchanged, decide, require_deployable
from ecs_gitops.task_definition import arn, find_container, short
from ecs_gitops.types import Json
from ecs_gitops.work import Batch, Item

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Deployer:
    """One run over one batch. ``is_retry``: a run before this one may have stopped between two calls."""

    aws: Aws
    release: Release
    batch: Batch
    patience: Patience
    is_retry: bool
    # Services of one batch that run the same revision and get the same images share the new one.
    _registered: dict[tuple[str, tuple[tuple[str, str], ...]], str] = field(default_factory=dict)

    def run(self) -> Batch:
        """The batch with every item final, in progress, or pending when the time did not suffice."""
        pending = [item for item in self.batch.items if item.status == work.PENDING]
        try:
            live = self.patience.persist(lambda: self._describe([item.name for item in pending]))
        except AwsRefused as error:
            if error.code.startswith("AccessDenied") and error.operation == "describe_services" and len(pending) > 1:
                return self._each_alone()
            reason = explain(error, self.batch)
            items = tuple(item.failed(reason) if item.status == work.PENDING else item for item in self.batch.items)
            return settle(replace(self.batch, items=items), self.patience.clock())
        items = tuple(
            self._item(item, live.get(item.name)) if item.status == work.PENDING else item for item in self.batch.items
        )
        return settle(replace(self.batch, items=items), self.patience.clock())

    def _each_alone(self) -> Batch:
        """Run the items one by one: ECS refuses a whole description for one service that the role is not for."""
        done: list[Item] = []
        for item in self.batch.items:
            alone = replace(self, batch=replace(self.batch, items=(item,)))
            done += alone.run().items if item.status == work.PENDING else (item,)
        return settle(replace(self.batch, items=tuple(done)), self.patience.clock())

    def _describe(self, names: list[str]) -> dict[str, Service]:
        found = self.aws.describe_services(self._cluster, names) if names else []
        return {service.name: service for service in map(Service.from_api, found)}

    @property
    def _cluster(self) -> str:
        return self.batch.cluster or "default"

    def _item(self, item: Item, service: Service | None) -> Item:
        out = ItemLog(log, self.release.to_json(), service=item.name, cluster=self._cluster, account=self.batch.account)
        started = item.started_at or self.patience.clock()
        item = replace(item, started_at=started)
        if self.patience.is_over:
            return item
        deadline = replace(self.patience, until=min(self.patience.until, started + item.timeout_minutes * 60))
        try:
            found = require_deployable(service, self._cluster, item.name)
            done = deadline.persist(lambda: self._deploy(item, found, out))
        except ItemFailed as error:
            done = item.failed(str(error), self.patience.clock())
        except AwsRefused as error:
            done = item.failed(explain(error, self.batch), self.patience.clock())
        except AwsUnavailable as error:
            if deadline.until < self.patience.until:
                done = item.failed(f"AWS did not take the calls in {item.timeout_minutes} minutes: {error}")
            else:
                out.warning("left for the next run", cause=str(error))
                return item
        out.info("service deployed" if not done.is_final else f"service {done.status}", reason=done.reason)
        return done

    def _deploy(self, item: Item, service: Service, out: ItemLog) -> Item:
        live = service.primary.task_definition if service.primary else service.task_definition
        definition, tags = self.aws.describe_task_definition(live)
        container = find_container(definition, item.container)
        images = {container.name: item.image}
        decision = decide(
            service,
            definition,
            tags,
            images,
            self.release,
            force=item.force_new_deployment,
            now=self.patience.clock(),
            patience=item.timeout_minutes * 60,
        )
        if container.warning:
            out.warning(container.warning)
        item = replace(item, previous_image=container.image, reason=container.warning)
        if isinstance(decision, Unchanged):
            revision = short(decision.revision)
            return replace(
                item,
                status=work.UNCHANGED,
                deployment_needed=False,
                previous_task_def=revision,
                task_def=revision,
                seconds=round(self.patience.clock() - (item.started_at or 0), 1),
            )
        if isinstance(decision, Join):
            return self._join(item, decision, container.name, live)
        return self._start(item, definition, tags, images, decision)

    def _join(self, item: Item, decision: Join, container: str, revision: str) -> Item:
        try:
            before, _ = self.aws.describe_task_definition(decision.previous)
        except AwsRefused:
            # The revision was deleted: what it ran is not known, and the rollout is watched all the same.
            before = {"containerDefinitions": []}
        images = {c["name"]: c.get("image") for c in before["containerDefinitions"]}
        note = None if decision.is_ours else "joined the deployment of this image that was going on already"
        return replace(
            item,
            status=work.IN_PROGRESS,
            deployment_needed=True,
            previous_task_def=short(decision.previous),
            previous_image=images.get(container),
            task_def=short(revision),
            deployment_id=decision.deployment.id,
            started_at=decision.deployment.created_at or item.started_at,
            reason=item.reason or note,
        )

    def _start(
        self, item: Item, definition: Json, tags: dict[str, str], images: dict[str, str], decision: Deploy
    ) -> Item:
        revision = self._register(definition, tags, images, decision.previous)
        after = Service.from_api(self.aws.update_service(self._cluster, item.name, revision))
        started = next((d for d in after.deployments if d.is_primary and d.task_definition == revision), None)
        if started is None:
            raise AwsUnavailable(f"UpdateService did not show a primary deployment of {short(revision)}")
        return replace(
            item,
            status=work.IN_PROGRESS,
            deployment_needed=True,
            previous_task_def=short(decision.previous),
            task_def=short(revision),
            deployment_id=started.id,
            started_at=started.created_at or self.patience.clock(),
            reason=item.reason or decision.why,
        )

    def _register(self, definition: Json, tags: dict[str, str], images: dict[str, str], previous: str) -> str:
        key = (f"{arn(definition)} {previous}", tuple(sorted(images.items())))
        if key not in self._registered:
            self._registered[key] = register(
                self.aws, self.release, definition, tags, images, previous=previous, is_retry=self.is_retry
            )
        return self._registered[key]


def settle(batch: Batch, now: float) -> Batch:
    """The batch with what the state machine does next: deploy what is pending, wait for what is going on, or end."""
    going_on = [item for item in batch.items if item.status == work.IN_PROGRESS]
    if any(item.status == work.PENDING for item in batch.items):
        return replace(batch, next="DEPLOY", wait_seconds=rollout.SHORTEST_WAIT)
    if not going_on:
        return replace(batch, next="DONE", wait_seconds=0)
    starts = [item.started_at or now for item in going_on]
    deadlines = [start + item.timeout_minutes * 60 for start, item in zip(starts, going_on, strict=True)]
    return replace(batch, next="WAIT", wait_seconds=rollout.wait_seconds(starts, deadlines, now))


def explain(error: AwsRefused, batch: Batch) -> str:
    """What a person can do about an answer of AWS."""
    if error.code == "ClusterNotFoundException":
        return f"cluster {batch.cluster!r} does not exist in account {batch.account}, Region {batch.region}"
    if error.operation == "assume_role":
        return (
            f"could not assume {batch.role_arn}: {error.code}: {error.message}; is modules/deploy_role applied in "
            f"account {batch.account}, and does it trust this deployer's function roles?"
        )
    if error.code.startswith("AccessDenied") and "iam:PassRole" in error.message:
        return f"{error}; add the task definition's roles to pass_role_arns of the deploy role"
    if error.code.startswith("AccessDenied"):
        return f"{error}; widen the scope of the deploy role {batch.role_arn}"
    return str(error)
