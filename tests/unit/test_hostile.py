"""Events that the state machine never sends, and objects that the ledger never has: only documented errors, and no item
lost or made."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fuzz
import hostile
import worst_cases
from ecs_gitops.flow.stages import Stage, following
from ecs_gitops.lambdas import validate_deploy
from ecs_gitops.ledger import fence
from ecs_gitops.ledger.fence import Fence, Holder
from ecs_gitops.ledger.work import Work
from ecs_gitops.model.batch import Batch, state_error
from ecs_gitops.model.errors import FenceLost, InvalidEvent, LedgerRefused, ReleaseInProgress
from ecs_gitops.model.pointer import Pointer, parse_event
from ecs_gitops.model.release import Release
from worst_cases import RELEASE, batch, batch_event, item, pointer, stage_event, step, stored

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
def test_a_real_event_with_anything_changed_in_it_or_in_the_ledger_has_a_documented_outcome(index, seed):
    known = hostile.events()
    recorded = known[index % len(known)]
    hostile.judge_event(recorded.handler, *fuzz.Source(seed).changed(recorded))


def test_real_events_are_taken():
    assert {recorded.handler for recorded in hostile.events()} == set(hostile.HANDLERS)
    for recorded in hostile.events():
        assert hostile.judge_event(recorded.handler, json.loads(recorded.event), recorded.objects) == "result"


def test_what_real_events_point_to_is_all_that_is_changed():
    # GIVEN every kind of object that the handlers read
    read = {key for recorded in hostile.events() for key in recorded.read}
    folders = {key.partition("/")[0] for key in read}
    assert folders == {"settings", "running.json", "targets", "work"}
    assert {key.rpartition("/")[2] for key in read} >= {"rest.json", "0.json", "1.json"}
    # AND every mode
    events = [json.loads(recorded.event) for recorded in hostile.events()]
    assert {event["batch"]["mode"] for event in events if "batch" in event} == {"CHECK", "DEPLOY", "CLEAN"}


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"null", b"\xff", b'{"schemaVersion": 2}', b"[" * 10**5])
def test_each_object_that_is_read_may_be_damaged(content):
    outcomes = set()
    for recorded in hostile.events()[::3]:
        for key in recorded.read:
            objects = {name: text for name, text in recorded.objects.items() if name != key}
            objects |= {} if content is None else {key: content}
            outcomes.add(hostile.judge_event(recorded.handler, json.loads(recorded.event), objects))
    assert "LedgerRefused" in outcomes
    assert outcomes <= {"LedgerRefused", "InvalidSettings", "FenceLost", "result"}


# --- a batch ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "value", "accepted"),
    [
        ("kind", "job", "task or service"),
        ("mode", "DESTROY", "CHECK or PREPARE or DEPLOY"),
        ("account", 1, "an account's number"),
        ("region", "us west", "the name of a Region"),
        ("roleArn", "arn", "the ARN of a role"),
        ("batchesInRelease", -1, "not negative"),
        ("batchesInRelease", 10**400, "not negative"),
        ("keep", "web:1", "a list of texts"),
        ("keep", [1], "a list of texts"),
        ("stretch", 0.5, "from 1 to 150"),
        ("stretch", 151, "from 1 to 150"),
        ("stretch", float("nan"), "from 1 to 150"),
        ("stretch", "2", "from 1 to 150"),
        ("items", "ab", "a list"),
        ("items", {}, "a list"),
        ("items", None, "a list"),
    ],
)
def test_a_batch_of_another_shape_is_refused_with_what_is_accepted(member, value, accepted):
    reported = refused(batch([item(0)]) | {member: value})
    assert reported.startswith(f"not a batch: {member} is ")
    assert accepted in reported


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
        ("desired", "deployment", [7]),
        ("desired", "deployment", {"canaryConfiguration": 3}),
        ("desired", "deployment", {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 0}}),
        ("desired", "deployment", {"alarms": {"alarmNames": [1]}}),
        ("desired", "hooks", {"preDeploy": {}}),
        ("desired", "hooks", {"preDeploy": {"command": []}}),
        ("desired", "hooks", {"midDeploy": {"command": ["x"]}}),
        ("desired", "images", {"web": 3}),
        ("desired", "images", ["web:2"]),
        ("desired", "contentHash", 3),
        ("change", "kind", "GUESS"),
        ("change", "digests", {"web": 3}),
        ("change", "previousSettings", [1]),
        ("change", "warnings", [0]),
        ("change", "previousDigests", {"web": 3}),
        ("change", "previousDigests", []),
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
        ("result", "judgement", "MAYBE"),
        ("result", "runsNothing", 1),
        ("progress", "judgement", "MAYBE"),
    ],
)
def test_an_item_of_another_shape_is_refused_and_named(part, member, value):
    known = {"status": "FAILED"} if part == "result" else {}
    made = {member: value} if part == "desired" else {part: {**known, member: value}}
    assert "items[1]" in refused(batch([item(0), item(1, **made)]))


@pytest.mark.parametrize("part", ["desired", "change", "progress", "watched", "result"])
def test_a_part_that_is_no_object_is_refused_and_named(part):
    reported = refused(batch([item(0), item(1) | {part: [1]}]))
    assert f"items[1].{part}" in reported


def test_items_have_numbers_of_their_own():
    assert "the same number" in refused(batch([item(0), item(0)]))
    assert "KeyError" in refused(batch())
    assert "missing" in refused(batch([{"desired": {"number": 0}}]))


# --- a pointer -------------------------------------------------------------------------------------------------------


def pointer_refused(data):
    """Why a pointer is none."""
    with pytest.raises(InvalidEvent) as caught:
        Pointer.from_json(data)
    assert len(str(caught.value)) < 600
    return str(caught.value)


@pytest.mark.parametrize(
    ("member", "value", "accepted"),
    [
        ("kind", "job", "task or service"),
        ("mode", "DESTROY", "CHECK or PREPARE or DEPLOY"),
        ("mode", ["CHECK"], "CHECK or PREPARE or DEPLOY"),
        ("account", 1, "an account's number"),
        ("account", "../1", "an account's number"),
        ("region", "us west", "the name of a Region"),
        ("region", "../work", "the name of a Region"),
        ("roleArn", "arn", "the ARN of a role"),
        ("stage", -1, "from 0 to 25,000"),
        ("stage", "0", "from 0 to 25,000"),
        ("step", True, "from 0 to 25,000"),
        ("step", 1.5, "from 0 to 25,000"),
        ("step", 25_001, "from 0 to 25,000"),
        ("step", 10**400, "from 0 to 25,000"),
    ],
)
def test_a_pointer_of_another_shape_is_refused_with_what_is_accepted(member, value, accepted):
    reported = pointer_refused(pointer(batch([])) | {member: value})
    assert reported.startswith(f"not a batch: {member} is ")
    assert accepted in reported


@pytest.mark.parametrize("member", ["kind", "account", "region", "roleArn", "mode", "stage", "step"])
def test_a_pointer_has_all_its_members(member):
    data = pointer(batch([]))
    del data[member]
    assert member in pointer_refused(data)


@pytest.mark.parametrize("data", [None, [], 3, "batch", [["kind", "service"]]])
def test_what_is_no_object_is_no_pointer(data):
    assert "accepted: an object" in pointer_refused(data)


@pytest.mark.parametrize("version", [2, 4, "3", None, 10**400, "x" * 9_000, "\x1b[31m"])
def test_data_of_another_version_of_the_package_is_named_as_such(version):
    reported = pointer_refused(pointer(batch([]), schemaVersion=version))
    assert "started by another version of ecs-gitops. Release again" in reported
    assert reported.isprintable()
    event, ledger = stage_event([batch([item(0)])], schemaVersion=version)
    assert hostile.judge_event("validate_deploy", event, ledger) == "InvalidEvent"


def test_what_people_see_of_a_pointer_is_not_read():
    data = pointer(batch([])) | {"counts": 3, "progress": {}, "next": "LATER", "waitSeconds": "soon"}
    assert Pointer.from_json(data) == Pointer.from_json(pointer(batch([])))


# --- a step ----------------------------------------------------------------------------------------------------------


def key(made, number=0, stage=0):
    return hostile.step_key(RELEASE, pointer(made, stage), number)


WEB = batch([item(0, name="web", images={"web": "web:1"})])


def outcome(event, ledger):
    """The answer of ValidateDeploy, or the text of the error by which it refuses."""
    with hostile.world(ledger):
        return validate_deploy.handler(json.loads(json.dumps(event)), None)


def test_a_step_that_is_absent_is_replaced_by_an_older_one():
    # GIVEN a pointer to step 3, and of the steps before it only the second
    event = {"release": RELEASE, "batch": pointer(WEB, step=3)}
    ledger = {**hostile.LEDGER, **step(WEB, number=1)}
    with hostile.world(ledger) as machine:
        loaded = Work(machine.ledger, Release.from_json(RELEASE)).load(Pointer.from_json(event["batch"]))
    # THEN the batch is known as of then, and the next step is the fourth all the same
    assert loaded.is_older
    assert [each.name for each in loaded.batch.items] == ["web"]
    assert hostile.judge_event("deploy_ecs", event, ledger) == "result"
    assert outcome(event, ledger)["batch"]["step"] == 4


def test_with_no_step_at_all_nothing_is_made_up():
    event, _ = batch_event(WEB)
    with pytest.raises(LedgerRefused, match=r"0\.json was deleted, and every step before it: .* Release again"):
        outcome(event, hostile.LEDGER)
    assert hostile.judge_event("deploy_ecs", event, hostile.LEDGER) == "LedgerRefused"
    stage, _ = stage_event([WEB])
    assert hostile.judge_event("validate_deploy", stage, hostile.LEDGER) == "LedgerRefused"


def test_a_step_that_was_made_before_is_adopted_as_it_is():
    # GIVEN the step after the one that the event points to
    event, ledger = batch_event(WEB)
    shown = pointer(WEB, step=1, next="WAIT", waitSeconds=30, counts={"ROLLING_OUT": 1})
    alert = {"subject": "FAILING", "message": "web", "status": "FAILING"}
    made = {key(WEB, 1): stored({"batch": WEB, "pointer": shown, "alert": alert})}
    # THEN its pointer and its alert are the answer, also where the step before is damaged
    expected = {"release": RELEASE, "batch": shown, "alert": alert}
    assert outcome(event, {**ledger, **made}) == expected
    assert outcome(event, {**ledger, **made, key(WEB): b"{"}) == expected


def damaged(**members):
    """A step with other members."""
    data = json.loads(step(WEB)[key(WEB)])
    for member, value in members.items():
        data[member] = {**data[member], **value} if isinstance(value, dict) and value else value
    return json.dumps({name: value for name, value in data.items() if value != "absent"}).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (step(WEB)[key(WEB)][:-20], "delimiter|Unterminated|Expecting"),
        (b"\xff", "decode"),
        (b"[]", "accepted: an object"),
        (b"[" * 10**6, "recursion"),
        (damaged(schemaVersion=2), "schemaVersion is 2; this function reads 3"),
        (damaged(schemaVersion="3"), "schemaVersion is '3'"),
        (damaged(schemaVersion="absent"), "schemaVersion"),
        (damaged(batch="absent"), "batch"),
        (damaged(batch=[]), "batch is of type list"),
        (damaged(batch={"items": 3}), "items is of type int"),
        (damaged(batch={"items": [item(0), item(0)]}), "the same number"),
        (damaged(batch={"kind": "task"}), "not of the batch"),
        (damaged(batch={"account": "2"}), "not of the batch"),
        (damaged(batch={"mode": "CHECK"}), "not of the batch, mode"),
        (damaged(pointer="absent"), "pointer"),
        (damaged(pointer=None), "pointer is None"),
        (damaged(pointer={"step": 1}), "not of the batch, mode and step"),
        (damaged(pointer={"stage": 7}), "not of the batch"),
        (damaged(pointer={"region": "eu-west-1"}), "not of the batch"),
        (damaged(pointer={"schemaVersion": 2}), "schemaVersion 2"),
        (damaged(pointer={"next": "LATER"}), "pointer.next is 'LATER'"),
        (damaged(pointer={"waitSeconds": -1}), "pointer.waitSeconds is"),
        (damaged(pointer={"waitSeconds": "5"}), "pointer.waitSeconds is '5'"),
        (damaged(pointer={"counts": float("nan")}), "pointer is of type dict"),
        (damaged(pointer={"progress": ["\ud800"]}), "pointer is of type dict"),
        (damaged(alert=[]), "alert is of type list"),
        (stored({"batch": WEB, "pointer": pointer(WEB), "alert": {"subject": 3}}), "alert is of type dict"),
    ],
)
def test_a_step_that_is_damaged_is_refused_with_its_address(content, reason):
    event, ledger = batch_event(WEB, {key(WEB): content})
    with pytest.raises(LedgerRefused, match=reason) as caught:
        outcome(event, ledger)
    assert str(caught.value).startswith(f"s3://ledger/{key(WEB)} is damaged: ")
    assert len(str(caught.value)) < 600
    stage, _ = stage_event([WEB])
    assert hostile.judge_event("validate_deploy", stage, ledger) == "LedgerRefused"


# --- the rest --------------------------------------------------------------------------------------------------------

REST = f"{hostile.folder(RELEASE, 0)}/rest.json"


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"{}",
        b"[]",
        stored({"batches": []}),
        stored({"batches": [batch([item(1)], account="2")]}),
        stored({"batches": [batch([item(n) for n in (1, 2, 3)], account="2")]}),
        stored({"batches": {}}),
        stored({"batches": [3]}),
        stored({"batches": [batch([{}])]}),
        stored({}),
        stored({"batches": [batch([item(n) for n in (1, 2)], account="2")]}).replace(b":3", b":2", 1),
    ],
)
def test_a_rest_that_is_absent_or_not_whole_is_refused(content):
    # GIVEN a stage with two items in the rest
    event, ledger = stage_event([batch([item(0)])], [batch([item(1), item(2)], account="2")])
    assert hostile.judge_event("validate_deploy", event, ledger) == "result"
    # THEN neither is forgotten when their object is absent, or another one
    ledger.pop(REST)
    ledger |= {} if content is None else {REST: content}
    with pytest.raises(LedgerRefused, match=r"items of the release are missing|rest\.json is damaged"):
        outcome(event, ledger)


def test_an_item_is_in_a_stage_once():
    event, ledger = stage_event([batch([item(0)])], [batch([item(0)], account="2")])
    assert hostile.judge_event("validate_deploy", event, ledger) == "InvalidEvent"


# --- the fence -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", ["deploy_ecs", "deploy_task", "validate_deploy"])
@pytest.mark.parametrize(
    "content", [None, Holder("arn:other:run-2", 1.0).written(), Holder(hostile.EXECUTION["id"], 1.0, 2.0).written()]
)
def test_a_release_that_does_not_hold_the_fence_changes_nothing(handler, content):
    is_task = handler == "deploy_task"
    made = batch([item(0, name="nightly", images={"job": "job:2"})], kind="task") if is_task else WEB
    event, ledger = batch_event(made)
    assert hostile.judge_event(handler, event, ledger) == "result"
    del ledger[fence.KEY]
    ledger |= {} if content is None else {fence.KEY: content}
    assert hostile.judge_event(handler, event, ledger) == "FenceLost"


def test_the_name_of_another_release_is_cleaned_for_people():
    name = "run\u202e\x1b[31m-2\n" + "x" * 900
    with hostile.world({fence.KEY: Holder(f"arn:aws:states:{name}", 1.0).written()}) as machine:
        ours = Fence(machine.ledger, hostile.EXECUTION["id"], sleep=lambda _: None)
        with pytest.raises(FenceLost) as lost:
            ours.require(is_rollback=False)
        with pytest.raises(ReleaseInProgress) as running:
            ours.acquire(1.0, lambda _: "RUNNING")
    for reported in (str(lost.value), str(running.value)):
        assert reported.isprintable()
        assert "run-2 x" in reported


# --- a release -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["executionArn", "executionName", "startedAt", "release", "author"])
@pytest.mark.parametrize("value", [[], {"a": 1}, float("nan"), "\ud800"])
def test_a_release_of_another_shape_is_refused(member, value):
    with pytest.raises(InvalidEvent, match=rf"usable release: release\.{member} is "):
        parse_event({"release": RELEASE | {member: value}, "batch": pointer(batch([]))})


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "now", "", 3])
def test_a_start_that_is_no_time_is_refused(start):
    event = {"deployment": {"services": []}, "execution": {**hostile.EXECUTION, "startTime": start}}
    assert hostile.judge_event("init_config", event) in ("InvalidEvent", "InvalidManifest")


@pytest.mark.parametrize("handler", ["deploy_ecs", "deploy_task"])
@pytest.mark.parametrize("attempt", ["1", -1, 1.5, [1], float("inf")])
def test_attempts_are_counted(handler, attempt):
    kind = "task" if handler == "deploy_task" else "service"
    event, ledger = batch_event(batch([item(0)], kind=kind))
    assert hostile.judge_event(handler, {**event, "attempt": attempt}, ledger) == "InvalidEvent"
    assert hostile.judge_event(handler, {**event, "redrive": attempt}, ledger) == "InvalidEvent"
    assert hostile.judge_event(handler, {**event, "attempt": 1, "redrive": None}, ledger) == "result"


def test_a_function_takes_its_own_kind_of_batch_alone():
    event, ledger = batch_event(batch([item(0)]))
    assert hostile.judge_event("deploy_task", event, ledger) == "InvalidEvent"
    assert hostile.judge_event("deploy_ecs", event, ledger) == "result"


# --- a stage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batches", "rest", "reason"),
    [
        ([batch([])], [], "has no items"),
        ([batch([item(0)])], [batch([item(0)], account="2")], "the same number"),
        ([batch([item(0), item(1)]), batch([item(1)], account="2")], [], "the same number"),
        ([batch([item(0, dependsOn=[1])])], [], "not there"),
    ],
)
def test_a_stage_that_is_not_whole_is_refused(batches, rest, reason):
    with pytest.raises(InvalidEvent, match=reason):
        outcome(*stage_event(batches, rest))


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"batches": 3}, "batches is of type int"),
        ({"batches": [3]}, "not a batch"),
        ({"batches": [pointer(WEB), pointer(WEB)]}, "the same number"),
        ({"batches": [], "rest": 2}, "no batches, and 2 items in the rest"),
        ({"batches": None, "rest": 2}, "no batches, and 2 items in the rest"),
        ({"mode": "REST"}, "mode is 'REST'"),
        ({"mode": "CHECK"}, "not in mode CHECK"),
        ({"mode": None}, "mode is None"),
        ({"stage": 1}, "not of stage 1"),
        ({"stage": -1}, "stage is -1|stage is of type int"),
        ({"rest": "2"}, "rest is '2'"),
        ({"rest": None}, "rest is None"),
        ({"executionMinutes": "1"}, "executionMinutes is '1'"),
    ],
)
def test_the_data_of_a_stage_of_another_shape_is_refused(members, reason):
    event, ledger = stage_event([WEB])
    with pytest.raises(InvalidEvent, match=reason):
        outcome({"stage": event["stage"] | members}, ledger)


def test_a_stage_with_batches_has_a_mode():
    event, ledger = stage_event([WEB])
    del event["stage"]["mode"]
    with pytest.raises(InvalidEvent, match="it has batches and no mode"):
        outcome(event, ledger)


@pytest.mark.parametrize("stage", [[], None, 3, True, "stage"])
def test_what_is_no_object_is_no_stage(stage):
    with pytest.raises(InvalidEvent, match="accepted: an object"):
        outcome({"stage": stage}, hostile.LEDGER)


def test_what_depends_on_much_that_failed_is_told_shortly():
    failed = [item(n, result={"status": "FAILED"}) for n in range(30)]
    late = item(30, wave=1, dependsOn=list(range(30)))
    done = following(Stage((Batch.from_json(batch([*failed, late])),), ()))
    reason = done.rest[0].items[-1].reason or ""
    assert reason.startswith("depends on s0, which is FAILED, s1, which is FAILED")
    assert reason.endswith("s9, which is FAILED, and 20 more")


@pytest.mark.parametrize("cause", ["[" * 100_000, '{"errorMessage": "\\ud800"}', "9" * 5_000, "\ud800"])
def test_the_cause_of_a_failed_state_may_be_anything(cause):
    reported = state_error({"Error": "E", "Cause": cause}) or ""
    assert reported.startswith("E: ")
    assert len(reported.encode()) <= 4_000


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_the_worst_events_are_judged_in_bounded_time(worst):
    # GIVEN what each of them costs, but for the largest ones, which are for `make fuzz`
    costs = worst("events")
    assert list(costs) == worst_cases.names("events")
    # THEN each has its outcome, in bounded time and memory
    assert worst_cases.wrong("events", costs) == {}
