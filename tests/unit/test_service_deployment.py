"""The verdict on every status that ECS documents for a service deployment, for a rollout and for a rollback."""

from __future__ import annotations

import boto3
import pytest

from ecs_gitops.ecs.service import Service
from ecs_gitops.verdict import service_deployment
from ecs_gitops.verdict.rollout import Rollout, RolloutStatus

IN_PROGRESS, DEPLOYED, FAILED = RolloutStatus
OURS = Rollout("ecs-svc/1", "web:2", "web:1", started_at=1000.0, timeout=600.0)


def service(runs: str = "web:2", desired: int = 1, status: str = "ACTIVE") -> Service:
    return Service.from_api(
        {"serviceName": "web", "status": status, "taskDefinition": runs, "desiredCount": desired, "deployments": []}
    )


def documented() -> list[str]:
    shape = boto3.client("ecs", region_name="us-west-2").meta.service_model.shape_for("ServiceDeploymentStatus")
    return list(shape.enum)  # type: ignore[attr-defined]


# Status: verdict, whether ECS itself rolls back, and whether there is nothing to roll back.
VERDICTS = {
    "PENDING": (IN_PROGRESS, False, False),
    "IN_PROGRESS": (IN_PROGRESS, False, False),
    "STOP_REQUESTED": (IN_PROGRESS, False, False),
    "SUCCESSFUL": (DEPLOYED, False, False),
    "STOPPED": (FAILED, False, False),
    "ROLLBACK_REQUESTED": (FAILED, True, False),
    "ROLLBACK_IN_PROGRESS": (FAILED, True, False),
    "ROLLBACK_SUCCESSFUL": (FAILED, True, False),
    "ROLLBACK_FAILED": (FAILED, False, False),
    "SOMETHING_NEW": (IN_PROGRESS, False, False),
}
# Of a rollback to web:1, while the service points there.
ROLLBACKS = {
    "PENDING": IN_PROGRESS,
    "IN_PROGRESS": IN_PROGRESS,
    "STOP_REQUESTED": IN_PROGRESS,
    "SUCCESSFUL": DEPLOYED,
    "STOPPED": FAILED,
    "ROLLBACK_REQUESTED": IN_PROGRESS,
    "ROLLBACK_IN_PROGRESS": IN_PROGRESS,
    "ROLLBACK_SUCCESSFUL": DEPLOYED,
    "ROLLBACK_FAILED": FAILED,
    "SOMETHING_NEW": IN_PROGRESS,
}


def test_the_tables_have_every_status_that_ecs_documents():
    assert set(documented()) <= set(VERDICTS)
    assert set(documented()) <= set(ROLLBACKS)


@pytest.mark.parametrize("status", VERDICTS)
def test_the_verdict_on_each_status(status):
    verdict = service_deployment.judge({"status": status, "statusReason": "why"}, service(), OURS, 1010.0)
    assert (verdict.status, verdict.is_rolling_back, verdict.is_lost) == VERDICTS[status]
    if verdict.status == FAILED:
        assert "why" in (verdict.reason or "")


@pytest.mark.parametrize("status", ROLLBACKS)
def test_the_verdict_on_each_status_of_a_rollback(status):
    assert (
        service_deployment.judge_rollback({"status": status}, service("web:1"), OURS, 1010.0).status
        == ROLLBACKS[status]
    )


@pytest.mark.parametrize("status", VERDICTS)
def test_what_is_not_over_at_its_timeout_has_failed(status):
    of_rollouts = {each: verdict for each, (verdict, *_) in VERDICTS.items()}
    for judge, table in ((service_deployment.judge, of_rollouts), (service_deployment.judge_rollback, ROLLBACKS)):
        verdict = judge({"status": status}, service("web:1"), OURS, 1600.0)
        assert verdict.status == (FAILED if table[status] == IN_PROGRESS else table[status])


@pytest.mark.parametrize("status", VERDICTS)
@pytest.mark.parametrize("gone", [None, service(status="INACTIVE"), service(status="DRAINING")])
def test_a_service_that_goes_away_is_a_failure_whatever_its_record_says(status, gone):
    for judge in (service_deployment.judge, service_deployment.judge_rollback):
        verdict = judge({"status": status}, gone, OURS, 1010.0)
        assert (verdict.status, verdict.is_lost) == (FAILED, True)


def test_stopped_by_somebody_elses_deployment_is_lost():
    verdict = service_deployment.judge({"status": "STOPPED", "statusReason": "new one"}, service("web:3"), OURS, 1010.0)
    assert (verdict.status, verdict.is_lost) == (FAILED, True)
    assert "superseded by web:3" in (verdict.reason or "")


@pytest.mark.parametrize(("now", "status"), [(1010.0, IN_PROGRESS), (1200.0, FAILED)])
def test_an_answer_from_before_a_stopped_deployment_does_not_say_what_took_its_place(now, status):
    # GIVEN ECS's word that our deployment is over, and an answer about the service from before it began
    earlier = {"id": "ecs-svc/0", "status": "PRIMARY", "taskDefinition": "web:0", "createdAt": 900.0}
    old = Service.from_api({"serviceName": "web", "status": "ACTIVE", "deployments": [earlier]})
    verdict = service_deployment.judge({"status": "STOPPED"}, old, OURS, now)
    # THEN another answer is waited for, and not for ever
    assert (verdict.status, verdict.is_lost) == (status, status == FAILED)


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ("web:2", "stopped and not rolled back by ECS: a person"),
        ("web:1", "stopped, the service runs web:1 as before: a person"),
        ("web:3", "superseded by web:3: a person"),
    ],
)
def test_what_a_stopped_deployment_leaves_is_told_by_what_the_service_runs(runs, reason):
    record = {"status": "STOPPED", "statusReason": "a person"}
    assert service_deployment.judge(record, service(runs), OURS, 1010.0).reason == reason


@pytest.mark.parametrize(
    "record",
    [
        {
            "status": "ROLLBACK_IN_PROGRESS",
            "lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT",
            "targetServiceRevision": {"arn": "new", "requestedTaskCount": 2, "runningTaskCount": 0},
            "sourceServiceRevisions": [
                {"arn": "older", "requestedTaskCount": 2, "runningTaskCount": 2},
                {"arn": "old", "requestedTaskCount": 2, "runningTaskCount": 1},
            ],
            "rollback": {"serviceRevisionArn": "old"},
        },
        {
            "status": "IN_PROGRESS",
            "lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT",
            "targetServiceRevision": {"arn": "old", "requestedTaskCount": 2, "runningTaskCount": 1},
        },
    ],
    ids=["by ECS", "by us"],
)
def test_a_rollback_is_shown_by_the_tasks_of_the_revision_that_it_goes_back_to(record):
    record |= {"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}
    verdict = service_deployment.judge_rollback(record, service(desired=2), OURS, 1010.0)
    assert verdict.reason == "rolling back to web:1: 1 of 2 tasks; BLUE_GREEN: production traffic shift"
    # AND at its end, when it takes too long
    late = service_deployment.judge_rollback(record, service(desired=2), OURS, 1600.0)
    assert (late.reason or "").startswith("not over after 10 minutes: rolling back to web:1: 1 of 2 tasks")


def test_a_rollback_that_ended_elsewhere_is_no_success():
    verdict = service_deployment.judge_rollback({"status": "SUCCESSFUL"}, service("web:3"), OURS, 1010.0)
    assert verdict.status == IN_PROGRESS


def test_a_success_without_tasks_says_so():
    assert "no task runs" in (
        service_deployment.judge({"status": "SUCCESSFUL"}, service(desired=0), OURS, 1010.0).reason or ""
    )


def test_the_reason_has_what_ended_it():
    record = {
        "status": "ROLLBACK_SUCCESSFUL",
        "statusReason": "rolled back",
        "rollback": {"reason": "alarm"},
        "alarms": {"triggeredAlarmNames": ["web-5xx"]},
        "deploymentCircuitBreaker": {"status": "TRIGGERED", "failureCount": 3},
    }
    reason = service_deployment.judge(record, service("web:1"), OURS, 1010.0).reason or ""
    for text in ("ECS rolled back to web:1", "alarms triggered: web-5xx", "after 3 failed tasks"):
        assert text in reason


def test_progress_shows_the_stage_and_the_share_of_traffic():
    record = {
        "status": "IN_PROGRESS",
        "lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT",
        "deploymentConfiguration": {"strategy": "CANARY"},
        "targetServiceRevision": {
            "requestedProductionTrafficWeight": 10.0,
            "requestedTaskCount": 3,
            "runningTaskCount": 2,
        },
    }
    text = service_deployment.progress(record)
    assert text == "CANARY: production traffic shift, 10 % of the traffic, 2 of 3 tasks"
