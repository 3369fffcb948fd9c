"""Why a rollout fails, as people read it, and the crash loop that ECS does not see."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_gitops.ecs.service import Service
from ecs_gitops.verdict import evidence
from ecs_gitops.verdict.rollout import Rollout

OURS = Rollout("ecs-svc/7", "web:2", "web:1", started_at=1000.5, timeout=600.0)


def service(*events: str, desired: int = 2, failed: int = 0) -> Service:
    return Service.from_api(
        {
            "serviceName": "web",
            "status": "ACTIVE",
            "desiredCount": desired,
            "deployments": [{"id": "ecs-svc/7", "status": "PRIMARY", "failedTasks": failed}],
            "events": [{"createdAt": 1001, "message": f"(service web) {text}"} for text in events],
        }
    )


def task(**more: Any) -> dict[str, Any]:
    return {"startedBy": "ecs-svc/7", "stopCode": "EssentialContainerExited", **more}


def test_stopped_tasks_are_grouped_by_reason_with_exit_codes_and_containers():
    tasks = [
        task(
            stoppedReason="Essential container in task exited",
            containers=[{"name": "app", "exitCode": 3}, {"name": "proxy", "exitCode": 0}],
        )
        for _ in range(4)
    ]
    tasks.append(task(stopCode="TaskFailedToStart", stoppedReason="CannotPullContainerError: not found"))
    message = evidence.evidence_of(None, tasks, OURS)
    assert message == (
        "4 stopped tasks: Essential container in task exited, container app exited with 3; "
        "1 stopped task: CannotPullContainerError: not found"
    )


@pytest.mark.parametrize(
    "event",
    [
        "(port 80) is unhealthy in (target-group arn:aws:x:targetgroup/web/1) due to (reason Health checks failed).",
        "was unable to place a task because no container instance met all of its requirements.",
        "is unable to consistently start tasks successfully.",
    ],
)
def test_health_checks_placement_and_start_errors_are_told(event):
    assert event.rstrip(".") in evidence.evidence_of(service(event), [], OURS)


def test_events_of_the_ordinary_course_are_left_out_and_equal_ones_counted():
    ordinary = (
        "has started 2 tasks: (task 1) (task 2).",
        "has stopped 1 running tasks: (task 3).",
        "registered 1 targets in (target-group x)",
        "has reached a steady state.",
    )
    unhealthy = [f"(task {n:032x}) failed container health checks." for n in range(5)]
    message = evidence.evidence_of(service(*ordinary, *unhealthy), [], OURS)
    assert message == "event (5 times): failed container health checks."


def test_events_from_before_the_rollout_are_old_news():
    old = Service.from_api(
        {"serviceName": "web", "events": [{"createdAt": 900, "message": "(service web) was unable to place a task"}]}
    )
    assert evidence.evidence_of(old, [], OURS) == ""


def test_many_starts_or_failures_are_worth_a_look():
    assert not evidence.may_be_crashing(service("has started 2 tasks: (task 1)."), OURS)
    assert evidence.may_be_crashing(service(*["has started 1 tasks: (task 1)."] * 5), OURS)
    assert evidence.may_be_crashing(service(failed=3), OURS)


@pytest.mark.parametrize(
    ("desired", "died", "is_loop"),
    [(1, 2, False), (1, 3, True), (10, 4, False), (10, 5, True), (1000, 199, False), (1000, 200, True)],
)
def test_a_crash_loop_is_as_many_dead_tasks_as_the_circuit_breaker_would_tolerate(desired, died, is_loop):
    tasks = [task() for _ in range(died)] + [task(startedBy="ecs-svc/1")] * 500
    tasks += [task(stopCode="ServiceSchedulerInitiated")] * 500
    message = evidence.crash_loop(service(desired=desired), tasks, OURS)
    assert (message is not None) is is_loop


@pytest.mark.parametrize(
    ("containers", "is_loop"),
    [
        ([{"exitCode": 0}], False),
        ([{"exitCode": 0}, {"exitCode": 0}], False),
        # The sidecars are stopped with it.
        ([{"exitCode": 0}, {"exitCode": 143}], False),
        ([{"exitCode": 137}, {"exitCode": 0}], False),
        ([{"exitCode": 1}], True),
        ([{"exitCode": 0}, {"exitCode": 1}], True),
        ([{"exitCode": 137}], True),
        ([{"exitCode": 143}], True),
        ([{"exitCode": 137, "reason": "OutOfMemoryError: Container killed"}, {"exitCode": 0}], True),
        ([{"exitCode": None}, {"exitCode": 0}], True),
        ([{"reason": "CannotStartContainerError: no such file"}, {"exitCode": 0}], True),
        ([{}], True),
        ([], True),
    ],
)
def test_tasks_that_end_well_are_no_crash_loop(containers, is_loop):
    tasks = [task(containers=[{"name": f"c{n}", **each} for n, each in enumerate(containers)]) for _ in range(5)]
    assert (evidence.crash_loop(service(desired=1), tasks, OURS) is not None) is is_loop


def test_tasks_that_end_well_do_not_make_a_loop_of_the_few_that_crash():
    tasks = [task(containers=[{"exitCode": 0}])] * 50 + [task(containers=[{"exitCode": 1}])] * 2
    assert evidence.crash_loop(service(desired=1), tasks, OURS) is None
    assert evidence.crash_loop(service(desired=1), [*tasks, task(containers=[{"exitCode": 1}])], OURS) is not None
