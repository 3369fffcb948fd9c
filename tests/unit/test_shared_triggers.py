"""Rules with several items and targets: what one item changes concerns the others, also after an interruption."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_gitops.model.errors import AwsUnavailable
from ecs_gitops.model.identity import short
from unit.fake_aws import Died
from unit.shop import item, release
from unit.test_hotfixes import act_once

RULE = ("default", "nightly")
REFUSED = {"ErrorCode": "ManagedRuleException", "ErrorMessage": "no"}


def job(tag: str, name: str = "job", **more: Any) -> dict[str, Any]:
    return {"service": name, "cwRuleName": "nightly", "image": f"{name}:{tag}", **more}


@pytest.fixture
def nightly(shop):
    """A rule with two targets that run a task with two containers."""
    arn = shop.define("jobs", ("job", "job:1"), ("log", "log:1"))
    target = {"Arn": "cluster", "RoleArn": "role", "EcsParameters": {"TaskDefinitionArn": arn}}
    shop.rules[RULE] = [{"Id": "a", **target}, {"Id": "b", **target}]
    return shop


def runs(aws) -> list[tuple[str, ...]]:
    """The revision of each target, with its images."""
    arns = [target["EcsParameters"]["TaskDefinitionArn"] for target in aws.rules[RULE]]
    images = [[c["image"] for c in aws.definitions[arn][0]["containerDefinitions"]] for arn in arns]
    return [(short(arn), *each) for arn, each in zip(arns, images, strict=True)]


def results(machine, manifest) -> dict[str, dict[str, Any]]:
    """The items of a release by the container's name."""
    done = machine.run(manifest)
    return {str(each["image"]).partition(":")[0]: each for each in done["result"]["items"]}


def revisions(result: dict[str, Any]) -> tuple[str, ...]:
    return tuple(short(result.get(name, "")) for name in ("previousTaskDefArn", "deployedTaskDefArn"))


def test_an_unchanged_item_is_reported_with_the_revision_that_it_runs_now(nightly, machine):
    # GIVEN a rule with two items, WHEN one of them changes
    found = results(machine, release(tasks=[job("2"), job("1", "log")]))
    # THEN both are reported with the new revision, and the other one is unchanged
    assert runs(nightly) == [("jobs:2", "job:2", "log:1")] * 2
    assert [(found[name]["status"], revisions(found[name])) for name in ("job", "log")] == [
        ("DEPLOYED", ("jobs:1", "jobs:2")),
        ("UNCHANGED", ("jobs:1", "jobs:2")),
    ]


def test_an_unchanged_item_is_reported_as_before_after_a_rollback(nightly, machine):
    bad = release(item("web", "bad"), tasks=[job("2"), job("1", "log")], onFailure="rollbackRelease")
    found = results(machine, bad)
    assert runs(nightly) == [("jobs:1", "job:1", "log:1")] * 2
    assert [found[name]["status"] for name in ("job", "log")] == ["ROLLED_BACK", "UNCHANGED"]
    assert revisions(found["log"]) == ("jobs:1", "jobs:1")


def test_of_a_rollback_that_is_refused_nothing_is_said_that_is_not_known(nightly, machine):
    # GIVEN a rule whose first target cannot be rolled back
    put = nightly.put_targets

    def put_targets(bus, rule, targets):
        answer = put(bus, rule, targets)
        nightly.refuse_entries = [{"TargetId": "a", **REFUSED}]
        return answer

    nightly.put_targets = put_targets
    # WHEN the release is rolled back
    bad = release(item("web", "bad"), tasks=[job("2"), job("1", "log")], onFailure="rollbackRelease")
    found = results(machine, bad)
    # THEN one target runs what the other does not, and the unchanged item names neither
    assert runs(nightly) == [("jobs:2", "job:2", "log:1"), ("jobs:1", "job:1", "log:1")]
    assert found["job"]["status"] == "FAILED"
    assert "deployedTaskDefArn" not in found["log"]


def test_a_tag_that_is_moved_is_seen_where_its_item_was_unchanged_then(nightly, machine):
    # GIVEN two items with images in ECR, of which one is deployed
    registry = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
    for name in ("job", "log"):
        nightly.registry |= {f"{name}:{tag}": f"sha256:{name}{tag}{'0' * 59}" for tag in "12"}
    arn = nightly.define("jobs", ("job", f"{registry}/job:1"), ("log", f"{registry}/log:1"))
    for target in nightly.rules[RULE]:
        target["EcsParameters"] = {"TaskDefinitionArn": arn}

    def manifest(tag: str) -> dict[str, Any]:
        return release(tasks=[job("", image=f"{registry}/job:{tag}"), job("", "log", image=f"{registry}/log:1")])

    machine.run(manifest("2"))
    # WHEN the tag of the other one is moved, THEN the next release deploys it
    nightly.registry["log:1"] = f"sha256:other{'0' * 59}"
    assert machine.run(manifest("2"))["summary"] == "1 deployed, 1 unchanged"


def test_a_revision_of_another_item_is_not_taken_for_its_own(nightly, machine):
    # GIVEN a rule and a schedule of one family, and items that have one image in common
    nightly.schedules["default", "hourly"]["Target"]["EcsParameters"] = dict(nightly.rules[RULE][0]["EcsParameters"])
    both = [{"name": name, "image": f"{name}:2"} for name in ("job", "log")]
    tasks = [{"containers": both, "scheduleName": "hourly"}, job("2", "log")]
    register, calls = nightly.register_task_definition, []

    def throttled(content, tags):
        calls.append(content)
        if len(calls) == 2:
            raise AwsUnavailable("register_task_definition: ThrottlingException: Rate exceeded")
        return register(content, tags)

    nightly.register_task_definition = throttled
    # WHEN the second registration is throttled
    machine.run(release(tasks=tasks))
    # THEN the rule's task has the image of its own item alone
    assert [images for _, *images in runs(nightly)] == [["job:1", "log:2"]] * 2


def test_what_an_interrupted_run_wrote_is_rolled_back(nightly, machine):
    # GIVEN a rule of which EventBridge refuses one target, and a function that dies right after that
    nightly.refuse_entries = [{"TargetId": "a", **REFUSED}]
    put, died = nightly.put_targets, []

    def put_targets(bus, rule, targets):
        answer = put(bus, rule, targets)
        if not died:
            died.append(rule)
            raise Died
        return answer

    nightly.put_targets = put_targets
    # WHEN it runs again, THEN the other target is rolled back, as without the death
    found = results(machine, release(tasks=[job("2")]))
    assert runs(nightly) == [("jobs:1", "job:1", "log:1")] * 2
    assert (found["job"]["status"], machine.deaths) == ("ROLLED_BACK", 1)


def test_a_rollback_to_a_copy_is_repeated_after_a_death(nightly, machine):
    # GIVEN a revision that Terraform has deregistered, so that a rollback needs a copy of it
    nightly.deregister(nightly.rules[RULE][0]["EcsParameters"]["TaskDefinitionArn"])
    nightly.refuse_entries = [{"TargetId": "a", **REFUSED}]
    put, written = nightly.put_targets, []

    def put_targets(bus, rule, targets):
        answer = put(bus, rule, targets)
        written.append(rule)
        # The rollback is the second write.
        if len(written) == 2:
            raise Died
        return answer

    nightly.put_targets = put_targets
    # WHEN the function dies right after the rollback, and begins again
    found = results(machine, release(tasks=[job("2")]))
    # THEN what is reported as rolled back has the images of before
    assert [images for _, *images in runs(nightly)] == [["job:1", "log:1"]] * 2
    assert (found["job"]["status"], machine.deaths) == ("ROLLED_BACK", 1)


def test_a_target_that_somebody_changed_is_told_also_where_others_of_the_rule_are_rolled_back(
    nightly, machine, monkeypatch
):
    # GIVEN a rule with two task definitions, and somebody who changes one target while another service fails
    other = nightly.define("other", ("job", "job:1"))
    hand = nightly.define("hand", ("job", "job:h"), ("log", "log:h"))
    nightly.rules[RULE][1]["EcsParameters"] = {"TaskDefinitionArn": other}

    def change() -> None:
        nightly.rules[RULE][0]["EcsParameters"] = {"TaskDefinitionArn": hand}

    act_once(nightly, monkeypatch, "update_service", 1, change)
    given = release(item("web", "bad"), tasks=[job("2"), job("2", "log")], onFailure="rollbackRelease")
    found = results(machine, given)
    # THEN the other target is rolled back, and what the changed one runs is left, and told
    assert [revision for revision, *_ in runs(nightly)] == ["hand:1", "other:1"]
    assert (found["log"]["status"], found["log"].get("runningTaskDefArn")) == ("FAILED", None)
    assert "hand:1, which is left as it is" in found["log"]["reason"]
