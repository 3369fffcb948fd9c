"""How long to wait, and the verdict as a property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.ecs.service import Deployment, Service
from ecs_gitops.verdict import polling, rollout
from ecs_gitops.verdict.polling import wait_seconds
from ecs_gitops.verdict.rollout import Rollout, RolloutStatus, judge, judge_rollback

OURS = Rollout("ecs-svc/1", "web:2", "web:1", started_at=1000.0, timeout=600.0)


def test_waits_are_short_first_and_longer_later():
    waits = [wait_seconds([0.0], [86_400.0], elapsed) for elapsed in (0, 10, 60, 200, 599, 600, 900)]
    assert waits == [2, 2, 6, 10, 10, 30, 30]


def test_the_youngest_rollout_sets_the_pace():
    assert wait_seconds([0.0, 890.0], [9000.0, 9000.0], 900.0) == 2


@given(elapsed=st.floats(0, 10_000), timeout=st.floats(1, 10_000))
def test_a_wait_never_goes_past_the_timeout_and_never_is_none(elapsed, timeout):
    wait = wait_seconds([0.0], [timeout], elapsed)
    assert 1 <= wait <= polling._LONGEST_OF_ALL
    assert wait <= max(1, round(timeout - elapsed))


def test_a_rollout_of_minutes_is_noticed_within_seconds_and_costs_few_looks():
    for length in (60.0, 600.0):
        now, looks = 0.0, 0
        while now < length:
            now += wait_seconds([0.0], [86_400.0], now)
            looks += 1
        assert now - length <= 10
        assert looks <= 80


def entry(number: int, runs: str, status: str, running: int, **more: object) -> dict[str, object]:
    return {"id": f"ecs-svc/{number}", "status": status, "taskDefinition": runs, "runningCount": running, **more}


def test_a_rollback_is_shown_by_the_tasks_that_serve_and_never_as_an_outage():
    # GIVEN a service whose two tasks of web:1 serve, while that of the failed web:2 is still listed first
    service = Service.from_api(
        {
            "serviceName": "web",
            "status": "ACTIVE",
            "taskDefinition": "web:2",
            "desiredCount": 2,
            "deployments": [entry(1, "web:2", "PRIMARY", 0), entry(0, "web:1", "ACTIVE", 2)],
        }
    )
    assert judge_rollback(service, OURS, 1010.0).reason == "rolling back to web:1: 2 of 2 tasks"
    # AND while tasks are started again, with those that come
    back = [entry(2, "web:1", "PRIMARY", 1, pendingCount=1, createdAt=1005.0), entry(1, "web:2", "ACTIVE", 0)]
    service = Service.from_api(
        {"serviceName": "web", "status": "ACTIVE", "taskDefinition": "web:1", "desiredCount": 2, "deployments": back}
    )
    assert judge_rollback(service, OURS, 1010.0).reason == "rolling back to web:1: 1 of 2 tasks, 1 pending"
    # AND at the end of its time
    message = "not steady after 10 minutes: rolling back to web:1: 1 of 2 tasks, 1 pending"
    assert judge_rollback(service, OURS, 1600.0).reason == message


deployments = st.builds(
    Deployment,
    id=st.sampled_from(["ecs-svc/1", "ecs-svc/2", "ecs-svc/3"]),
    status=st.sampled_from(["PRIMARY", "ACTIVE", "INACTIVE"]),
    task_definition=st.sampled_from(["web:1", "web:2", "web:3"]),
    rollout_state=st.sampled_from([None, "IN_PROGRESS", "COMPLETED", "FAILED"]),
    rollout_reason=st.just(""),
    created_at=st.floats(0, 2000),
    desired=st.integers(0, 3),
    running=st.integers(0, 3),
    pending=st.integers(0, 2),
    failed=st.integers(0, 2),
)
services = st.builds(
    Service,
    name=st.just("web"),
    status=st.sampled_from(["ACTIVE", "DRAINING", "INACTIVE"]),
    controller=st.just("ECS"),
    task_definition=st.just("web:2"),
    desired=st.integers(0, 3),
    running=st.integers(0, 3),
    pending=st.integers(0, 2),
    deployments=st.lists(deployments, max_size=3, unique_by=lambda d: d.id).map(tuple),
    events=st.just(()),
    configuration=st.just({}),
    load_balancers=st.just(()),
    is_daemon=st.just(False),
    revisions=st.just(()),
    placement=st.just({}),
)


@given(service=services | st.none(), now=st.floats(1000, 3000))
def test_success_is_only_ever_our_own_primary_deployment_completed(service, now):
    verdict = judge(service, OURS, now)
    if verdict.status is RolloutStatus.DEPLOYED:
        assert service is not None
        assert service.status == "ACTIVE"
        ours = service.primary
        assert ours is not None
        assert ours.id == OURS.deployment_id
        assert ours.rollout_state == "COMPLETED" or (ours.rollout_state is None and ours.running == ours.desired)
    if verdict.status is RolloutStatus.FAILED:
        assert verdict.reason
    if verdict.status is RolloutStatus.IN_PROGRESS:
        assert now - OURS.started_at < OURS.timeout


def test_a_day_of_baking_leaves_the_history_room():
    now, looks = 0.0, 0
    while now < 86_400:
        now += wait_seconds([0.0], [86_400.0], now)
        looks += 1
    assert looks * 9 < 5_000


@pytest.mark.parametrize(
    ("seconds", "message"), [(60, "1 minute"), (90, "1.5 minutes"), (0, "0 minutes"), (300, "5 minutes")]
)
def test_one_minute_is_no_plural(seconds, message):
    assert rollout.minutes(seconds) == message
