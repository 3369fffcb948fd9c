"""Items and batches survive their way through the state machine."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.model import sanitize
from ecs_gitops.model.batch import Batch, parse_event
from ecs_gitops.model.change import Change
from ecs_gitops.model.desired import DesiredService, DesiredTrigger
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.item import Item
from ecs_gitops.model.progress import Progress, Result, Watched
from ecs_gitops.model.status import ChangeKind, Finding, Hook, Kind, OnFailure, Status, Step
from ecs_gitops.plan.findings import CHECKS
from unit.item_maker import service_item

text = st.text(min_size=1, max_size=20)
# What people read is cleaned on its way.
readable = text.map(sanitize.line)
images = st.from_regex(
    r"[a-z]{1,5}(:[0-9]{1,4})?(/[a-z]{1,5})?(:[a-z0-9.]{1,5})?(@sha256:[a-f0-9]{4})?", fullmatch=True
)
# Names that ECS does not have: what the members that it has may be is checked.
plain = st.none() | st.dictionaries(
    text.map("x-{}".format), st.integers() | text | st.lists(text, max_size=2), max_size=3
)
desired = {
    "number": st.integers(0, 9999),
    "name": text,
    "images": st.dictionaries(text, images, min_size=1, max_size=3),
    "timeout_minutes": st.integers(1, 1440),
    "wave": st.integers(-1, 9),
    "depends_on": st.lists(st.integers(0, 99), max_size=3).map(tuple),
    "on_failure": st.sampled_from(OnFailure),
    "pin_digest": st.booleans(),
}
services = st.builds(
    DesiredService,
    **desired,
    cluster=text,
    is_timeout_given=st.booleans(),
    force_new_deployment=st.booleans(),
    deployment=plain,
    hooks=st.none()
    | st.dictionaries(
        st.sampled_from(Hook).map(str),
        st.fixed_dictionaries({"command": st.lists(text, min_size=1, max_size=2)}),
    ),
)
triggers = st.builds(DesiredTrigger, **desired, event_bus=st.none() | text, schedule_group=st.none() | text)
changes = st.builds(
    Change,
    kind=st.none() | st.sampled_from(ChangeKind),
    revision=st.none() | text,
    previous=st.none() | text,
    replaced=st.none() | text,
    previous_image=st.none() | images,
    previous_settings=plain,
    digests=st.dictionaries(text, text, max_size=2),
    fingerprint=st.none() | text,
    timeout_minutes=st.none() | st.integers(1, 1440),
    checks=st.dictionaries(text, st.sampled_from(Finding), max_size=3),
    warnings=st.lists(readable, max_size=3).map(tuple),
)
moments = st.none() | st.floats(1, 2e9).map(lambda x: round(x, 1))
progresses = st.builds(
    Progress,
    step=st.sampled_from(Step),
    began=moments,
    since=moments,
    text=st.none() | readable.filter(bool),
    reason=st.none() | readable.filter(bool),
    doubted_since=moments,
    paused=st.lists(text, max_size=2).map(tuple),
    awaits_action=st.booleans(),
    hook=st.dictionaries(text, text, max_size=2),
    rollbacks=st.integers(0, 3),
    has_rollback_settings=st.booleans(),
)
watched = st.builds(
    Watched, deployment=st.none() | text, record=st.none() | text, deployed_at=moments, is_followed=st.booleans()
)
results = st.builds(
    Result,
    status=st.sampled_from(Status),
    reason=st.none() | readable.filter(bool),
    running=st.none() | text,
    seconds=st.none() | st.floats(0, 1e5),
    was_rolled_back=st.booleans(),
)


def items(desired):
    """Items that go on, and items that are over, of which no progress is kept."""
    going_on = st.builds(Item, desired=desired, change=changes, progress=progresses, watched=watched)
    return going_on | st.builds(Item, desired=desired, change=changes, watched=watched, result=results)


def lists_of(desired):
    return st.lists(items(desired), max_size=4, unique_by=lambda item: item.number)


def batch_of(*items: Item, kind: Kind = Kind.SERVICE, **more: object) -> Batch:
    return Batch(kind, "1", "r", "arn:aws:iam::1:role/x", items, **more)  # type: ignore[arg-type]


def travelled(batch: Batch) -> Batch:
    """The batch as the next state gets it."""
    return Batch.from_json(json.loads(json.dumps(batch.to_json())))


@given(given=lists_of(services))
def test_services_come_back_as_they_were(given):
    assert travelled(batch_of(*given, reason_budget=10_000)).items == tuple(given)


@given(given=lists_of(triggers))
def test_rules_and_schedules_come_back_as_they_were(given):
    assert travelled(batch_of(*given, kind=Kind.TASK, reason_budget=10_000)).items == tuple(given)


def test_what_items_have_in_common_is_carried_once():
    deployment = {"strategy": "CANARY", "alarms": {"alarmNames": ["x" * 200]}}
    few, many = (
        batch_of(*(service_item(n, f"s{n}", deployment=deployment, warnings=("y" * 200,)) for n in range(count)))
        for count in (1, 100)
    )
    assert len(json.dumps(many.to_json())) < len(json.dumps(few.to_json())) + 100 * 175


def test_reasons_of_a_batch_share_their_room_and_keep_their_beginning():
    failed = [service_item(n, f"s{n}", images={"": "x"}, status="FAILED", reason=f"{n} " + "x" * 999) for n in range(5)]
    reasons = [item["result"]["reason"] for item in batch_of(*failed, reason_budget=2000).to_json()["items"]]
    assert [len(reason) for reason in reasons] == [400] * 5
    assert reasons[3].startswith("3 xxx")


@pytest.mark.parametrize("event", [{}, {"release": {}, "batch": {}}, {"release": None, "batch": None}, {"release": 1}])
def test_an_event_that_the_state_machine_never_sends_is_named_as_such(event):
    with pytest.raises(InvalidEvent):
        parse_event(event)


@given(given=lists_of(services))
def test_packed_items_come_back_like_others(given):
    packed = batch_of(*given, reason_budget=1).to_json()
    assert set(packed) >= {"packed", "counts", "progress"}
    assert "items" not in packed
    readable = travelled(batch_of(*given, reason_budget=10_000_000))
    assert list(map(without_reason, travelled(batch_of(*given, reason_budget=1)).items)) == list(
        map(without_reason, readable.items)
    )


def without_reason(item: Item) -> Item:
    if item.result is not None:
        return replace(item, result=replace(item.result, reason=None))
    return item.with_progress(reason=None)


def test_who_looks_at_packed_items_sees_what_is_going_on():
    # GIVEN a batch of many services, most of them waited for, one of them failed
    going_on = [
        service_item(n, f"s{n}", step="ROLLING_OUT", began=float(n), text="1 of 2 tasks") for n in range(1, 200)
    ]
    failed = service_item(0, "web", status="FAILED", reason="2 stopped tasks: CannotPullContainerError")
    data = batch_of(*going_on, failed, reason_budget=8_000).to_json()
    # THEN its data has a few lines: what failed, then what takes longest, then how many more there are
    assert "packed" in data
    assert data["progress"][:2] == [
        "web: FAILED: 2 stopped tasks: CannotPullContainerError",
        "s1: ROLLING_OUT: 1 of 2 tasks",
    ]
    assert len(data["progress"]) <= 13
    assert data["progress"][-1].endswith(" more")
    assert data["counts"] == {"ROLLING_OUT": 199, "FAILED": 1}


def test_a_thousand_services_in_flight_stay_below_half_of_what_a_state_carries():
    # GIVEN a thousand services that are being deployed, each with a digest and a mark that nothing else has
    number = random.Random(1)  # noqa: S311 - the same in every run
    in_flight = [
        service_item(
            n,
            f"service-with-a-name-{n:04}",
            "production",
            {"app": f"111111111111.dkr.ecr.us-west-2.amazonaws.com/team/service-{n:04}:2026.11.24-abcdef0"},
            30,
            step="ROLLING_OUT",
            kind=ChangeKind.DEPLOY,
            previous=f"service-with-a-name-{n:04}:12",
            revision=f"service-with-a-name-{n:04}:13",
            previous_image=f"111111111111.dkr.ecr.us-west-2.amazonaws.com/team/service-{n:04}:2026.11.23-abcdef0",
            digests={"app": f"sha256:{number.randbytes(32).hex()}"},
            fingerprint=number.randbytes(8).hex(),
            watching=f"ecs-svc/{number.randrange(10**18, 10**19)}",
            began=round(1_732_448_000 + number.random() * 900, 1),
            since=round(1_732_448_000 + number.random() * 900, 1),
            checks=dict.fromkeys(CHECKS, "OK"),
            warnings=("no health check: a task counts as healthy as soon as it runs",),
        )
        for n in range(1000)
    ]
    batch = batch_of(*in_flight)
    assert len(json.dumps(batch.to_json())) < 131_072
    assert Batch.from_json(batch.to_json()).items == tuple(in_flight)
