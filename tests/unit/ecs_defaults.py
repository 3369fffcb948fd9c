"""What ECS adds to a task definition and to a service before it describes them, and what it reorders.

Written apart from the tables of the package, so that each is held against the other. Sources: AWS's API reference, and
answers of DescribeTaskDefinition and DescribeServices that people published.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
ACCOUNT, REGION = "111111111111", "us-west-2"
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
ROLES = f"arn:aws:iam::{ACCOUNT}:role"
NAMESPACES = {"shop": f"arn:aws:servicediscovery:{REGION}:{ACCOUNT}:namespace/ns-shop"}
MOMENT = datetime(2026, 11, 1, 12, 30, 15, 123000, tzinfo=UTC)

_OF_A_CONTAINER = ("portMappings", "environment", "mountPoints", "volumesFrom", "systemControls")
_BREAKER = {"resetOnHealthyTask": True, "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}}
_HEALTH = {"interval": 30, "timeout": 5, "retries": 3}
_PERCENT = {"REPLICA": (200, 100), "DAEMON": (100, 0)}
_UNITS = {"vcpu": 1024, "gb": 1024}
# Lists that ECS returns in an order of its own, or whose order it documents no meaning of.
REORDERED = frozenset(
    {
        "containerDefinitions",
        "environment",
        "secrets",
        "secretOptions",
        "portMappings",
        "mountPoints",
        "volumesFrom",
        "dependsOn",
        "ulimits",
        "systemControls",
        "resourceRequirements",
        "extraHosts",
        "links",
        "devices",
        "permissions",
        "tmpfs",
        "add",
        "drop",
        "ignoredExitCodes",
        "volumes",
        "properties",
        "requiresCompatibilities",
        "inferenceAccelerators",
        "credentialSpecs",
        "dockerSecurityOptions",
        "tags",
        "subnets",
        "securityGroups",
        "loadBalancers",
        "capacityProviderStrategy",
        "alarmNames",
        "lifecycleStages",
        "services",
        "clientAliases",
        "tagSpecifications",
        "volumeConfigurations",
        "vpcLatticeConfigurations",
        "placementConstraints",
    }
)


def reordered(value: Any, member: str = "") -> Any:
    """A copy with the lists that have no order turned round."""
    if isinstance(value, dict):
        return {name: reordered(each, name) for name, each in reversed(value.items())}
    if isinstance(value, list):
        found = [reordered(each) for each in value]
        return found[::-1] if member in REORDERED else found
    return value


def complete_definition(content: Json) -> Json:
    """The input of RegisterTaskDefinition with what ECS fills in; without the members that only ECS writes."""
    found = copy.deepcopy(content)
    own_port = found.get("networkMode") in ("awsvpc", "host")
    found["containerDefinitions"] = [_container(each, own_port) for each in found["containerDefinitions"]]
    for name in ("volumes", "placementConstraints"):
        found.setdefault(name, [])
    for volume in found["volumes"]:
        if volume.keys() == {"name"}:
            volume["host"] = {}
        if "efsVolumeConfiguration" in volume:
            volume["efsVolumeConfiguration"].setdefault("rootDirectory", "/")
    for name in ("cpu", "memory"):
        if name in found:
            found[name] = _integer(found[name])
    for name in [name for name, value in found.items() if value is None or (name.endswith("RoleArn") and not value)]:
        del found[name]
    return found


def _container(container: Json, own_port: bool) -> Json:
    container.setdefault("cpu", 0)
    container.setdefault("essential", True)
    for name in _OF_A_CONTAINER:
        container.setdefault(name, [])
    for mapping in container["portMappings"]:
        mapping.setdefault("protocol", "tcp")
        if "containerPort" in mapping:
            mapping.setdefault("hostPort", mapping["containerPort"] if own_port else 0)
    if "healthCheck" in container:
        container["healthCheck"] = {**_HEALTH, **container["healthCheck"]}
    return container


def _integer(quantity: str) -> str:
    text = quantity.lower().replace(" ", "")
    for unit, size in _UNITS.items():
        if text.endswith(unit):
            return str(int(float(text.removesuffix(unit)) * size))
    return text


def described_definition(content: Json, revision: int = 7) -> Json:
    """DescribeTaskDefinition's answer, with its tags among the members."""
    family = content["family"]
    only_of_ecs = {
        "taskDefinitionArn": f"{ARN}:task-definition/{family}:{revision}",
        "revision": revision,
        "status": "ACTIVE",
        "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}],
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": MOMENT,
        "registeredBy": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-1",
    }
    ours = [{"key": "ecs-gitops:execution", "value": "run-1"}, {"key": "aws:cloudformation:stack-name", "value": "x"}]
    return reordered({**complete_definition(content), **only_of_ecs, "tags": [*content.get("tags", []), *ours]})


def complete_service(request: Json) -> Json:
    """The members of CreateService's input with the defaults that ECS fills in, under the same names."""
    found = copy.deepcopy(request)
    scheduling = found.setdefault("schedulingStrategy", "REPLICA")
    highest, lowest = _PERCENT[scheduling]
    controller = found.setdefault("deploymentController", {"type": "ECS"})["type"]
    settings: Json = {
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "maximumPercent": highest,
        "minimumHealthyPercent": lowest,
    }
    if controller == "ECS":
        settings |= {"strategy": "ROLLING", "bakeTimeInMinutes": 0}
    found["deploymentConfiguration"] = {**settings, **found.get("deploymentConfiguration", {})}
    breaker = found["deploymentConfiguration"]["deploymentCircuitBreaker"]
    breaker |= {**_BREAKER, **breaker}
    for hook in found["deploymentConfiguration"].get("lifecycleHooks", []):
        hook.setdefault("targetType", "AWS_LAMBDA")
        hook["timeoutConfiguration"] = {"timeoutInMinutes": 1440, "action": "ROLLBACK"} | hook.get(
            "timeoutConfiguration", {}
        )
    for name in ("loadBalancers", "serviceRegistries", "placementConstraints", "placementStrategy"):
        found.setdefault(name, [])
    if "awsvpcConfiguration" in found.get("networkConfiguration", {}):
        found["networkConfiguration"]["awsvpcConfiguration"].setdefault("assignPublicIp", "DISABLED")
    for provider in found.get("capacityProviderStrategy", []):
        provider.setdefault("weight", 0)
        provider.setdefault("base", 0)
    if not found.get("capacityProviderStrategy") and controller == "ECS":
        found.setdefault("launchType", "EC2")
    if found.get("launchType") == "FARGATE":
        found.setdefault("platformVersion", "LATEST")
    return {
        "desiredCount": 0,
        "enableECSManagedTags": False,
        "enableExecuteCommand": False,
        "propagateTags": "NONE",
        "availabilityZoneRebalancing": "DISABLED" if scheduling == "DAEMON" else "ENABLED",
        **found,
    }


def described_service(request: Json) -> Json:
    """An entry of DescribeServices, for a service that CreateService made, and that was deployed an odd number of
    times: with blue/green the two target groups have changed places."""
    found = complete_service(request)
    for each in (*found["loadBalancers"], *found.get("vpcLatticeConfigurations", [])):
        advanced = each.get("advancedConfiguration", {})
        if "alternateTargetGroupArn" in advanced:
            green = advanced["alternateTargetGroupArn"]
            advanced["alternateTargetGroupArn"], each["targetGroupArn"] = each["targetGroupArn"], green
    name, cluster = found["serviceName"], found.pop("cluster", "default").rsplit("/", 1)[-1]
    role = found.pop("role", "aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")
    definition = found["taskDefinition"].rsplit("/", 1)[-1]
    connect = found.get("serviceConnectConfiguration", {})
    if "namespace" in connect:
        connect["namespace"] = NAMESPACES.get(connect["namespace"], connect["namespace"])
    of_deployments = ("serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations")
    primary = {
        "id": "ecs-svc/1234567890123456789",
        "status": "PRIMARY",
        "taskDefinition": f"{ARN}:task-definition/{definition}",
        "createdAt": MOMENT,
        "platformVersion": "1.4.0",
        "rolloutState": "COMPLETED",
        **{each: found.pop(each) for each in of_deployments if each in found},
    }
    old = {"id": "ecs-svc/1", "status": "ACTIVE", "serviceConnectConfiguration": {"enabled": True, "namespace": "old"}}
    shown = {
        **found,
        "serviceArn": f"{ARN}:service/{cluster}/{name}",
        "clusterArn": f"{ARN}:cluster/{cluster}",
        "roleArn": role if role.startswith("arn:") else f"{ROLES}/{role}",
        "taskDefinition": primary["taskDefinition"],
        "status": "ACTIVE",
        "runningCount": 2,
        "pendingCount": 0,
        "deployments": [primary, old],
        "events": [{"id": "1", "createdAt": MOMENT, "message": "(service web) has reached a steady state."}],
        "createdAt": MOMENT,
        "createdBy": f"{ROLES}/deploy",
        "currentServiceDeployment": f"{ARN}:service-deployment/{cluster}/{name}/abc",
        "currentServiceRevisions": [{"arn": f"{ARN}:service-revision/{cluster}/{name}/1", "runningTaskCount": 2}],
        "resourceManagementType": "CUSTOMER",
        "tags": [*found.get("tags", []), {"key": "ecs-gitops:owner", "value": "x"}],
    }
    return reordered(shown)
