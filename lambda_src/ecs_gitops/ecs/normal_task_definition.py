"""The normal form of a task definition. Pure.

The tables have what AWS documents as a default, and the lists whose order AWS does not keep or gives no meaning.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from ecs_gitops.ecs.normal_form import Key, Rules, SameAs, git_tags, normal
from ecs_gitops.ecs.task_definition import OUTPUT_ONLY

if TYPE_CHECKING:
    from ecs_gitops.ecs.arns import Place
    from ecs_gitops.model.types import Json

_C = "containerDefinitions[]."
_HOST_PORT = f"{_C}portMappings[].hostPort"
# In these network modes a container's port is that of its host, or of the task's own network interface.
_SAME_PORT_MODES = ("awsvpc", "host")

_TASK_DEFAULTS: Json = {
    "networkMode": "bridge",
    "taskRoleArn": "",
    "executionRoleArn": "",
    "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
    "enableFaultInjection": False,
    "volumes[].host": {},
    "volumes[].efsVolumeConfiguration.rootDirectory": "/",
    "volumes[].efsVolumeConfiguration.transitEncryption": "DISABLED",
    "volumes[].efsVolumeConfiguration.authorizationConfig.iam": "DISABLED",
    "volumes[].efsVolumeConfiguration.authorizationConfig": {},
    "volumes[].s3filesVolumeConfiguration.rootDirectory": "/",
}
_CONTAINER_DEFAULTS: Json = {
    f"{_C}cpu": 0,
    f"{_C}essential": True,
    f"{_C}versionConsistency": "enabled",
    f"{_C}command": [],
    f"{_C}entryPoint": [],
    f"{_C}environmentFiles": [],
    f"{_C}dnsServers": [],
    f"{_C}dnsSearchDomains": [],
    f"{_C}dockerLabels": {},
    f"{_C}mountPoints[].readOnly": False,
    f"{_C}volumesFrom[].readOnly": False,
    f"{_C}portMappings[].protocol": "tcp",
    f"{_C}healthCheck.interval": 30,
    f"{_C}healthCheck.timeout": 5,
    f"{_C}healthCheck.retries": 3,
    f"{_C}healthCheck.startPeriod": 0,
    f"{_C}restartPolicy.restartAttemptPeriod": 300,
    f"{_C}linuxParameters": {},
    f"{_C}linuxParameters.capabilities": {},
    f"{_C}linuxParameters.devices[].permissions": ["mknod", "read", "write"],
    f"{_C}linuxParameters.tmpfs[].mountOptions": [],
    f"{_C}logConfiguration.options": {},
    f"{_C}firelensConfiguration.options": {},
}
# Not environmentFiles, dnsServers, dnsSearchDomains and mountOptions: there an earlier or a later element takes
# precedence.
_KEYED = {
    "containerDefinitions": Key(("name",)),
    "volumes": Key(("name",)),
    "placementConstraints": Key(("type",)),
    "inferenceAccelerators": Key(("deviceName",)),
    "proxyConfiguration.properties": Key(("name",), "value"),
    "tags": Key(("key",), "value"),
    f"{_C}environment": Key(("name",), "value"),
    f"{_C}secrets": Key(("name",), "valueFrom"),
    f"{_C}logConfiguration.secretOptions": Key(("name",), "valueFrom"),
    f"{_C}portMappings": Key(("containerPort", "containerPortRange", "protocol")),
    f"{_C}mountPoints": Key(("containerPath",)),
    f"{_C}volumesFrom": Key(("sourceContainer",)),
    f"{_C}dependsOn": Key(("containerName",)),
    f"{_C}ulimits": Key(("name",)),
    f"{_C}systemControls": Key(("namespace",)),
    f"{_C}resourceRequirements": Key(("type",)),
    f"{_C}extraHosts": Key(("hostname",)),
    f"{_C}linuxParameters.devices": Key(("hostPath",)),
    f"{_C}linuxParameters.tmpfs": Key(("containerPath",)),
}
_UNORDERED = (
    "requiresCompatibilities",
    f"{_C}links",
    f"{_C}credentialSpecs",
    f"{_C}dockerSecurityOptions",
    f"{_C}restartPolicy.ignoredExitCodes",
    f"{_C}linuxParameters.capabilities.add",
    f"{_C}linuxParameters.capabilities.drop",
    f"{_C}linuxParameters.devices[].permissions",
)
_QUANTITY = re.compile(r"\s*(\d{1,9}|\d{0,9}\.\d{1,9})\s*([A-Za-z]*)\s*")


def normal_task_definition(definition: Json, *, place: Place | None = None) -> Json:
    """The normal form of a task definition: of DescribeTaskDefinition's ``taskDefinition``, with the answer's ``tags``
    beside its members, or of the input of RegisterTaskDefinition. Short names of roles become ARNs where ``place`` says
    of which account; otherwise they stay as they are."""
    own_port = SameAs("containerPort") if definition.get("networkMode") in _SAME_PORT_MODES else 0
    defaults = {**_RULES.defaults, _HOST_PORT: own_port}
    roles = {name: partial(_role, place=place) for name in ("taskRoleArn", "executionRoleArn") if place}
    return normal(definition, replace(_RULES, defaults=defaults, converted={**_RULES.converted, **roles}))


def _role(name: Any, place: Place) -> Any:
    return place.role(name) if isinstance(name, str) and name else name


def _integer(value: Any, unit: str) -> Any:
    """``"1 vCPU"`` and ``"1 GB"`` are 1024 units, ``"512"`` is 512. What is no such quantity stays as it is."""
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if not found or found[2].lower() not in ("", unit):
        return value
    units = Fraction(found[1]) * (1024 if found[2] else 1)
    return units.numerator if units.denominator == 1 else value


_RULES = Rules(
    read_only=OUTPUT_ONLY,
    defaults={**_TASK_DEFAULTS, **_CONTAINER_DEFAULTS},
    keyed=_KEYED,
    unordered=_UNORDERED,
    converted={
        "cpu": partial(_integer, unit="vcpu"),
        "memory": partial(_integer, unit="gb"),
        "tags": git_tags,
    },
)
