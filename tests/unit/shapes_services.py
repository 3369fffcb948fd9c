"""Services as people write them for CreateService, each with another feature of ECS."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_ROLES = "arn:aws:iam::111111111111:role"
_ELB = "arn:aws:elasticloadbalancing:us-west-2:111111111111"
_NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-2", "subnet-1"], "securityGroups": ["sg-2", "sg-1"]}}
_NAMESPACE = "arn:aws:servicediscovery:us-west-2:111111111111:namespace/ns-shop"
_BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def _group(name: str) -> str:
    return f"{_ELB}:targetgroup/{name}/0123456789abcdef"


def _ec2(**members: Any) -> Json:
    return {"serviceName": "web", "cluster": "shop", "taskDefinition": "web:7", "desiredCount": 2, **members}


def _fargate(**members: Any) -> Json:
    return _ec2(**{"launchType": "FARGATE", "networkConfiguration": _NETWORK, **members})


def _balancer(name: str = "web", port: int = 80, **advanced: Any) -> Json:
    more = {"advancedConfiguration": advanced} if advanced else {}
    return {"targetGroupArn": _group(name), "containerName": "web", "containerPort": port, **more}


def _shifting(port: int = 80) -> Json:
    rule = f"{_ELB}:listener-rule/app/web/1/2/3"
    return _balancer(
        "blue",
        port,
        alternateTargetGroupArn=_group("green"),
        productionListenerRule=rule,
        testListenerRule=f"{rule}4",
        roleArn=f"{_ROLES}/lb",
    )


def _strategy(strategy: str, **settings: Any) -> Json:
    configuration = {"strategy": strategy, "bakeTimeInMinutes": 5, **settings}
    return _fargate(loadBalancers=[_shifting()], deploymentConfiguration=configuration)


def _hook(*stages: str, **members: Any) -> Json:
    function = "arn:aws:lambda:us-west-2:111111111111:function:smoke"
    return {"hookTargetArn": function, "roleArn": f"{_ROLES}/hooks", "lifecycleStages": list(stages), **members}


def _connected(*services: Json, **members: Any) -> Json:
    return _fargate(
        serviceConnectConfiguration={"enabled": True, "namespace": "shop", "services": [*services], **members}
    )


def _volume(**volume: Any) -> Json:
    ebs = {"roleArn": f"{_ROLES}/volumes", "sizeInGiB": 10, **volume}
    return _fargate(volumeConfigurations=[{"name": "data", "managedEBSVolume": ebs}])


def _capacity(*providers: tuple[str, int, int]) -> Json:
    strategy = [{"capacityProvider": name, "weight": weight, "base": base} for name, weight, base in providers]
    return _ec2(networkConfiguration=_NETWORK, capacityProviderStrategy=strategy)


_PAUSE = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
_TLS = {
    "issuerCertificateAuthority": {"awsPcaAuthorityArn": "arn:aws:acm-pca:us-west-2:1:certificate-authority/x"},
    "kmsKey": "alias/connect",
    "roleArn": f"{_ROLES}/tls",
}
_ALIAS = {"port": 8080, "dnsName": "web.internal"}
_LATTICE = {"roleArn": f"{_ROLES}/lattice", "portName": "web"}
_METRICS = ["CPUUtilization", "MemoryUtilization"]

SHAPES: dict[str, Json] = {
    "the smallest": _ec2(),
    "in the default cluster": {"serviceName": "web", "taskDefinition": "web:7", "desiredCount": 1},
    "with ARNs": _ec2(
        cluster="arn:aws:ecs:us-west-2:111111111111:cluster/shop",
        taskDefinition="arn:aws:ecs:us-west-2:111111111111:task-definition/web:7",
    ),
    "EC2 by name": _ec2(launchType="EC2"),
    "Fargate": _fargate(),
    "Fargate of a version": _fargate(platformVersion="1.4.0"),
    "Fargate, LATEST in writing": _fargate(platformVersion="LATEST"),
    "a public address": _fargate(
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}}
    ),
    "external": _ec2(launchType="EXTERNAL"),
    "a daemon": _ec2(schedulingStrategy="DAEMON", desiredCount=None),
    "a daemon with percentages": _ec2(
        schedulingStrategy="DAEMON", deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 50}
    ),
    "no count": _ec2(desiredCount=None),
    "percentages": _ec2(deploymentConfiguration={"maximumPercent": 150, "minimumHealthyPercent": 50}),
    "percentages, the defaults in writing": _ec2(
        deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING"}
    ),
    "circuit breaker": _fargate(deploymentConfiguration=_BREAKER),
    "circuit breaker with a threshold": _fargate(
        deploymentConfiguration={
            "deploymentCircuitBreaker": {
                "enable": True,
                "rollback": False,
                "resetOnHealthyTask": False,
                "thresholdConfiguration": {"type": "COUNT", "value": 5},
            }
        }
    ),
    "alarms": _fargate(
        deploymentConfiguration={"alarms": {"alarmNames": ["slow", "errors"], "enable": True, "rollback": True}}
    ),
    "alarms that are off": _fargate(
        deploymentConfiguration={"alarms": {"alarmNames": [], "enable": False, "rollback": False}}
    ),
    "early success": _fargate(
        deploymentConfiguration={
            "earlySuccessCriteria": {"enable": True, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED"}
        }
    ),
    "early success that is off": _fargate(deploymentConfiguration={"earlySuccessCriteria": {"enable": False}}),
    "a load balancer": _fargate(loadBalancers=[_balancer()], healthCheckGracePeriodSeconds=60),
    "several load balancers": _fargate(loadBalancers=[_balancer("web", 80), _balancer("admin", 8080)]),
    "two target groups for one port": _fargate(loadBalancers=[_balancer("public"), _balancer("internal")]),
    "a classic load balancer": _ec2(
        role="ecsServiceRole", loadBalancers=[{"loadBalancerName": "old", "containerName": "web", "containerPort": 80}]
    ),
    "blue/green": _strategy("BLUE_GREEN"),
    "blue/green with hooks": _strategy(
        "BLUE_GREEN", lifecycleHooks=[_hook("POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", hookDetails={"paths": ["/"]})]
    ),
    "blue/green with a pause": _strategy("BLUE_GREEN", lifecycleHooks=[_hook("PRE_SCALE_UP"), _PAUSE]),
    "a pause of an hour": _strategy(
        "BLUE_GREEN",
        lifecycleHooks=[{**_PAUSE, "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "CONTINUE"}}],
    ),
    "canary": _strategy("CANARY", canaryConfiguration={"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 15}),
    "canary, the defaults in writing": _strategy(
        "CANARY", canaryConfiguration={"canaryPercent": 5, "canaryBakeTimeInMinutes": 10}
    ),
    "linear": _strategy("LINEAR", linearConfiguration={"stepPercent": 25.0, "stepBakeTimeInMinutes": 2}),
    "linear with the breaker": _strategy("LINEAR", linearConfiguration={"stepPercent": 10.0}, **_BREAKER),
    "service registries": _fargate(
        serviceRegistries=[{"registryArn": "arn:aws:servicediscovery:us-west-2:1:service/srv-1", "port": 80}]
    ),
    "capacity providers": _capacity(("FARGATE", 1, 1), ("FARGATE_SPOT", 3, 0)),
    "one capacity provider": _capacity(("own", 1, 0)),
    "a weight left out": _ec2(
        capacityProviderStrategy=[{"capacityProvider": "a", "weight": 1}, {"capacityProvider": "b"}]
    ),
    "Managed Instances": _capacity(("managed", 1, 0)),
    "placement": _ec2(
        placementConstraints=[{"type": "memberOf", "expression": "attribute:x == y"}, {"type": "distinctInstance"}],
        placementStrategy=[
            {"type": "spread", "field": "attribute:ecs.availability-zone"},
            {"type": "binpack", "field": "memory"},
        ],
    ),
    "at random": _ec2(placementStrategy=[{"type": "random"}]),
    "Service Connect": _connected({"portName": "web", "clientAliases": [_ALIAS]}),
    "Service Connect, a client alone": _connected(),
    "Service Connect by ARN": _connected({"portName": "web", "discoveryName": "web"}, namespace=_NAMESPACE),
    "Service Connect with TLS and timeouts": _connected(
        {
            "portName": "web",
            "discoveryName": "shop-web",
            "clientAliases": [_ALIAS],
            "timeout": {"idleTimeoutSeconds": 60, "perRequestTimeoutSeconds": 15},
            "tls": _TLS,
        },
        {"portName": "admin", "ingressPortOverride": 9000},
    ),
    "Service Connect with logs": _connected(
        {"portName": "web"},
        logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "connect"}},
        accessLogConfiguration={"format": "JSON", "includeQueryParameters": "DISABLED"},
    ),
    "Service Connect with the least of logs": _connected(
        logConfiguration={
            "logDriver": "splunk",
            "secretOptions": [{"name": f"splunk-{n}", "valueFrom": f"/connect/{n}"} for n in ("token", "index")],
        },
        accessLogConfiguration={"format": "TEXT"},
    ),
    "Service Connect that is off": _fargate(serviceConnectConfiguration={"enabled": False}),
    "a volume": _volume(),
    "a volume with everything": _volume(
        encrypted=True,
        volumeType="gp3",
        iops=3000,
        throughput=125,
        filesystemType="xfs",
        tagSpecifications=[
            {"resourceType": "volume", "tags": [{"key": n, "value": "b"} for n in "ba"], "propagateTags": "NONE"}
        ],
    ),
    "VPC Lattice": _fargate(vpcLatticeConfigurations=[{**_LATTICE, "targetGroupArn": "arn:aws:vpc-lattice:x"}]),
    "VPC Lattice, blue/green": _fargate(
        vpcLatticeConfigurations=[
            {**_LATTICE, "targetGroupArn": "blue", "advancedConfiguration": {"alternateTargetGroupArn": "green"}},
            {**_LATTICE, "portName": "admin", "targetGroupArn": "other"},
        ]
    ),
    "AZ rebalancing": _fargate(availabilityZoneRebalancing="ENABLED"),
    "tags": _fargate(
        tags=[{"key": "team", "value": "shop"}, {"key": "cost", "value": "1"}],
        propagateTags="SERVICE",
        enableECSManagedTags=True,
    ),
    "execute command": _fargate(enableExecuteCommand=True),
    "monitoring": _fargate(monitoring={"metricConfigurations": [{"metricNames": _METRICS, "resolutionSeconds": 20}]}),
    "monitoring, the default in writing": _fargate(
        monitoring={"metricConfigurations": [{"metricNames": _METRICS, "resolutionSeconds": 60}]}
    ),
    "CodeDeploy": _fargate(deploymentController={"type": "CODE_DEPLOY"}, loadBalancers=[_balancer()]),
    "every default in writing": _ec2(
        schedulingStrategy="REPLICA",
        deploymentController={"type": "ECS"},
        enableECSManagedTags=False,
        enableExecuteCommand=False,
        propagateTags="NONE",
        loadBalancers=[],
        serviceRegistries=[],
        placementConstraints=[],
        placementStrategy=[],
        healthCheckGracePeriodSeconds=0,
    ),
}
SHAPES = {name: {member: value for member, value in each.items() if value is not None} for name, each in SHAPES.items()}
