"""The calls to Amazon ECS. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ecs_gitops.aws.answer_cache import AnswerCache
from ecs_gitops.aws.calls import Calls, as_of, chunks
from ecs_gitops.ecs.service import seconds
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.identity import short

if TYPE_CHECKING:
    from ecs_gitops.aws.calls import Clients
    from ecs_gitops.aws.rate_limit import RateLimiter
    from ecs_gitops.model.types import Json

# The limits of each call, from its API reference.
SERVICES_PER_CALL = 10
TASKS_PER_CALL = 100
SERVICE_DEPLOYMENTS_PER_CALL = 20
# For all sessions of the sandbox: 2,000 revisions of eight kilobytes. As Python objects they need five times as much.
_REVISIONS = AnswerCache(16_000_000)
_IN_PROGRESS = ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]


class EcsCalls(Calls):
    """Calls for services, their deployments, task definitions and tasks."""

    def __init__(
        self, client: Clients, rate_limiter: RateLimiter | None = None, reader: str = "the deploy role"
    ) -> None:
        super().__init__(client, rate_limiter, reader)
        self._cached_for = object()

    def share_revisions(self, other: EcsCalls) -> None:
        """Use the revisions that ``other`` has read, and the other way round. Both have to be sessions of one role in
        one account and Region, for one release."""
        self._cached_for = other._cached_for

    def describe_services(self, cluster: str, names: Sequence[str]) -> list[Json]:
        """The services with these names that exist, with their tags, in any order.

        ``asOf`` in each is the time of the answer by ECS's clock. The times of ``events`` are in epoch seconds."""
        services: list[Json] = []
        for part in chunks(names, SERVICES_PER_CALL):
            answer = self._call("ecs", "describe_services", cluster=cluster, services=part, include=["TAGS"])
            events = answer.get("events", {})
            for service in answer.get("services", []):
                own = events.get(service.get("serviceArn"), [])
                services.append({**service, **as_of(answer), "events": own})
        return services

    def update_service(
        self,
        cluster: str,
        service: str,
        task_definition: str | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> Json:
        """Start a deployment of ``task_definition``, and set the service's deploymentConfiguration. Without a task
        definition only the latter, which starts no deployment. Returns the updated service."""
        changes: Json = {"taskDefinition": task_definition} if task_definition else {}
        if configuration is not None:
            changes["deploymentConfiguration"] = dict(configuration)
        return dict(self._call("ecs", "update_service", cluster=cluster, service=service, **changes)["service"])

    # --- task definitions ----------------------------------------------------------------------------------------

    def describe_task_definition(self, reference: str) -> tuple[Json, dict[str, str]]:
        """A task definition as AWS sends it, and its tags. ``reference`` is an ARN, ``family:revision`` or family.

        Each revision is read once and then cached, for the sessions of one release in this sandbox: its content never
        changes, and during a release only we change its tags. Its status may change; :meth:`read_task_definition` reads
        it again."""
        if known := _REVISIONS.get((self._cached_for, short(reference))):
            definition, tags = json.loads(known)
            return definition, tags
        return self.read_task_definition(reference)

    def read_task_definition(self, reference: str) -> tuple[Json, dict[str, str]]:
        """As :meth:`describe_task_definition`, but always read from ECS."""
        name = short(reference)
        raw = self._call("ecs", "describe_task_definition", taskDefinition=reference, include=["TAGS"])["raw"]
        tags = {tag["key"]: tag.get("value", "") for tag in raw.get("tags") or []}
        if ":" in name:
            _REVISIONS.put((self._cached_for, name), json.dumps([raw["taskDefinition"], tags]))
        return raw["taskDefinition"], tags

    def register_task_definition(self, content: Json, tags: Mapping[str, str]) -> str:
        """Register ``content`` as a new revision of its family, and return its ARN."""
        body = {**content, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
        answer = self._call_raw(
            "ecs", "register_task_definition", body, family=content["family"], containerDefinitions=[]
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def deregister_task_definition(self, arn: str) -> None:
        """Make a revision INACTIVE: no new service or task can use it, those that run continue."""
        _REVISIONS.drop((self._cached_for, short(arn)))
        self._call("ecs", "deregister_task_definition", taskDefinition=arn)

    def tag_task_definition(self, arn: str, key: str, value: str) -> None:
        """Set one tag of a revision."""
        _REVISIONS.drop((self._cached_for, short(arn)))
        self._call("ecs", "tag_resource", resourceArn=arn, tags=[{"key": key, "value": value}])

    # --- service deployments -------------------------------------------------------------------------------------

    def service_deployments(
        self, cluster: str, service: str, *, since: float | None = None, going_on: bool = False
    ) -> list[Json]:
        """Deployments of a service, newest first, in ECS's brief form: serviceDeploymentArn, status,
        targetServiceRevisionArn, createdAt, …

        Only those created after ``since`` (epoch seconds), and with ``going_on`` only those in progress."""
        filters: Json = {"createdAt": {"after": since}} if since is not None else {}
        if going_on:
            filters["status"] = _IN_PROGRESS
        deployments: list[Json] = []
        while True:
            answer = self._call("ecs", "list_service_deployments", cluster=cluster, service=service, **filters)
            deployments += answer.get("serviceDeployments", [])
            if not answer.get("nextToken"):
                break
            filters["nextToken"] = answer["nextToken"]
        return sorted(deployments, key=lambda each: seconds(each.get("createdAt")), reverse=True)

    def describe_service_deployments(self, arns: Sequence[str]) -> list[Json]:
        """Service deployments in full. Those that ECS does not know are left out."""
        deployments: list[Json] = []
        for part in chunks(arns, SERVICE_DEPLOYMENTS_PER_CALL):
            answer = self._call("ecs", "describe_service_deployments", serviceDeploymentArns=part)
            deployments += answer.get("serviceDeployments", [])
        return deployments

    def stop_service_deployment(self, arn: str) -> None:
        """Let ECS roll the service back to the deployment before. Refused with ConflictException once it has ended."""
        self._call("ecs", "stop_service_deployment", serviceDeploymentArn=arn, stopType="ROLLBACK")

    def describe_service_revisions(self, arns: Sequence[str]) -> list[Json]:
        """Service revisions: taskDefinition, containerImages with their digests, …"""
        revisions: list[Json] = []
        for part in chunks(arns, SERVICE_DEPLOYMENTS_PER_CALL):
            answer = self._call("ecs", "describe_service_revisions", serviceRevisionArns=part)
            revisions += answer.get("serviceRevisions", [])
        return revisions

    # --- tasks -----------------------------------------------------------------------------------------------------

    def stopped_tasks(self, cluster: str, service: str) -> list[Json]:
        """Up to a hundred stopped tasks of the service. ECS keeps them for about an hour."""
        arns = self._call(
            "ecs",
            "list_tasks",
            cluster=cluster,
            serviceName=service,
            desiredStatus="STOPPED",
            maxResults=TASKS_PER_CALL,
        ).get("taskArns", [])
        return self.describe_tasks(cluster, arns)

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[Json]:
        """The tasks that exist. ECS keeps stopped tasks for about an hour."""
        tasks: list[Json] = []
        for part in chunks(arns, TASKS_PER_CALL):
            tasks += self._call("ecs", "describe_tasks", cluster=cluster, tasks=part).get("tasks", [])
        return tasks

    def run_task(self, request: Json) -> tuple[Json | None, str]:
        """Run a task. Returns the task, or None and the reason why it could not be placed.

        Calls with the same ``clientToken`` run one task."""
        try:
            answer = self._call("ecs", "run_task", **request)
        except AwsRefused as error:
            if error.code != "ConflictException" or not error.resources:
                raise
            # A call with this token and a slightly different request has run a task already. This is that task.
            return {"taskArn": error.resources[0]}, ""
        if answer.get("tasks"):
            return dict(answer["tasks"][0]), ""
        failures = answer.get("failures") or [{"reason": "ECS started no task and gave no reason"}]
        # On EC2 there is a failure for each instance that ECS tried.
        reasons = Counter(f"{f.get('reason', '')} {f.get('detail', '')}".strip() for f in failures)
        return None, "; ".join(f"{each} ({count} times)" if count > 1 else each for each, count in reasons.items())

    def stop_task(self, cluster: str, arn: str, reason: str) -> None:
        """Stop a task. A stopped task stays as it is."""
        self._call("ecs", "stop_task", cluster=cluster, task=arn, reason=reason)
