"""The steps of an item: which may follow which, and what a result keeps."""

from __future__ import annotations

import pytest

from ecs_gitops.flow.transitions import (
    TRANSITIONS,
    after_failure,
    end,
    fail,
    is_rolling_back,
    move,
    queue_hook,
    roll_back,
    try_hook_again,
    untouched,
)
from ecs_gitops.model.item import Item
from ecs_gitops.model.status import Status, Step
from unit.item_maker import service_item, trigger_item

HOOKS = {"preDeploy": {"command": ["migrate"]}, "postDeploy": {"command": ["smoke"]}}


def at(step: Step, **members: object) -> Item:
    return service_item(step=step, previous="web:1", revision="web:2", hooks=HOOKS, **members)


def test_every_step_is_in_the_table_and_can_be_reached():
    assert set(Step) <= set(TRANSITIONS)
    reached, left = {Step.PENDING}, [Step.PENDING]
    while left:
        new = TRANSITIONS[left.pop()] - reached
        reached |= new
        left += new
    assert reached == set(Step)


def test_what_is_watched_is_followed_by_what_is_acted_on():
    # GIVEN a step in which something goes on at AWS, THEN the deploy state is next, or a hook without a place
    queued = {Step.PRE_DEPLOY_QUEUED, Step.POST_DEPLOY_QUEUED}
    for step in (step for step in Step if step.is_waiting):
        assert not any(after.is_waiting for after in TRANSITIONS[step] - queued), step
    # AND a rollback leads to nothing but a rollback
    for step in (step for step in Step if step.is_rollback):
        assert all(after.is_rollback for after in TRANSITIONS[step]), step


@pytest.mark.parametrize("before", Step)
def test_a_step_that_may_not_follow_is_a_fault(before):
    for step in set(Step) - TRANSITIONS[before]:
        with pytest.raises(ValueError, match=f"{step} cannot follow {before}"):
            move(at(before), step)
    for step in TRANSITIONS[before]:
        assert move(at(before, text="half of it"), step).progress.text is None


@pytest.mark.parametrize("status", [Status.UNCHANGED, Status.SKIPPED, Status.HELD, Status.ROLLED_BACK])
def test_what_was_not_changed_is_not_rolled_back_with_the_release(status):
    with pytest.raises(ValueError, match="cannot follow"):
        roll_back(service_item(status=status), "with the release")


@pytest.mark.parametrize("status", [Status.DEPLOYED, Status.FAILED])
def test_a_rollback_with_the_release_knows_what_was_deployed(status):
    # GIVEN an item that is over, which another one takes with it
    item = end(at(Step.ROLLING_OUT, timeout_minutes=7, previous_settings={"strategy": "ROLLING"}), status, 90.0)
    item = item.with_watched(deployment="ecs-svc/2", record="r", deployed_at=80.0)
    back = roll_back(item, "rolled back with the release, because of api")
    # THEN nothing is lost that a rollback needs, and ECS's old record is not watched any more
    assert (back.step, back.result, back.reason) == (
        Step.ROLL_BACK,
        None,
        "rolled back with the release, because of api",
    )
    assert (back.desired, back.change) == (item.desired, item.change)
    assert (back.watched.deployment, back.watched.deployed_at, back.watched.record) == ("ecs-svc/2", 80.0, None)


def test_a_result_says_whether_a_rollback_was_begun():
    assert not is_rolling_back(fail(at(Step.ROLLING_OUT), "no"))
    assert is_rolling_back(fail(at(Step.ROLLING_BACK), "no"))
    assert is_rolling_back(end(at(Step.ROLL_BACK), Status.ROLLED_BACK))


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (at(Step.ROLLING_OUT, on_failure="stop"), "no; left as it is (onFailure: stop): the service points to web:2"),
        (
            service_item(step=Step.ROLLING_OUT, revision="web:2"),
            "no; could not roll back: no earlier revision is known, so web:2 is left as it is",
        ),
        (at(Step.ROLLING_BACK, reason="2 stopped tasks"), "could not roll back: no; 2 stopped tasks"),
    ],
    ids=["stop", "nothing before", "rolling back"],
)
def test_a_failure_that_is_not_rolled_back_says_why(item, told):
    failed = after_failure(item, "no", 100.0)
    assert (failed.status, failed.reason) == (Status.FAILED, told)


def test_a_failure_after_the_change_was_begun_is_rolled_back():
    back = after_failure(at(Step.ROLLING_OUT, since=1.0, doubted_since=2.0), "no", 100.0)
    assert (back.step, back.reason, back.progress.since, back.progress.doubted_since) == (
        Step.ROLL_BACK,
        "no",
        None,
        None,
    )


def test_a_hook_without_a_place_is_asked_for_again_until_its_time_is_over():
    item = at(Step.PRE_DEPLOY, since=0.0)
    waiting = queue_hook(item, "RESOURCE:MEMORY", 10.0)
    assert waiting is not None
    assert waiting.step is Step.PRE_DEPLOY_QUEUED
    assert try_hook_again(waiting).step is Step.PRE_DEPLOY
    assert queue_hook(try_hook_again(waiting), "RESOURCE:MEMORY", 10.0 + 30 * 60) is None


def test_what_a_failed_hook_left_alone_has_nothing_to_be_rolled_back():
    failed = untouched(at(Step.PRE_DEPLOY_RUNNING), "exited with 1", 5.0)
    assert (failed.status, failed.change.revision, failed.change.previous) == (Status.FAILED, None, None)


def test_only_a_service_is_one():
    with pytest.raises(TypeError, match="nightly is no service"):
        trigger_item().cluster  # noqa: B018
    with pytest.raises(TypeError, match="web is no rule or schedule"):
        service_item().trigger  # noqa: B018
