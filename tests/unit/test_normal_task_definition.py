"""What the normal form of a task definition leaves out, and what it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_gitops.ecs.arns import Place
from ecs_gitops.ecs.normal_task_definition import normal_task_definition

Json = dict[str, Any]


def _definition(container: Json | None = None, **members: Any) -> Json:
    return {
        "family": "app",
        "containerDefinitions": [{"name": "app", "image": "app:1", **(container or {})}],
        **members,
    }


def _container(given: Json) -> Json:
    found = normal_task_definition(given)["containerDefinitions"]["[app]"]
    return {name: value for name, value in found.items() if name != "image"}


@pytest.mark.parametrize(
    "container",
    [
        {"cpu": 0},
        {"essential": True},
        {"environment": [], "secrets": [], "environmentFiles": []},
        {"command": [], "entryPoint": [], "links": [], "dnsServers": [], "dnsSearchDomains": []},
        {"mountPoints": [], "volumesFrom": [], "ulimits": [], "systemControls": [], "dependsOn": []},
        {"portMappings": [], "extraHosts": [], "resourceRequirements": [], "dockerSecurityOptions": []},
        {"dockerLabels": {}, "credentialSpecs": []},
        {"linuxParameters": {"capabilities": {"add": [], "drop": []}, "devices": [], "tmpfs": []}},
        {"versionConsistency": "enabled"},
        {"memory": None, "user": None},
    ],
)
def test_a_default_of_a_container_means_the_same_as_no_member(container: Json) -> None:
    assert _container(_definition(container)) == {}


@pytest.mark.parametrize(
    "container",
    [
        {"cpu": 1},
        {"cpu": False},
        {"essential": False},
        {"versionConsistency": "disabled"},
        {"privileged": False},
        {"memory": 0},
        {"stopTimeout": 30},
        {"linuxParameters": {"initProcessEnabled": False}},
        {"newMember": []},
        {"newMember": {}},
    ],
)
def test_what_is_no_known_default_is_kept(container: Json) -> None:
    assert _container(_definition(container)) == container


@pytest.mark.parametrize(
    ("mode", "given", "expected"),
    [
        ("awsvpc", {"hostPort": 80}, {}),
        ("awsvpc", {"hostPort": 0}, {"hostPort": 0}),
        ("host", {"hostPort": 80}, {}),
        ("bridge", {"hostPort": 0}, {}),
        ("bridge", {"hostPort": 80}, {"hostPort": 80}),
        (None, {"hostPort": 0}, {}),
        (None, {"hostPort": 80}, {"hostPort": 80}),
        ("bridge", {"protocol": "tcp", "name": "web"}, {"name": "web"}),
    ],
)
def test_the_default_port_of_the_host_depends_on_the_network_mode(
    mode: str | None, given: Json, expected: Json
) -> None:
    definition = _definition({"portMappings": [{"containerPort": 80, **given}]}, networkMode=mode)
    assert _container(definition) == {"portMappings": {"[80]": expected}}


def test_elements_are_known_by_what_tells_them_apart() -> None:
    container = {
        "environment": [{"name": "LOG", "value": "info"}, {"name": "NONE"}],
        "secrets": [{"name": "DB", "valueFrom": "arn:aws:ssm:x"}],
        "environmentFiles": [{"value": "arn:aws:s3:::b", "type": "s3"}, {"value": "arn:aws:s3:::a", "type": "s3"}],
        "portMappings": [{"containerPort": 53}, {"containerPort": 53, "protocol": "udp"}],
        "dependsOn": [{"containerName": "agent", "condition": "START"}],
        "volumesFrom": [{"sourceContainer": "data", "readOnly": False}],
        "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
        "command": ["b", "a", "b"],
    }
    assert _container(_definition(container)) == {
        "environment": {"[LOG]": "info", "[NONE]": {}},
        "secrets": {"[DB]": "arn:aws:ssm:x"},
        # AWS processes the files from the top down, so their order has a meaning.
        "environmentFiles": container["environmentFiles"],
        "portMappings": {"[53/udp]": {}, "[53]": {}},
        "dependsOn": {"[agent]": {"condition": "START"}},
        "volumesFrom": {"[data]": {}},
        "ulimits": {"[nofile]": {"softLimit": 1, "hardLimit": 2}},
        "command": ["b", "a", "b"],
    }


def test_an_element_with_more_than_its_value_stays_an_object() -> None:
    variable = {"name": "LOG", "value": "info", "ofTomorrow": True}
    found = _container(_definition({"environment": [variable]}))
    assert found == {"environment": {"[LOG]": {"value": "info", "ofTomorrow": True}}}


def test_of_variables_with_one_name_each_is_kept_in_its_order() -> None:
    # GIVEN a name twice, of which a container sees the last one
    one, other = ({"name": "A", "value": value} for value in "12")
    # THEN the order counts, and a name that looks like the second one is not lost
    assert _container(_definition({"environment": [one, other]})) == {"environment": {"[A]": "1", "[A#2]": "2"}}
    assert _container(_definition({"environment": [other, one]})) == {"environment": {"[A]": "2", "[A#2]": "1"}}
    third = {"name": "A#2", "value": "3"}
    expected = {"[A]": "1", "[A#2]": "3", "[A#3]": "2"}
    assert _container(_definition({"environment": [one, other, third]})) == {"environment": expected}
    assert _container(_definition({"environment": [third, one, other]})) == {"environment": expected}


def test_health_checks_restarts_devices_and_capabilities() -> None:
    container = {
        "healthCheck": {"command": ["CMD", "x"], "interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0},
        "restartPolicy": {"enabled": True, "restartAttemptPeriod": 300, "ignoredExitCodes": [137, 0]},
        "linuxParameters": {
            "capabilities": {"add": ["B", "A"], "drop": []},
            "devices": [{"hostPath": "/dev/a", "permissions": ["write", "mknod", "read"]}],
        },
    }
    assert _container(_definition(container)) == {
        "healthCheck": {"command": ["CMD", "x"]},
        "restartPolicy": {"enabled": True, "ignoredExitCodes": [0, 137]},
        "linuxParameters": {"capabilities": {"add": ["A", "B"]}, "devices": {"[/dev/a]": {}}},
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"networkMode": "bridge"}, {}),
        ({"networkMode": "awsvpc"}, {"networkMode": "awsvpc"}),
        ({"cpu": "1 vCPU", "memory": "1 GB"}, {"cpu": 1024, "memory": 1024}),
        ({"cpu": ".25vcpu", "memory": "0.5gb"}, {"cpu": 256, "memory": 512}),
        ({"cpu": "256", "memory": 512}, {"cpu": 256, "memory": 512}),
        ({"cpu": "0.3 vCPU", "memory": "1 GiB"}, {"cpu": "0.3 vCPU", "memory": "1 GiB"}),
        ({"cpu": "\u0661", "memory": "\u0661 GB"}, {"cpu": "\u0661", "memory": "\u0661 GB"}),
        ({"cpu": "1 GB", "memory": "9" * 5_000}, {"cpu": "1 GB", "memory": "9" * 5_000}),
        ({"requiresCompatibilities": ["FARGATE", "EC2"]}, {"requiresCompatibilities": ["EC2", "FARGATE"]}),
        ({"requiresCompatibilities": [], "volumes": [], "placementConstraints": [], "tags": []}, {}),
        ({"runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"}}, {}),
        ({"runtimePlatform": {"cpuArchitecture": "X86_64"}}, {"runtimePlatform": {"cpuArchitecture": "X86_64"}}),
        # Without the member it is 20 GiB, which cannot be written.
        ({"ephemeralStorage": {"sizeInGiB": 21}}, {"ephemeralStorage": {"sizeInGiB": 21}}),
        ({"enableFaultInjection": False, "taskRoleArn": ""}, {}),
        ({"volumes": [{"name": "data", "host": {}}]}, {"volumes": {"[data]": {}}}),
        (
            {"proxyConfiguration": {"containerName": "envoy", "properties": [{"name": "A", "value": "1"}]}},
            {"proxyConfiguration": {"containerName": "envoy", "properties": {"[A]": "1"}}},
        ),
        (
            {"tags": [{"key": "team", "value": "x"}, {"key": "ecs-gitops:commit", "value": "y"}, {"key": "AWS:z"}]},
            {"tags": {"[team]": "x"}},
        ),
    ],
)
def test_members_of_the_task(given: Json, expected: Json) -> None:
    found = normal_task_definition(_definition(**given))
    assert {name: value for name, value in found.items() if name not in ("family", "containerDefinitions")} == expected


def test_efs_volumes() -> None:
    efs: Json = {"fileSystemId": "fs-1", "rootDirectory": "/", "transitEncryption": "DISABLED"}
    given = _definition(volumes=[{"name": "data", "efsVolumeConfiguration": efs}])
    assert normal_task_definition(given)["volumes"]["[data]"] == {"efsVolumeConfiguration": {"fileSystemId": "fs-1"}}
    efs["authorizationConfig"] = {"iam": "DISABLED"}
    assert normal_task_definition(given)["volumes"]["[data]"] == {"efsVolumeConfiguration": {"fileSystemId": "fs-1"}}
    efs |= {"rootDirectory": "/srv", "transitEncryption": "ENABLED", "authorizationConfig": {"iam": "ENABLED"}}
    assert normal_task_definition(given)["volumes"]["[data]"] == {"efsVolumeConfiguration": efs}


def test_short_names_of_roles_become_arns_where_the_account_is_known() -> None:
    given = _definition(taskRoleArn="app", executionRoleArn="arn:aws-cn:iam::222222222222:role/execution")
    found = normal_task_definition(given, place=Place("aws-cn", "cn-north-1", "222222222222"))
    assert found["taskRoleArn"] == "arn:aws-cn:iam::222222222222:role/app"
    assert found["executionRoleArn"] == given["executionRoleArn"]
    assert normal_task_definition(given)["taskRoleArn"] == "app"
    # An empty name is none.
    place = Place("aws", "us-west-2", "111111111111")
    assert "taskRoleArn" not in normal_task_definition(_definition(taskRoleArn=""), place=place)


@pytest.mark.parametrize("containers", ["text", [1, 2], {"app": {"cpu": 0}}, {"[a]": {"cpu": 0}, "b": 1}, [["name"]]])
def test_what_is_no_list_of_containers_stays_as_it_is(containers: Any) -> None:
    given = {"family": "app", "containerDefinitions": containers}
    assert normal_task_definition(given) == given
