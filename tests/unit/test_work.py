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
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.items import FINAL, Item

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
items = st.builds(
    Item,
    number=st.integers(0, 9999),
    name=text,
    cluster=st.none() | text,
    images=st.dictionaries(text, images, min_size=1, max_size=3),
    on_failure=st.sampled_from(["stop", "rollback", "rollbackRelease"]),
    depends_on=st.lists(st.integers(0, 99), max_size=3).map(tuple),
    wave=st.integers(-1, 9),
    deployment=plain,
    hooks=st.none()
    | st.dictionaries(
        st.sampled_from(["preDeploy", "postDeploy"]),
        st.fixed_dictionaries({"command": st.lists(text, min_size=1, max_size=2)}),
    ),
    previous_deployment=plain,
    phase=st.sampled_from([None, "PRE_DEPLOY", "DEPLOY", "POST_DEPLOY", "ROLLBACK"]),
    warnings=st.lists(readable, max_size=3).map(tuple),
    timeout_minutes=st.integers(1, 1440),
    status=st.sampled_from(["PENDING", "IN_PROGRESS", *sorted(FINAL)]),
    previous_task_def=st.none() | text,
    task_def=st.none() | text,
    previous_image=st.none() | images,
    deployment_id=st.none() | text,
    started_at=st.none() | st.floats(1, 2e9).map(lambda x: round(x, 1)),
    reason=st.none() | readable.filter(bool),
    seconds=st.none() | st.floats(0, 1e5),
)


def batch_of(*items: Item, **more: object) -> Batch:
    return Batch("service", "1", "r", "arn:aws:iam::1:role/x", items, **more)  # type: ignore[arg-type]


@given(given=st.lists(items, max_size=4, unique_by=lambda item: item.number))
def test_items_come_back_with_all_that_is_still_needed(given):
    data = json.loads(json.dumps(batch_of(*given, reason_budget=10_000).to_json()))
    back = Batch.from_json(data)
    assert [item.status for item in back.items] == [item.status for item in given]
    for item, found in zip(given, back.items, strict=True):
        if not item.is_final:
            assert found == replace(item, deployment=item.deployment, hooks=item.hooks)
            continue
        # Of what is over, the result; and of what was deployed, what returns it.
        told = ("number", "name", "cluster", "wave", "reason", "warnings", "seconds", "task_def", "previous_task_def")
        assert [getattr(found, name) for name in told] == [getattr(item, name) for name in told]
        assert list(found.images.values()) == list(item.images.values())
        if item.status == "DEPLOYED":
            assert (found.timeout_minutes, found.previous_deployment) == (
                item.timeout_minutes,
                item.previous_deployment,
            )
        if item.status in ("FAILED", "ROLLED_BACK"):
            assert found.on_failure == item.on_failure


def test_what_items_have_in_common_is_carried_once():
    deployment = {"strategy": "CANARY", "alarms": {"alarmNames": ["x" * 200]}}
    few, many = (
        batch_of(*(Item(n, f"s{n}", deployment=deployment, warnings=("y" * 200,)) for n in range(count)))
        for count in (1, 100)
    )
    assert len(json.dumps(many.to_json())) < len(json.dumps(few.to_json())) + 100 * 160


def test_reasons_of_a_batch_share_their_room_and_keep_their_beginning():
    failed = [Item(n, f"s{n}", images={"": "x"}, status="FAILED", reason=f"{n} " + "x" * 999) for n in range(10)]
    reasons = [item["reason"] for item in batch_of(*failed, reason_budget=2000).to_json()["items"]]
    assert [len(reason) for reason in reasons] == [200] * 10
    assert reasons[3].startswith("3 xxx")


@pytest.mark.parametrize("event", [{}, {"release": {}, "batch": {}}, {"release": None, "batch": None}, {"release": 1}])
def test_an_event_that_the_state_machine_never_sends_is_named_as_such(event):
    with pytest.raises(InvalidEvent):
        parse_event(event)


@given(given=st.lists(items, max_size=4, unique_by=lambda item: item.number))
def test_packed_items_come_back_like_others(given):
    packed = batch_of(*given, reason_budget=1).to_json()
    assert set(packed) >= {"packed", "counts"}
    assert "items" not in packed
    readable = Batch.from_json(json.loads(json.dumps(batch_of(*given, reason_budget=10_000_000).to_json())))
    assert [replace(item, reason=None) for item in Batch.from_json(json.loads(json.dumps(packed))).items] == [
        replace(item, reason=None) for item in readable.items
    ]


def test_a_thousand_services_in_flight_stay_below_half_of_what_a_state_carries():
    # GIVEN a thousand services that are being deployed, each with a digest and a mark that nothing else has
    number = random.Random(1)  # noqa: S311 - the same in every run
    in_flight = [
        Item(
            n,
            f"service-with-a-name-{n:04}",
            "production",
            {"app": f"111111111111.dkr.ecr.us-west-2.amazonaws.com/team/service-{n:04}:2026.11.24-abcdef0"},
            30,
            status="IN_PROGRESS",
            deployment_needed=True,
            previous_task_def=f"service-with-a-name-{n:04}:12",
            task_def=f"service-with-a-name-{n:04}:13",
            previous_image=f"111111111111.dkr.ecr.us-west-2.amazonaws.com/team/service-{n:04}:2026.11.23-abcdef0",
            digests={"app": f"sha256:{number.randbytes(32).hex()}"},
            mark=number.randbytes(8).hex(),
            deployment_id=f"ecs-svc/{number.randrange(10**18, 10**19)}",
            began=round(1_732_448_000 + number.random() * 900, 1),
            started_at=round(1_732_448_000 + number.random() * 900, 1),
            checks="oooooo!!",
            warnings=("no health check: a task counts as healthy as soon as it runs",),
        )
        for n in range(1000)
    ]
    batch = batch_of(*in_flight)
    assert len(json.dumps(batch.to_json())) < 131_072
    assert Batch.from_json(batch.to_json()).items == tuple(in_flight)
