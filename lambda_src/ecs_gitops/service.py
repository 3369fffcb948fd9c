"""ECS services and their deployments as ECS describes them, and what to do about one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from ecs_gitops import provenance
from ecs_gitops.errors import ItemFailed
from ecs_gitops.task_definition import arn, has_images

if TYPE_CHECKING:
    from ecs_gitops.provenance import Release
    from ecs_gitops.types import Json


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of a service's ``deployments``. Times are epoch seconds. ``rollout_state`` is None where ECS gives
    none, which it does for rolling deployments alone."""

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
    """What the deployer reads of a service."""

    name: str
    status: str
    controller: str
    task_definition: str
    desired: int
    running: int
    pending: int
    deployments: tuple[Deployment, ...]
    events: tuple[tuple[float, str], ...]

    @property
    def primary(self) -> Deployment | None:
        return next((deployment for deployment in self.deployments if deployment.is_primary), None)

    def deployment(self, deployment_id: str) -> Deployment | None:
        return next((deployment for deployment in self.deployments if deployment.id == deployment_id), None)

    @classmethod
    def from_api(cls, data: Json) -> Service:
        """From a member of DescribeServices' ``services``."""
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
        )


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
    """Epoch seconds of a time as botocore gives it; 0 when there is none."""
    if moment is None:
        return 0.0
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The service runs what is wanted and its deployment is complete: leave it alone."""

    revision: str


@dataclass(frozen=True, slots=True)
class Join:
    """What is wanted is already being deployed: judge that deployment, start none.

    ``is_ours`` says that this very execution started it before it was interrupted."""

    deployment: Deployment
    previous: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Deploy:
    """Register a new revision and update the service. ``previous`` is what to return to if that fails; ``why`` is
    told when it is not simply that the image differs."""

    previous: str
    why: str | None = None


Decision: TypeAlias = Unchanged | Join | Deploy


def is_complete(service: Service, deployment: Deployment) -> bool:
    """ECS says COMPLETED once the wanted number of healthy tasks runs and the old ones are gone. Where it gives no
    rollout state the counts must say so themselves."""
    if deployment.rollout_state is not None:
        return deployment.rollout_state == "COMPLETED"
    return len(service.deployments) == 1 and deployment.running == deployment.desired and deployment.pending == 0


def require_deployable(service: Service | None, cluster: str, name: str) -> Service:
    """The service, if this deployer can drive it; else :class:`ItemFailed` with what to do."""
    if service is None:
        raise ItemFailed(f"service {name!r} does not exist in cluster {cluster!r}: check serviceName and clusterName")
    if service.status != "ACTIVE":
        raise ItemFailed(
            f"service {name!r} is {service.status}, not ACTIVE: create it again, or take it out of the manifest"
        )
    if service.controller != "ECS":
        raise ItemFailed(
            f"service {name!r} has deployment controller {service.controller}; only ECS can be driven: "
            f"deploy it with {'CodeDeploy' if service.controller == 'CODE_DEPLOY' else 'its own tool'}, "
            "or create it again with controller ECS"
        )
    return service


def decide(
    service: Service,
    definition: Json,
    tags: Mapping[str, str],
    images: Mapping[str, str],
    release: Release,
    *,
    force: bool,
    now: float,
    patience: float,
) -> Decision:
    """What to do with a service whose primary deployment runs ``definition`` with ``tags``.

    ``patience`` is how many seconds a deployment of another execution may be going on before it counts as stuck.
    """
    primary = service.primary
    revision = arn(definition)
    if not has_images(definition, images):
        return Deploy(_last_good(service, revision, tags))
    if primary is not None and provenance.is_ours(tags, release):
        return Join(primary, tags.get(provenance.PREVIOUS, revision), is_ours=True)
    if force:
        return Deploy(_last_good(service, revision, tags), "forceNewDeployment is set")
    if primary is None or is_complete(service, primary):
        return Unchanged(revision)
    previous = _last_good(service, revision, tags)
    if primary.rollout_state == "FAILED":
        return Deploy(previous, "the last deployment of this image failed")
    if primary.failed > 0:
        return Deploy(previous, f"the deployment of this image that is going on has {primary.failed} failed tasks")
    if now - primary.created_at > patience:
        return Deploy(previous, "the deployment of this image that is going on does not come to an end")
    return Join(primary, previous, is_ours=False)


def _last_good(service: Service, revision: str, tags: Mapping[str, str]) -> str:
    """The revision to return to: the primary's if its deployment completed, else what still runs beside it, else what
    its tag says it replaced."""
    primary = service.primary
    if primary is None or is_complete(service, primary):
        return revision
    beside = [d for d in service.deployments if not d.is_primary and d.running > 0 and d.task_definition != revision]
    if beside:
        return max(beside, key=lambda d: d.created_at).task_definition
    return tags.get(provenance.PREVIOUS, revision)
