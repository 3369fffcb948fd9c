"""A small ECS world for tests: a cluster with one service of two containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local_aws.samples import load_balancer

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


@dataclass
class World:
    """`ecs`: client. `name`: of the cluster, the service and the family."""

    ecs: Any
    name: str

    def register(self, image: str, **members: Any) -> str:
        """Register a revision with the image and a sidecar; -> ARN."""
        containers = [
            {"name": "app", "image": image, "memory": 128},
            {"name": "sidecar", "image": "envoy:1", "memory": 64},
        ]
        made = self.ecs.register_task_definition(family=self.name, containerDefinitions=containers, **members)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def create(self, image: str = "app:1", desired: int = 2, **members: Any) -> dict[str, Any]:
        """Make the cluster and the service; it has a load balancer unless other ones are given."""
        members.setdefault("loadBalancers", [load_balancer("app")])
        self.ecs.create_cluster(clusterName=self.name)
        made: dict[str, Any] = self.ecs.create_service(
            cluster=self.name,
            serviceName=self.name,
            taskDefinition=self.register(image),
            desiredCount=desired,
            **members,
        )["service"]
        return made

    def update(self, **members: Any) -> str:
        """Update the service; -> id of its primary deployment."""
        service = self.ecs.update_service(cluster=self.name, service=self.name, **members)["service"]
        return str(next(each["id"] for each in service["deployments"] if each["status"] == "PRIMARY"))

    def service(self) -> dict[str, Any]:
        """The service as it is."""
        found: dict[str, Any] = self.ecs.describe_services(cluster=self.name, services=[self.name])["services"][0]
        return found

    def is_steady(self) -> bool:
        """Whether one deployment is left, and done."""
        deployments = self.service()["deployments"]
        return len(deployments) == 1 and deployments[0].get("rolloutState") == "COMPLETED"

    def deployments(self) -> list[dict[str, Any]]:
        """The service deployments, newest first, in full."""
        brief = self.ecs.list_service_deployments(cluster=self.name, service=self.name)["serviceDeployments"]
        arns = [each["serviceDeploymentArn"] for each in brief]
        found = self.ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        return sorted(found, key=lambda each: arns.index(each["serviceDeploymentArn"]))

    def stopped(self) -> list[dict[str, Any]]:
        """The service's stopped tasks."""
        arns = self.ecs.list_tasks(cluster=self.name, serviceName=self.name, desiredStatus="STOPPED")["taskArns"]
        found: list[dict[str, Any]] = self.ecs.describe_tasks(cluster=self.name, tasks=arns)["tasks"] if arns else []
        return found
