"""The calls that list what an account has, for the import of what is live and for plans. They only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecs_gitops.aws.calls import Calls
from ecs_gitops.model.identity import short

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

_PER_PAGE = 100


class InventoryCalls(Calls):
    """Clusters, services, daemons and tasks of ECS, rules of every event bus, schedules of every group."""

    def list_clusters(self) -> list[str]:
        """The ARNs of all clusters."""
        return self._pages("ecs", "list_clusters", "clusterArns", maxResults=_PER_PAGE)

    def list_services(self, cluster: str) -> list[str]:
        """The names of all services of the cluster."""
        pages = self._pages("ecs", "list_services", "serviceArns", cluster=cluster, maxResults=_PER_PAGE)
        return [short(arn) for arn in pages]

    def list_daemons(self, cluster_arn: str) -> list[str]:
        """The ARNs of the cluster's daemons on Managed Instances. They are no services.
        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListDaemons.html"""
        pages = self._pages("ecs", "list_daemons", "daemonSummariesList", clusterArn=cluster_arn, maxResults=_PER_PAGE)
        return [str(each["daemonArn"]) for each in pages if each.get("daemonArn")]

    def list_running_tasks(self, cluster: str) -> list[str]:
        """The ARNs of all tasks of the cluster that run or are to run."""
        return self._pages("ecs", "list_tasks", "taskArns", cluster=cluster, maxResults=_PER_PAGE)

    def list_event_buses(self) -> list[str]:
        """The names of all event buses."""
        return [str(bus["Name"]) for bus in self._pages("events", "list_event_buses", "EventBuses", page="NextToken")]

    def list_rules(self, bus: str) -> list[Json]:
        """The rules of an event bus: Name, State, ManagedBy, …"""
        return self._pages("events", "list_rules", "Rules", page="NextToken", EventBusName=bus)

    def list_schedules(self) -> list[Json]:
        """The schedules of all groups in brief: GroupName, Name, State, and the ARN of the target."""
        return self._pages("scheduler", "list_schedules", "Schedules", page="NextToken", MaxResults=_PER_PAGE)

    def _pages(self, api: str, method: str, member: str, /, *, page: str = "nextToken", **given: Any) -> list[Any]:
        """``member`` of all pages of an answer. ``page`` is the parameter that asks for the next one."""
        found: list[Any] = []
        rest: Json = {}
        while True:
            answer = self._call(api, method, **given, **rest)
            found += answer.get(member, [])
            if not answer.get(page):
                return found
            rest = {page: answer[page]}
