"""Rollbacks: of a service, of a whole release, and what later releases know of them."""

from __future__ import annotations

import pytest

from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.watch import deployment_records
from ecs_gitops.watch.deployment_records import Record
from unit.item_maker import service_item
from unit.shop import BREAKER, CANARY, JOB, hooks, item, release, statuses

# Three services on their first images, a rule and a schedule.
pytestmark = pytest.mark.usefixtures("shop")


@pytest.mark.parametrize("configuration", [{}, {"deploymentConfiguration": BREAKER}], ids=["by us", "by ECS itself"])
def test_a_failed_service_returns_to_what_it_ran_before(ecs, machine, configuration):
    ecs.services["web"] |= configuration
    before = ecs.steady()
    done = machine.run(release(item("web", "bad"), item("api")))
    assert (done["status"], statuses(done)) == ("FAILED", {"web": "ROLLED_BACK", "api": "DEPLOYED"})
    (web, _) = done["result"]["items"]
    assert web["runningTaskDefArn"].endswith("web:1")
    assert "runs now: web:1" in done["notice"]["message"]
    assert ecs.steady()["services"]["web"] == before["services"]["web"]


def test_a_rollout_that_hangs_is_stopped_and_returned_by_ecs(ecs, machine):
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert web["status"] == "ROLLED_BACK"
    assert "not steady after 5 minutes" in web["reason"]
    assert "stop_service_deployment" in ecs.calls
    assert ecs.images("web") == {"web": "web:1"}


def test_on_failure_stop_leaves_it_as_it_is(ecs, machine):
    (web,) = machine.run(release(item("web", "bad", onFailure="stop")))["result"]["items"]
    assert web["status"] == "FAILED"
    assert "left as it is (onFailure: stop)" in web["reason"]
    assert ecs.images("web") == {"web": "web:bad"}


def test_one_bad_of_twenty_returns_all_of_the_release(ecs, machine):
    # GIVEN twenty services and a scheduled task
    names = [f"s{number}" for number in range(20)]
    for name in names:
        ecs.serve(name, ecs.define(name, (name, f"{name}:1")), desired=2)
    before = ecs.steady()
    # WHEN one of them fails in a release that returns as a whole
    items = [item(name, "bad" if name == "s7" else "2") for name in names]
    done = machine.run(release(*items, tasks=[JOB], onFailure="rollbackRelease"))
    # THEN all of them, and the rule, are as they were
    assert set(statuses(done).values()) == {"ROLLED_BACK"}
    assert ecs.steady() == before
    reasons = {each["name"]: each["reason"] for each in done["result"]["items"]}
    assert reasons["s3"] == "rolled back with the release, because of s7"


def test_a_release_returns_in_reverse_order_and_what_was_not_reached_is_skipped(ecs, machine):
    done = machine.run(
        release(
            item("db"),
            item("api", "bad", dependsOn=["db"]),
            item("web", dependsOn=["api"]),
            tasks=[JOB],
            onFailure="rollbackRelease",
        )
    )
    assert statuses(done) == {"nightly": "ROLLED_BACK", "db": "ROLLED_BACK", "api": "ROLLED_BACK", "web": "SKIPPED"}
    last = len(ecs.calls) - 1 - ecs.calls[::-1].index("put_targets")
    assert last > len(ecs.calls) - 1 - ecs.calls[::-1].index("update_service")


def test_a_rolled_back_item_is_not_deployed_again_until_the_manifest_changes_it(ecs, machine):
    assert statuses(machine.run(release(item("web", "bad"), item("api")))) == {"web": "ROLLED_BACK", "api": "DEPLOYED"}
    # WHEN the next push changes another service
    done = machine.run(release(item("web", "bad"), item("api", "3")))
    # THEN what was rolled back is left alone, the push is good, and the reason says how to go on
    assert (done["status"], statuses(done)) == ("SUCCEEDED", {"web": "HELD", "api": "DEPLOYED"})
    assert "revert it, or change it" in done["result"]["items"][0]["reason"]
    # AND fixing forward deploys; so does coming back to it after a revert
    assert statuses(machine.run(release(item("web", "3"))))["web"] == "DEPLOYED"


def test_after_a_revert_the_same_can_be_tried_again(ecs, machine):
    machine.run(release(item("web", "bad")))
    assert statuses(machine.run(release(item("web", "1"))))["web"] == "UNCHANGED"
    assert statuses(machine.run(release(item("web", "bad"))))["web"] == "ROLLED_BACK"


def test_a_scheduled_task_that_went_back_with_the_release_is_deployed_again(ecs, machine):
    both = release(item("web", "bad"), tasks=[JOB], onFailure="rollbackRelease")
    assert set(statuses(machine.run(both)).values()) == {"ROLLED_BACK"}
    assert statuses(machine.run(both)) == {"web": "HELD", "nightly": "DEPLOYED"}
    runs = ecs.rules["default", "nightly"][0]["EcsParameters"]["TaskDefinitionArn"]
    assert not any(tag.startswith("ecs-gitops:rolled-back") for tag in ecs.definitions[runs][1])


def test_what_cannot_be_returned_is_told_with_what_stands(ecs, machine, monkeypatch):
    # GIVEN someone who deploys something else while our deployment hangs
    other = ecs.define("web", ("web", "web:9"))
    monkeypatch.setattr(ecs, "stop_service_deployment", lambda _arn: ecs._start(ecs.services["web"], other))
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert web["status"] == "FAILED"
    assert "could not roll back: superseded" in web["reason"]
    assert ecs.images("web") == {"web": "web:9"}


def test_a_canary_that_is_out_already_returns_without_baking_again(ecs, machine):
    ecs.services["web"]["deploymentConfiguration"] = CANARY
    (web,) = machine.run(release(item("web", **hooks(after="smoke fail"))))["result"]["items"]
    assert web["status"] == "ROLLED_BACK"
    back = ecs.records[-1]["deploymentConfiguration"]
    assert (back["bakeTimeInMinutes"], back["canaryConfiguration"]["canaryBakeTimeInMinutes"]) == (0, 0)
    # AND then the settings are those from before
    assert ecs.services["web"]["deploymentConfiguration"] == CANARY


def test_what_failed_its_check_and_was_left_is_not_unchanged(ecs, machine):
    left = release(item("web", onFailure="stop", **hooks(after="smoke fail")))
    assert machine.results(left)["web"]["status"] == "FAILED"
    again = machine.results(left)["web"]
    assert again["status"] == "FAILED"
    assert len(ecs.tasks) == 2


def test_what_depends_on_a_held_item_is_held_too_and_nothing_is_red(ecs, machine):
    # GIVEN an api that was rolled back, and a web that waits for it
    machine.run(release(item("api", "bad"), onFailure="rollbackRelease"))
    done = machine.run(release(item("api", "bad"), item("web", "3", dependsOn=["api"]), onFailure="rollbackRelease"))
    # THEN web waits for api, no success of a deployment is reported, and no failure
    assert (done["status"], statuses(done)) == ("SUCCEEDED", {"api": "HELD", "web": "HELD"})
    assert done["result"]["items"][1]["reason"].startswith("waits for api, which is HELD")
    assert done["notice"]["subject"] == "[ecs-gitops] HELD: release run-2 (2 held)"


def test_what_went_ahead_without_a_held_item_is_told(ecs, machine):
    machine.run(release(item("web", "bad"), item("api")))
    done = machine.run(release(item("web", "bad"), item("api", "3")))
    # THEN the notice lists the held item apart, with why, how to go on, and what runs
    message = done["notice"]["message"]
    assert "Release deployed: 1 deployed, 1 held\n" in message
    held = message.partition("\nHeld\n")[2].partition("\n\n")[0]
    assert "the release run-1 rolled this back" in held
    assert "Git asks for web:bad, it runs web:1" in held
    assert "runs now: web:1" in held
    assert "web is held; api went ahead without it" in held
    assert "Not deployed" not in message


def test_settings_that_went_back_with_the_release_are_written_again(ecs, machine):
    # GIVEN settings that went back because another service failed
    bad = release(
        item("web", "1", deployment={"minimumHealthyPercent": 50}), item("api", "bad"), onFailure="rollbackRelease"
    )
    assert statuses(machine.run(bad)) == {"web": "ROLLED_BACK", "api": "ROLLED_BACK"}
    assert ecs.services["web"]["deploymentConfiguration"]["minimumHealthyPercent"] == 100
    # WHEN the same is pushed again, THEN only what failed itself is held
    assert statuses(machine.run(bad)) == {"web": "DEPLOYED", "api": "HELD"}
    assert ecs.services["web"]["deploymentConfiguration"]["minimumHealthyPercent"] == 50


@pytest.mark.parametrize(
    ("shown", "newer"),
    [(["their", "ours", "older"], ["their"]), (["their", "older"], ["their"]), (["older"], []), ([], [])],
)
def test_only_what_began_after_ours_is_newer_also_where_ours_is_over(shown, newer):
    # GIVEN an item whose deployment began at 1000, and what ECS lists of those that go on, perhaps by an old answer
    began = {"older": 990.0, "ours": 1000.0, "their": 1010.0}
    watched = {"deployment": "ecs-svc/ours", "deployed_at": 1000.0}
    records = [Record(f"a/{name}", f"ecs-svc/{name}", "web:9", "IN_PROGRESS", began[name]) for name in shown]
    found = deployment_records.newer(service_item(watched=watched), records)
    assert [record.id for record in found] == newer


def test_a_role_that_may_not_stop_deployments_returns_by_update_service(ecs, machine):
    for call in ("list_service_deployments", "stop_service_deployment"):
        ecs.refuse[call] = AwsRefused(call, "AccessDeniedException", "no")
    web = machine.results(release(item("web", "never", timeoutMinutes=2)))["web"]
    assert web["status"] == "ROLLED_BACK"
    assert ecs.images("web") == {"web": "web:1"}


def test_half_written_targets_are_taken_back(ecs, machine, monkeypatch):
    before = ecs.rules["default", "nightly"] = [
        *ecs.rules["default", "nightly"],
        {**ecs.rules["default", "nightly"][0], "Id": "b"},
    ]
    put = ecs.put_targets

    def half(bus, rule, targets):
        put(bus, rule, targets[:1])
        return [{"TargetId": t["Id"], "ErrorCode": "X", "ErrorMessage": "no"} for t in targets[1:]]

    monkeypatch.setattr(ecs, "put_targets", half)
    nightly = machine.results(release(item("web", "1"), tasks=[JOB]))["nightly"]
    assert nightly["status"] == "ROLLED_BACK"
    assert "did not take 1 of 2 targets" in nightly["reason"]
    assert ecs.rules["default", "nightly"] == before
