"""Messages for keys that the manifest does not have, but AWS's own shapes do. Pure.

Who writes `desiredCount` means ECS's field, so the nearest name of ours would not help. A test compares the names with
botocore's models. Any spelling is recognised: `DesiredCount`, `desired_count`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from ecs_gitops.manifest.deployment import CONFIGURATION
from ecs_gitops.manifest.field_types import Object
from ecs_gitops.manifest.fields import SERVICE, TASK

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
# EventBridge rules, schedules of EventBridge Scheduler, their targets, and the ECS parameters of targets.
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

_OF_SERVICE = "it is a setting of the service: change it where the service is defined; releases keep it"
_OF_TASK_DEFINITION = (
    "it is a part of the task definition: register a revision with the change and point the service, rule or schedule "
    "to it once; releases keep it from then on"
)
_OF_TRIGGER = "it is a setting of the rule or schedule: change it where that is defined; releases keep it"
_COPIED = "each release copies the revision that is in use, and changes only its images"
# Fields that the manifest has under another name.
_INSTEAD = {
    "cluster": "the cluster's name is `clusterName`",
    "clusterArn": "the cluster's name is `clusterName`",
    "containerDefinitions": "write images as `image`, or in `containers`",
    "deploymentConfiguration": "write its members in `deployment`",
    "deployments": "write the settings of rollouts in `deployment`",
    "family": _COPIED,
    "groupName": "the schedule's group is `scheduleGroup`",
    "name": "the container's name is `service`, in `containers` it is `name`",
    "revision": _COPIED,
    "service": "the container's name is `service`, in `containers` it is `name`",
    "taskDefinition": _COPIED,
    "taskDefinitionArn": _COPIED,
}


def message(path: str, name: str, names: Sequence[str]) -> str | None:
    """The message for the key ``name`` in the object at ``path``, which has the fields ``names``; None if the key is
    unknown here too."""
    given = _plain(name)
    if same := next((known for known in names if _plain(known) == given), None):
        return f"unknown key; did you mean {same}?"
    item = re.fullmatch(r"(services|tasks)\[[0-9]+\]|defaults", path)
    if item and item[1] == "tasks" and given in _plains(SERVICE):
        return "unknown key; it is for services only"
    if item and item[1] == "services" and given in _plains(TASK):
        return "unknown key; it is for scheduled tasks only"
    if item and item[1] != "tasks" and given in _plains(CONFIGURATION):
        return "unknown key; it belongs in `deployment`"
    if not path and given in _plains(SERVICE) | _plains(TASK):
        return None
    advice = _advices(path.startswith("tasks")).get(given)
    return f"not managed by this manifest; {advice}" if advice else None


def _plain(name: str) -> str:
    """A name without its spelling: ``desired_count`` and ``DesiredCount`` are the same."""
    return re.sub("[_-]", "", name).lower()


def _plains(table: Object) -> frozenset[str]:
    return frozenset(map(_plain, table.names))


@cache
def _advices(is_task: bool) -> Mapping[str, str]:
    """The advice by plain name. If services and rules or schedules share a name, it means the one of this item."""
    definition = ((_TASK_DEFINITION, _OF_TASK_DEFINITION), (_CONTAINER, _OF_TASK_DEFINITION))
    service, trigger = (_SERVICE, _OF_SERVICE), (_TRIGGER, _OF_TRIGGER)
    advices: dict[str, str] = {}
    for listed, advice in (trigger, *definition, service) if is_task else (service, *definition, trigger):
        advices = {**dict.fromkeys(map(_plain, listed.split()), advice), **advices}
    return advices | {_plain(name): advice for name, advice in _INSTEAD.items()}
