"""Whole releases, from the plan to the report, on an account whose ECS goes on by itself: what comes of each item."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecs_gitops.apply import services
from ecs_gitops.aws.rate_limit import PUBLISHED, RateLimiter
from unit.fake_ecs import FakeEcs
from unit.shop import CANARY, IMAGE, JOB, hooks, item, release, statuses

# Three services on their first images, a rule and a schedule.
pytestmark = pytest.mark.usefixtures("shop")


def test_a_release_deploys_what_differs_and_leaves_the_rest(ecs, machine):
    done = machine.run(release(item("web"), item("api", "1"), tasks=[JOB]))
    assert (done["status"], statuses(done)) == (
        "SUCCEEDED",
        {"nightly": "DEPLOYED", "web": "DEPLOYED", "api": "UNCHANGED"},
    )
    assert ecs.images("web") == {"web": "web:2"}
    assert ecs.rules["default", "nightly"][0]["EcsParameters"]["TaskDefinitionArn"].endswith("job:2")


def test_dependants_start_when_what_they_depend_on_is_done(ecs, machine):
    done = machine.run(release(item("web", dependsOn=["api"]), item("api", dependsOn=["db"]), item("db")))
    assert set(statuses(done).values()) == {"DEPLOYED"}
    started = {r["service"]: r["createdAt"] for r in ecs.records}
    assert started["db"] < started["api"] < started["web"]


def test_a_failure_in_one_slice_is_rolled_back_before_the_next_slice_is_begun(ecs, machine, monkeypatch):
    # GIVEN services that are begun one by one, the first of which fails meanwhile
    monkeypatch.setattr(services.ServiceDeployer, "_slice_size", lambda *_: 1)
    update = FakeEcs.update_service

    def slow(self: FakeEcs, *given: Any, **more: Any) -> dict[str, Any]:
        answer = update(self, *given, **more)
        self.now += 30
        return answer

    monkeypatch.setattr(FakeEcs, "update_service", slow)
    known = len(ecs.records)
    done = machine.run(release(item("web", "bad"), item("api", "2"), item("db", "2")))
    assert statuses(done) == {"web": "ROLLED_BACK", "api": "DEPLOYED", "db": "DEPLOYED"}
    # THEN its rollback comes before the others
    assert [each["service"] for each in ecs.records[known:]] == ["web", "web", "api", "db"]


@pytest.mark.parametrize(("registrations", "slices"), [((20, 1), 3), ((60, 3), 1), ((1, 0.1), 7)])
def test_a_slice_has_as_many_services_as_ecs_accepts_in_some_seconds(ecs, machine, registrations, slices):
    # GIVEN seventy services, and the account's limit for registrations
    ecs.rate_limiter = RateLimiter({**PUBLISHED, "registrations": registrations})
    names = [f"web-{number}" for number in range(70)]
    for name in names:
        ecs.serve(name, ecs.define(name, (name, f"{name}:1")))
    # WHEN they are deployed
    done = machine.run(release(*(item(name) for name in names)))
    assert set(statuses(done).values()) == {"DEPLOYED"}
    # THEN what each slice is about to do is written once
    ledger = [content for key, content in machine.ledger.versions if key.startswith("targets/")]
    begun = [json.loads(each.content)["targets"].values() for each in ledger]
    counts = {sum("attempt" in target for target in targets) for targets in begun}
    assert len(counts - {0}) == slices


def test_after_a_failure_dependants_are_skipped_with_the_reason_and_others_go_on(ecs, machine):
    ecs.serve("other", ecs.define("other", ("other", "other:1")))
    done = machine.run(
        release(item("web", dependsOn=["api"]), item("api", dependsOn=["db"]), item("db", "bad"), item("other"))
    )
    assert statuses(done) == {"web": "SKIPPED", "api": "SKIPPED", "db": "ROLLED_BACK", "other": "DEPLOYED"}
    reasons = {each["name"]: each.get("reason") for each in done["result"]["items"]}
    assert reasons["api"] == "depends on db, which is ROLLED_BACK"
    assert reasons["web"] == "depends on api, which is SKIPPED"


@pytest.mark.parametrize("after", [False, True])
def test_scheduled_tasks_come_before_or_after_the_services(ecs, machine, after):
    machine.run(release(item("web"), tasks=[JOB], tasksAfterServices=after))
    assert (ecs.calls.index("put_targets") > ecs.calls.index("update_service")) is after


def test_hooks_run_with_the_new_definition_before_and_after_the_rollout(ecs, machine):
    done = machine.run(release(item("web", **hooks("migrate up", "smoke test"))))
    assert statuses(done) == {"web": "DEPLOYED"}
    before, after = (task["request"] for task in ecs.tasks.values())
    assert before["taskDefinition"].endswith("web:2")
    assert after["taskDefinition"].endswith("web:2")
    assert before["overrides"]["containerOverrides"] == [{"name": "web", "command": ["migrate", "up"]}]
    assert ecs.calls.index("run_task") < ecs.calls.index("update_service")


def test_a_migration_that_fails_leaves_the_service_as_it_was(ecs, machine):
    before = ecs.steady()
    done = machine.run(release(item("web", **hooks("migrate fail"))))
    (web,) = done["result"]["items"]
    assert web["status"] == "FAILED"
    assert "hook preDeploy: container web exited with 1" in web["reason"]
    assert "the service was not changed" in web["reason"]
    assert ecs.steady() == before


def test_a_check_after_the_rollout_that_fails_returns_the_service(ecs, machine):
    (web,) = machine.run(release(item("web", **hooks(after="smoke fail"))))["result"]["items"]
    assert web["status"] == "ROLLED_BACK"
    assert "hook postDeploy: container web exited with 1" in web["reason"]
    assert ecs.images("web") == {"web": "web:1"}


def test_a_hook_that_hangs_is_stopped_at_its_timeout(ecs, machine):
    hook = {"preDeploy": {"command": ["hang"], "timeoutMinutes": 5}}
    (web,) = machine.run(release(item("web", hooks=hook)))["result"]["items"]
    assert web["status"] == "FAILED"
    assert "still running after 5 minutes" in web["reason"]
    assert "it was stopped" in web["reason"]
    assert "stop_task" in ecs.calls


def test_a_canary_is_judged_by_ecs_own_record(ecs, machine):
    (web,) = machine.run(release(item("web", deployment=CANARY)))["result"]["items"]
    assert web["status"] == "DEPLOYED"
    assert ecs.services["web"]["deploymentConfiguration"]["strategy"] == "CANARY"
    assert "describe_service_deployments" in ecs.calls


def test_a_canary_that_ecs_rolls_back_is_no_success_and_the_settings_return(ecs, machine):
    before = ecs.steady()
    settings = {**CANARY, "deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    (web,) = machine.run(release(item("web", "bad", deployment=settings)))["result"]["items"]
    assert web["status"] == "ROLLED_BACK"
    assert "ECS rolled back to web:1: ECS deployment circuit breaker: tasks failed to start" in web["reason"]
    after = ecs.steady()["services"]["web"]
    assert after["images"] == before["services"]["web"]["images"]
    assert after["deploymentConfiguration"]["strategy"] == "ROLLING"


def test_settings_alone_are_written_without_a_rollout(ecs, machine):
    desired = {"minimumHealthyPercent": 50}
    (web,) = machine.run(release(item("web", "1", deployment=desired)))["result"]["items"]
    assert (web["status"], web["reason"]) == (
        "DEPLOYED",
        "the deployment settings alone changed: nothing was rolled out",
    )
    assert ecs.services["web"]["deploymentConfiguration"]["minimumHealthyPercent"] == 50
    assert not ecs.records
    assert machine.results(release(item("web", "1", deployment=desired)))["web"]["status"] == "UNCHANGED"


def test_a_schedule_is_written_back_whole(ecs, machine):
    before = ecs.schedules["default", "hourly"]
    done = machine.run({"tasks": [{"service": "job", "scheduleName": "hourly", "image": "job:2"}]})
    assert statuses(done) == {"hourly": "DEPLOYED"}
    after = ecs.schedules["default", "hourly"]
    assert after["Target"]["EcsParameters"]["TaskDefinitionArn"].endswith("job:2")
    after["Target"]["EcsParameters"] = before["Target"]["EcsParameters"]
    assert {name: value for name, value in after.items() if name != "StartDate"} == before


def test_several_containers_change_in_one_revision(ecs, machine):
    ecs.serve("web", ecs.define("web", ("web", "web:1"), ("proxy", "proxy:1")))
    both = {"containers": [{"name": "web", "image": "web:2"}, {"name": "proxy", "image": "proxy:2"}]}
    place = {"clusterName": "shop", "serviceName": "web"}
    (web,) = machine.run(release(place | both))["result"]["items"]
    assert web["images"] == {"web": "web:2", "proxy": "proxy:2"}
    assert ecs.images("web") == {"web": "web:2", "proxy": "proxy:2"}
    assert ecs.calls.count("register_task_definition") == 1


def test_a_moved_tag_is_a_change(ecs, machine):
    ecs.registry = {"web:2": "sha256:" + "a" * 64}
    desired = release(item("web") | {"image": IMAGE})
    assert machine.results(desired)["web"]["status"] == "DEPLOYED"
    assert machine.results(desired)["web"]["status"] == "UNCHANGED"
    ecs.registry = {"web:2": "sha256:" + "b" * 64}
    web = machine.results(desired)["web"]
    assert (web["status"], web["reason"]) == ("DEPLOYED", "the tag of web names another image now")
    assert ecs.images("web") == {"web": IMAGE}


def test_pin_digest_deploys_by_digest(ecs, machine):
    ecs.registry = {"web:2": "sha256:" + "a" * 64}
    machine.run(release(item("web", pinDigest=True) | {"image": IMAGE}))
    assert ecs.images("web") == {"web": f"{IMAGE[:-2]}@sha256:{'a' * 64}"}
    assert machine.results(release(item("web", pinDigest=True) | {"image": IMAGE}))["web"]["status"] == "UNCHANGED"


def test_a_native_service_that_is_being_scaled_is_unchanged_and_returns_to_what_it_ran(ecs, machine):
    # GIVEN a canary service on web:2, one of whose tasks is just being replaced
    ecs.services["web"]["deploymentConfiguration"] = CANARY
    assert machine.results(release(item("web")))["web"]["status"] == "DEPLOYED"
    ecs.services["web"] |= {"desiredCount": 3}
    ecs.services["web"]["deployments"][0] |= {"desiredCount": 3, "runningCount": 2, "pendingCount": 1}
    assert machine.results(release(item("web")))["web"]["status"] == "UNCHANGED"
    # WHEN the next revision does not pass its check, THEN it returns to that one
    web = machine.results(release(item("web", "3", **hooks(after="smoke fail"))))["web"]
    assert web["status"] == "ROLLED_BACK"
    assert web["runningTaskDefArn"].endswith("web:2")


def test_a_migration_can_fix_what_was_left_failed(ecs, machine):
    machine.run(release(item("web", "bad", onFailure="stop")))
    web = machine.results(release(item("web", "3", **hooks("migrate"))))["web"]
    assert web["status"] == "DEPLOYED", web
    assert len(ecs.tasks) == 1


def test_an_error_nobody_thought_of_fails_its_item_alone(ecs, machine, monkeypatch):
    update = ecs.update_service

    def odd(cluster, service, task_definition=None, configuration=None):
        if service == "web":
            raise KeyError("secret-value")
        return update(cluster, service, task_definition, configuration)

    monkeypatch.setattr(ecs, "update_service", odd)
    done = machine.results(release(item("web"), item("api")))
    # THEN it is rolled back, as nobody knows how far the call came
    assert (done["web"]["status"], done["api"]["status"]) == ("ROLLED_BACK", "DEPLOYED")
    assert ecs.images("web") == {"web": "web:1"}
    assert "internal error (KeyError), so the item's state is unknown" in done["web"]["reason"]
    assert "secret-value" not in done["web"]["reason"]


def test_the_report_says_whether_it_is_told(ecs, machine, monkeypatch):
    monkeypatch.delenv("ECS_GITOPS_NOTIFY", raising=False)
    assert [machine.run(release(item("web", tag)))["notify"] for tag in ("2", "2", "bad")] == [True, False, True]
    # AND as the module's variable says
    monkeypatch.setenv("ECS_GITOPS_NOTIFY", "always")
    assert machine.run(release(item("web", "2")))["notify"] is True
    monkeypatch.setenv("ECS_GITOPS_NOTIFY", "failures")
    assert machine.run(release(item("web", "3")))["notify"] is False


@pytest.mark.parametrize("status", ["INACTIVE", "DELETE_IN_PROGRESS"])
def test_a_revision_that_takes_no_tags_any_more_is_no_failure(ecs, machine, status):
    # GIVEN a service, a rule and a schedule that were rolled back to revisions that somebody deregistered since
    def desired(tag):
        jobs = [JOB, {"service": "job", "scheduleName": "hourly"}]
        tasks = [each | {"image": f"job:{tag[-1]}"} for each in jobs]
        return release(item("web", tag), tasks=tasks, onFailure="rollbackRelease")

    assert set(statuses(machine.run(desired("bad2"))).values()) == {"ROLLED_BACK"}
    for arn in [arn for arn in ecs.definitions if arn.endswith((":task-definition/web:1", ":task-definition/job:1"))]:
        ecs.deregister(arn, status)
    # WHEN the manifest goes back, too
    done = machine.run(desired("1"))
    # THEN nothing has to change
    assert set(statuses(done).values()) == {"UNCHANGED"}
    assert not any(each.get("reason") for each in done["result"]["items"])


def test_the_plan_of_a_release_is_kept_before_anything_changes(shop, machine):
    # GIVEN a release that changes one service, and leaves another one as it is
    state = machine.run(release(item("web"), item("api", "1")))
    # THEN its plan is in the ledger, with the change of each item
    (key,) = (key for key in machine.ledger.objects if key.endswith("/plan.json"))
    plan = json.loads(machine.ledger.objects[key].content)
    assert [(each["name"], each["change"]["kind"], each.get("status")) for each in plan["items"]] == [
        ("web", "DEPLOY", None),
        ("api", "NOTHING", "UNCHANGED"),
    ]
    # AND the notice says where
    where = key.removesuffix("plan.json")
    assert (
        f"Plan and report: https://us-west-2.console.aws.amazon.com/s3/buckets/{machine.ledger.bucket}"
        in (state["notice"]["message"])
    )
    assert where in state["notice"]["message"]
    # AND it was written before the first call that writes
    first = next(key for key, _ in machine.ledger.versions if key.startswith("targets/"))
    names = [key for key, _ in machine.ledger.versions]
    assert names.index(key) < names.index(first)
