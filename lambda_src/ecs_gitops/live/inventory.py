"""Read what is live in an account and Region, for an import: services, rules and schedules, and what they run.

What may not be read is named, and the rest is read nevertheless. Every function raises
:class:`ecs_gitops.model.errors.AwsUnavailable` when AWS does not answer until the time budget is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from ecs_gitops.aws.calls import chunks
from ecs_gitops.aws.ecs_calls import SERVICES_PER_CALL, TASKS_PER_CALL
from ecs_gitops.ecs.listed import Described, Inventory, ListedService, ListedTrigger, why_not_released
from ecs_gitops.ecs.service import Service
from ecs_gitops.live.revisions import described
from ecs_gitops.live.service_state import digests_of_revisions
from ecs_gitops.live.services import each
from ecs_gitops.live.trigger_inventory import TriggerInventory
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.model.identity import family, short
from ecs_gitops.model.types import Json

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget

T = TypeVar("T")

# `group` of a service's tasks, and `startedBy` of those that rules and schedules start.
_OF_SERVICE = "service:"
_OF_TRIGGERS = ("events-rule/", "chronos-schedule/")


@dataclass(frozen=True, slots=True)
class Scope:
    """What to read. ``clusters``: names, or None for all. ``with_triggers``: rules and schedules too. ``with_digests``:
    the digests that services run."""

    clusters: tuple[str, ...] | None
    with_triggers: bool = False
    with_digests: bool = False


@dataclass(slots=True)
class InventoryReader:
    """Reads one account and Region. ``expect`` is called with the number of reads that are to come, ``on_read`` after
    each of them."""

    aws: Aws
    budget: TimeBudget
    expect: Callable[[int], None] = lambda _: None
    on_read: Callable[[], None] = lambda: None
    _unread: list[str] = field(default_factory=list)

    def read(self, place: tuple[str, str, str], scope: Scope) -> Inventory:
        """What is live. ``place``: partition, account and Region. Clusters that do not exist are left out. Raises
        :class:`AwsRefused` when the clusters may not be listed."""
        clusters, listed = self._services(scope.clusters)
        triggers: tuple[ListedTrigger, ...] = ()
        if scope.with_triggers:
            reader = TriggerInventory(self.aws, self.budget, self.denied, self.expect, self.on_read)
            triggers = reader.read(None if scope.clusters is None else clusters)
        running = [service for service in listed if why_not_released(service) is None]
        definitions = self._definitions(
            [*(service.runs for service in running), *(ref for trigger in triggers for ref in trigger.references)]
        )
        revisions = self._revisions(running) if scope.with_digests else {}
        services = (
            replace(
                service,
                definition=definitions.get(service.runs, service.definition),
                digests=_digests(service, revisions),
            )
            for service in listed
        )
        known = (
            replace(trigger, definitions={ref: definitions[ref] for ref in trigger.references}) for trigger in triggers
        )
        return Inventory(
            *place,
            clusters=clusters,
            services=tuple(services),
            triggers=tuple(known),
            daemons=tuple(name for cluster in clusters for name in self._daemons(place, cluster)),
            loose_tasks=self._loose_tasks(clusters),
            # Threads note them in any order.
            unread=tuple(sorted(set(self._unread))),
        )

    def denied(self, what: str, right: str, read: Callable[[], list[T]]) -> list[T]:
        """What ``read`` gives; nothing where the caller may not read it, which is noted."""
        try:
            return self.budget.retry(read)
        except AwsRefused as error:
            if not error.is_denied:
                raise
            self._unread.append(f"{what}: {self.aws.reader} may not read it ({right})")
            return []

    # --- services ------------------------------------------------------------------------------------------------

    def _services(self, names: tuple[str, ...] | None) -> tuple[tuple[str, ...], list[ListedService]]:
        """The clusters that there are, and their services, without what they run."""
        if names is None:
            names = self._all_clusters()
        listed = dict(zip(names, each(self._names, names, self.budget), strict=True))
        found = tuple(cluster for cluster, services in listed.items() if services is not None)
        parts = [(cluster, part) for cluster in found for part in chunks(listed[cluster] or (), SERVICES_PER_CALL)]
        self.expect(sum(len(part) for _, part in parts))
        services = each(lambda part: self._described(*part), parts, self.budget)
        return found, [service for part in services for service in part]

    def _all_clusters(self) -> tuple[str, ...]:
        try:
            return tuple(sorted(map(short, self.budget.retry(self.aws.list_clusters))))
        except AwsRefused as error:
            if not error.is_denied:
                raise
            advice = f"{self.aws.reader} may not list clusters (ecs:ListClusters): name them with --cluster"
            raise AwsRefused("configuration", error.code, advice) from None

    def _names(self, cluster: str) -> list[str] | None:
        """The names of a cluster's services; None if there is no such cluster."""
        try:
            return self.denied(
                f"services of cluster {cluster}", "ecs:ListServices", lambda: self.aws.list_services(cluster)
            )
        except AwsRefused as error:
            if error.code == "ClusterNotFoundException":
                return None
            raise

    def _described(self, cluster: str, names: Sequence[str]) -> list[ListedService]:
        try:
            found = self.budget.retry(lambda: self.aws.describe_services(cluster, names))
        except AwsRefused as error:
            # ECS refuses the whole call when the caller may not read one of the services.
            if not error.is_denied:
                raise
            if len(names) > 1:
                return [service for name in names for service in self._described(cluster, [name])]
            self._unread.append(f"service {cluster}/{names[0]}: {self.aws.reader} may not read it ({_DESCRIBE})")
            found = []
        for _ in names:
            self.on_read()
        return [ListedService(cluster, str(data["serviceName"]), data) for data in found]

    # --- what they run -------------------------------------------------------------------------------------------

    def _definitions(self, references: Iterable[str]) -> dict[str, Described]:
        """The task definitions, each read once."""
        once = list(dict.fromkeys(filter(None, references)))
        self.expect(len(once))
        return dict(zip(once, each(self._definition, once, self.budget), strict=True))

    def _definition(self, reference: str) -> Described:
        try:
            content, _ = self.budget.retry(lambda: described(self.aws, reference))
        except ItemFailed as error:
            return Described(None, f"its task definition {error}")
        except AwsRefused as error:
            if not error.is_denied:
                raise
            why = f"{self.aws.reader} may not read its task definition (ecs:DescribeTaskDefinition)"
            return Described(None, why)
        finally:
            self.on_read()
        return Described(content)

    def _revisions(self, services: Sequence[ListedService]) -> dict[str, Json]:
        """The service revisions that run, by ARN."""
        arns = [arn for service in services for arn in Service.from_api(service.data).revisions]
        read = self.denied(
            "digests that run", "ecs:DescribeServiceRevisions", lambda: self.aws.describe_service_revisions(arns)
        )
        return {str(each.get("serviceRevisionArn")): each for each in read}

    # --- what a release cannot deploy ------------------------------------------------------------------------------

    def _daemons(self, place: tuple[str, str, str], cluster: str) -> list[str]:
        partition, account, region = place
        arn = f"arn:{partition}:ecs:{region}:{account}:cluster/{cluster}"
        try:
            found = self.denied(f"daemons of cluster {cluster}", "ecs:ListDaemons", lambda: self.aws.list_daemons(arn))
        except AwsRefused:
            # The Region, or whoever answers in AWS's place, has no daemons.
            return []
        return [f"{cluster}/{short(each_arn)}" for each_arn in found]

    def _loose_tasks(self, clusters: Sequence[str]) -> dict[str, int]:
        """The running tasks that neither a service nor a rule or schedule started, by cluster and family."""
        count: Counter[str] = Counter()
        for cluster in clusters:
            count.update(f"{cluster}/{family(str(task.get('taskDefinitionArn')))}" for task in self._tasks(cluster))
        return dict(sorted(count.items()))

    def _tasks(self, cluster: str) -> list[Json]:
        def read() -> list[Json]:
            arns = self.aws.list_running_tasks(cluster)
            parts = list(chunks(arns, TASKS_PER_CALL))
            return [task for part in parts for task in self.aws.describe_tasks(cluster, part)]

        found = self.denied(f"tasks without a service in {cluster}", "ecs:ListTasks, ecs:DescribeTasks", read)
        return [task for task in found if not _has_owner(task)]


_DESCRIBE = "ecs:DescribeServices"


def _digests(service: ListedService, revisions: Mapping[str, Json]) -> dict[str, str]:
    """The digests of the service's own revision: another service of that task definition may run other ones."""
    own = Service.from_api(service.data).revisions
    return digests_of_revisions(revisions[arn] for arn in own if arn in revisions).get(service.runs, {})


def _has_owner(task: Json) -> bool:
    return str(task.get("group", "")).startswith(_OF_SERVICE) or str(task.get("startedBy", "")).startswith(_OF_TRIGGERS)
