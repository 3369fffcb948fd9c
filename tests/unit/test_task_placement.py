"""Hooks whose task cannot be placed: retried until their timeout, across invocations, and then reported."""

from __future__ import annotations

import pytest

from ecs_gitops.ecs import task_placement
from ecs_gitops.model.errors import AwsRefused
from unit.shop import hooks, item, release

MEMORY = "RESOURCE:MEMORY (3 times)"


@pytest.mark.parametrize(
    ("reason", "temporary", "text"),
    [
        ("RESOURCE:MEMORY", True, "let the task definition ask for less"),
        ("RESOURCE:CPU", True, "add instances"),
        ("RESOURCE:GPU", True, "add instances"),
        ("RESOURCE:ENI", True, "awsvpcTrunking"),
        ("RESOURCE:PORTS", True, "host port 0"),
        ("RESOURCE:TOMORROW", True, "lack that resource"),
        ("AGENT", True, "agent"),
        ("Capacity is unavailable at this time. Please try again later", True, "Availability Zones"),
        ("You've reached the limit on the number of vCPUs you can run concurrently", True, "quota"),
        ("ATTRIBUTE com.amazonaws.ecs.capability.logging-driver.splunk", False, "attribute"),
        ("LOCATION", False, "Availability Zones"),
        ("MemberOf placement constraint unsatisfied.", False, "placement constraints"),
        ("MISSING", False, ""),
        # With several instances each has a reason; the one that lacks memory may have it later.
        ("ATTRIBUTE; RESOURCE:MEMORY", True, "ask for less"),
    ],
)
def test_reasons_are_temporary_or_not_and_have_advice(reason, temporary, text):
    assert task_placement.is_temporary(reason) is temporary
    assert text in task_placement.advice(reason)


@pytest.mark.parametrize(
    ("task", "was_not_placed"),
    [
        ({"stopCode": "TaskFailedToStart", "stoppedReason": "RESOURCE:MEMORY"}, True),
        ({"stoppedReason": "TaskFailedToStart: RESOURCE:CPU", "containers": [{"name": "web"}]}, True),
        ({"stopCode": "TaskFailedToStart", "stoppedReason": "CannotPullContainerError: no such image"}, False),
        # A task that has started is not run again.
        ({"stopCode": "TaskFailedToStart", "stoppedReason": "AGENT", "startedAt": 1}, False),
        ({"stopCode": "TaskFailedToStart", "stoppedReason": "AGENT", "containers": [{"exitCode": 1}]}, False),
        ({"stopCode": "EssentialContainerExited", "stoppedReason": "RESOURCE:MEMORY"}, False),
    ],
)
def test_a_task_that_was_accepted_and_did_not_start_was_not_placed(task, was_not_placed):
    assert (task_placement.placement_failure(task) is not None) is was_not_placed


def test_a_hook_waits_for_its_place_and_runs_once(shop, machine):
    # GIVEN a cluster that has room after four tries
    shop.unplaced = [MEMORY] * 4
    began = shop.now
    # WHEN a service with a hook is released
    (web,) = machine.run(release(item("web", **hooks(before="migrate"))))["result"]["items"]
    # THEN the hook ran once, and each try had a token of its own
    assert web["status"] == "DEPLOYED"
    assert (len(shop.no_place), len(shop.tasks)) == (4, 1)
    assert shop.now - began >= 40


def test_a_hook_that_finds_no_place_in_its_time_is_reported_with_advice(shop, machine):
    # GIVEN a cluster without room, and a hook that may take ten minutes
    shop.unplaced = [MEMORY] * 1_000
    one = item("web", hooks={"preDeploy": {"command": ["migrate"], "timeoutMinutes": 10}})
    began = shop.now
    # WHEN it is released
    (web,) = machine.run(release(one))["result"]["items"]
    # THEN it was tried for ten minutes, at growing intervals, and nothing was changed
    assert web["status"] == "FAILED"
    assert 600 <= shop.now - began < 700
    assert 10 < len(shop.no_place) < 60
    assert f"hook preDeploy: ECS could not run its task: {MEMORY}; tried {len(shop.no_place)} times" in web["reason"]
    assert "in 10 minutes; no instance of the cluster has that much free" in web["reason"]
    assert web["reason"].endswith("; the service was not changed")
    assert shop.images("web") == {"web": "web:1"}
    assert "update_service" not in shop.calls


def test_waiting_does_not_help_where_no_instance_fits(shop, machine):
    shop.unplaced = ["ATTRIBUTE ecs.capability.efs"]
    (web,) = machine.run(release(item("web", **hooks(before="migrate"))))["result"]["items"]
    assert (web["status"], len(shop.no_place), len(shop.tasks)) == ("FAILED", 1, 0)
    assert "no instance has an attribute that the task definition requires" in web["reason"]


def test_a_test_after_the_rollout_that_finds_no_place_rolls_the_service_back(shop, machine):
    shop.unplaced = [MEMORY] * 1_000
    one = item("web", hooks={"postDeploy": {"command": ["smoke"], "timeoutMinutes": 2}})
    (web,) = machine.run(release(one))["result"]["items"]
    assert (web["status"], shop.images("web")) == ("ROLLED_BACK", {"web": "web:1"})
    assert "tried" in web["reason"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidParameterException", "No Container Instances were found in your cluster."),
        ("ClientException", "The limit of tasks in PROVISIONING state per cluster was exceeded."),
    ],
)
def test_an_error_that_means_no_place_is_retried_as_well(shop, machine, monkeypatch, code, message):
    # GIVEN a cluster whose instances come up after a while
    ready, run = shop.now + 120, shop.run_task

    def run_task(request):
        if shop.now < ready:
            raise AwsRefused("run_task", code, message)
        return run(request)

    monkeypatch.setattr(shop, "run_task", run_task)
    # WHEN a service with a hook is released, THEN the hook waits for them
    (web,) = machine.run(release(item("web", **hooks(before="migrate"))))["result"]["items"]
    assert (web["status"], len(shop.tasks)) == ("DEPLOYED", 1)


def test_a_refusal_of_another_kind_fails_at_once(shop, machine):
    shop.refuse["run_task"] = AwsRefused("run_task", "ClientException", "TaskDefinition is inactive")
    (web,) = machine.run(release(item("web", **hooks(before="migrate"))))["result"]["items"]
    assert web["status"] == "FAILED"
    assert shop.calls.count("run_task") == 1


def test_a_task_that_managed_scaling_gives_up_is_tried_again(shop, machine, monkeypatch):
    # GIVEN a capacity provider that takes the first two tasks, and finds no instance for them
    describe = shop.describe_tasks

    def describe_tasks(cluster, arns):
        given_up = {"lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "stoppedReason": "RESOURCE:CPU"}
        found = describe(cluster, arns)
        first = [task["taskArn"] for task in list(shop.tasks.values())[:2]]
        return [task | given_up | {"containers": []} if task["taskArn"] in first else task for task in found]

    monkeypatch.setattr(shop, "describe_tasks", describe_tasks)
    # WHEN a service with a hook is released, THEN the third task does the work
    (web,) = machine.run(release(item("web", **hooks(before="migrate"))))["result"]["items"]
    assert (web["status"], len(shop.tasks)) == ("DEPLOYED", 3)


@pytest.mark.parametrize("call", range(1, 40))
def test_killed_after_any_call_while_it_waits_the_hook_runs_once(shop, machine, call):
    shop.unplaced = [MEMORY] * 2
    shop.die_after = call
    (web,) = machine.run(release(item("web", **hooks(before="migrate"))))["result"]["items"]
    assert (web["status"], len(shop.tasks)) == ("DEPLOYED", 1)
