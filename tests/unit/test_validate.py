"""ValidateDeploy: the verdict is about the deployment that we started, and about no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.watch.rollouts import RolloutWatch
from unit.test_deploy_services import deploy


@pytest.fixture
def rolling(aws, release, budget, services):
    """A batch whose one service, with two tasks, is being deployed."""
    aws.serve("web", aws.define("web", ("web", "web:1")), desired=2)
    return deploy(aws, release, services(("web", "web", "web:2")), budget)


@pytest.fixture
def look(aws, release, budget):
    def at(batch, seconds=5.0):
        aws.now += seconds
        return RolloutWatch(aws, release, batch, replace(budget, until=aws.now + 600)).run()

    return at


def test_a_deployment_that_is_going_on_is_waited_for(rolling, look):
    batch = look(rolling)
    assert (batch.items[0].step, batch.next, batch.wait_seconds) == ("ROLLING_OUT", "WAIT", 2)


def test_a_completed_deployment_is_deployed_with_its_time(aws, rolling, look):
    aws.finish("web")
    batch = look(rolling, 61)
    assert (batch.items[0].status, batch.items[0].result.seconds, batch.next) == ("DEPLOYED", 61.0, "DONE")


def test_desired_count_zero_is_a_success_that_says_so(aws, rolling, look):
    aws.services["web"]["desiredCount"] = 0
    aws.finish("web")
    item = look(rolling).items[0]
    assert item.status == "DEPLOYED"
    assert "desired count is 0" in (item.reason or "")


@pytest.mark.parametrize("running", [0, 1], ids=["none", "too few"])
def test_too_few_running_tasks_never_pass(aws, rolling, look, running):
    # GIVEN a deployment for which ECS gives no rollout state, with fewer tasks than desired
    deployment = aws.services["web"]["deployments"][0]
    aws.services["web"]["deployments"] = [
        deployment | {"rolloutState": None, "runningCount": running, "pendingCount": 0}
    ]
    assert look(rolling).items[0].step == "ROLLING_OUT"


def test_pending_tasks_never_pass(aws, rolling, look):
    deployment = aws.services["web"]["deployments"][0]
    aws.services["web"]["deployments"] = [deployment | {"rolloutState": None, "runningCount": 2, "pendingCount": 1}]
    assert look(rolling).items[0].step == "ROLLING_OUT"


def test_a_failed_deployment_tells_why_from_stopped_tasks_and_events(aws, rolling, look):
    # GIVEN a deployment that ECS gave up, and two stopped tasks of which one is another deployment's
    aws.finish("web", "FAILED", "tasks failed to start")
    stopped = {
        "startedBy": rolling.items[0].watched.deployment,
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "web", "exitCode": 137, "reason": "OutOfMemoryError"}, {"name": "ok", "exitCode": 0}],
    }
    aws.stopped = [stopped, stopped, {"startedBy": "ecs-svc/0", "stoppedReason": "not ours"}]
    aws.services["web"]["events"] = [
        {"createdAt": aws.now + 1, "message": "(service web) was unable to place a task"},
        {"createdAt": aws.now - 9999, "message": "old news"},
    ]
    item = look(rolling).items[0]
    # THEN the reason has all that, and nothing of others
    assert item.status == "FAILED"
    assert "tasks failed to start" in item.reason
    assert "2 stopped tasks: Essential container in task exited, container web exited with 137" in item.reason
    assert "OutOfMemoryError" in item.reason
    assert "unable to place a task" in item.reason
    assert "not ours" not in item.reason
    assert "old news" not in item.reason


def test_a_rollback_by_the_circuit_breaker_is_a_failure(aws, rolling, look):
    aws.finish("web", "ROLLBACK", "circuit breaker")
    item = look(rolling).items[0]
    assert item.step == "ROLL_BACK"
    assert "rolled back to web:1" in (item.reason or "")
    # AND it stays one when the old revision is steady again and ours is gone
    aws.finish("web")
    again = look(rolling).items[0]
    assert again.step == "ROLL_BACK"


def test_another_deployment_that_is_steady_is_not_our_success(aws, rolling, look):
    aws.now += 1
    aws.update_service("shop", "web", aws.define("web", ("web", "web:3")))
    aws.finish("web")
    item = look(rolling).items[0]
    assert item.status == "FAILED"
    assert "superseded" in (item.reason or "")


def test_an_old_answer_of_ecs_is_not_taken_for_another_deployment(aws, rolling, look):
    # GIVEN a read that does not show our deployment yet, as ECS's reads may for some seconds
    live = aws.services["web"]
    live["deployments"] = [live["deployments"][1] | {"status": "PRIMARY"}]
    assert look(rolling).items[0].step == "ROLLING_OUT"


def test_a_rolled_back_deployment_that_ecs_no_longer_lists_is_a_failure_at_once(aws, rolling, look):
    # GIVEN the deployment before is the primary again, as old as it ever was, and an event says why
    live = aws.services["web"]
    live["deployments"] = [live["deployments"][1] | {"status": "PRIMARY"}]
    ours = rolling.items[0].watched.deployment
    text = f"(service web) (deployment {ours}) deployment failed: tasks failed to start."
    live["events"] = [{"createdAt": aws.now + 1, "message": text}]
    item = look(rolling).items[0]
    assert item.step == "ROLL_BACK"
    assert "rolled back to web:1" in (item.reason or "")
    assert item.progress.judgement == "FAILED"


@pytest.mark.parametrize("after", [-0.5, 0.5])
def test_the_end_of_an_earlier_deployment_is_not_taken_for_that_of_ours(aws, rolling, look, after):
    # GIVEN an answer without our deployment, and events of the rollback of what somebody deployed just before it
    live = aws.services["web"]
    live["deployments"] = [live["deployments"][1] | {"status": "PRIMARY"}]
    at = (rolling.items[0].watched.deployed_at or 0.0) + after
    texts = (
        "(deployment ecs-svc/99) deployment failed: tasks failed to start.",
        "rolling back to deployment ecs-svc/1.",
    )
    live["events"] = [{"createdAt": at, "message": f"(service web) {text}"} for text in texts]
    # THEN nothing is known of ours yet
    assert look(rolling).items[0].step == "ROLLING_OUT"


def test_a_deployment_that_ecs_does_not_list_for_long_is_not_waited_for(aws, rolling, look):
    live = aws.services["web"]
    live["deployments"] = [live["deployments"][1] | {"status": "PRIMARY"}]
    item = look(rolling, 31).items[0]
    assert item.step == "ROLL_BACK"
    assert "no longer lists" in (item.reason or "")
    # Without a word of ECS there is no verdict: somebody may have deployed the revision before.
    assert item.progress.judgement == "OPEN"


@pytest.mark.parametrize("seconds", [31, 60, 140])
def test_an_answer_that_may_be_older_than_our_deployment_proves_nothing(aws, rolling, look, seconds):
    # GIVEN a read that shows the service as it was before UpdateService
    live = aws.services["web"]
    live["deployments"] = [live["deployments"][1] | {"status": "PRIMARY"}]
    live["taskDefinition"] = live["deployments"][0]["taskDefinition"]
    assert look(rolling, seconds).items[0].step == "ROLLING_OUT"


def test_a_service_that_is_as_before_for_long_was_rolled_back(aws, rolling, look):
    live = aws.services["web"]
    live["deployments"] = [live["deployments"][1] | {"status": "PRIMARY"}]
    live["taskDefinition"] = live["deployments"][0]["taskDefinition"]
    item = look(rolling, 151).items[0]
    assert item.step == "ROLL_BACK"


def test_a_deployment_that_does_not_end_in_time_is_a_failure(rolling, look):
    item = look(rolling, 30 * 60).items[0]
    assert item.status == "FAILED"
    assert "not steady after 30 minutes: 0 of 2 tasks running, 2 pending" in (item.reason or "")


@pytest.mark.parametrize("gone", ["deleted", "inactive"])
def test_a_service_that_goes_away_is_a_failure(aws, rolling, look, gone):
    if gone == "deleted":
        aws.services.clear()
    else:
        aws.services["web"]["status"] = "INACTIVE"
    assert look(rolling).items[0].status == "FAILED"


def test_a_rollout_that_cannot_be_watched_is_not_a_success(aws, rolling, look):
    aws.refuse["describe_services"] = AwsRefused("describe_services", "AccessDeniedException", "no")
    item = look(rolling).items[0]
    assert item.status == "FAILED"
    assert "cannot be watched" in (item.reason or "")


def test_reasons_that_cannot_be_read_do_not_hide_the_verdict(aws, rolling, look):
    aws.finish("web", "FAILED", "tasks failed to start")
    aws.refuse["list_tasks"] = AwsRefused("list_tasks", "AccessDeniedException", "no")
    reason = look(rolling).items[0].reason
    assert "tasks failed to start" in reason
    assert "stopped tasks could not be read" in reason


def test_what_is_over_is_not_looked_at_again(aws, rolling, look):
    aws.finish("web")
    done = look(rolling)
    aws.services.clear()
    assert look(done).items == done.items
