"""Unchanged items of a rule of which another item is changed: what is reported of them is what runs, or nothing."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest

from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, LedgerRefused
from ecs_gitops.model.identity import short
from unit.fake_aws import ACCOUNT, REGION, Died
from unit.fake_bucket import FakeBucket
from unit.machine import INVOCATION
from unit.shop import item, release

RULE = ("default", "nightly")
REFUSED = {"ErrorCode": "ManagedRuleException", "ErrorMessage": "no"}
TARGET = {"Arn": "cluster", "RoleArn": "role"}
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


def job(image: str, **more: Any) -> dict[str, Any]:
    name = image.rpartition("/")[2].partition(":")[0]
    return {"service": name, "cwRuleName": "nightly", "image": image} | more


TASKS = [job("job:2"), job("log:1")]


@pytest.fixture
def nightly(shop):
    """A rule with two targets that run a task with two containers, of which one is changed."""
    arn = shop.define("jobs", ("job", "job:1"), ("log", "log:1"))
    shop.rules[RULE] = [{"Id": each, **TARGET, "EcsParameters": {"TaskDefinitionArn": arn}} for each in "ab"]
    return shop


def runs(aws) -> list[str]:
    return [short(target["EcsParameters"]["TaskDefinitionArn"]) for target in aws.rules[RULE]]


def repointed(aws, arn: str) -> None:
    for target in aws.rules[RULE]:
        target["EcsParameters"] = {"TaskDefinitionArn": arn}


def reported(machine, manifest) -> dict[str, tuple[Any, ...]]:
    """Status, revision before and revision now of each item, by its container."""
    shown = {}
    for each in machine.run(manifest)["result"]["items"]:
        name = each["image"].rpartition("/")[2].partition(":")[0]
        arns = (each.get(part, "") for part in ("previousTaskDefArn", "deployedTaskDefArn"))
        shown[name] = (each["status"], *map(short, arns))
    return shown


class Put:
    """Stands between the account and its PutTargets: ``after`` gets the number of each write that took effect, and
    ``before`` that of each that is about to."""

    def __init__(self, aws, before=lambda number: None, after=lambda number: None) -> None:
        self.put, self.before, self.after, self.number = aws.put_targets, before, after, 0
        aws.put_targets = self

    def __call__(self, bus, rule, targets):
        self.number += 1
        self.before(self.number)
        answer = self.put(bus, rule, targets)
        self.after(self.number)
        return answer


def dies(number: int) -> None:
    if number == 1:
        raise Died


def test_a_write_that_is_refused_after_an_interruption_is_rolled_back(nightly, machine):
    # GIVEN a rule of which one target was written, and a function that died then
    def refused(number: int) -> None:
        if number == 2:
            raise AwsRefused("put_targets", "LimitExceededException", "no")

    nightly.refuse_entries = [{"TargetId": "a", **REFUSED}]
    Put(nightly, refused, dies)
    # WHEN the next run is refused as a whole, THEN the target is rolled back
    found = reported(machine, release(tasks=TASKS))
    assert runs(nightly) == ["jobs:1", "jobs:1"]
    assert found == {"job": ("ROLLED_BACK", "jobs:1", "jobs:2"), "log": ("UNCHANGED", "jobs:1", "jobs:1")}


def test_a_write_whose_answer_is_lost_counts_as_a_change(nightly, machine):
    # GIVEN a write without an answer, and a read that is refused then
    def lost(number: int) -> None:
        if number == 1:
            nightly.refuse["list_targets_by_rule"] = AwsRefused("list_targets_by_rule", "AccessDeniedException", "no")
            raise AwsUnavailable("put_targets: timeout")

    Put(nightly, after=lost)
    # WHEN it is released, THEN the item has the revision that it may run, and the other one none
    found = reported(machine, release(tasks=TASKS, onFailure="stop"))
    assert runs(nightly) == ["jobs:2", "jobs:2"]
    assert found == {"job": ("FAILED", "jobs:1", "jobs:2"), "log": ("UNCHANGED", "jobs:1", "")}


def test_after_a_death_without_an_answer_nothing_is_known(nightly, machine):
    # GIVEN a function that dies after its write, and an EventBridge that does not answer from then on
    read = nightly.list_targets_by_rule

    def silent(number: int) -> None:
        nightly.list_targets_by_rule = unanswered
        raise Died

    def unanswered(bus, rule):
        nightly.now += 100
        raise AwsUnavailable("list_targets_by_rule: timeout")

    Put(nightly, after=silent)
    manifest = release(tasks=[job("job:2", timeoutMinutes=5), job("log:1")])
    items = machine.run(manifest)["result"]["items"]
    # THEN the report says that it is not known
    assert read("default", "nightly")[0]["EcsParameters"]["TaskDefinitionArn"].endswith("jobs:2")
    assert items[0]["reason"].startswith("unknown: the item may have been changed; ")
    assert "deployedTaskDefArn" not in items[1]


@pytest.mark.parametrize("call", ["list_targets_by_rule", "describe_task_definition"])
def test_after_a_death_a_read_that_is_refused_is_not_taken_for_no_change(nightly, machine, call):
    # GIVEN a function that dies after its write, and a role that may not read any more
    def refused(number: int) -> None:
        nightly.refuse[call] = AwsRefused(call, "AccessDeniedException", "no")
        raise Died

    Put(nightly, after=refused)
    items = machine.run(release(tasks=TASKS))["result"]["items"]
    # THEN the report says that it is not known
    assert runs(nightly) == ["jobs:2", "jobs:2"]
    assert items[0]["status"] == "FAILED"
    assert items[0]["reason"].startswith("unknown: the item may have been changed; ")
    assert "deployedTaskDefArn" not in items[1]


def test_an_unexpected_error_of_the_last_read_costs_no_result(nightly, machine):
    # GIVEN another rule in the batch, and an answer that nobody expects after the first one's write
    two = nightly.define("two", ("two", "two:1"))
    nightly.rules["default", "second"] = [{"Id": "a", **TARGET, "EcsParameters": {"TaskDefinitionArn": two}}]
    read, put = nightly.list_targets_by_rule, Put(nightly)

    def odd(bus, rule):
        if put.number and rule == "nightly":
            raise KeyError("Targets")
        return read(bus, rule)

    nightly.list_targets_by_rule = odd
    found = reported(machine, release(tasks=[*TASKS, job("two:2", cwRuleName="second")]))
    # THEN both are deployed
    assert found == {
        "job": ("DEPLOYED", "jobs:1", "jobs:2"),
        "log": ("UNCHANGED", "jobs:1", ""),
        "two": ("DEPLOYED", "two:1", "two:2"),
    }


def test_no_call_is_made_after_the_time_is_over(nightly, machine):
    # GIVEN an EventBridge that takes all the time that there is
    calls = []

    def unanswered(number: int) -> None:
        nightly.list_targets_by_rule = silent
        raise AwsUnavailable("put_targets: timeout")

    def silent(bus, rule):
        calls.append(nightly.now)
        nightly.now += 60
        raise AwsUnavailable("list_targets_by_rule: timeout")

    Put(nightly, after=unanswered)
    began = nightly.now
    found = reported(machine, release(tasks=TASKS))
    # THEN what the unchanged item runs is not asked for any more
    assert max(calls) - began < INVOCATION
    assert found["log"] == ("UNCHANGED", "jobs:1", "")


def test_an_old_answer_right_after_the_write_is_not_taken_for_what_runs(nightly, machine):
    read, put = nightly.list_targets_by_rule, Put(nightly)
    old = copy.deepcopy(nightly.rules[RULE])
    nightly.list_targets_by_rule = lambda bus, rule: copy.deepcopy(old) if put.number else read(bus, rule)
    assert reported(machine, release(tasks=TASKS))["log"] == ("UNCHANGED", "jobs:1", "")


def test_a_container_that_is_not_found_any_more_is_nobodys_fault(nightly, machine):
    # GIVEN an item that is found by its image's name, and another one that gets an image of that name
    repointed(nightly, nightly.define("jobs", ("app", "shop/log:1"), ("job", "job:1")))
    tasks = [job("other/log:2", service="job"), job("shop/log:1")]
    items = machine.run(release(tasks=tasks))["result"]["items"]
    assert [each["status"] for each in items] == ["DEPLOYED", "UNCHANGED"]
    assert not any("someone else" in each for each in items[1].get("warnings", ()))


def test_after_a_state_that_failed_nothing_is_known(nightly, machine, monkeypatch):
    # GIVEN a ledger that refuses the step after the write
    create, put = FakeBucket.create, Put(nightly)

    def refused(self, key, content):
        if put.number and "task-" in key:
            raise LedgerRefused("denied")
        return create(self, key, content)

    monkeypatch.setattr(FakeBucket, "create", refused)
    found = reported(machine, release(tasks=TASKS))
    assert found == {"job": ("FAILED", "jobs:1", ""), "log": ("UNCHANGED", "jobs:1", "")}


def test_each_of_two_task_definitions_is_known_by_itself(nightly, machine):
    # GIVEN a rule with two task definitions, of which the second cannot be rolled back
    other = nightly.define("other", ("job", "job:1"), ("mail", "mail:1"))
    nightly.rules[RULE][1]["EcsParameters"] = {"TaskDefinitionArn": other}

    def refused(number: int) -> None:
        nightly.refuse_entries = [{"TargetId": "b", **REFUSED}]

    Put(nightly, after=refused)
    # WHEN the release is rolled back
    found = reported(machine, release(item("web", "bad"), tasks=[*TASKS, job("mail:1")], onFailure="rollbackRelease"))
    # THEN each neighbour is reported with what its own target runs
    assert runs(nightly) == ["jobs:1", "other:2"]
    assert found["log"] == ("UNCHANGED", "jobs:1", "jobs:1")
    assert found["mail"] == ("UNCHANGED", "other:1", "other:2")


def test_a_target_without_a_revision_is_reported_with_the_one_that_it_means(nightly, machine):
    nightly.rules[RULE][1]["EcsParameters"] = {
        "TaskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/jobs"
    }
    nightly.define("jobs", ("job", "job:2"), ("log", "log:1"))
    found = reported(machine, release(tasks=TASKS))
    assert runs(nightly) == ["jobs:3", "jobs"]
    assert found["log"][2] == "jobs:3"


@pytest.mark.parametrize(("image", "now"), [("log:1", "jobs:3"), ("log:9", "")])
def test_what_somebody_sets_between_check_and_deployment_is_seen(nightly, machine, image, now):
    # GIVEN somebody who points the rule to another revision after the check
    read, calls = nightly.list_targets_by_rule, []

    def meanwhile(bus, rule):
        calls.append(rule)
        if len(calls) == 3:
            repointed(nightly, nightly.define("jobs", ("job", "job:9"), ("log", image)))
        return read(bus, rule)

    nightly.list_targets_by_rule = meanwhile
    items = machine.run(release(tasks=TASKS))["result"]["items"]
    # THEN the unchanged item has the revision that runs, or a warning where that is not what Git asks for
    assert short(items[1].get("deployedTaskDefArn", "")) == now
    assert any("does not run what Git asks for" in each for each in items[1].get("warnings", ())) == (not now)


def test_a_deleted_task_definition_of_another_target_is_no_obstacle_to_a_rollback(nightly, machine):
    gone = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/gone:1"
    nightly.rules[RULE].append({"Id": "c", **TARGET, "EcsParameters": {"TaskDefinitionArn": gone}})
    found = reported(machine, release(item("web", "bad"), tasks=TASKS, onFailure="rollbackRelease"))
    assert runs(nightly) == ["jobs:1", "jobs:1", "gone:1"]
    assert found["job"][0] == "ROLLED_BACK"


# --- the digests of tags ---------------------------------------------------------------------------------------------


def digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def in_ecr(aws, *names: str) -> list[tuple[str, str]]:
    aws.registry |= {f"{name}:{tag}": digest(name + tag) for name in names for tag in "12"}
    return [(name, f"{REGISTRY}/{name}:1") for name in names]


@pytest.mark.parametrize("is_throttled", [True, False])
def test_a_revision_without_the_digest_of_a_neighbour_is_not_taken_for_its_own(nightly, machine, is_throttled):
    # GIVEN a schedule and a rule of one family; the rule alone has an item with an image in ECR, which is unchanged
    arn = nightly.define("jobs", ("job", "job:1"), *in_ecr(nightly, "log"))
    repointed(nightly, arn)
    nightly.schedules["default", "hourly"]["Target"]["EcsParameters"] = {"TaskDefinitionArn": arn}
    tasks = [{"service": "job", "scheduleName": "hourly", "image": "job:2"}, job("job:2"), job(f"{REGISTRY}/log:1")]
    register, calls = nightly.register_task_definition, []

    def throttled(content, tags):
        calls.append(content)
        if is_throttled and len(calls) == 2:
            raise AwsUnavailable("register_task_definition: ThrottlingException: Rate exceeded")
        return register(content, tags)

    nightly.register_task_definition = throttled
    machine.run(release(tasks=tasks))
    # WHEN its tag is moved, THEN the next release sees that, throttled or not
    nightly.registry["log:1"] = digest("another")
    assert machine.run(release(tasks=tasks))["summary"] == "1 deployed, 2 unchanged"


@pytest.mark.parametrize("is_rule_first", [True, False])
def test_triggers_with_one_revision_keep_the_digests_of_their_own_items(nightly, machine, is_rule_first):
    # GIVEN a rule and a schedule of one family, and an item of the rule alone that is unchanged
    arn = nightly.define("jobs", *in_ecr(nightly, "job", "log"))
    repointed(nightly, arn)
    nightly.schedules["default", "hourly"]["Target"]["EcsParameters"] = {"TaskDefinitionArn": arn}
    schedule = [{"service": "job", "scheduleName": "hourly", "image": f"{REGISTRY}/job:2"}]
    rule = [job(f"{REGISTRY}/job:2"), job(f"{REGISTRY}/log:1")]
    manifest = release(tasks=rule + schedule if is_rule_first else schedule + rule)
    machine.run(manifest)
    # WHEN its tag is moved, THEN the next release sees that
    nightly.registry["log:1"] = digest("another")
    assert machine.run(manifest)["summary"] == "1 deployed, 2 unchanged"


def test_the_digests_of_many_neighbours_leave_room_for_the_own_one(nightly, machine):
    # GIVEN a rule with more containers than a tag has room for
    names = [f"log-router-{number}" for number in range(8)]
    repointed(nightly, nightly.define("jobs", *in_ecr(nightly, *names, "web")))
    manifest = release(tasks=[*(job(f"{REGISTRY}/{name}:1") for name in names), job(f"{REGISTRY}/web:2")])
    machine.run(manifest)
    # WHEN the tag of what was deployed is moved, THEN the next release sees that
    nightly.registry["web:2"] = digest("another")
    assert machine.run(manifest)["summary"] == "1 deployed, 8 unchanged"
