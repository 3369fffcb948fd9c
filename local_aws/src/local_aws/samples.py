"""What tests and demos put on a local AWS: task definitions, services, alarms; and a wait until all is steady."""

from __future__ import annotations

import time
from typing import Any

from local_aws.control.client import LocalAws


def register_app(aws: LocalAws, family: str, image: str = "app:1") -> str:
    """A revision with one container ``app``; its ARN."""
    containers = [{"name": "app", "image": image, "memory": 64}]
    answer = aws.client("ecs").register_task_definition(family=family, containerDefinitions=containers)
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def create_service(aws: LocalAws, cluster: str, name: str, definition: str, desired: int, **more: Any) -> None:
    """A service with the circuit breaker on, behind a load balancer with two target groups."""
    configuration = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    more.setdefault("loadBalancers", [load_balancer(definition)])
    aws.client("ecs").create_service(
        cluster=cluster,
        serviceName=name,
        taskDefinition=definition,
        desiredCount=desired,
        **{"deploymentConfiguration": configuration, **more},
    )


def load_balancer(container: str) -> dict[str, Any]:
    """What a service has of its load balancer, as the strategies that shift traffic need it."""
    made = "arn:aws:elasticloadbalancing:us-west-2:111111111111"
    return {
        "targetGroupArn": f"{made}:targetgroup/blue/1",
        "containerName": container,
        "containerPort": 80,
        "advancedConfiguration": {
            "alternateTargetGroupArn": f"{made}:targetgroup/green/2",
            "productionListenerRule": f"{made}:listener-rule/app/shop/1/2/3",
            "roleArn": "arn:aws:iam::111111111111:role/ecs-load-balancers",
        },
    }


def create_alarm(aws: LocalAws, name: str, minutes: int = 1) -> None:
    """A metric alarm that is in OK, and looks at so many minutes."""
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        MetricName="5xx",
        Namespace="shop",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=minutes,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")


def wait_until_steady(aws: LocalAws, cluster: str, names: tuple[str, ...], patience: float = 60.0) -> None:
    """Wait until each service runs what it should. Raises :class:`TimeoutError`."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        services = aws.client("ecs").describe_services(cluster=cluster, services=list(names))["services"]
        if all([d.get("rolloutState") for d in s["deployments"]] in ([], ["COMPLETED"]) for s in services):
            return
        time.sleep(0.2)
    raise TimeoutError(f"services in {cluster} do not become steady")
