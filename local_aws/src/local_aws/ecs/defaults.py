"""What ECS adds to a task definition and to a service when they are made, and what it keeps of them.

AWS: containers have ``cpu`` 0, are essential, and have five lists, empty or not; a port has a protocol and a port of
its host; a health check has its times; quantities such as ``1 vCPU`` become numbers. The network mode is left out where
none is given and the definition is not for Fargate. A service keeps its placement and rebalancing, and says
``LATEST`` of its platform on Fargate; volumes and VPC Lattice are members of its deployments. ministack adds ``cpu``
and ``essential`` alone, gives ``bridge`` and empty texts for what is not there, and forgets members of services.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

from ministack.core.responses import json_response
from ministack.services import ecs

Data = dict[str, Any]
Answer = Any

_LISTS = ("portMappings", "environment", "mountPoints", "volumesFrom", "systemControls")
_HEALTH = {"interval": 30, "timeout": 5, "retries": 3}
_QUANTITY = re.compile(r"\s*([\d.]+)\s*(vcpu|gb)\s*", re.IGNORECASE)
_KEPT = ("placementConstraints", "placementStrategy", "availabilityZoneRebalancing")
_OF_DEPLOYMENTS = ("volumeConfigurations", "vpcLatticeConfigurations")
_LINKED_ROLE = "aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


def mend() -> None:
    """Apply the mends of this module."""
    for action, around in (("RegisterTaskDefinition", _registering), ("CreateService", _creating)):
        ecs._ACTION_MAP[action] = _around(around, ecs._ACTION_MAP[action])


def _around(around: Callable[[Callable[[Data], Answer], Data], Answer], inner: Callable[[Data], Answer]) -> Any:
    return lambda data: around(inner, data)


def _registering(inner: Callable[[Data], Answer], data: Data) -> Answer:
    answer = inner(_complete(data))
    if answer[0] != 200 or "networkMode" in data:
        return answer
    payload = json.loads(answer[2])
    arn = payload["taskDefinition"]["taskDefinitionArn"]
    for shown in (payload["taskDefinition"], ecs._task_defs[arn.rsplit("/", 1)[-1]]):
        if shown.get("networkMode") == "bridge":
            del shown["networkMode"]
    return json_response(payload)


def _complete(data: Data) -> Data:
    """The definition with what ECS adds."""
    made = copy.deepcopy({name: value for name, value in data.items() if value is not None})
    has_own_ports = made.get("networkMode") in ("awsvpc", "host")
    for container in made.get("containerDefinitions", []):
        for name in _LISTS:
            container.setdefault(name, [])
        for mapping in container["portMappings"]:
            mapping.setdefault("protocol", "tcp")
            if "containerPort" in mapping:
                mapping.setdefault("hostPort", mapping["containerPort"] if has_own_ports else 0)
        if "healthCheck" in container:
            container["healthCheck"] = {**_HEALTH, **container["healthCheck"]}
    for volume in made.get("volumes", []):
        if volume.keys() == {"name"}:
            volume["host"] = {}
        if "efsVolumeConfiguration" in volume:
            volume["efsVolumeConfiguration"].setdefault("rootDirectory", "/")
    for name in [name for name in ("cpu", "memory") if name in made]:
        made[name] = _QUANTITY.sub(lambda found: str(int(float(found[1]) * 1024)), str(made[name]))
    for name in [name for name in ("taskRoleArn", "executionRoleArn") if not made.get(name)]:
        made.pop(name, None)
    return made


def _creating(inner: Callable[[Data], Answer], data: Data) -> Answer:
    answer = inner(data)
    if answer[0] != 200:
        return answer
    payload = json.loads(answer[2])
    key = payload["service"]["serviceArn"].rsplit(":service/", 1)[-1]
    for shown in (payload["service"], ecs._services.get(key)):
        if shown is not None:
            _keep(shown, data)
    return json_response(payload)


def _keep(service: Data, data: Data) -> None:
    """Give the service what it was made with, and ECS's defaults for the rest."""
    is_daemon = service["schedulingStrategy"] == "DAEMON"
    rebalancing = "DISABLED" if is_daemon else "ENABLED"
    service |= {"placementConstraints": [], "placementStrategy": [], "availabilityZoneRebalancing": rebalancing}
    service |= {name: copy.deepcopy(data[name]) for name in _KEPT if data.get(name) is not None}
    role = data.get("role") or _LINKED_ROLE
    account = service["serviceArn"].split(":")[4]
    service["roleArn"] = role if role.startswith("arn:") else f"arn:aws:iam::{account}:role/{role}"
    if service.get("launchType") == "FARGATE":
        service["platformVersion"] = service.get("platformVersion") or "LATEST"
    for name in ("platformVersion", "platformFamily", "networkConfiguration"):
        if not service.get(name):
            service.pop(name, None)
    network = service.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if network:
        network.setdefault("assignPublicIp", "DISABLED")
    for provider in service.get("capacityProviderStrategy") or []:
        provider.setdefault("weight", 0)
        provider.setdefault("base", 0)
    service["deployments"][0] |= {name: copy.deepcopy(data[name]) for name in _OF_DEPLOYMENTS if data.get(name)}
