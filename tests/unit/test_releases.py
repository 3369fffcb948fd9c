"""Whole releases, from the plan to the report, on an account whose ECS goes on by itself: what comes of each item."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_gitops import provenance


def item(name: str, tag: str = "2", **more: Any) -> dict[str, Any]:
    return {"service": name, "clusterName": "shop", "serviceName": name, "image": f"{name}:{tag}", **more}


def release(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"services": list(items), **more}


@pytest.fixture(autouse=True)
def shop(ecs):
    """Three services on their first images, a rule and a schedule."""
    for name in ("web", "api", "db"):
        ecs.serve(name, ecs.define(name, (name, f"{name}:1")), desired=2)
    job = ecs.define("job", ("job", "job:1"))
    target = {"Id": "a", "Arn": "cluster", "RoleArn": "role", "EcsParameters": {"TaskDefinitionArn": job}}
    ecs.rules["default", "nightly"] = [target]
    ecs.schedules["default", "hourly"] = {
        "Name": "hourly",
        "GroupName": "default",
        "ScheduleExpression": "rate(1 hour)",
        "Unheard": "of",
        "Target": {k: v for k, v in target.items() if k != "Id"},
    }


JOB = {"service": "job", "cwRuleName": "nightly", "image": "job:2"}


def statuses(done: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["status"] for each in done["result"]["items"]}


def test_a_release_deploys_what_differs_and_leaves_the_rest(ecs, machine):
    done = machine.run(release(item("web"), item("api", "1"), tasks=[JOB]))
    assert (done["status"], statuses(done)) == (
        "SUCCEEDED",
        {"nightly": "DEPLOYED", "web": "DEPLOYED", "api": "UNCHANGED"},
    )
    assert ecs.images("web") == {"web": "web:2"}
    assert ecs.rules["default", "nightly"][0]["EcsParameters"]["TaskDefinitionArn"].endswith("job:2")


# --- everything is checked before anything changes -------------------------------------------------------------------


def test_one_bad_item_and_nothing_is_changed_anywhere(ecs, machine):
    before = ecs.steady()
    done = machine.run(release(item("web"), item("nobody"), item("api", service="ap"), tasks=[JOB]))
    assert (done["status"], done["error"]) == ("FAILED", "CheckFailed")
    assert statuses(done) == {"nightly": "SKIPPED", "web": "SKIPPED", "nobody": "FAILED", "api": "FAILED"}
    assert ecs.steady() == before
    assert not {"register_task_definition", "update_service", "put_targets", "tag_resource"} & set(ecs.calls)
    # AND the notice has every finding
    text = done["notice"]["message"]
    assert "'nobody' does not exist" in text
    assert "no container named 'ap'" in text
    assert "nothing was changed: nobody, api did not pass the check" in text


IMAGE = "111111111111.dkr.ecr.us-west-2.amazonaws.com/web:2"


@pytest.mark.parametrize(
    ("registry", "told"),
    [
        ({}, "there is no repository web of account 111111111111, Region us-west-2"),
        ({"web:1": "sha256:" + "1" * 64}, "has no image 2"),
    ],
    ids=["no repository", "no tag"],
)
def test_an_image_that_is_not_in_ecr_is_found_before(ecs, machine, registry, told):
    ecs.registry = registry
    done = machine.run(release(item("web") | {"image": IMAGE}))
    assert done["error"] == "CheckFailed"
    (web,) = done["result"]["items"]
    assert told in web["reason"]
    assert web["checks"]["image"] == "FAILED"


def test_what_could_not_be_checked_is_a_warning_and_no_pass(ecs, machine):
    from ecs_gitops.errors import AwsRefused

    ecs.refuse["batch_get_image"] = AwsRefused("batch_get_image", "AccessDeniedException", "no")
    done = machine.run(release(item("web") | {"image": IMAGE}))
    (web,) = done["result"]["items"]
    assert (done["status"], web["status"], web["checks"]["image"]) == ("SUCCEEDED", "DEPLOYED", "NOT_CHECKED")
    assert "the deploy role may not look (batch_get_image)" in done["notice"]["message"]


def test_secrets_parameters_and_roles_are_looked_for(ecs, machine):
    secret = "arn:aws:secretsmanager:us-west-2:111111111111:secret:db-AbCdEf"
    definition = ecs.define("web", ("web", "web:1"), taskRoleArn="arn:aws:iam::111111111111:role/task")
    ecs.definitions[definition][0]["containerDefinitions"][0]["secrets"] = [
        {"name": "A", "valueFrom": f"{secret}:password::"},
        {"name": "B", "valueFrom": "/shop/token"},
        {"name": "C", "valueFrom": "arn:aws:ssm:us-west-2:111111111111:parameter/shop/key"},
    ]
    ecs.serve("web", definition)
    ecs.passable = set()
    (web,) = machine.run(release(item("web")))["result"]["items"]
    assert web["status"] == "FAILED"
    for told in (
        f"secret {secret} does not exist",
        "parameter /shop/token does not exist",
        "parameter /shop/key does not exist",
        "may not pass role arn:aws:iam::111111111111:role/task to ecs-tasks.amazonaws.com",
    ):
        assert told in web["reason"]
    assert (web["checks"]["secrets"], web["checks"]["passRole"]) == ("FAILED", "FAILED")
    # AND with all of them there, the release goes through
    ecs.secrets, ecs.parameters, ecs.passable = {secret}, {"/shop/token", "/shop/key"}, None
    assert machine.run(release(item("web")))["status"] == "SUCCEEDED"


def test_settings_that_interrupt_are_warnings_or_errors(ecs, machine):
    ecs.serve("web", ecs.definitions and ecs.define("web", ("web", "web:1")), desired=1)
    ecs.services["web"]["deploymentConfiguration"] = {"minimumHealthyPercent": 0, "maximumPercent": 100}
    done = machine.run(release(item("web", requireZeroDowntime=True)))
    (web,) = done["result"]["items"]
    assert (web["status"], web["checks"]["downtime"]) == ("FAILED", "FAILED")
    for told in ("minimumHealthyPercent 0", "desired count 1", "no health check", "no circuit breaker"):
        assert f"requireZeroDowntime: {told}" in web["reason"]
    assert ecs.images("web") == {"web": "web:1"}
    # WHEN it is not asked for, it is deployed and the warnings are told
    done = machine.run(release(item("web")))
    (web,) = done["result"]["items"]
    assert (web["status"], web["checks"]["downtime"]) == ("DEPLOYED", "WARNING")
    assert len(web["warnings"]) == 5


# --- order -----------------------------------------------------------------------------------------------------------


def test_dependants_start_when_what_they_depend_on_is_done(ecs, machine):
    done = machine.run(release(item("web", dependsOn=["api"]), item("api", dependsOn=["db"]), item("db")))
    assert set(statuses(done).values()) == {"DEPLOYED"}
    started = {r["service"]: r["createdAt"] for r in ecs.records}
    assert started["db"] < started["api"] < started["web"]


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


# --- hooks -----------------------------------------------------------------------------------------------------------


def hooks(before: str | None = None, after: str | None = None) -> dict[str, Any]:
    made = {"preDeploy": before, "postDeploy": after}
    return {"hooks": {name: {"command": command.split()} for name, command in made.items() if command}}


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


# --- the way back ----------------------------------------------------------------------------------------------------

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "strategy": "ROLLING"}


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
    assert (done["status"], statuses(done)) == ("SUCCEEDED", {"web": "SKIPPED", "api": "DEPLOYED"})
    assert "revert it, or change it" in done["result"]["items"][0]["reason"]
    # AND fixing forward deploys; so does coming back to it after a revert
    assert statuses(machine.run(release(item("web", "3"))))["web"] == "DEPLOYED"


def test_after_a_revert_the_same_can_be_tried_again(ecs, machine):
    machine.run(release(item("web", "bad")))
    assert statuses(machine.run(release(item("web", "1"))))["web"] == "UNCHANGED"
    assert statuses(machine.run(release(item("web", "bad"))))["web"] == "ROLLED_BACK"


def test_a_returned_scheduled_task_is_not_deployed_again_either(ecs, machine):
    both = release(item("web", "bad"), tasks=[JOB], onFailure="rollbackRelease")
    assert set(statuses(machine.run(both)).values()) == {"ROLLED_BACK"}
    assert set(statuses(machine.run(both)).values()) == {"SKIPPED"}
    assert (
        provenance.rolled_back_key("rule default/nightly")
        in ecs.definitions[ecs.rules["default", "nightly"][0]["EcsParameters"]["TaskDefinitionArn"]][1]
    )


def test_what_cannot_be_returned_is_told_with_what_stands(ecs, machine, monkeypatch):
    # GIVEN someone who deploys something else while our deployment hangs
    other = ecs.define("web", ("web", "web:9"))
    monkeypatch.setattr(ecs, "stop_service_deployment", lambda _arn: ecs._start(ecs.services["web"], other))
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert web["status"] == "FAILED"
    assert "could not roll back: superseded" in web["reason"]
    assert ecs.images("web") == {"web": "web:9"}


# --- strategies ------------------------------------------------------------------------------------------------------

CANARY = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 1,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 2},
}


def test_a_canary_is_judged_by_ecs_own_record(ecs, machine):
    (web,) = machine.run(release(item("web", deployment=CANARY)))["result"]["items"]
    assert web["status"] == "DEPLOYED"
    assert ecs.services["web"]["deploymentConfiguration"]["strategy"] == "CANARY"
    assert "describe_service_deployments" in ecs.calls


def test_a_canary_that_ecs_rolls_back_is_no_success_and_the_settings_return(ecs, machine):
    before = ecs.steady()
    (web,) = machine.run(release(item("web", "bad", deployment=CANARY)))["result"]["items"]
    assert web["status"] == "ROLLED_BACK"
    assert "ECS rolled back to web:1: tasks failed to start" in web["reason"]
    after = ecs.steady()["services"]["web"]
    assert after["images"] == before["services"]["web"]["images"]
    assert after["deploymentConfiguration"]["strategy"] == "ROLLING"


def test_a_canary_that_is_out_already_returns_without_baking_again(ecs, machine):
    ecs.services["web"]["deploymentConfiguration"] = CANARY
    (web,) = machine.run(release(item("web", **hooks(after="smoke fail"))))["result"]["items"]
    assert web["status"] == "ROLLED_BACK"
    back = ecs.records[-1]["deploymentConfiguration"]
    assert (back["bakeTimeInMinutes"], back["canaryConfiguration"]["canaryBakeTimeInMinutes"]) == (0, 0)
    # AND then the settings are those from before
    assert ecs.services["web"]["deploymentConfiguration"] == CANARY


def test_settings_alone_are_written_without_a_rollout(ecs, machine):
    wanted = {"minimumHealthyPercent": 50}
    (web,) = machine.run(release(item("web", "1", deployment=wanted)))["result"]["items"]
    assert (web["status"], web["reason"]) == (
        "DEPLOYED",
        "the deployment settings alone changed: nothing was rolled out",
    )
    assert ecs.services["web"]["deploymentConfiguration"]["minimumHealthyPercent"] == 50
    assert not ecs.records
    assert machine.results(release(item("web", "1", deployment=wanted)))["web"]["status"] == "UNCHANGED"


# --- schedules and images --------------------------------------------------------------------------------------------


def test_a_schedule_is_written_back_whole(ecs, machine):
    before = ecs.schedules["default", "hourly"]
    done = machine.run({"tasks": [{"service": "job", "scheduleName": "hourly", "image": "job:2"}]})
    assert statuses(done) == {"hourly": "DEPLOYED"}
    after = ecs.schedules["default", "hourly"]
    assert after["Target"]["EcsParameters"]["TaskDefinitionArn"].endswith("job:2")
    after["Target"]["EcsParameters"] = before["Target"]["EcsParameters"]
    assert after == before


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
    wanted = release(item("web") | {"image": IMAGE})
    assert machine.results(wanted)["web"]["status"] == "DEPLOYED"
    assert machine.results(wanted)["web"]["status"] == "UNCHANGED"
    ecs.registry = {"web:2": "sha256:" + "b" * 64}
    web = machine.results(wanted)["web"]
    assert (web["status"], web["reason"]) == ("DEPLOYED", "the tag of web names another image now")
    assert ecs.images("web") == {"web": IMAGE}


def test_pin_digest_deploys_by_digest(ecs, machine):
    ecs.registry = {"web:2": "sha256:" + "a" * 64}
    machine.run(release(item("web", pinDigest=True) | {"image": IMAGE}))
    assert ecs.images("web") == {"web": f"{IMAGE[:-2]}@sha256:{'a' * 64}"}
    assert machine.results(release(item("web", pinDigest=True) | {"image": IMAGE}))["web"]["status"] == "UNCHANGED"


# --- what a review found ---------------------------------------------------------------------------------------------


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


def test_what_failed_its_check_and_was_left_is_not_unchanged(ecs, machine):
    left = release(item("web", onFailure="stop", **hooks(after="smoke fail")))
    assert machine.results(left)["web"]["status"] == "FAILED"
    again = machine.results(left)["web"]
    assert again["status"] == "FAILED"
    assert len(ecs.tasks) == 2


def test_a_release_in_which_nothing_that_was_asked_for_came_about_is_no_success(ecs, machine):
    both = (item("api"), item("web", "bad", dependsOn=["api"]))
    machine.run(release(*both, onFailure="rollbackRelease"))
    done = machine.run(release(item("api"), item("web", "3", dependsOn=["api"]), onFailure="rollbackRelease"))
    assert statuses(done) == {"api": "SKIPPED", "web": "SKIPPED"}
    assert done["status"] == "FAILED"


def test_settings_that_were_rolled_back_are_not_written_again_either(ecs, machine):
    bad = release(
        item("web", "1", deployment={"minimumHealthyPercent": 50}), item("api", "bad"), onFailure="rollbackRelease"
    )
    assert statuses(machine.run(bad))["web"] == "ROLLED_BACK"
    assert statuses(machine.run(bad))["web"] == "SKIPPED"
    assert ecs.services["web"]["deploymentConfiguration"]["minimumHealthyPercent"] == 100


def test_a_revert_needs_nothing_of_what_it_does_not_start(ecs, machine):
    machine.run(release(item("web", "bad")))
    ecs.definitions[ecs.services["web"]["taskDefinition"]][0]["containerDefinitions"][0]["secrets"] = [
        {"name": "A", "valueFrom": "/gone"}
    ]
    assert statuses(machine.run(release(item("web", "1"))))["web"] == "UNCHANGED"


def test_a_role_that_may_not_stop_deployments_returns_by_update_service(ecs, machine):
    from ecs_gitops.errors import AwsRefused

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


def test_a_deregistered_revision_is_registered_again_for_the_way_back(ecs, machine, monkeypatch):
    from ecs_gitops.errors import AwsRefused

    old = ecs.services["web"]["taskDefinition"]
    update = ecs.update_service

    def refusing(cluster, service, task_definition=None, configuration=None):
        if task_definition == old:
            raise AwsRefused("update_service", "ClientException", "TaskDefinition is inactive")
        return update(cluster, service, task_definition, configuration)

    monkeypatch.setattr(ecs, "update_service", refusing)
    web = machine.results(release(item("web", "bad")))["web"]
    assert web["status"] == "ROLLED_BACK"
    assert ecs.images("web") == {"web": "web:1"}
    assert web["runningTaskDefArn"].endswith("web:3")


def test_an_error_nobody_thought_of_fails_its_item_alone(ecs, machine, monkeypatch):
    update = ecs.update_service

    def odd(cluster, service, task_definition=None, configuration=None):
        if service == "web":
            raise KeyError("secret-value")
        return update(cluster, service, task_definition, configuration)

    monkeypatch.setattr(ecs, "update_service", odd)
    done = machine.results(release(item("web"), item("api")))
    assert (done["web"]["status"], done["api"]["status"]) == ("FAILED", "DEPLOYED")
    assert "internal error (KeyError), so what stands is unknown" in done["web"]["reason"]
    assert "secret-value" not in done["web"]["reason"]


def test_an_image_that_a_pull_through_cache_brings_is_no_failure(ecs, machine):
    ecs.pull_through = {"docker-hub"}
    image = "111111111111.dkr.ecr.us-west-2.amazonaws.com/docker-hub/library/nginx:1"
    web = machine.results(release(item("web") | {"image": image}))["web"]
    assert (web["status"], web["checks"]["image"]) == ("DEPLOYED", "NOT_CHECKED")


def test_a_secret_by_its_name_is_looked_for_among_secrets(ecs, machine):
    definition = ecs.define("web", ("web", "web:1"))
    container = ecs.definitions[definition][0]["containerDefinitions"][0]
    container["repositoryCredentials"] = {"credentialsParameter": "dockerhub"}
    container["secrets"] = [{"name": "A", "valueFrom": "/shop/token:3"}, {"name": "B", "valueFrom": "/aws/reference/x"}]
    ecs.serve("web", definition)
    ecs.secrets, ecs.parameters = {"dockerhub"}, {"/shop/token"}
    web = machine.results(release(item("web")))["web"]
    assert (web["status"], web["checks"]["secrets"]) == ("DEPLOYED", "NOT_CHECKED")


def test_a_release_that_bakes_longer_than_an_execution_lasts_is_refused_before_anything(machine, monkeypatch):
    from ecs_gitops.errors import InvalidManifest

    monkeypatch.setenv("ECS_GITOPS_EXECUTION_TIMEOUT_MINUTES", "240")
    slow = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 130}
    with pytest.raises(InvalidManifest, match="bakes for 260 minutes, and is given up after 240"):
        machine.run(release(item("web", deployment=slow, dependsOn=["api"]), item("api", deployment=slow)))
