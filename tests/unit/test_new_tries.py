"""What is held, and what is a new try: any change of an item by a person. Nothing that failed counts as good."""

from __future__ import annotations

import pytest

from ecs_gitops.ecs.revision_tags import tags_for
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, ItemFailed
from unit.conftest import RELEASE
from unit.fake_ecs import FakeEcs
from unit.shop import hooks, item, release, statuses

JOB = {"service": "job", "cwRuleName": "nightly", "image": "job:2"}
NEVER = {"timeoutMinutes": 5}


@pytest.mark.parametrize(
    "change",
    [
        {"timeoutMinutes": 60},
        {"onFailure": "stop"},
        {"requireZeroDowntime": False},
        {"hooks": {"preDeploy": {"command": ["migrate"]}}},
        {"deployment": {"bakeTimeInMinutes": 1}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_change_of_an_item_by_a_person_is_a_new_try(shop: FakeEcs, machine, change):
    # GIVEN an image that did not come up in its time, and went back
    assert statuses(machine.run(release(item("web", "never", **NEVER)))) == {"web": "ROLLED_BACK"}
    assert statuses(machine.run(release(item("web", "never", **NEVER)))) == {"web": "HELD"}
    # WHEN a person changes the item in any way, THEN it is deployed again
    tried = shop.calls.count("update_service")
    assert statuses(machine.run(release(item("web", "never", **{**NEVER, **change})))) != {"web": "HELD"}
    assert shop.calls.count("update_service") > tried


def test_what_is_not_the_items_text_is_no_new_try(shop, machine):
    machine.run(release(item("web", "never", **NEVER)))
    # GIVEN the same item under another release's name, and another place in the manifest
    again = release(item("api", "1"), item("web", "never", **NEVER), release="a new name")
    assert statuses(machine.run(again))["web"] == "HELD"


@pytest.mark.parametrize(
    "after", [{"command": ["smoke", "--fast"]}, {"command": ["smoke", "fail"], "timeoutMinutes": 9}, None]
)
def test_a_revision_that_failed_its_check_is_not_good_because_the_check_was_edited(shop, machine, after):
    # GIVEN a service that was left in place though its check after the rollout failed
    first = release(item("web", "2", onFailure="stop", **hooks(after="smoke fail")))
    assert statuses(machine.run(first)) == {"web": "FAILED"}
    ran, started = len(shop.tasks), shop.calls.count("update_service")
    # WHEN the check is edited or removed
    more = {"hooks": {"postDeploy": after}} if after else {}
    (web,) = machine.run(release(item("web", "2", onFailure="stop", **more)))["result"]["items"]
    # THEN it is judged again, by the check where there is one, and nothing is rolled out
    assert "judged again" in web["reason"] or "exited with 1" in web["reason"]
    assert web["status"] == ("FAILED" if after and "fail" in after["command"] else "UNCHANGED")
    assert len(shop.tasks) == ran + (1 if after else 0)
    assert shop.calls.count("update_service") == started


def test_a_revision_that_failed_its_check_is_not_good_because_ecr_may_not_be_looked_at(shop, machine, monkeypatch):
    given = release(item("web", "2", onFailure="stop", **hooks(after="smoke fail")))
    assert statuses(machine.run(given)) == {"web": "FAILED"}

    def refuse(*_):
        raise AwsRefused("batch_get_image", "AccessDeniedException", "no")

    monkeypatch.setattr(shop, "image_digests", refuse)
    assert statuses(machine.run(given)) == {"web": "FAILED"}


def test_tags_that_a_new_revision_has_no_room_for_are_in_the_check(shop, machine):
    # GIVEN a task definition with 49 tags of its own, behind another service
    for arn, (_, tags) in shop.definitions.items():
        if "/web:" in arn or "/job:" in arn:
            tags.update({f"tag{n}": "x" for n in range(49)})
    given = release(item("api", "2"), item("web", "2", dependsOn=["api"]), tasks=[JOB], onFailure="rollbackRelease")
    done = machine.run(given)
    # THEN the check says so, and nothing was changed
    assert done["error"] == "CheckFailed"
    assert statuses(done) == {"api": "SKIPPED", "web": "FAILED", "nightly": "FAILED"}
    assert "update_service" not in shop.calls
    assert "register_task_definition" not in shop.calls


def test_the_revision_to_roll_back_to_is_never_cut():
    tags_for(RELEASE, f"{'f' * 251}:1234", {}, {})
    with pytest.raises(ItemFailed, match=r"has 257 characters.*256 at most.*shorter name"):
        tags_for(RELEASE, f"{'f' * 252}:1234", {}, {})


def test_a_good_item_that_went_back_with_the_release_is_deployed_again(shop, machine):
    # GIVEN a release that went back as a whole, because of one of its services
    def given(api: str, **more):
        return release(item("web", "2"), item("api", api, **more), tasks=[JOB], onFailure="rollbackRelease")

    back = statuses(machine.run(given("never", **NEVER)))
    assert back == {"web": "ROLLED_BACK", "api": "ROLLED_BACK", "nightly": "ROLLED_BACK"}
    # WHEN the same is pushed again, THEN what failed itself is held, and nothing else is
    assert statuses(machine.run(given("never", **NEVER))) == {"web": "DEPLOYED", "api": "HELD", "nightly": "DEPLOYED"}
    # AND once it is mended, everything is as Git says
    assert statuses(machine.run(given("3"))) == {"web": "UNCHANGED", "api": "DEPLOYED", "nightly": "UNCHANGED"}


@pytest.mark.parametrize("error", [AwsRefused("tag_resource", "AccessDeniedException", "no"), AwsUnavailable("slow")])
def test_bookkeeping_never_bars_a_rollback(shop, machine, monkeypatch, error):
    # GIVEN revisions that take no tags, and two services that fail beside a good one
    def refuse(*_):
        raise error

    monkeypatch.setattr(shop, "tag_task_definition", refuse)
    given = release(item("web", "never", **NEVER), item("api", "never", onFailure="stop", **NEVER), item("db", "2"))
    done = machine.run(given)
    # THEN each comes to its own end
    assert statuses(done) == {"web": "ROLLED_BACK", "api": "FAILED", "db": "DEPLOYED"}
    assert shop.images("web") == {"web": "web:1"}
    # AND it is remembered all the same
    assert statuses(machine.run(given)) == {"web": "HELD", "api": "FAILED", "db": "UNCHANGED"}


def test_two_items_of_one_rule_share_no_memory(shop, machine):
    # GIVEN a rule with two containers, each an item, whose release went back because of a service
    both = shop.define("job", ("job", "job:1"), ("side", "side:1"))
    shop.rules["default", "nightly"][0]["EcsParameters"]["TaskDefinitionArn"] = both
    side = {"service": "side", "cwRuleName": "nightly", "image": "side:2"}
    given = release(item("web", "never", **NEVER), tasks=[JOB, side], onFailure="rollbackRelease")
    assert set(statuses(machine.run(given)).values()) == {"ROLLED_BACK"}
    done = machine.run(given)
    assert [each["status"] for each in done["result"]["items"] if each["kind"] == "task"] == ["DEPLOYED", "DEPLOYED"]
