"""Task definitions as people write them, each with another feature of ECS."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_ROLES = "arn:aws:iam::111111111111:role"
_SECRETS = "arn:aws:secretsmanager:us-west-2:111111111111:secret"
_LAMBDA = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/app", "awslogs-region": "us-west-2"}}


def _app(**members: Any) -> Json:
    return {"name": "app", "image": "app:1", "memory": 256, **members}


def _ec2(*containers: Json, **members: Any) -> Json:
    return {"family": "app", "containerDefinitions": list(containers or [_app()]), **members}


def _with(**members: Any) -> Json:
    """A definition whose one container has these members too."""
    return _ec2(_app(**members))


def _linux(**parameters: Any) -> Json:
    return _with(linuxParameters=parameters)


def _fargate(*containers: Json, **members: Any) -> Json:
    both = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
    return _ec2(*(containers or [{"name": "app", "image": "app:1"}]), **{**both, **members})


def _volume(name: str = "data", **members: Any) -> Json:
    mounted = _app(mountPoints=[{"sourceVolume": name, "containerPath": "/data"}])
    return _ec2(mounted, volumes=[{"name": name, **members}])


def _efs(**configuration: Any) -> Json:
    return _volume(efsVolumeConfiguration={"fileSystemId": "fs-12345678", **configuration})


def _port(*mappings: Json, **members: Any) -> Json:
    return _ec2(_app(portMappings=list(mappings)), **members)


def _sidecars(*names: str) -> list[Json]:
    return [_app(name=name, image=f"{name}:1") for name in names]


_PROXY = [{"name": "ProxyIngressPort", "value": "15000"}, {"name": "AppPorts", "value": "80"}]
_PAIR = {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"}

SHAPES: dict[str, Json] = {
    "the smallest": _ec2(),
    "Fargate": _fargate(),
    "Fargate in vCPU and GB": _fargate(cpu="1 vCPU", memory="2 GB"),
    "Fargate in parts of them": _fargate(cpu=".25 vCPU", memory="0.5GB"),
    "Fargate on ARM": _fargate(runtimePlatform={"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"}),
    "Fargate on x86": _fargate(runtimePlatform=_PAIR),
    "Fargate on Windows": _fargate(
        cpu="1024", memory="2048", runtimePlatform={**_PAIR, "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}
    ),
    "Fargate or EC2": _fargate(requiresCompatibilities=["FARGATE", "EC2"]),
    "Fargate with more storage": _fargate(ephemeralStorage={"sizeInGiB": 100}),
    "Fargate with the least storage": _fargate(ephemeralStorage={"sizeInGiB": 21}),
    "Fargate with ports": _fargate({"name": "app", "image": "app:1", "portMappings": [{"containerPort": 80}]}),
    "Managed Instances": _fargate(requiresCompatibilities=["MANAGED_INSTANCES"], cpu="2048", memory="4096"),
    "external": _ec2(requiresCompatibilities=["EXTERNAL"]),
    "bridge": _port({"containerPort": 80}, networkMode="bridge"),
    "bridge by default, and a fixed port": _port({"containerPort": 80, "hostPort": 8080}),
    "host": _port({"containerPort": 80, "protocol": "tcp"}, networkMode="host"),
    "none": _ec2(networkMode="none"),
    "awsvpc with the same port": _port({"containerPort": 80, "hostPort": 80}, networkMode="awsvpc"),
    "tcp and udp": _port({"containerPort": 53}, {"containerPort": 53, "protocol": "udp"}, networkMode="awsvpc"),
    "a range of ports": _port({"containerPortRange": "8000-8010", "protocol": "tcp"}),
    "a port with a name": _port({"containerPort": 80, "name": "web", "appProtocol": "http2"}, networkMode="awsvpc"),
    "roles": _ec2(taskRoleArn=f"{_ROLES}/app", executionRoleArn=f"{_ROLES}/execution"),
    "a role that is empty": _ec2(taskRoleArn=""),
    "tags": _ec2(tags=[{"key": "team", "value": "shop"}, {"key": "cost", "value": "42"}]),
    "several containers": _ec2(*_sidecars("web", "proxy", "agent")),
    "dependsOn": _ec2(
        _app(dependsOn=[{"containerName": n, "condition": "HEALTHY"} for n in ("agent", "proxy")]),
        *_sidecars("proxy"),
        {**_app(name="agent", essential=False), "healthCheck": {"command": ["CMD", "true"]}},
    ),
    "environment": _with(environment=[{"name": f"NAME_{n}", "value": f"value {n}"} for n in (3, 1, 2)]),
    "an environment without a value": _with(
        environment=[{"name": "EMPTY", "value": ""}, {"name": "A.b-c", "value": "x"}]
    ),
    "secrets": _with(
        secrets=[{"name": "DB", "valueFrom": f"{_SECRETS}:db"}, {"name": "API", "valueFrom": "/app/api"}],
    ),
    "environmentFiles": _with(
        environmentFiles=[{"value": f"arn:aws:s3:::files/{n}.env", "type": "s3"} for n in ("common", "app")],
    ),
    "repositoryCredentials": _with(repositoryCredentials={"credentialsParameter": f"{_SECRETS}:registry"}),
    "healthCheck": _with(healthCheck={"command": ["CMD-SHELL", "curl -f localhost"]}),
    "healthCheck with times": _with(
        healthCheck={"command": ["CMD", "check"], "interval": 10, "timeout": 3, "retries": 5, "startPeriod": 60}
    ),
    "command and entryPoint": _with(entryPoint=["sh", "-c"], command=["run", "--all", "run"]),
    "workingDirectory, user and hostname": _with(workingDirectory="/srv", user="1000:1000", hostname="app"),
    "links": _ec2(_app(links=["db", "cache:redis"]), *_sidecars("db", "cache")),
    "dns": _with(dnsServers=["10.0.0.2", "10.0.0.1"], dnsSearchDomains=["b.internal", "a.internal"]),
    "extraHosts": _with(
        extraHosts=[{"hostname": "db", "ipAddress": "10.0.0.9"}, {"hostname": "a", "ipAddress": "::1"}]
    ),
    "dockerSecurityOptions": _with(dockerSecurityOptions=["no-new-privileges", "apparmor:own"], privileged=False),
    "credentialSpecs": _with(credentialSpecs=[f"credentialspec:arn:aws:s3:::specs/{n}.json" for n in "ba"]),
    "an interactive container": _with(interactive=True, pseudoTerminal=True, disableNetworking=True),
    "labels": _with(dockerLabels={"com.example.team": "shop", "environment": "prod", "[odd]": "x"}),
    "ulimits": _with(
        ulimits=[{"name": name, "softLimit": 1024, "hardLimit": 4096} for name in ("nofile", "nproc", "core")]
    ),
    "systemControls": _with(
        systemControls=[{"namespace": "net.core.somaxconn", "value": "1024"}, {"namespace": "kernel.shm", "value": "1"}]
    ),
    "a read-only root": _with(readonlyRootFilesystem=True, memoryReservation=128, cpu=10),
    "stop and start timeouts": _with(stopTimeout=120, startTimeout=60),
    "versionConsistency": _with(versionConsistency="disabled"),
    "restartPolicy": _with(restartPolicy={"enabled": True, "ignoredExitCodes": [0, 137], "restartAttemptPeriod": 60}),
    "capabilities": _linux(capabilities={"add": ["SYS_PTRACE", "NET_ADMIN"], "drop": ["MKNOD", "CHOWN"]}),
    "capabilities that are empty": _linux(capabilities={"add": [], "drop": []}, initProcessEnabled=True),
    "devices": _linux(
        devices=[{"hostPath": "/dev/fuse", "permissions": ["read", "write"]}, {"hostPath": "/dev/kvm"}],
    ),
    "tmpfs": _linux(
        tmpfs=[
            {"containerPath": "/run", "size": 64, "mountOptions": ["rw", "noexec"]},
            {"containerPath": "/a", "size": 1},
        ]
    ),
    "swap": _linux(maxSwap=512, swappiness=10, sharedMemorySize=128),
    "restartPolicy with ECS's own period": _with(restartPolicy={"enabled": True}),
    "journald": _with(logConfiguration={"logDriver": "journald"}),
    "FireLens without options": _with(firelensConfiguration={"type": "fluentd"}),
    "S3 Files with an access point": _volume(
        s3filesVolumeConfiguration={"fileSystemArn": "arn:aws:s3files:us-west-2:1:file-system/x", "accessPointArn": "y"}
    ),
    "GPU": _with(resourceRequirements=[{"type": "GPU", "value": "2"}]),
    "GPU and inference": _with(
        resourceRequirements=[{"type": "GPU", "value": "1"}, {"type": "InferenceAccelerator", "value": "device_1"}]
    ),
    "inference": _ec2(
        _app(resourceRequirements=[{"type": "InferenceAccelerator", "value": "device_1"}]),
        inferenceAccelerators=[{"deviceName": f"device_{n}", "deviceType": "eia2.medium"} for n in (2, 1)],
    ),
    "NeuronDevice": _with(resourceRequirements=[{"type": "NeuronDevice", "value": "1"}]),
    "awslogs": _with(logConfiguration=_LAMBDA),
    "splunk": _with(
        logConfiguration={
            "logDriver": "splunk",
            "options": {"splunk-url": "https://splunk.example"},
            "secretOptions": [{"name": f"splunk-{n}", "valueFrom": f"{_SECRETS}:{n}"} for n in ("token", "index")],
        }
    ),
    "FireLens": _ec2(
        _app(logConfiguration={"logDriver": "awsfirelens", "options": {"Name": "datadog", "apikey": "x"}}),
        _app(
            name="log_router",
            firelensConfiguration={"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}},
        ),
    ),
    "a volume of the task": _volume(),
    "a volume of the host": _volume(host={"sourcePath": "/var/data"}),
    "a docker volume": _volume(
        dockerVolumeConfiguration={"scope": "shared", "autoprovision": True, "driver": "local", "labels": {"a": "b"}}
    ),
    "EFS": _efs(),
    "EFS with a folder": _efs(rootDirectory="/srv", transitEncryption="ENABLED", transitEncryptionPort=2999),
    "EFS with an access point": _efs(
        transitEncryption="ENABLED", authorizationConfig={"accessPointId": "fsap-1", "iam": "ENABLED"}
    ),
    "S3 Files": _volume(
        s3filesVolumeConfiguration={"fileSystemArn": "arn:aws:s3files:us-west-2:1:file-system/x", "rootDirectory": "/"}
    ),
    "FSx": _volume(
        fsxWindowsFileServerVolumeConfiguration={
            "fileSystemId": "fs-1",
            "rootDirectory": "share",
            "authorizationConfig": {"credentialsParameter": f"{_SECRETS}:fsx", "domain": "example.com"},
        }
    ),
    "EBS, configured at launch": _volume(configuredAtLaunch=True),
    "volumesFrom": _ec2(_app(volumesFrom=[{"sourceContainer": "data", "readOnly": True}]), *_sidecars("data")),
    "volumesFrom several": _ec2(
        _app(volumesFrom=[{"sourceContainer": "a"}, {"sourceContainer": "b", "readOnly": False}]), *_sidecars("b", "a")
    ),
    "a read-only mount": _ec2(
        _app(mountPoints=[{"sourceVolume": v, "containerPath": f"/{v}", "readOnly": v == "b"} for v in ("b", "a")]),
        volumes=[{"name": "b"}, {"name": "a", "host": {}}],
    ),
    "placementConstraints": _ec2(
        placementConstraints=[{"type": "memberOf", "expression": "attribute:ecs.instance-type =~ t3.*"}]
    ),
    "pid and ipc": _ec2(pidMode="task", ipcMode="none"),
    "App Mesh": _ec2(
        *_sidecars("app", "envoy"),
        networkMode="awsvpc",
        proxyConfiguration={"type": "APPMESH", "containerName": "envoy", "properties": _PROXY},
    ),
    "fault injection": _ec2(enableFaultInjection=True),
    "no fault injection": _ec2(enableFaultInjection=False, volumes=[], placementConstraints=[]),
    "every default in writing": _ec2(
        _app(cpu=0, essential=True, environment=[], command=[], entryPoint=[], links=[], versionConsistency="enabled"),
        networkMode="bridge",
    ),
}
