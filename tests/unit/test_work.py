"""Items and batches survive their way through the state machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.errors import InvalidEvent
from ecs_gitops.work import FINAL, Batch, Item, parse_event

text = st.text(min_size=1, max_size=20)
images = st.from_regex(
    r"[a-z]{1,5}(:[0-9]{1,4})?(/[a-z]{1,5})?(:[a-z0-9.]{1,5})?(@sha256:[a-f0-9]{4})?", fullmatch=True
)
items = st.builds(
    Item,
    name=text,
    container=text,
    image=images,
    timeout_minutes=st.integers(1, 1440),
    status=st.sampled_from(["PENDING", "IN_PROGRESS", *sorted(FINAL)]),
    previous_task_def=st.none() | text,
    task_def=st.none() | text,
    previous_image=st.none() | images,
    deployment_id=st.none() | text,
    started_at=st.none() | st.floats(1, 2e9),
    reason=st.none() | text,
    seconds=st.none() | st.floats(0, 1e5),
)


@given(item=items)
def test_an_item_comes_back_with_all_that_its_result_needs(item):
    back = Item.from_json(item.to_json())
    expected = item
    if item.is_final:
        expected = replace(item, container="", timeout_minutes=0, started_at=None)
    assert back == expected


def test_reasons_of_a_batch_share_their_room_and_keep_their_beginning():
    failed = tuple(Item(f"s{n}", image="x", status="FAILED", reason=f"{n} " + "x" * 999) for n in range(10))
    batch = Batch("service", "1", "r", "arn:aws:iam::1:role/x", failed, cluster="c", reason_budget=2000)
    reasons = [item["reason"] for item in batch.to_json()["items"]]
    assert [len(reason) for reason in reasons] == [200] * 10
    assert reasons[3].startswith("3 xxx")


@pytest.mark.parametrize("event", [{}, {"release": {}, "batch": {}}, {"release": None, "batch": None}, {"release": 1}])
def test_an_event_that_the_state_machine_never_sends_is_named_as_such(event):
    with pytest.raises(InvalidEvent):
        parse_event(event)
