"""Task definitions and services with every default in writing, as exports, consoles and careful people have them.

Written from AWS's API reference, apart from the tables of the package.
"""

from __future__ import annotations

import copy
from typing import Any

from unit.ecs_defaults import complete_definition, complete_service

Json = dict[str, Any]

_CONTAINER: Json = {
    "command": [],
    "entryPoint": [],
    "environmentFiles": [],
    "secrets": [],
    "links": [],
    "dnsServers": [],
    "dnsSearchDomains": [],
    "extraHosts": [],
    "dockerSecurityOptions": [],
    "dockerLabels": {},
    "ulimits": [],
    "dependsOn": [],
    "resourceRequirements": [],
    "credentialSpecs": [],
    "versionConsistency": "enabled",
    "linuxParameters": {},
}
_EFS = {"rootDirectory": "/", "transitEncryption": "DISABLED", "authorizationConfig": {}}
_TASK: Json = {
    "networkMode": "bridge",
    "taskRoleArn": "",
    "executionRoleArn": "",
    "requiresCompatibilities": [],
    "inferenceAccelerators": [],
    "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
    "enableFaultInjection": False,
    "tags": [],
}
_SERVICE: Json = {
    "healthCheckGracePeriodSeconds": 0,
    "networkConfiguration": {},
    "serviceConnectConfiguration": {"enabled": False},
    "volumeConfigurations": [],
    "vpcLatticeConfigurations": [],
    "tags": [],
    "monitoring": {
        "metricConfigurations": [{"metricNames": ["CPUUtilization", "MemoryUtilization"], "resolutionSeconds": 60}]
    },
}
_SETTINGS: Json = {
    "alarms": {"alarmNames": [], "enable": False, "rollback": False},
    "earlySuccessCriteria": {"enable": False, "healthyPercent": 100, "sourceServiceRevisionCleanup": "BLOCKING"},
    "lifecycleHooks": [],
    "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10},
    "linearConfiguration": {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6},
}


def _filled(given: Json, defaults: Json) -> Json:
    """The given members, and the defaults of those that are not there, in objects too."""
    found = {**copy.deepcopy(defaults), **given}
    for name, value in given.items():
        if isinstance(value, dict) and isinstance(defaults.get(name), dict):
            found[name] = _filled(value, defaults[name])
    return found


def verbose_definition(content: Json) -> Json:
    """A task definition with every default in writing."""
    found = complete_definition(content)
    # Linux and X86_64 are a default together.
    task = {name: value for name, value in _TASK.items() if name != "runtimePlatform" or name not in content}
    found = {**copy.deepcopy(task), **found}
    found["containerDefinitions"] = [_container(each) for each in found["containerDefinitions"]]
    for volume in found["volumes"]:
        if "efsVolumeConfiguration" in volume:
            volume["efsVolumeConfiguration"] = efs = _filled(volume["efsVolumeConfiguration"], _EFS)
            efs["authorizationConfig"].setdefault("iam", "DISABLED")
        if "s3filesVolumeConfiguration" in volume:
            volume["s3filesVolumeConfiguration"].setdefault("rootDirectory", "/")
    return found


def _container(container: Json) -> Json:
    found = _filled(container, _CONTAINER)
    for each in (*found["mountPoints"], *found["volumesFrom"]):
        each.setdefault("readOnly", False)
    if "healthCheck" in found:
        found["healthCheck"].setdefault("startPeriod", 0)
    if "restartPolicy" in found:
        found["restartPolicy"] = {"ignoredExitCodes": [], "restartAttemptPeriod": 300, **found["restartPolicy"]}
    linux = found["linuxParameters"] = _filled(
        found["linuxParameters"], {"capabilities": {"add": [], "drop": []}, "devices": [], "tmpfs": []}
    )
    for device in linux["devices"]:
        device.setdefault("permissions", ["read", "write", "mknod"])
    for mount in linux["tmpfs"]:
        mount.setdefault("mountOptions", [])
    for name in ("logConfiguration", "firelensConfiguration"):
        if name in found:
            found[name].setdefault("options", {})
    if "logConfiguration" in found:
        found["logConfiguration"].setdefault("secretOptions", [])
    return found


def verbose_service(request: Json) -> Json:
    """A service with every default in writing, but for what AWS chooses."""
    found = _filled(complete_service(request), _SERVICE)
    found["deploymentConfiguration"] = _filled(found["deploymentConfiguration"], _SETTINGS)
    found.setdefault("cluster", "default")
    if request.get("capacityProviderStrategy") is None:
        found["capacityProviderStrategy"] = []
    if request.get("launchType") != "EC2":
        found.setdefault("platformVersion", "LATEST")
    for balancer in (*found["loadBalancers"], *found["vpcLatticeConfigurations"]):
        balancer.setdefault("advancedConfiguration", {})
    for service in found["serviceConnectConfiguration"].get("services", []):
        service.setdefault("discoveryName", service["portName"])
    if found["serviceConnectConfiguration"].get("logConfiguration"):
        found["serviceConnectConfiguration"]["logConfiguration"].setdefault("options", {})
    if "accessLogConfiguration" in found["serviceConnectConfiguration"]:
        found["serviceConnectConfiguration"]["accessLogConfiguration"].setdefault("includeQueryParameters", "DISABLED")
    for each in found["volumeConfigurations"]:
        each["managedEBSVolume"].setdefault("filesystemType", "xfs")
    return found
