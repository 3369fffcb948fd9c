"""Well-known sidecars: containers that come with an agent's or a mesh's release, not with the application's. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.model.images import image_name, repository

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# Names that AWS's and the vendors' documents give to these containers.
NAMES = frozenset(
    {
        "xray-daemon",
        "aws-otel-collector",
        "adot-collector",
        "otel-collector",
        "cloudwatch-agent",
        "ecs-service-connect-agent",
        "log_router",
        "log-router",
        "fluent-bit",
        "firelens",
        "envoy",
        "appmesh-envoy",
        "datadog-agent",
        "newrelic-infra",
        "dynatrace-oneagent",
        "splunk-otel-collector",
        "aws-guardduty-agent",
    }
)
# The last part of their images' repositories.
REPOSITORIES = frozenset(
    {
        "aws-xray-daemon",
        "xray-daemon",
        "aws-otel-collector",
        "opentelemetry-collector",
        "opentelemetry-collector-contrib",
        "cloudwatch-agent",
        "amazon-cloudwatch-agent",
        "amazon-ecs-service-connect-agent",
        "aws-for-fluent-bit",
        "fluent-bit",
        "fluentd",
        "aws-appmesh-envoy",
        "aws-appmesh-proxy-route-manager",
        "envoy",
        "datadog-agent",
        "infrastructure-bundle",
        "nri-ecs",
        "splunk-otel-collector",
        "aws-guardduty-agent-fargate",
    }
)
# Docker Hub's `datadog/agent` has a common last part.
_WHOLE = ("datadog/agent",)


def is_sidecar(container: Json) -> bool:
    """Whether a container of a task definition is a well-known sidecar: by its name, its image's repository, or because
    it is FireLens's log router."""
    image = str(container.get("image", ""))
    whole = repository(image)
    return (
        bool(container.get("firelensConfiguration"))
        or container.get("name") in NAMES
        or image_name(image) in REPOSITORIES
        or any(whole == each or whole.endswith(f"/{each}") for each in _WHOLE)
    )
