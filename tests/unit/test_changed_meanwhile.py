"""What somebody changes while a release goes on stays where it can, and is told where the release changes it too."""

from __future__ import annotations

from typing import Any

import pytest

from unit.shop import item, release, statuses

SCHEDULED = {"service": "job", "scheduleName": "hourly", "image": "job:2"}
BY_RULE = {"service": "job", "cwRuleName": "nightly", "image": "job:2"}


@pytest.fixture
def meanwhile(shop, monkeypatch):
    """Has something happen right after each registration of a revision."""

    def set_up(act: Any) -> None:
        register = shop.register_task_definition

        def registered(*given):
            arn = register(*given)
            act()
            return arn

        monkeypatch.setattr(shop, "register_task_definition", registered)

    return set_up


def test_a_schedule_that_somebody_switches_off_stays_off(shop, machine, meanwhile):
    # GIVEN somebody who switches the schedule off while its new revision is registered
    meanwhile(lambda: shop.schedules["default", "hourly"].update(State="DISABLED"))
    # WHEN it is released
    done = machine.run({"tasks": [SCHEDULED]})
    # THEN it has the new revision, and is off
    assert statuses(done) == {"hourly": "DEPLOYED"}
    written = shop.schedules["default", "hourly"]
    assert (written["State"], written["Target"]["EcsParameters"]["TaskDefinitionArn"][-5:]) == ("DISABLED", "job:2")


def test_a_targets_input_that_somebody_changes_stays(shop, machine, meanwhile):
    # GIVEN somebody who changes the input of the rule's target
    meanwhile(lambda: shop.rules["default", "nightly"][0].update(Input="{}"))
    # WHEN it is released
    assert statuses(machine.run({"tasks": [BY_RULE]})) == {"nightly": "DEPLOYED"}
    # THEN that is not taken back
    assert shop.rules["default", "nightly"][0]["Input"] == "{}"


@pytest.mark.parametrize("desired", [SCHEDULED, BY_RULE], ids=["schedule", "rule"])
def test_what_somebody_else_deploys_meanwhile_is_left(shop, machine, meanwhile, desired):
    # GIVEN somebody who has a revision of their own run
    theirs = shop.define("job", ("job", "job:theirs"))
    places = [shop.schedules["default", "hourly"]["Target"], shop.rules["default", "nightly"][0]]
    meanwhile(lambda: [place["EcsParameters"].update(TaskDefinitionArn=theirs) for place in places])
    # WHEN it is released
    (got,) = machine.run({"tasks": [desired]})["result"]["items"]
    # THEN the item fails, says so, and their change stays
    assert got["status"] == "FAILED"
    assert "someone else changed" in got["reason"]
    assert "it runs job:2, which is left as it is" in got["reason"]
    assert {place["EcsParameters"]["TaskDefinitionArn"] for place in places} == {theirs}


def test_on_the_way_back_too(shop, machine, monkeypatch):
    # GIVEN a release that goes back, and somebody who switches the schedule off while that is noted
    tag = shop.tag_task_definition

    def tagged(*given):
        tag(*given)
        shop.schedules["default", "hourly"]["State"] = "DISABLED"

    monkeypatch.setattr(shop, "tag_task_definition", tagged)
    # WHEN the release is over
    done = machine.run(release(item("web", "bad"), tasks=[SCHEDULED], onFailure="rollbackRelease"))
    # THEN the schedule runs what it ran, and is off
    assert statuses(done)["hourly"] == "ROLLED_BACK"
    written = shop.schedules["default", "hourly"]
    assert (written["State"], written["Target"]["EcsParameters"]["TaskDefinitionArn"][-5:]) == ("DISABLED", "job:1")


@pytest.fixture
def after_the_check(machine, monkeypatch):
    """Has something happen when the check is over, before anything is deployed."""

    def set_up(act: Any) -> None:
        invoke = machine._invoke

        def invoked(handler: Any, event: dict[str, Any]) -> Any:
            if acts and (event.get("batch") or {}).get("mode") == "DEPLOY":
                acts.pop()()
            return invoke(handler, event)

        acts = [act]
        monkeypatch.setattr(machine, "_invoke", invoked)

    return set_up


def test_a_service_that_was_changed_since_the_check_is_told(shop, machine, after_the_check):
    # GIVEN somebody who deploys another image when the check is over
    other = shop.define("web", ("web", "web:hotfix"))
    after_the_check(lambda: shop.hotfix("web", other))
    (web,) = machine.run(release(item("web", "2")))["result"]["items"]
    # THEN Git's is deployed, and what it replaced is told
    assert (web["status"], shop.images("web")) == ("DEPLOYED", {"web": "web:2"})
    assert "changed by someone else since the check, from web:1 to web:2" in web["warnings"]


def test_a_rule_that_was_changed_since_the_check_is_told(shop, machine, after_the_check):
    other = shop.define("job", ("job", "job:hotfix"))
    target = shop.rules["default", "nightly"][0]
    after_the_check(lambda: target["EcsParameters"].update(TaskDefinitionArn=other))
    (nightly,) = machine.run({"tasks": [BY_RULE]})["result"]["items"]
    assert nightly["status"] == "DEPLOYED"
    assert "changed by someone else since the check, from job:1 to job:2" in nightly["warnings"]


def test_what_is_as_the_check_saw_it_has_nothing_to_tell(shop, machine):
    done = machine.run(release(item("web", "2"), tasks=[BY_RULE]))
    assert all("since the check" not in str(each.get("warnings")) for each in done["result"]["items"])


def test_what_changed_since_the_check_is_told_of_a_service_that_fails_too(shop, machine, after_the_check):
    other = shop.define("web", ("web", "web:hotfix"))
    after_the_check(lambda: shop.hotfix("web", other))
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert web["status"] == "ROLLED_BACK"
    assert "changed by someone else since the check, from web:1 to web:2" in web["warnings"]
