"""What the normal form of a service leaves out, and what it keeps; and that of a scalable target."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_gitops.ecs.arns import Place
from ecs_gitops.ecs.normal_autoscaling import normal_scalable_target
from ecs_gitops.ecs.normal_service import Namespaces, left_to_aws, normal_service

Json = dict[str, Any]
PLACE = Place("aws", "us-west-2", "111111111111")
LINKED = "arn:aws:iam::111111111111:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


def _normal(**members: Any) -> Json:
    return normal_service(members, place=PLACE)


def _settings(**configuration: Any) -> Json:
    found: Json = _normal(deploymentConfiguration=configuration).get("deploymentConfiguration", {})
    return found


@pytest.mark.parametrize(
    "member",
    [
        {"platformVersion": "LATEST"},
        {"schedulingStrategy": "REPLICA"},
        {"deploymentController": {"type": "ECS"}},
        {"resourceManagementType": "CUSTOMER"},
        {"healthCheckGracePeriodSeconds": 0},
        {"enableECSManagedTags": False, "enableExecuteCommand": False, "propagateTags": "NONE"},
        {"placementConstraints": [], "placementStrategy": [], "loadBalancers": [], "serviceRegistries": []},
        {"capacityProviderStrategy": [], "volumeConfigurations": [], "vpcLatticeConfigurations": [], "tags": []},
        {"serviceConnectConfiguration": {"enabled": False}},
        {"monitoring": {"metricConfigurations": [{"metricNames": ["CPUUtilization"], "resolutionSeconds": 60}]}},
        {"monitoring": {}},
        {"networkConfiguration": {}},
        {"clusterArn": "arn:aws:ecs:us-west-2:111111111111:cluster/default"},
        {"cluster": "default"},
        {"roleArn": LINKED},
        {"deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100}},
        {"status": "ACTIVE", "runningCount": 1, "pendingCount": 0, "events": [], "deployments": [], "asOf": 1.0},
        {"clientToken": "x", "forceNewDeployment": True},
    ],
)
def test_a_default_means_the_same_as_no_member(member: Json) -> None:
    assert _normal(**member) == {}


@pytest.mark.parametrize(
    "member",
    [
        {"platformVersion": "1.4.0"},
        {"healthCheckGracePeriodSeconds": False},
        {"deploymentController": {"type": "EXTERNAL"}},
        {"resourceManagementType": "ECS"},
        {"availabilityZoneRebalancing": "DISABLED"},
        {"serviceConnectConfiguration": {"enabled": False, "namespace": "x"}},
        {"placementStrategy": [{"type": "spread", "field": "host"}, {"type": "binpack", "field": "cpu"}]},
        {"newMember": []},
    ],
)
def test_what_is_no_known_default_is_kept(member: Json) -> None:
    assert _normal(**member) == member


def test_the_defaults_of_deployments() -> None:
    assert _settings(strategy="ROLLING", bakeTimeInMinutes=0) == {}
    assert _settings(alarms={"alarmNames": [], "enable": False, "rollback": False}) == {}
    assert _settings(alarms={"alarmNames": ["b", "a"], "enable": True, "rollback": False}) == {
        "alarms": {"alarmNames": ["a", "b"], "enable": True}
    }
    breaker = {
        "enable": False,
        "rollback": False,
        "resetOnHealthyTask": True,
        "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
    }
    assert _settings(deploymentCircuitBreaker=breaker) == {}
    assert _settings(deploymentCircuitBreaker={**breaker, "enable": True}) == {
        "deploymentCircuitBreaker": {"enable": True}
    }
    early = {"enable": False, "healthyPercent": 100, "sourceServiceRevisionCleanup": "BLOCKING"}
    assert _settings(earlySuccessCriteria=early) == {}
    assert _settings(strategy="CANARY", canaryConfiguration={"canaryPercent": 5, "canaryBakeTimeInMinutes": 10}) == {
        "strategy": "CANARY"
    }
    assert _settings(linearConfiguration={"stepPercent": 10.0, "stepBakeTimeInMinutes": 7}) == {
        "linearConfiguration": {"stepBakeTimeInMinutes": 7}
    }


def test_hooks_keep_their_order_and_lose_their_defaults() -> None:
    late = {"hookTargetArn": "arn:b", "targetType": "AWS_LAMBDA", "lifecycleStages": ["POST_SCALE_UP", "PRE_SCALE_UP"]}
    pause = {"targetType": "PAUSE", "timeoutConfiguration": {"timeoutInMinutes": 1440, "action": "ROLLBACK"}}
    assert _settings(lifecycleHooks=[late, pause])["lifecycleHooks"] == [
        {"hookTargetArn": "arn:b", "lifecycleStages": ["POST_SCALE_UP", "PRE_SCALE_UP"]},
        {"targetType": "PAUSE"},
    ]
    assert _settings(lifecycleHooks=[]) == {}


def test_a_daemon_has_other_percentages_and_no_count() -> None:
    daemon: Json = {"schedulingStrategy": "DAEMON", "desiredCount": 3}
    assert _normal(**daemon, deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 0}) == {
        "schedulingStrategy": "DAEMON"
    }
    assert _normal(**daemon, deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100}) == {
        "schedulingStrategy": "DAEMON",
        "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100},
    }


def test_autoscaling_sets_the_count() -> None:
    assert normal_service({"desiredCount": 3}, place=PLACE) == {"desiredCount": 3}
    assert normal_service({"desiredCount": 3}, place=PLACE, has_scalable_target=True) == {}


@pytest.mark.parametrize(
    ("git", "expected"),
    [
        ({}, {"desiredCount", "launchType", "availabilityZoneRebalancing", "capacityProviderStrategy"}),
        ({"launchType": "FARGATE"}, {"desiredCount", "availabilityZoneRebalancing"}),
        ({"capacityProviderStrategy": []}, {"desiredCount", "launchType", "availabilityZoneRebalancing"}),
        ({"desiredCount": 0, "availabilityZoneRebalancing": "ENABLED", "launchType": "EC2"}, set()),
    ],
)
def test_what_git_does_not_name_and_aws_chooses_is_left_to_aws(git: Json, expected: set[str]) -> None:
    assert left_to_aws(git) == expected
    live = {
        "desiredCount": 2,
        "launchType": "EC2",
        "availabilityZoneRebalancing": "ENABLED",
        "enableExecuteCommand": True,
    }
    assert normal_service(live, place=PLACE, without=left_to_aws(git)).keys() == live.keys() - expected


def test_short_names_become_arns() -> None:
    found = _normal(cluster="shop", taskDefinition="web:7", role="/paths/lb")
    assert found == {
        "cluster": "arn:aws:ecs:us-west-2:111111111111:cluster/shop",
        "taskDefinition": "arn:aws:ecs:us-west-2:111111111111:task-definition/web:7",
        "role": "arn:aws:iam::111111111111:role/paths/lb",
    }
    assert _normal(**found) == found


def test_members_of_the_primary_deployment_count_as_the_services() -> None:
    old = {"status": "ACTIVE", "serviceConnectConfiguration": {"enabled": True, "namespace": "old"}}
    primary = {"status": "PRIMARY", "volumeConfigurations": [{"name": "data"}], "taskDefinition": "x"}
    assert _normal(deployments=[old, primary]) == {"volumeConfigurations": {"[data]": {}}}
    # What the caller put beside the service's members counts more.
    beside = [{"name": "other"}]
    assert _normal(deployments=[primary], volumeConfigurations=beside) == {"volumeConfigurations": {"[other]": {}}}


def test_a_namespace_by_name_is_the_one_by_arn() -> None:
    known = Namespaces({"shop": "arn:aws:servicediscovery:x:namespace/ns-1"}, default="arn:aws:servicediscovery:x:2")
    for given, expected in (
        ("shop", {"enabled": True, "namespace": "arn:aws:servicediscovery:x:namespace/ns-1"}),
        ("other", {"enabled": True, "namespace": "other"}),
        ("arn:aws:servicediscovery:x:2", {"enabled": True}),
    ):
        service = {"serviceConnectConfiguration": {"enabled": True, "namespace": given}}
        found = normal_service(service, place=PLACE, namespaces=known)
        assert found == {"serviceConnectConfiguration": expected}


def test_blue_and_green_may_change_places() -> None:
    def balancer(blue: str, green: str) -> Json:
        advanced = {"alternateTargetGroupArn": green, "productionListenerRule": "rule"}
        return {"targetGroupArn": blue, "containerName": "web", "containerPort": 80, "advancedConfiguration": advanced}

    # GIVEN a blue/green deployment that made green the target group
    before, after = (_normal(loadBalancers=[balancer(*groups)]) for groups in (("a", "b"), ("b", "a")))
    # THEN nothing changed; another group is a difference
    assert before == after
    assert before["loadBalancers"] == {
        "[web:80]": {"targetGroupArns": ["a", "b"], "advancedConfiguration": {"productionListenerRule": "rule"}}
    }
    assert _normal(loadBalancers=[balancer("a", "c")]) != before
    # AND VPC Lattice's
    lattice = {"portName": "web", "targetGroupArn": "b", "advancedConfiguration": {"alternateTargetGroupArn": "a"}}
    assert _normal(vpcLatticeConfigurations=[lattice]) == {
        "vpcLatticeConfigurations": {"[web]": {"targetGroupArns": ["a", "b"]}}
    }


def test_how_often_each_metric_is_measured() -> None:
    def monitoring(*configurations: Json) -> Json:
        found: Json = _normal(monitoring={"metricConfigurations": [*configurations]})
        return found

    both: Json = {"metricNames": ["MemoryUtilization", "CPUUtilization"], "resolutionSeconds": 20}
    apart = [{**both, "metricNames": [name]} for name in both["metricNames"]]
    assert monitoring(both) == monitoring(*apart)
    assert monitoring(both) == {
        "monitoring": {
            "metricConfigurations": {
                "[CPUUtilization]": {"resolutionSeconds": 20},
                "[MemoryUtilization]": {"resolutionSeconds": 20},
            }
        }
    }
    # A metric that is named twice stays as it is given.
    twice = [{"metricNames": ["CPUUtilization"], "resolutionSeconds": seconds} for seconds in (20, 30)]
    assert monitoring(*twice) == {"monitoring": {"metricConfigurations": twice}}


def test_scalable_targets() -> None:
    # GIVEN a target as it is registered, and as Application Auto Scaling describes it
    written: Json = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/shop/web",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1,
        "MaxCapacity": 4,
    }
    suspended = dict.fromkeys(
        ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
    )
    linked = LINKED.replace("ecs.amazonaws.com/AWSServiceRoleForECS", "ecs.application-autoscaling.amazonaws.com/X")
    described = {**written, "SuspendedState": suspended, "RoleARN": linked, "CreationTime": 1.0, "PredictedCapacity": 2}
    # THEN they are the same
    assert normal_scalable_target(described) == normal_scalable_target(written) == written
    # AND what is suspended, another role and tags of Git's stay
    more = {
        "SuspendedState": {"ScheduledScalingSuspended": True},
        "RoleARN": "arn:aws:iam::1:role/own",
        "Tags": {"team": "x"},
    }
    assert normal_scalable_target({**written, **more}) == {**written, **more}
    assert normal_scalable_target({**written, "Tags": {"ecs-gitops:x": "y"}}) == written
