"""Keys that are none of the manifest's: what to do instead of looking for the nearest name. Pure.

A person who writes `desiredCount` means ECS's. The names are the members of AWS's own shapes (a test compares them with
botocore's models), and are known in any spelling: `DesiredCount`, `desired_count`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from ecs_gitops.manifest.deployment import CONFIGURATION
from ecs_gitops.manifest.fields import SERVICE, TASK
from ecs_gitops.manifest.kinds import Object

_SERVICE = """
    assignPublicIp availabilityZoneRebalancing awsvpcConfiguration capacityProviderStrategy clientToken cluster
    clusterArn createdAt createdBy currentServiceDeployment currentServiceRevisions deploymentConfiguration
    deploymentController deployments desiredCount enableECSManagedTags enableExecuteCommand events forceNewDeployment
    gatewayConnectors healthCheckGracePeriodSeconds launchType loadBalancers monitoring networkConfiguration
    pendingCount placementConstraints placementStrategy platformFamily platformVersion propagateTags
    resourceManagementType role roleArn runningCount schedulingStrategy securityGroups service serviceArn
    serviceConnectConfiguration serviceName serviceRegistries status subnets tags taskDefinition taskSets
    volumeConfigurations vpcLatticeConfigurations
"""
_TASK_DEFINITION = """
    compatibilities containerDefinitions cpu deleteRequestedAt deregisteredAt enableFaultInjection ephemeralStorage
    executionRoleArn family inferenceAccelerators ipcMode memory networkMode pidMode placementConstraints
    proxyConfiguration registeredAt registeredBy requiresAttributes requiresCompatibilities revision runtimePlatform
    status tags taskDefinitionArn taskRoleArn trustedExecutionConfiguration volumes
"""
_CONTAINER = """
    command cpu credentialSpecs dependsOn disableNetworking dnsSearchDomains dnsServers dockerLabels
    dockerSecurityOptions entryPoint environment environmentFiles essential extraHosts firelensConfiguration healthCheck
    hostname image interactive links linuxParameters logConfiguration memory memoryReservation mountPoints name
    portMappings privileged pseudoTerminal readonlyRootFilesystem repositoryCredentials resourceRequirements
    restartPolicy secrets startTimeout stopTimeout systemControls ulimits user versionConsistency volumesFrom
    workingDirectory
"""
# Rules of EventBridge and schedules of its Scheduler, their targets and these targets' parameters for ECS.
_TRIGGER = """
    actionAfterCompletion appSyncParameters arn batchParameters capacityProviderStrategy clientToken creationDate
    deadLetterConfig description ecsParameters enableECSManagedTags enableExecuteCommand endDate eventBridgeParameters
    eventBridgePutEventsV2Parameters eventBridgePutRawEventsParameters eventBusName eventPattern flexibleTimeWindow
    group groupName httpParameters id input inputPath inputTransformer kinesisParameters kmsKeyArn
    lastModificationDate launchType managedBy name networkConfiguration placementConstraints placementStrategy
    platformVersion propagateTags redshiftDataParameters referenceId retryPolicy roleArn runCommandParameters
    sageMakerPipelineParameters scheduleExpression scheduleExpressionTimezone sqsParameters startDate state tags
    target targets taskCount taskDefinitionArn
"""

_OF_SERVICE = "it is a setting of the service: change it where the service is made; releases keep it"
_OF_TASK_DEFINITION = (
    "it is a part of the task definition: register a revision with the change and point the service, rule or schedule "
    "to it once; releases keep it from then on"
)
_OF_TRIGGER = "it is a setting of the rule or schedule: change it where that is made; releases keep it"
_COPIED = "each release copies the revision that is in use, and changes its images alone"
# What is written in another way here.
_INSTEAD = {
    "cluster": "the cluster's name is `clusterName`",
    "clusterArn": "the cluster's name is `clusterName`",
    "containerDefinitions": "images are written as `image`, or in `containers`",
    "deploymentConfiguration": "its members are written in `deployment`",
    "deployments": "the settings of its rollouts are written in `deployment`",
    "family": _COPIED,
    "groupName": "the schedule's group is `scheduleGroup`",
    "name": "the container's name is `service`, in `containers` it is `name`",
    "revision": _COPIED,
    "taskDefinition": _COPIED,
    "taskDefinitionArn": _COPIED,
}


def told(path: str, name: str, names: Sequence[str]) -> str | None:
    """What is wrong with the key ``name`` in the object at ``path``, which has the fields ``names``; None where nothing
    is known of it."""
    given = _plain(name)
    if same := next((known for known in names if _plain(known) == given), None):
        return f"unknown key; did you mean {same}?"
    item = re.fullmatch(r"(services|tasks)\[[0-9]+\]|defaults", path)
    if item and item[1] == "tasks" and given in _plains(SERVICE):
        return "unknown key; it is for services alone"
    if item and item[1] == "services" and given in _plains(TASK):
        return "unknown key; it is for scheduled tasks alone"
    if item and item[1] != "tasks" and given in _plains(CONFIGURATION):
        return "unknown key; it belongs into `deployment`"
    if not path and given in _plains(SERVICE) | _plains(TASK):
        return None
    advice = _advices(path.startswith("tasks")).get(given)
    return f"not managed by this manifest; {advice}" if advice else None


def _plain(name: str) -> str:
    """A name whatever its spelling: ``desired_count`` and ``DesiredCount`` are the same."""
    return re.sub("[_-]", "", name).lower()


def _plains(table: Object) -> frozenset[str]:
    return frozenset(map(_plain, table.names))


@cache
def _advices(is_task: bool) -> Mapping[str, str]:
    """By plain name. What both a service and a rule or schedule have is the item's own."""
    definition = ((_TASK_DEFINITION, _OF_TASK_DEFINITION), (_CONTAINER, _OF_TASK_DEFINITION))
    service, trigger = (_SERVICE, _OF_SERVICE), (_TRIGGER, _OF_TRIGGER)
    found: dict[str, str] = {}
    for listed, advice in (trigger, *definition, service) if is_task else (service, *definition, trigger):
        found = {**dict.fromkeys(map(_plain, listed.split()), advice), **found}
    return found | {_plain(name): advice for name, advice in _INSTEAD.items()}
