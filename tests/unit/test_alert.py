"""People know of a failure before the rollback is over, once, and only where something is to come."""

from __future__ import annotations

import pytest

from ecs_gitops.flow.next_step import with_next_step
from ecs_gitops.flow.transitions import after_failure, end, fail
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.item import Item
from ecs_gitops.model.status import Kind, Mode, Status, Step
from ecs_gitops.notify.alert import alert_for
from unit.item_maker import service_item

ROLE = "arn:aws:iam::111111111111:role/deploy"
ROLLING_OUT = service_item(step=Step.ROLLING_OUT, previous="web:1", revision="web:2")
STOPS = service_item(step=Step.ROLLING_OUT, previous="web:1", revision="web:2", on_failure="stop")
WHY = "2 stopped tasks: CannotPullContainerError"


def batch(*items: Item, **more: object) -> Batch:
    return Batch(Kind.SERVICE, "111111111111", "us-west-2", ROLE, items, **more)  # type: ignore[arg-type]


def failing(item: Item = ROLLING_OUT) -> Item:
    return after_failure(item, WHY, 100.0)


def test_a_service_that_is_returned_is_told_before_it_is_back(release):
    # GIVEN a service whose rollout failed, and that is to return
    alert = alert_for(release, batch(ROLLING_OUT), with_next_step(batch(failing()), 100.0))
    # THEN the notice has what, why and what follows
    assert alert is not None
    assert alert["subject"] == "[ecs-gitops] FAILING: release 4.0 (web)"
    assert f"shop/web: {WHY}" in alert["message"]
    assert "It is being rolled back to web:1." in alert["message"]
    assert "states/home" in alert["message"]


def test_an_item_that_takes_the_release_with_it_is_told_although_its_batch_is_over(release):
    item = service_item(step=Step.ROLLING_OUT, revision="web:2", on_failure="rollbackRelease")
    alert = alert_for(release, batch(item), with_next_step(batch(failing(item)), 100.0))
    assert alert is not None
    assert "What this release changed is going to be rolled back." in alert["message"]


def test_a_failure_while_others_go_on_is_told(release):
    item = STOPS
    other = service_item(1, "api", step=Step.ROLLING_OUT)
    alert = alert_for(release, batch(item, other), with_next_step(batch(failing(item), other), 100.0))
    assert alert is not None
    assert "It is not tried again; the others go on." in alert["message"]


def test_a_failure_in_one_of_several_accounts_is_told_although_its_batch_is_over(release):
    item = STOPS
    for batches, is_told in ((2, True), (1, False)):
        over = with_next_step(batch(failing(item), batches_in_release=batches), 100.0)
        assert (alert_for(release, batch(item, batches_in_release=batches), over) is not None) == is_told


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (batch(ROLLING_OUT), batch(ROLLING_OUT)),
        (batch(ROLLING_OUT), batch(end(ROLLING_OUT, Status.DEPLOYED))),
        (batch(STOPS), batch(failing(STOPS))),
        (batch(failing()), batch(failing())),
        (batch(ROLLING_OUT, mode=Mode.CHECK), batch(fail(ROLLING_OUT, "there is no such image"), mode=Mode.CHECK)),
    ],
    ids=["nothing-over", "deployed", "report-follows", "known-already", "check"],
)
def test_there_is_no_notice_ahead_where_it_would_tell_nothing_new(release, before, after):
    assert alert_for(release, before, with_next_step(after, 100.0)) is None


def test_many_failures_fit_one_notice(release):
    items = [
        service_item(n, f"service-{n:03}", step=Step.ROLLING_OUT, previous="a:1", revision="a:2") for n in range(500)
    ]
    failed = [after_failure(item, "x" * 5_000, 100.0) for item in items]
    alert = alert_for(release, batch(*items), with_next_step(batch(*failed), 100.0))
    assert alert is not None
    assert len(alert["subject"]) < 100
    assert len(alert["message"]) < 15_000
    assert "and 490 more" in alert["message"]
