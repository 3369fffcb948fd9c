"""ECS services and their deployments, as ECS describes them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ecs_gitops.model.errors import ItemFailed

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# Members of a service that RunTask accepts too, so that a one-off task runs where the service's tasks run. launchType
# is added apart: it excludes capacityProviderStrategy, and Managed Instances need the strategy.
_PLACEMENT = (
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of a service's ``deployments``. Times are epoch seconds. ``rollout_state`` may be None: ECS reports it
    for rolling deployments only."""

    id: str
    status: str
    task_definition: str
    rollout_state: str | None
    rollout_reason: str
    created_at: float
    desired: int
    running: int
    pending: int
    failed: int

    @property
    def is_primary(self) -> bool:
        return self.status == "PRIMARY"


@dataclass(frozen=True, slots=True)
class Service:
    """The members of a service that the deployer reads."""

    name: str
    status: str
    controller: str
    task_definition: str
    desired: int
    running: int
    pending: int
    deployments: tuple[Deployment, ...]
    events: tuple[tuple[float, str], ...]
    configuration: dict[str, Any]
    load_balancers: tuple[dict[str, Any], ...]
    is_daemon: bool
    revisions: tuple[str, ...]
    # Members for RunTask: where the service's tasks run, and their tags and volumes.
    placement: dict[str, Any]
    has_service_connect: bool = False
    # Of Express Mode: ECS itself writes its task definitions.
    is_managed_by_ecs: bool = False
    # The time of the answer by ECS's clock; None if it is not known.
    as_of: float | None = None

    @property
    def runs(self) -> str:
        """The task definition (an ARN) of the primary deployment; of the service, where there is none."""
        return self.primary.task_definition if self.primary else self.task_definition

    @property
    def primary(self) -> Deployment | None:
        return next((deployment for deployment in self.deployments if deployment.is_primary), None)

    def deployment(self, deployment_id: str) -> Deployment | None:
        return next((deployment for deployment in self.deployments if deployment.id == deployment_id), None)

    @classmethod
    def from_api(cls, data: Json) -> Service:
        """The service in an entry of DescribeServices' ``services``."""
        return cls(
            name=data["serviceName"],
            status=data.get("status", ""),
            controller=(data.get("deploymentController") or {}).get("type", "ECS"),
            task_definition=data.get("taskDefinition", ""),
            desired=int(data.get("desiredCount", 0)),
            running=int(data.get("runningCount", 0)),
            pending=int(data.get("pendingCount", 0)),
            deployments=tuple(_deployment(entry) for entry in data.get("deployments") or []),
            events=tuple((seconds(e.get("createdAt")), e.get("message", "")) for e in data.get("events") or []),
            configuration=dict(data.get("deploymentConfiguration") or {}),
            load_balancers=tuple(data.get("loadBalancers") or ()),
            is_daemon=data.get("schedulingStrategy") == "DAEMON",
            revisions=tuple(each["arn"] for each in data.get("currentServiceRevisions") or () if "arn" in each),
            placement=_for_one_off_tasks(data),
            has_service_connect=bool((_primary(data).get("serviceConnectConfiguration") or {}).get("enabled")),
            is_managed_by_ecs=data.get("resourceManagementType") == "ECS",
            as_of=seconds(data["asOf"]) if data.get("asOf") else None,
        )

    def age(self, deployment: Deployment, now: float) -> float:
        """Seconds since a deployment started, by ECS's clock, or by ours (``now``) if ECS's is not known."""
        return self.age_of(deployment.created_at, now)

    def age_of(self, moment: float, now: float) -> float:
        """Seconds since a moment, which is by ECS's clock."""
        return max(0.0, (now if self.as_of is None else self.as_of) - moment)


def _primary(data: Json) -> Json:
    """The primary deployment, as ECS describes it."""
    return next((each for each in data.get("deployments") or [] if each.get("status") == "PRIMARY"), {})


def _for_one_off_tasks(data: Json) -> Json:
    place = {name: data[name] for name in _PLACEMENT if data.get(name)}
    launch_type = data.get("launchType")
    if launch_type and launch_type != "MANAGED_INSTANCES" and "capacityProviderStrategy" not in place:
        place["launchType"] = launch_type
    return place | _tags(data) | _volumes(data)


def _tags(data: Json) -> Json:
    """The tags that the service's own tasks get. RunTask cannot propagate a service's tags, so they are listed."""
    members: Json = {"enableECSManagedTags": True} if data.get("enableECSManagedTags") else {}
    if data.get("propagateTags") == "TASK_DEFINITION":
        members["propagateTags"] = "TASK_DEFINITION"
    tags = [tag for tag in data.get("tags") or () if not str(tag.get("key", "")).lower().startswith("aws:")]
    return members | ({"tags": tags} if tags and data.get("propagateTags") == "SERVICE" else {})


def _volumes(data: Json) -> Json:
    """``volumeConfigurations`` of the primary deployment, for a task that does not belong to the service."""
    volumes = [
        each
        | ({"managedEBSVolume": _without_service_tags(each["managedEBSVolume"])} if "managedEBSVolume" in each else {})
        for each in _primary(data).get("volumeConfigurations") or ()
    ]
    return {"volumeConfigurations": volumes} if volumes else {}


def _without_service_tags(volume: Json) -> Json:
    tags = [
        {name: value for name, value in each.items() if (name, value) != ("propagateTags", "SERVICE")}
        for each in volume.get("tagSpecifications") or ()
    ]
    return volume | ({"tagSpecifications": tags} if tags else {})


def volume_roles(placement: Json) -> tuple[str, ...]:
    """The roles with which ECS creates a task's volumes."""
    volumes = (each.get("managedEBSVolume") or {} for each in placement.get("volumeConfigurations") or ())
    return tuple(dict.fromkeys(str(volume["roleArn"]) for volume in volumes if volume.get("roleArn")))


def _deployment(data: Json) -> Deployment:
    return Deployment(
        id=data.get("id", ""),
        status=data.get("status", ""),
        task_definition=data.get("taskDefinition", ""),
        rollout_state=data.get("rolloutState"),
        rollout_reason=data.get("rolloutStateReason") or "",
        created_at=seconds(data.get("createdAt")),
        desired=int(data.get("desiredCount", 0)),
        running=int(data.get("runningCount", 0)),
        pending=int(data.get("pendingCount", 0)),
        failed=int(data.get("failedTasks", 0)),
    )


def seconds(moment: datetime | float | None) -> float:
    """Epoch seconds of a time from botocore; 0 if there is none."""
    if moment is None:
        return 0.0
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def is_complete(service: Service, deployment: Deployment) -> bool:
    """Whether the deployment has completed: the desired count of healthy tasks runs, and the old tasks are stopped.
    Without a rollout state the counts decide."""
    if deployment.rollout_state is not None:
        return deployment.rollout_state == "COMPLETED"
    return len(service.deployments) == 1 and deployment.running == deployment.desired and deployment.pending == 0


def is_settled(service: Service, deployment: Deployment) -> bool:
    """Whether no deployment is in progress. Without a rollout state the counts cannot show that: they also differ while
    the service scales or ECS replaces a task."""
    if deployment.rollout_state is not None:
        return deployment.rollout_state == "COMPLETED"
    return len(service.deployments) == 1 and (deployment.running > 0 or deployment.desired == 0)


def require_deployable(service: Service | None, cluster: str, name: str) -> Service:
    """The service, if we can deploy it. Raises :class:`ItemFailed` with advice if not."""
    if service is None:
        raise ItemFailed(f"service {name!r} does not exist in cluster {cluster!r}: check serviceName and clusterName")
    if service.status != "ACTIVE":
        raise ItemFailed(
            f"service {name!r} is {service.status}, not ACTIVE: create it again, or take it out of the manifest"
        )
    if service.controller != "ECS":
        raise ItemFailed(
            f"service {name!r} has deployment controller {service.controller}; ecs-gitops supports only ECS: "
            f"deploy it with {'CodeDeploy' if service.controller == 'CODE_DEPLOY' else 'its own tool'}, "
            "or create it again with controller ECS"
        )
    if service.is_managed_by_ecs:
        raise ItemFailed(
            f"service {name!r} is an Express Mode service, whose revisions and deployments are ECS's own "
            "(resourceManagementType ECS): take it out of the manifest"
        )
    return service
