"""Events that the state machine never sends: only documented errors, and no item lost or made."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fuzz
import hostile
import worst_cases
from ecs_gitops.flow.stages import Stage, following
from ecs_gitops.model.batch import Batch, parse_event, state_error
from ecs_gitops.model.errors import InvalidEvent
from worst_cases import batch, item, packed

RELEASE = {"executionArn": hostile.EXECUTION["id"], "executionName": "run-1", "startedAt": 1.0}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
members = st.sampled_from(["release", "batch", "stage", "deployment", "execution", "attempt", "items", "error"])


def refused(made):
    """Why a batch is none."""
    with pytest.raises(InvalidEvent) as caught:
        Batch.from_json(made)
    assert len(str(caught.value)) < 600
    return str(caught.value)


# --- anything at all -------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(handler=st.sampled_from(sorted(hostile.HANDLERS)), event=values | st.dictionaries(members, values, max_size=4))
def test_any_event_has_a_documented_outcome(handler, event):
    hostile.judge_event(handler, event)


@settings(deadline=None, max_examples=150)
@given(index=st.integers(0, 10**6), seed=st.integers(0, 10**6))
def test_a_real_event_with_anything_changed_has_a_documented_outcome(index, seed):
    known = hostile.events()
    name, text = known[index % len(known)]
    hostile.judge_event(name, fuzz.Source(seed).mutated(json.loads(text)))


def test_real_events_are_taken():
    assert {name for name, _ in hostile.events()} == set(hostile.HANDLERS)
    assert any('"packed"' in text for _, text in hostile.events())
    for name, text in hostile.events():
        assert hostile.judge_event(name, json.loads(text)) == "result"


# --- a batch ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "value", "accepted"),
    [
        ("kind", "job", "task or service"),
        ("mode", "DESTROY", "CHECK or DEPLOY"),
        ("account", 1, "an account's number"),
        ("region", "us west", "the name of a Region"),
        ("roleArn", "arn", "the ARN of a role"),
        ("reasonBudget", -1, "not negative"),
        ("reasonBudget", 10**400, "not negative"),
        ("shared", {}, "a list"),
        ("items", "ab", "a list"),
        ("packed", 3, "a text"),
    ],
)
def test_a_batch_of_another_shape_is_refused_with_what_is_accepted(member, value, accepted):
    told = refused(batch([item(0)]) | {member: value})
    assert told.startswith(f"not a batch: {member} is ")
    assert accepted in told


@pytest.mark.parametrize(
    ("part", "member", "value"),
    [
        ("desired", "number", -1),
        ("desired", "number", True),
        ("desired", "number", "0"),
        ("desired", "name", None),
        ("desired", "name", "\ud800"),
        ("desired", "onFailure", "retry"),
        ("desired", "timeoutMinutes", -5),
        ("desired", "timeoutMinutes", 1.5),
        ("desired", "wave", -2),
        ("desired", "dependsOn", [-1]),
        ("desired", "dependsOn", ["web"]),
        ("desired", "pinDigest", "yes"),
        ("desired", "deployment", -1),
        ("desired", "deployment", 7),
        ("desired", "deployment", {"canaryConfiguration": 3}),
        ("desired", "deployment", {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 0}}),
        ("desired", "deployment", {"alarms": {"alarmNames": [1]}}),
        ("desired", "hooks", {"preDeploy": {}}),
        ("desired", "hooks", {"preDeploy": {"command": []}}),
        ("desired", "hooks", {"midDeploy": {"command": ["x"]}}),
        ("desired", "image", 3),
        ("change", "kind", "GUESS"),
        ("change", "digests", {"web": 3}),
        ("change", "previousSettings", [1]),
        ("change", "warnings", [0]),
        ("change", "warnings", [-1]),
        ("change", "warnings", {}),
        ("change", "checks", {"image": "MAYBE"}),
        ("progress", "step", "LATER"),
        ("progress", "began", float("nan")),
        ("progress", "since", float("inf")),
        ("progress", "since", 10**30),
        ("progress", "hook", {"task": 1}),
        ("watched", "deployedAt", "yesterday"),
        ("result", "status", "GONE"),
        ("result", "seconds", "12"),
    ],
)
def test_an_item_of_another_shape_is_refused_and_named(part, member, value):
    known = {"status": "FAILED"} if part == "result" else {}
    made = {member: value} if part == "desired" else {part: {**known, member: value}}
    told = refused(batch([item(0), item(1, **made)]))
    assert "items[1]" in told or "there is no shared value" in told


@pytest.mark.parametrize("part", ["desired", "change", "progress", "watched", "result"])
def test_a_part_that_is_no_object_is_refused_and_named(part):
    told = refused(batch([item(0), item(1) | {part: [1]}]))
    assert f"items[1].{part}" in told


def test_items_have_numbers_of_their_own():
    assert "the same number" in refused(batch([item(0), item(0)]))
    assert "KeyError" in refused(batch())
    assert "missing" in refused(batch([{"desired": {"number": 0}}]))


@pytest.mark.parametrize(
    "text",
    ["", "~", "x" * 999, packed(b""), packed(b"[]"), packed(b"{}"), packed(b'{"items": 3}'), packed(b"[" * 10**6)],
)
def test_what_is_packed_and_no_batch_is_refused(text):
    refused(batch(packed=text))


def test_what_is_packed_is_opened_no_further_than_a_batch_goes():
    text = json.dumps({"items": [item(0)]}).encode()
    assert Batch.from_json(batch(packed=packed(text))).items[0].name == "s0"
    assert "more than 8,000,000" in refused(batch(packed=packed(text[:-1] + b" " * 9_000_000 + b"}")))
    assert "cut off" in refused(batch(packed=packed(text)[:-10]))


def test_what_is_packed_replaces_nothing_but_the_items():
    text = json.dumps({"items": [item(0)], "account": "2", "mode": "CHECK"}).encode()
    made = Batch.from_json(batch(packed=packed(text)))
    assert (made.account, made.mode) == (worst_cases.ACCOUNT, "DEPLOY")


def test_shared_values_are_bounded_by_what_they_come_to():
    value = {"alarms": {"alarmNames": ["a" * 100] * 400}}
    assert len(Batch.from_json(batch([item(n, deployment=0) for n in range(50)], shared=[value])).items) == 50
    assert "32,000,000" in refused(batch([item(n, deployment=0) for n in range(1_000)], shared=[value]))


# --- a release -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["executionArn", "executionName", "startedAt", "release", "author"])
@pytest.mark.parametrize("value", [[], {"a": 1}, float("nan"), "\ud800"])
def test_a_release_of_another_shape_is_refused(member, value):
    with pytest.raises(InvalidEvent, match=rf"usable release: release\.{member} is "):
        parse_event({"release": RELEASE | {member: value}, "batch": batch([item(0)])})


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "now", "", 3])
def test_a_start_that_is_no_time_is_refused(start):
    event = {"deployment": {"services": []}, "execution": {**hostile.EXECUTION, "startTime": start}}
    assert hostile.judge_event("init_config", event) in ("InvalidEvent", "InvalidManifest")


@pytest.mark.parametrize("handler", ["deploy_ecs", "deploy_task"])
@pytest.mark.parametrize("attempt", ["1", -1, 1.5, [1], float("inf")])
def test_attempts_are_counted(handler, attempt):
    kind = "task" if handler == "deploy_task" else "service"
    event = {"release": RELEASE, "batch": batch([item(0)], kind=kind)}
    assert hostile.judge_event(handler, {**event, "attempt": attempt}) == "InvalidEvent"
    assert hostile.judge_event(handler, {**event, "attempt": 1, "redrive": None}) == "result"


def test_a_function_takes_its_own_kind_of_batch_alone():
    event = {"release": RELEASE, "batch": batch([item(0)])}
    assert hostile.judge_event("deploy_task", event) == "InvalidEvent"
    assert hostile.judge_event("deploy_ecs", event) == "result"


# --- a stage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        ({"batches": [batch([])]}, "has no items"),
        ({"batches": [batch([item(0)])], "rest": [batch([item(0)])]}, "the same number"),
        ({"batches": [batch([item(0, dependsOn=[1])])]}, "not there"),
        ({"batches": 3}, "batches is of type int"),
        ({"mode": "REST"}, "mode is 'REST'"),
        ([], "an object"),
    ],
)
def test_a_stage_that_is_not_whole_is_refused(stage, reason):
    with pytest.raises(InvalidEvent, match=reason):
        Stage.from_json(stage)


def test_what_depends_on_much_that_failed_is_told_shortly():
    failed = [item(n, result={"status": "FAILED"}) for n in range(30)]
    late = item(30, wave=1, dependsOn=list(range(30)))
    done = following(Stage.from_json({"batches": [batch([*failed, late])]}))
    reason = done.rest[0].items[-1].reason or ""
    assert reason.startswith("depends on s0, which is FAILED, s1, which is FAILED")
    assert reason.endswith("s9, which is FAILED, and 20 more")


@pytest.mark.parametrize("cause", ["[" * 100_000, '{"errorMessage": "\\ud800"}', "9" * 5_000, "\ud800"])
def test_the_cause_of_a_failed_state_may_be_anything(cause):
    told = state_error({"Error": "E", "Cause": cause}) or ""
    assert told.startswith("E: ")
    assert len(told.encode()) <= 4_000


# --- what it costs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", worst_cases.EVENTS)
def test_the_worst_events_are_judged_in_bounded_time(worst, name):
    assert worst[name]["told"] == ("InvalidEvent" if name in worst_cases.REFUSED_EVENTS else "result")
    assert worst[name]["seconds"] < 5
    assert worst[name]["peak"] < 400
