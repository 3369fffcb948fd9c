"""Hooks: what is asked of ECS, and how their end is judged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from ecs_gitops.ecs.service import Service, volume_roles
from ecs_gitops.flow.transitions import queue_hook
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, ItemFailed
from ecs_gitops.model.status import Kind, Step
from ecs_gitops.verdict import hooks
from ecs_gitops.verdict.hooks import HookStatus
from unit.item_maker import service_item
from unit.shop import hooks as with_hooks
from unit.shop import item as manifest_item
from unit.shop import release as manifest

RUNNING, SUCCEEDED, FAILED, TIMED_OUT, UNPLACED = HookStatus

HOOK = {"command": ["migrate", "up"], "timeoutMinutes": 5}
ITEM = service_item(
    hooks={"preDeploy": HOOK, "postDeploy": {"command": ["smoke"]}},
    step=Step.PRE_DEPLOY_RUNNING,
    hook={"task": "t1", "container": "web", "log": "/ecs/web/app/web/t1"},
    since=1000.0,
)
BATCH = Batch(Kind.SERVICE, "111111111111", "us-west-2", "arn:aws:iam::111111111111:role/deploy", (ITEM,))
# Before its task was started.
NOT_RUN = replace(ITEM, progress=replace(ITEM.progress, step=Step.PRE_DEPLOY, hook={}))
DEFINITION = {
    "taskDefinitionArn": "arn:aws:ecs:us-west-2:111111111111:task-definition/web:2",
    "containerDefinitions": [
        {
            "name": "web",
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "app"},
            },
        },
        {"name": "proxy"},
    ],
}
FARGATE = Service.from_api(
    {
        "serviceName": "web",
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}},
    }
)


def asked(release, hook=HOOK, step=Step.PRE_DEPLOY, item=ITEM):
    item = with_desired(item, hooks={**item.service.hooks, "preDeploy": hook})
    item = replace(item, progress=replace(item.progress, step=step))
    return hooks.request(BATCH, item, FARGATE, DEFINITION, release)


def with_desired(item, **members):
    return replace(item, desired=replace(item.desired, **members))


def test_a_hook_runs_where_the_services_tasks_do_with_the_new_definition(release):
    request = asked(release)
    assert request["taskDefinition"].endswith("web:2")
    assert (request["launchType"], request["platformVersion"]) == ("FARGATE", "1.4.0")
    assert request["networkConfiguration"] == {"awsvpcConfiguration": {"subnets": ["s"]}}
    assert request["overrides"] == {"containerOverrides": [{"name": "web", "command": ["migrate", "up"]}]}
    assert hooks.run_state({"taskArn": "a/b/t9"}, request, DEFINITION, NOT_RUN) == {
        "task": "t9",
        "container": "web",
        "log": "/ecs/web/app/web/t9",
    }


def test_a_hook_gets_the_volumes_that_are_configured_at_launch(release):
    # GIVEN a service whose tasks get an EBS volume when they start
    role = "arn:aws:iam::111111111111:role/ecs-infrastructure"
    tags = {"resourceType": "volume", "propagateTags": "SERVICE", "tags": [{"key": "a", "value": "b"}]}
    ebs = {"roleArn": role, "sizeInGiB": 20, "tagSpecifications": [tags]}
    old, new = ({"id": name, "status": name, "volumeConfigurations": []} for name in ("ACTIVE", "PRIMARY"))
    new["volumeConfigurations"] = [{"name": "data", "managedEBSVolume": ebs}]
    service = Service.from_api({"serviceName": "web", "deployments": [old, new]})
    # THEN its hook gets one too, without what a task of no service cannot have, and the role is known to be passed
    request = hooks.request(BATCH, ITEM, service, DEFINITION, release)
    (volume,) = request["volumeConfigurations"]
    assert volume["name"] == "data"
    assert volume["managedEBSVolume"]["sizeInGiB"] == 20
    assert volume["managedEBSVolume"]["tagSpecifications"] == [{"resourceType": "volume", "tags": tags["tags"]}]
    assert volume_roles(service.placement) == (role,)


@pytest.mark.parametrize(
    ("service", "given", "absent"),
    [
        # Both exclude each other, and Managed Instances take the strategy alone.
        (
            {"launchType": "FARGATE", "capacityProviderStrategy": [{"capacityProvider": "p", "weight": 1}]},
            {"capacityProviderStrategy": [{"capacityProvider": "p", "weight": 1}]},
            {"launchType"},
        ),
        ({"launchType": "MANAGED_INSTANCES"}, {}, {"launchType", "capacityProviderStrategy"}),
        ({"launchType": "EC2"}, {"launchType": "EC2"}, {"capacityProviderStrategy"}),
        # RunTask refuses SERVICE: the tags of the service are given, without those that nobody can set.
        (
            {"propagateTags": "SERVICE", "tags": [{"key": "team", "value": "a"}, {"key": "aws:x", "value": "b"}]},
            {"tags": [{"key": "team", "value": "a"}]},
            {"propagateTags"},
        ),
        ({"propagateTags": "SERVICE"}, {}, {"propagateTags", "tags"}),
        (
            {"propagateTags": "TASK_DEFINITION", "enableECSManagedTags": True, "tags": [{"key": "a", "value": "b"}]},
            {"propagateTags": "TASK_DEFINITION", "enableECSManagedTags": True},
            {"tags"},
        ),
        ({"propagateTags": "NONE", "enableECSManagedTags": False}, {}, {"propagateTags", "enableECSManagedTags"}),
        ({"enableExecuteCommand": True}, {}, {"enableExecuteCommand"}),
    ],
)
def test_a_hook_has_the_capacity_and_the_tags_of_the_services_tasks(release, service, given, absent):
    made = Service.from_api({"serviceName": "web", **service})
    request = hooks.request(BATCH, ITEM, made, DEFINITION, release)
    assert {name: request[name] for name in given} == given
    assert absent.isdisjoint(request)
    # AND botocore's model of RunTask knows every member, with its type
    shape = Session().get_service_model("ecs").operation_model("RunTask").input_shape
    assert not ParamValidator().validate(request, shape).has_errors()


def test_a_task_that_found_no_place_is_asked_for_with_another_token(release):
    waiting = queue_hook(NOT_RUN, "RESOURCE:CPU", 1000.0)
    assert waiting is not None
    assert asked(release, item=waiting)["clientToken"] != asked(release)["clientToken"]
    assert asked(release, item=waiting)["clientToken"] == asked(release, item=waiting)["clientToken"]
    # AND once it runs, it has its whole time from then on, and the number of tries is kept for its next token
    ran = hooks.run_state({"taskArn": "a/b/t9"}, asked(release), DEFINITION, waiting)
    assert (ran["task"], ran["attempts"]) == ("t9", "1")


def test_the_token_is_the_same_for_a_retry_and_another_for_anything_else(release, other_release):
    tokens = [
        asked(release)["clientToken"],
        asked(other_release)["clientToken"],
        asked(release, step=Step.POST_DEPLOY)["clientToken"],
        asked(release, item=with_desired(ITEM, name="api"))["clientToken"],
        asked(release, item=with_desired(ITEM, cluster="other"))["clientToken"],
    ]
    assert asked(release)["clientToken"] == tokens[0]
    assert len(set(tokens)) == 5
    assert all(len(token) <= 64 for token in tokens)


def test_another_container_can_be_named_and_has_to_be_there(release):
    request = asked(release, {"command": ["x"], "container": "proxy"})
    assert request["overrides"]["containerOverrides"][0]["name"] == "proxy"
    with pytest.raises(ItemFailed, match="no container named 'nobody'"):
        asked(release, {"command": ["x"], "container": "nobody"})


def stopped(**container):
    return {
        "lastStatus": "STOPPED",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "proxy", "exitCode": 137}, {"name": "web", **container}],
    }


def ended(*codes):
    return stopped() | {"containers": [{"name": name, "exitCode": code} for name, code in codes]}


SPOT = ended(("web", 143)) | {"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted."}
NO_ROOM = {"lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "stoppedReason": "RESOURCE:MEMORY"}
NO_SUCH_PLACE = NO_ROOM | {"stoppedReason": "MemberOf placement constraint unsatisfied."}
# The command handles SIGTERM, its work half done.
STOPPED_BY_SOMEBODY = ended(("web", 0)) | {"stopCode": "UserInitiated", "stoppedReason": "too slow"}


@pytest.mark.parametrize(
    ("task", "now", "status", "reported"),
    [
        ({"lastStatus": "PENDING"}, 1010, RUNNING, "pending"),
        ({"lastStatus": "RUNNING"}, 1300, TIMED_OUT, "still running after 5 minutes (task t1, log /ecs/web/app"),
        (stopped(exitCode=0), 1010, SUCCEEDED, ""),
        (stopped(exitCode=2), 1010, FAILED, "container web exited with 2, Essential container in task exited"),
        (stopped(), 1010, FAILED, "did not run: Essential container"),
        (stopped(reason="CannotPullContainerError"), 1010, FAILED, "did not run: CannotPullContainerError"),
        (
            stopped(exitCode=137, reason="OutOfMemoryError: Container killed due to memory usage"),
            1010,
            FAILED,
            "container web exited with 137, OutOfMemoryError: Container killed due to memory usage, Essential",
        ),
        ({"lastStatus": "PENDING"}, 1300, TIMED_OUT, "still pending after 5 minutes"),
        (ended(("web", 143), ("proxy", 1)), 1010, FAILED, "web exited with 143, Essential container in task"),
        (ended(("web", 143), ("proxy", 1)), 1010, FAILED, "container proxy exited with 1"),
        (STOPPED_BY_SOMEBODY, 1010, FAILED, "container web exited with 0 after it was stopped, too slow"),
        (NO_SUCH_PLACE, 1010, FAILED, "did not run: MemberOf placement constraint unsatisfied., no instance ful"),
        (ended(("web", 0), ("proxy", 1)), 1010, SUCCEEDED, ""),
        (SPOT, 1010, FAILED, "Spot took its capacity back"),
        (NO_ROOM, 1010, UNPLACED, "RESOURCE:MEMORY"),
        (None, 1010, RUNNING, ""),
        (None, 1100, FAILED, "how it ended is unknown"),
    ],
)
def test_a_hook_is_judged_by_the_exit_code_of_its_own_container(task, now, status, reported):
    verdict = hooks.judge(task, ITEM, float(now))
    assert verdict.status == status
    assert reported in verdict.reason


def test_a_hook_without_a_timeout_has_that_of_its_item():
    assert hooks.timeout_seconds(ITEM) == 300
    assert hooks.timeout_seconds(replace(ITEM, progress=replace(ITEM.progress, step=Step.POST_DEPLOY_RUNNING))) == 1800


LOGGED = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/envoy", "awslogs-stream-prefix": "mesh"}}
STOPPED = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}


def test_why_a_hook_failed_names_the_container_that_ended_it_and_its_log(shop, machine, monkeypatch):
    # GIVEN a sidecar with a log of its own, that ends and takes the hook with it
    (live,) = [d for arn, (d, _) in shop.definitions.items() if "/web:" in arn]
    live["containerDefinitions"].append({"name": "envoy", "image": "envoy:1", "logConfiguration": LOGGED})
    containers = [{"name": "web", "exitCode": 143}, {"name": "envoy", "exitCode": 1}]
    describe = shop.describe_tasks
    monkeypatch.setattr(
        shop, "describe_tasks", lambda *a: [t | STOPPED | {"containers": containers} for t in describe(*a)]
    )
    # WHEN the hook before the rollout fails, THEN the reason says who it was, and where to read on
    (web,) = machine.run(manifest(manifest_item("web", **with_hooks(before="migrate"))))["result"]["items"]
    assert "container web exited with 143, Essential container in task exited, container envoy exited" in web["reason"]
    assert "log of envoy: /ecs/envoy/mesh/envoy/" in web["reason"]


@pytest.mark.parametrize(
    ("envoy", "log_router", "is_named"),
    [({}, 143, True), ({"essential": False}, 143, False), ({}, 1, False)],
    ids=["it ended the task", "it may end", "another one did"],
)
def test_a_sidecar_that_ended_well_is_named_where_the_task_ended_with_it(
    shop, machine, monkeypatch, envoy, log_router, is_named
):
    # GIVEN a sidecar that exits with 0, and a hook that is ended before its command is through
    (live,) = [d for arn, (d, _) in shop.definitions.items() if "/web:" in arn]
    live["containerDefinitions"].append({"name": "envoy", "image": "envoy:1", **envoy})
    codes = {"web": 143, "envoy": 0, "log_router": log_router}
    containers = [{"name": name, "exitCode": code} for name, code in codes.items()]
    describe = shop.describe_tasks
    monkeypatch.setattr(
        shop, "describe_tasks", lambda *a: [t | STOPPED | {"containers": containers} for t in describe(*a)]
    )
    # WHEN the hook fails, THEN the sidecar is blamed only if it is to blame
    (web,) = machine.run(manifest(manifest_item("web", **with_hooks(before="migrate"))))["result"]["items"]
    assert ("container envoy exited with 0 and ended the task" in web["reason"]) is is_named


@pytest.mark.parametrize(
    ("policy", "status", "reported"),
    [
        ({"enabled": True, "restartAttemptPeriod": 60}, "FAILED", "of 60 seconds or more would run again"),
        ({"enabled": True}, "FAILED", "of 300 seconds or more would run again"),
        ({"enabled": True, "ignoredExitCodes": [0]}, "DEPLOYED", "a command that fails may be started again"),
        ({"enabled": False}, "DEPLOYED", None),
    ],
)
def test_a_container_that_is_started_again_is_no_place_for_a_hook(shop, machine, policy, status, reported):
    live = shop.definitions[shop.services["web"]["taskDefinition"]][0]
    live["containerDefinitions"][0]["restartPolicy"] = policy
    (web,) = machine.run(manifest(manifest_item("web", **with_hooks(before="migrate"))))["result"]["items"]
    assert web["status"] == status
    said = " ".join([web.get("reason") or "", *web["warnings"]])
    assert reported in said if reported else "restart" not in said


def test_a_hook_that_names_a_container_without_the_policy_is_fine(shop, machine):
    live = shop.definitions[shop.services["web"]["taskDefinition"]][0]
    live["containerDefinitions"][0]["restartPolicy"] = {"enabled": True}
    live["containerDefinitions"].append({"name": "admin", "image": "admin:1"})
    hook = {"preDeploy": {"command": ["migrate"], "container": "admin"}}
    (web,) = machine.run(manifest(manifest_item("web", hooks=hook)))["result"]["items"]
    assert web["status"] == "DEPLOYED"


def test_what_a_one_off_task_does_not_have_is_a_warning(shop, machine):
    # GIVEN a service with Service Connect, on Fargate Spot
    shop.services["web"]["deployments"][0]["serviceConnectConfiguration"] = {"enabled": True}
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}, {"capacityProvider": "FARGATE", "weight": 1}]
    shop.services["web"]["capacityProviderStrategy"] = spot
    # WHEN it has a hook, THEN both are reported; without one there is nothing to report
    (web,) = machine.run(manifest(manifest_item("web", **with_hooks(after="smoke"))))["result"]["items"]
    said = " ".join(web["warnings"])
    assert "a one-off task does not have it" in said
    assert "AWS may interrupt the hook's task" in said
    (web,) = machine.run(manifest(manifest_item("web", "3")))["result"]["items"]
    assert "hooks" not in " ".join(web["warnings"])


def test_a_hook_before_the_rollout_that_cannot_be_watched_leaves_its_service_alone(shop, machine, monkeypatch):
    # GIVEN a migration whose task may not be read
    def refuse(*_):
        raise AwsRefused("describe_tasks", "AccessDeniedException", "not authorized")

    monkeypatch.setattr(shop, "describe_tasks", refuse)
    (web,) = machine.run(manifest(manifest_item("web", **with_hooks(before="migrate"))))["result"]["items"]
    # THEN the item failed, and nothing is rolled back as nothing was changed
    assert web["status"] == "FAILED"
    assert "the hook cannot be watched" in web["reason"]
    assert web["reason"].endswith("the service was not changed")
    assert "update_service" not in shop.calls


@pytest.mark.parametrize("length", [4_000, 4_100])
def test_a_command_that_run_task_would_refuse_for_its_length_is_found_out_before(shop, machine, length):
    # GIVEN a command of two words that each fit, and together do not fit RunTask's overrides
    given = manifest(manifest_item("api", "2"), {**manifest_item("web", "2"), "hooks": {"postDeploy": {}}})
    given["services"][1]["hooks"]["postDeploy"]["command"] = ["x" * length, "y" * length]
    done = machine.run(given)
    # THEN nothing is deployed, and the error has both numbers
    is_refused = done["status"] == "FAILED"
    assert is_refused == (length == 4_100)
    assert shop.calls.count("update_service") == (0 if is_refused else 2)
    if is_refused:
        assert "hooks.postDeploy.command: as JSON, the command has 8,25" in done["cause"]
        assert "at most 8,192" in done["cause"]


def test_a_command_that_does_not_fit_with_its_containers_name_fails_the_check(shop, machine):
    # GIVEN a command that fits without a name, and a container that the manifest does not name
    given = manifest({**manifest_item("web", "2"), "hooks": {"postDeploy": {"command": ["x" * 8_141]}}})
    done = machine.run(given)
    assert (done["error"], shop.calls.count("update_service")) == ("CheckFailed", 0)
    assert "RunTask takes 8,192 at most" in done["result"]["items"][0]["reason"]
