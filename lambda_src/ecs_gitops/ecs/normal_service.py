"""The normal form of a service. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ecs_gitops.ecs.arns import is_service_linked
from ecs_gitops.ecs.deployment_settings import (
    CANARY_BAKE_MINUTES,
    CANARY_PERCENT,
    HOOK_MINUTES,
    LINEAR_BAKE_MINUTES,
    LINEAR_STEP_PERCENT,
    ROLLING,
)
from ecs_gitops.ecs.normal_form import Key, Rules, SameAs, git_tags, normal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecs_gitops.ecs.arns import Place
    from ecs_gitops.model.types import Json

# What only ECS writes; then what the package notes of an answer (`asOf`), and members of a request alone.
_READ_ONLY = (
    "serviceArn",
    "status",
    "runningCount",
    "pendingCount",
    "platformFamily",
    "taskSets",
    "deployments",
    "currentServiceDeployment",
    "currentServiceRevisions",
    "events",
    "createdAt",
    "createdBy",
    "asOf",
    "clientToken",
    "forceNewDeployment",
)
# DescribeServices has these on the service's deployments, not on the service.
_OF_DEPLOYMENTS = ("serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations")
_RENAMED = {"clusterArn": "cluster", "roleArn": "role"}
# maximumPercent and minimumHealthyPercent.
_PERCENT = {"REPLICA": (200, 100), "DAEMON": (100, 0)}

_D = "deploymentConfiguration."
_CONNECT = "serviceConnectConfiguration"
_VOLUME = "volumeConfigurations[].managedEBSVolume"
_DEFAULTS: Json = {
    "schedulingStrategy": "REPLICA",
    "deploymentController": {},
    "deploymentController.type": "ECS",
    "resourceManagementType": "CUSTOMER",
    "platformVersion": "LATEST",
    "networkConfiguration": {},
    "networkConfiguration.awsvpcConfiguration.assignPublicIp": "DISABLED",
    "healthCheckGracePeriodSeconds": 0,
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "propagateTags": "NONE",
    "placementStrategy": [],
    "capacityProviderStrategy[].weight": 0,
    "capacityProviderStrategy[].base": 0,
    "loadBalancers[].advancedConfiguration": {},
    "vpcLatticeConfigurations[].advancedConfiguration": {},
    "monitoring": {},
    "monitoring.metricConfigurations": {},
    "monitoring.metricConfigurations[].resolutionSeconds": 60,
    _CONNECT: {"enabled": False},
    f"{_CONNECT}.services[].discoveryName": SameAs("portName"),
    f"{_CONNECT}.logConfiguration.options": {},
    f"{_CONNECT}.accessLogConfiguration.includeQueryParameters": "DISABLED",
    f"{_VOLUME}.filesystemType": "xfs",
}
_DEPLOYMENT_DEFAULTS: Json = {
    "deploymentConfiguration": {},
    f"{_D}strategy": ROLLING,
    f"{_D}bakeTimeInMinutes": 0,
    f"{_D}alarms": {},
    f"{_D}alarms.enable": False,
    f"{_D}alarms.rollback": False,
    f"{_D}deploymentCircuitBreaker": {},
    f"{_D}deploymentCircuitBreaker.enable": False,
    f"{_D}deploymentCircuitBreaker.rollback": False,
    f"{_D}deploymentCircuitBreaker.resetOnHealthyTask": True,
    f"{_D}deploymentCircuitBreaker.thresholdConfiguration": {},
    f"{_D}deploymentCircuitBreaker.thresholdConfiguration.type": "BOUNDED_PERCENT",
    f"{_D}deploymentCircuitBreaker.thresholdConfiguration.value": 50,
    f"{_D}earlySuccessCriteria": {},
    f"{_D}earlySuccessCriteria.enable": False,
    f"{_D}earlySuccessCriteria.healthyPercent": 100,
    f"{_D}earlySuccessCriteria.sourceServiceRevisionCleanup": "BLOCKING",
    f"{_D}lifecycleHooks": [],
    f"{_D}lifecycleHooks[].targetType": "AWS_LAMBDA",
    f"{_D}lifecycleHooks[].timeoutConfiguration": {},
    f"{_D}lifecycleHooks[].timeoutConfiguration.timeoutInMinutes": HOOK_MINUTES,
    f"{_D}lifecycleHooks[].timeoutConfiguration.action": "ROLLBACK",
    f"{_D}canaryConfiguration": {},
    f"{_D}canaryConfiguration.canaryPercent": CANARY_PERCENT,
    f"{_D}canaryConfiguration.canaryBakeTimeInMinutes": CANARY_BAKE_MINUTES,
    f"{_D}linearConfiguration": {},
    f"{_D}linearConfiguration.stepPercent": LINEAR_STEP_PERCENT,
    f"{_D}linearConfiguration.stepBakeTimeInMinutes": LINEAR_BAKE_MINUTES,
}
# Not placementStrategy, whose order is what it means.
_KEYED = {
    "tags": Key(("key",), "value"),
    "capacityProviderStrategy": Key(("capacityProvider",)),
    "placementConstraints": Key(("type",)),
    "loadBalancers": Key(("containerName", "containerPort"), separator=":"),
    "serviceRegistries": Key(("registryArn",)),
    "volumeConfigurations": Key(("name",)),
    "vpcLatticeConfigurations": Key(("portName",)),
    f"{_CONNECT}.services": Key(("portName",)),
    f"{_CONNECT}.services[].clientAliases": Key(("port",)),
    f"{_CONNECT}.logConfiguration.secretOptions": Key(("name",), "valueFrom"),
    f"{_VOLUME}.tagSpecifications": Key(("resourceType",)),
    f"{_VOLUME}.tagSpecifications[].tags": Key(("key",), "value"),
}
_UNORDERED = (
    "networkConfiguration.awsvpcConfiguration.subnets",
    "networkConfiguration.awsvpcConfiguration.securityGroups",
    f"{_D}alarms.alarmNames",
    f"{_D}lifecycleHooks[].lifecycleStages",
)


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Cloud Map namespaces as far as they are known: the ARN of each by its name, and the ARN of the cluster's
    default."""

    arns: Mapping[str, str] = field(default_factory=dict)
    default: str = ""


def left_to_aws(git: Json) -> frozenset[str]:
    """The members of a service that AWS fills in by its own choice, and that Git does not name: not to be compared.

    ``git``: the service as Git has it, with the members of CreateService."""
    names = {name for name in ("desiredCount", "launchType", "availabilityZoneRebalancing") if git.get(name) is None}
    if git.get("capacityProviderStrategy") is None and git.get("launchType") is None:
        names.add("capacityProviderStrategy")
    return frozenset(names)


def normal_service(
    service: Json,
    *,
    place: Place,
    has_scalable_target: bool = False,
    without: frozenset[str] = frozenset(),
    namespaces: Namespaces | None = None,
) -> Json:
    """The normal form of a service: of an entry of DescribeServices' ``services``, or of the input of CreateService.

    ``monitoring`` is on the service's revisions alone: who has read them puts it beside the service's members.
    ``place`` makes ARNs of short names. ``has_scalable_target``: Application Auto Scaling sets ``desiredCount``.
    ``without``: members that are not compared, of :func:`left_to_aws`, for both sides."""
    is_daemon = service.get("schedulingStrategy") == "DAEMON"
    highest, lowest = _PERCENT["DAEMON" if is_daemon else "REPLICA"]
    known = namespaces or Namespaces()
    rules = replace(
        _RULES,
        read_only={*_READ_ONLY, *without, *(("desiredCount",) if is_daemon or has_scalable_target else ())},
        defaults={
            **_RULES.defaults,
            f"{_D}maximumPercent": highest,
            f"{_D}minimumHealthyPercent": lowest,
            "cluster": place.cluster(""),
            **({f"{_CONNECT}.namespace": known.default} if known.default else {}),
        },
        converted={
            **_RULES.converted,
            "cluster": partial(_named, arn=place.cluster),
            "role": partial(_named, arn=place.role),
            "taskDefinition": partial(_named, arn=place.task_definition),
            f"{_CONNECT}.namespace": partial(_named, arn=lambda name: known.arns.get(name, name)),
        },
    )
    found = normal(_gathered(service), rules)
    return {name: value for name, value in found.items() if name != "role" or not is_service_linked(str(value))}


def _gathered(service: Json) -> Json:
    """The service with the members of its primary deployment that are not its own, under the names of a request."""
    primary: Json = next((each for each in service.get("deployments") or () if each.get("status") == "PRIMARY"), {})
    found = {name: primary[name] for name in _OF_DEPLOYMENTS if name in primary} | service
    return {_RENAMED.get(name, name): value for name, value in found.items()}


def _named(name: Any, arn: Any) -> Any:
    return arn(name) if isinstance(name, str) else name


def _by_metric(configurations: Any) -> Any:
    """How often each metric is measured, by metric, as one element may name several metrics."""
    elements = configurations if isinstance(configurations, list) else ()
    if not all(isinstance(each, dict) and isinstance(each.get("metricNames"), list) for each in elements):
        return configurations
    pairs = [
        (f"[{metric}]", {name: value for name, value in each.items() if name != "metricNames"})
        for each in elements
        for metric in each["metricNames"]
    ]
    # Nobody knows which one counts where a metric is named twice.
    is_clear = len(dict(pairs)) == len(pairs) > 0
    return {metric: rest for metric, rest in pairs if rest} if is_clear else configurations


def _target_groups(balancer: Any) -> Any:
    """The two target groups as one set: a blue/green deployment makes the alternate one the other one."""
    advanced = balancer.get("advancedConfiguration") if isinstance(balancer, dict) else None
    if not isinstance(advanced, dict):
        return balancer
    both = [balancer.get("targetGroupArn"), advanced.get("alternateTargetGroupArn")]
    if not all(isinstance(each, str) for each in both):
        return balancer
    rest = {name: value for name, value in advanced.items() if name != "alternateTargetGroupArn"}
    kept = {name: value for name, value in balancer.items() if name not in ("targetGroupArn", "advancedConfiguration")}
    return kept | {"targetGroupArns": sorted(both)} | ({"advancedConfiguration": rest} if rest else {})


_RULES = Rules(
    defaults={**_DEFAULTS, **_DEPLOYMENT_DEFAULTS},
    keyed=_KEYED,
    unordered=_UNORDERED,
    converted={
        "tags": git_tags,
        "monitoring.metricConfigurations": _by_metric,
        "loadBalancers[]": _target_groups,
        "vpcLatticeConfigurations[]": _target_groups,
    },
)
