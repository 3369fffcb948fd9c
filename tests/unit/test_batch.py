"""Items, batches and memories survive their way through the ledger; pointers to them stay small."""

from __future__ import annotations

import json
from itertools import cycle, islice

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecs_gitops.flow import event_budget
from ecs_gitops.model import sanitize
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.change import Change
from ecs_gitops.model.desired import DesiredService, DesiredTrigger
from ecs_gitops.model.errors import InvalidEvent
from ecs_gitops.model.item import Item
from ecs_gitops.model.memory import MEMORY, Attempt, Earlier, Good, Memory, NotGood
from ecs_gitops.model.pointer import SCHEMA_VERSION, Pointer, parse_event
from ecs_gitops.model.progress import Progress, Result, Watched
from ecs_gitops.model.status import (
    ChangeKind,
    Finding,
    Hook,
    Judgement,
    Kind,
    Mode,
    Next,
    OnFailure,
    Proof,
    Status,
    Step,
)
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
digests = st.dictionaries(text, text, max_size=2)
desired = {
    "number": st.integers(0, 9999),
    "name": text,
    "images": st.dictionaries(text, images, min_size=1, max_size=3),
    "timeout_minutes": st.integers(1, 1440),
    "wave": st.integers(-1, 9),
    "depends_on": st.lists(st.integers(0, 99), max_size=3).map(tuple),
    "on_failure": st.sampled_from(OnFailure),
    "pin_digest": st.booleans(),
    "content_hash": st.text(max_size=8),
}
services = st.builds(
    DesiredService,
    **desired,
    cluster=text,
    is_timeout_given=st.booleans(),
    force_new_deployment=st.booleans(),
    require_zero_downtime=st.booleans(),
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
    previous_digests=digests,
    previous_settings=plain,
    digests=digests,
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
    judgement=st.sampled_from(Judgement),
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
    judgement=st.sampled_from(Judgement),
    runs_nothing=st.booleans(),
)
goods = st.builds(Good, revision=text, digests=digests, proof=st.sampled_from(Proof))
attempts = st.builds(
    Attempt,
    execution=text,
    fingerprint=text,
    digests=digests,
    revision=st.none() | text,
    has_post_deploy=st.booleans(),
    rollback_to=st.none() | st.builds(Earlier, revision=text, digests=digests, settings=plain),
    written=st.lists(plain.filter(lambda settings: settings is not None), max_size=3).map(tuple),
    good_before=st.none() | goods,
    verdict=st.sampled_from(Judgement),
    by=st.text(max_size=8),
    at=st.floats(0, 2e9),
)
memories = st.builds(
    Memory,
    good=st.none() | goods,
    attempt=st.none() | attempts,
    not_good=st.lists(
        st.builds(NotGood, revision=text, why=st.text(max_size=8), needs_hook=st.booleans()), max_size=3
    ).map(tuple),
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
    """The batch as the next function reads it."""
    return Batch.from_json(json.loads(json.dumps(batch.to_json())))


# --- items -----------------------------------------------------------------------------------------------------------


@given(given=lists_of(services))
def test_services_come_back_as_they_were(given):
    assert travelled(batch_of(*given)).items == tuple(given)


@given(given=lists_of(triggers))
def test_rules_and_schedules_come_back_as_they_were(given):
    assert travelled(batch_of(*given, kind=Kind.TASK)).items == tuple(given)


@given(
    mode=st.sampled_from(Mode),
    batches=st.integers(0, 5_000),
    keep=st.lists(text, max_size=3).map(tuple),
    stretch=st.sampled_from(event_budget.STRETCHES),
)
def test_a_batch_comes_back_as_it_was(mode, batches, keep, stretch):
    batch = batch_of(service_item(), mode=mode, batches_in_release=batches, keep=keep, stretch=stretch)
    assert travelled(batch) == batch


def test_what_comes_next_with_a_batch_is_in_its_pointer_alone():
    batch = batch_of(service_item(), next=Next.WAIT, wait_seconds=30, error="E: it failed")
    assert batch.to_json() == batch_of(service_item()).to_json()


@given(reason=st.text(max_size=40).map(lambda text: text * 400), ended=st.booleans())
def test_reasons_are_cleaned_and_of_bounded_length(reason, ended):
    item = service_item(status="FAILED", reason=reason) if ended else service_item(step="ROLL_BACK", reason=reason)
    kept = travelled(batch_of(item)).items[0].reason or ""
    assert kept == sanitize.line(reason, 8_000)
    assert len(kept) <= 8_000


def test_texts_that_people_read_are_cleaned():
    hostile = "\x1b[31mred\u202e\nhttps://x.example"
    item = service_item(step="ROLLING_OUT", text=hostile, warnings=(hostile,))
    (kept,) = travelled(batch_of(item)).items
    assert kept.progress.text == kept.change.warnings[0] == "red https[:]//x[.]example"


# --- memories --------------------------------------------------------------------------------------------------------


@given(memory=memories)
def test_a_memory_comes_back_as_it_was(memory):
    assert MEMORY.read(json.loads(json.dumps(MEMORY.write(memory))), "memory") == memory


@given(memory=memories)
def test_a_memory_has_no_more_than_what_differs_from_nothing(memory):
    written = MEMORY.write(memory)
    assert set(written) == {
        name
        for name, part in zip(
            ("good", "attempt", "notGood"), (memory.good, memory.attempt, memory.not_good), strict=True
        )
        if part
    }
    assert MEMORY.write(Memory()) == {}


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([], "memory is"),
        ({"good": None}, r"memory\.good is None"),
        ({"good": [{"revision": "web:1"}]}, r"memory\.good is of type list"),
        ({"good": {"revision": 1}}, r"memory\.good\.revision is of type int|revision is 1"),
        ({"good": {"revision": "web:1", "proof": "HOPED"}}, r"memory\.good\.proof is 'HOPED'; accepted: PROVEN or"),
        ({"notGood": {"revision": "web:1"}}, r"memory\.notGood is of type dict; accepted: a list"),
        ({"notGood": None}, r"memory\.notGood is None; accepted: a list"),
        ({"notGood": ["web:1"]}, r"memory\.notGood\[0\] is 'web:1'"),
        ({"notGood": [{"revision": "web:1"}, {"revision": "w", "why": 3}]}, r"memory\.notGood\[1\]\.why is"),
        ({"attempt": {"execution": "e", "fingerprint": "f", "rollbackTo": []}}, r"memory\.attempt\.rollbackTo is"),
        ({"attempt": {"execution": "e", "fingerprint": "f", "written": {}}}, r"memory\.attempt\.written is"),
        ({"attempt": {"execution": "e", "fingerprint": "f", "written": [3]}}, r"memory\.attempt\.written is"),
        ({"attempt": {"fingerprint": "f"}}, "execution"),
    ],
)
def test_a_memory_of_another_shape_is_refused_and_its_member_named(data, place):
    with pytest.raises((TypeError, ValueError), match=place):
        MEMORY.read(data, "memory")


# --- pointers --------------------------------------------------------------------------------------------------------


def pointer_of(batch: Batch) -> dict[str, object]:
    """The pointer to a batch as the state machine carries it."""
    return dict(json.loads(json.dumps(Pointer.of(batch, 3, 17).to_json(batch))))


states = st.lists(
    st.tuples(st.sampled_from([*Step, *Status]), st.text(max_size=40).map(lambda text: text * 50)),
    min_size=1,
    max_size=20,
)


def many(states, count=5_000):
    """Services of the longest names in these states, with these texts."""
    for number, (state, shown) in enumerate(islice(cycle(states), count)):
        name = f"s{number}-".ljust(255, "x")
        if isinstance(state, Status):
            yield service_item(number, name, images={}, status=state, reason=shown)
        else:
            yield service_item(number, name, images={}, step=state, began=float(number), text=shown)


@settings(max_examples=8)
@given(states=states, following=st.sampled_from(Next), seconds=st.integers(0, 900))
@example(states=[(state, "\U0001f600" * 200) for state in (*Step, *Status)], following=Next.WAIT, seconds=60)
@example(states=[(state, '"' * 200) for state in (*Step, *Status)], following=Next.WAIT, seconds=60)
@example(states=[(Step.PRE_DEPLOY_RUNNING, "x" * 200)], following=Next.DEPLOY, seconds=0)
def test_a_pointer_to_thousands_of_services_is_small(states, following, seconds):
    # GIVEN a batch with the longest role, of the longest path
    role = f"arn:aws-us-gov:iam::{'1' * 12}:role/{'p' * 510}/{'r' * 64}"
    items = tuple(many(states))
    batch = Batch(Kind.SERVICE, "1" * 12, "us-gov-west-1", role, items, next=following, wait_seconds=seconds)
    # WHEN its pointer is written
    data = pointer_of(batch)
    # THEN it has less than four kilobytes, counts all, and has lines while the batch goes on
    assert len(json.dumps(data)) < 4_096
    assert sum(data["counts"].values()) == 5_000
    assert (data["next"], data["waitSeconds"]) == (following, seconds)
    lines = data.get("progress", [])
    assert len(lines) <= 13
    assert all(line.isprintable() for line in lines)
    if following is Next.DONE:
        assert "progress" not in data
    elif any(isinstance(state, Step) or state.is_bad for state, _ in states):
        assert len(lines) >= 2
        assert lines[-1].endswith(" more")
    # AND it points to the batch
    assert Pointer.from_json(data) == Pointer.of(batch, 3, 17)


@given(
    mode=st.sampled_from(Mode), kind=st.sampled_from(Kind), stage=st.integers(0, 25_000), step=st.integers(0, 25_000)
)
def test_a_pointer_comes_back_as_it_was(mode, kind, stage, step):
    batch = batch_of(kind=kind, mode=mode)
    pointer = Pointer.of(batch, stage, step)
    data = json.loads(json.dumps(pointer.to_json(batch)))
    assert Pointer.from_json(data) == pointer
    assert data["schemaVersion"] == SCHEMA_VERSION


def test_a_pointer_has_the_error_of_the_state_that_failed():
    data = pointer_of(batch_of(service_item())) | {"error": {"Error": "E", "Cause": '{"errorMessage": "it failed"}'}}
    assert Pointer.from_json(data).error == "E: it failed"


def test_pointers_of_one_release_have_names_of_their_own():
    places = [(kind, account, region) for kind in Kind for account in ("1", "12") for region in ("r-1", "2-r-1", "r")]
    names = {Pointer.of(Batch(kind, account, region, "arn", ()), 0, 0).name for kind, account, region in places}
    assert len(names) == len(places)


def test_who_looks_at_an_execution_sees_what_is_going_on():
    # GIVEN a batch of many services, most of them waited for, one of them failed
    going_on = [
        service_item(n, f"s{n}", step="ROLLING_OUT", began=float(n), text="1 of 2 tasks") for n in range(1, 200)
    ]
    failed = service_item(0, "web", status="FAILED", reason="2 stopped tasks: CannotPullContainerError")
    data = pointer_of(batch_of(*going_on, failed, next=Next.WAIT))
    # THEN its pointer has a few lines: what failed, then what takes longest, then how many more there are
    assert data["progress"][:2] == [
        "web: FAILED: 2 stopped tasks: CannotPullContainerError",
        "s1: ROLLING_OUT: 1 of 2 tasks",
    ]
    assert len(data["progress"]) == 13
    assert data["progress"][-1] == "and 188 more"
    assert data["counts"] == {"ROLLING_OUT": 199, "FAILED": 1}


def test_a_batch_of_which_nothing_is_begun_has_no_lines():
    assert "progress" not in pointer_of(batch_of(service_item()))


@pytest.mark.parametrize(
    "event", [{}, {"release": {}, "batch": {}}, {"release": None, "batch": None}, {"release": 1}, [], 3]
)
def test_an_event_that_the_state_machine_never_sends_is_named_as_such(event):
    with pytest.raises(InvalidEvent):
        parse_event(event)
