"""What is held, and what is a new try: any change of an item by a person. Nothing that failed counts as good."""

from __future__ import annotations

import pytest

from ecs_gitops.ecs.revision_tags import tags_for
from ecs_gitops.model.errors import AwsRefused, ItemFailed
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
    # WHEN the check is edited or removed
    more = {"hooks": {"postDeploy": after}} if after else {}
    (web,) = machine.run(release(item("web", "2", onFailure="stop", **more)))["result"]["items"]
    # THEN it is deployed and judged again
    assert web["status"] in ("DEPLOYED", "FAILED")
    assert web["deployedTaskDefArn"].endswith("web:3")


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
