"""The calls to Amazon ECS. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ecs_gitops.aws.answer_cache import Texts
from ecs_gitops.aws.calls import Calls, as_of, parts
from ecs_gitops.ecs.service import seconds
from ecs_gitops.model.errors import AwsRefused

if TYPE_CHECKING:
    from ecs_gitops.aws.calls import Clients
    from ecs_gitops.aws.rate_limit import Pace
    from ecs_gitops.model.types import Json

# How many each call takes (API reference of each).
SERVICES_PER_CALL = 10
TASKS_PER_CALL = 100
SERVICE_DEPLOYMENTS_PER_CALL = 20
# Of every session of the sandbox: 2,000 revisions of eight kilobytes each, which take five times as much as objects.
_REVISIONS = Texts(16_000_000)
_GOING_ON = ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]


class Ecs(Calls):
    """Services, their deployments, task definitions and tasks."""

    def __init__(self, client: Clients, pace: Pace | None = None) -> None:
        super().__init__(client, pace)
        self._session = object()

    def describe_services(self, cluster: str, names: Sequence[str]) -> list[Json]:
        """The services found among ``names``, with their tags, in any order, without those that ECS calls MISSING.

        ``asOf`` in each is when ECS answered, by its own clock."""
        found: list[Json] = []
        for part in parts(names, SERVICES_PER_CALL):
            answer = self._call("ecs", "describe_services", cluster=cluster, services=part, include=["TAGS"])
            found += [service | as_of(answer) for service in answer.get("services", [])]
        return found

    def update_service(
        self,
        cluster: str,
        service: str,
        task_definition: str | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> Json:
        """Start a deployment of ``task_definition``, with ``configuration`` as the service's deploymentConfiguration
        from now on; without a task definition only the latter. The service as it is then."""
        wanted: Json = {"taskDefinition": task_definition} if task_definition else {}
        if configuration is not None:
            wanted["deploymentConfiguration"] = dict(configuration)
        return dict(self._call("ecs", "update_service", cluster=cluster, service=service, **wanted)["service"])

    # --- task definitions ----------------------------------------------------------------------------------------

    def describe_task_definition(self, reference: str) -> tuple[Json, dict[str, str]]:
        """A task definition as AWS sends it, and its tags. ``reference`` is an ARN, ``family:revision`` or family.

        A revision's content does not change, and its tags are ours for as long as a release lasts: it is read once.
        Its status may change, see :meth:`read_task_definition`."""
        if known := _REVISIONS.get((self._session, reference.rsplit("/", 1)[-1])):
            definition, tags = json.loads(known)
            return definition, tags
        return self.read_task_definition(reference)

    def read_task_definition(self, reference: str) -> tuple[Json, dict[str, str]]:
        """As :meth:`describe_task_definition`, read from ECS in any case."""
        name = reference.rsplit("/", 1)[-1]
        raw = self._call("ecs", "describe_task_definition", taskDefinition=reference, include=["TAGS"])["raw"]
        tags = {tag["key"]: tag.get("value", "") for tag in raw.get("tags") or []}
        if ":" in name:
            _REVISIONS.keep((self._session, name), json.dumps([raw["taskDefinition"], tags]))
        return raw["taskDefinition"], tags

    def register_task_definition(self, content: Json, tags: Mapping[str, str]) -> str:
        """Register ``content`` as a new revision of its family; its ARN."""
        body = {**content, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
        answer = self._call_raw(
            "ecs", "register_task_definition", body, family=content["family"], containerDefinitions=[]
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def deregister_task_definition(self, arn: str) -> None:
        """Make a revision INACTIVE: nothing new starts with it, what runs goes on."""
        _REVISIONS.drop((self._session, arn.rsplit("/", 1)[-1]))
        self._call("ecs", "deregister_task_definition", taskDefinition=arn)

    def tag_task_definition(self, arn: str, key: str, value: str) -> None:
        """Set one tag of a revision."""
        _REVISIONS.drop((self._session, arn.rsplit("/", 1)[-1]))
        self._call("ecs", "tag_resource", resourceArn=arn, tags=[{"key": key, "value": value}])

    # --- service deployments -------------------------------------------------------------------------------------

    def service_deployments(
        self, cluster: str, service: str, *, since: float | None = None, going_on: bool = False
    ) -> list[Json]:
        """Deployments of a service, newest first, each brief: serviceDeploymentArn, status, targetServiceRevisionArn,
        createdAt, …; those made after ``since`` (epoch seconds), or those that are going on."""
        wanted: Json = {"createdAt": {"after": since}} if since is not None else {}
        if going_on:
            wanted["status"] = _GOING_ON
        found: list[Json] = []
        while True:
            answer = self._call("ecs", "list_service_deployments", cluster=cluster, service=service, **wanted)
            found += answer.get("serviceDeployments", [])
            if not answer.get("nextToken"):
                break
            wanted["nextToken"] = answer["nextToken"]
        return sorted(found, key=lambda each: seconds(each.get("createdAt")), reverse=True)

    def describe_service_deployments(self, arns: Sequence[str]) -> list[Json]:
        """Service deployments in full; those that ECS does not have are left out."""
        found: list[Json] = []
        for part in parts(arns, SERVICE_DEPLOYMENTS_PER_CALL):
            answer = self._call("ecs", "describe_service_deployments", serviceDeploymentArns=part)
            found += answer.get("serviceDeployments", [])
        return found

    def stop_service_deployment(self, arn: str) -> None:
        """Have ECS return the service to the deployment before. Refused as ConflictException when it is over."""
        self._call("ecs", "stop_service_deployment", serviceDeploymentArn=arn, stopType="ROLLBACK")

    def describe_service_revisions(self, arns: Sequence[str]) -> list[Json]:
        """Service revisions: taskDefinition, containerImages with their digests, …"""
        found: list[Json] = []
        for part in parts(arns, SERVICE_DEPLOYMENTS_PER_CALL):
            answer = self._call("ecs", "describe_service_revisions", serviceRevisionArns=part)
            found += answer.get("serviceRevisions", [])
        return found

    # --- tasks -----------------------------------------------------------------------------------------------------

    def stopped_tasks(self, cluster: str, service: str) -> list[Json]:
        """Up to a hundred stopped tasks of the service; ECS shows them for about an hour."""
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
        """The tasks found; ECS forgets them about an hour after they stopped."""
        found: list[Json] = []
        for part in parts(arns, TASKS_PER_CALL):
            found += self._call("ecs", "describe_tasks", cluster=cluster, tasks=part).get("tasks", [])
        return found

    def run_task(self, request: Json) -> tuple[Json | None, str]:
        """Run a task; the task, or None and why it could not be placed. The same ``clientToken`` runs it once."""
        try:
            answer = self._call("ecs", "run_task", **request)
        except AwsRefused as error:
            if error.code != "ConflictException" or not error.resources:
                raise
            # The token has run a task already, with a request that was a little different: that is the task.
            return {"taskArn": error.resources[0]}, ""
        if answer.get("tasks"):
            return dict(answer["tasks"][0]), ""
        failures = answer.get("failures") or [{"reason": "ECS gave no task and no reason"}]
        # On EC2 there is one for each instance that was tried.
        told = Counter(f"{f.get('reason', '')} {f.get('detail', '')}".strip() for f in failures)
        return None, "; ".join(f"{why} ({count} times)" if count > 1 else why for why, count in told.items())

    def stop_task(self, cluster: str, arn: str, reason: str) -> None:
        """Stop a task; nothing happens when it has stopped already."""
        self._call("ecs", "stop_task", cluster=cluster, task=arn, reason=reason)
