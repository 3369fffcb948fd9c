"""Settings of releases that did not end good: what is put back, and what a person has set stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ecs_gitops.ecs.deployment_settings import put_back
from ecs_gitops.ecs.service import Service
from ecs_gitops.lambdas import deploy_ecs, validate_deploy
from ecs_gitops.model.memory import Attempt, Earlier, Memory
from ecs_gitops.model.status import Judgement
from ecs_gitops.plan.memory import left_behind, settings_before
from unit.fake_aws import Died
from unit.shop import BREAKER, CANARY, hooks, item, release, statuses
from unit.test_memory import NEVER, TARGETS, Aborted, abort_before, go_on, memory

ROLLING = {"strategy": "ROLLING", "minimumHealthyPercent": 100, "maximumPercent": 200}
STEPS = {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1}


@pytest.mark.parametrize(
    ("live", "made"),
    [
        ({**ROLLING, "maximumPercent": 150}, ROLLING),
        # A person set one member since: that one stays, and ours goes.
        ({**ROLLING, "maximumPercent": 150, "minimumHealthyPercent": 50}, {**ROLLING, "minimumHealthyPercent": 50}),
        # A person set the same member.
        ({**ROLLING, "maximumPercent": 180}, {**ROLLING, "maximumPercent": 180}),
        (ROLLING, ROLLING),
    ],
)
def test_settings_are_put_back_member_by_member(live, made):
    attempt = Attempt(
        execution="a:b",
        fingerprint="f",
        rollback_to=Earlier(revision="web:1", settings=ROLLING),
        written=({**ROLLING, "maximumPercent": 150},),
    )
    known = Memory(attempt=attempt)
    service = running(live)
    assert settings_before(known, service) == made
    assert left_behind(known, service) is (live != made)


def running(settings: dict[str, Any], revision: str = "web:1") -> Service:
    return Service.from_api({"serviceName": "web", "taskDefinition": revision, "deploymentConfiguration": settings})


LINEAR = {**ROLLING, "strategy": "LINEAR", "bakeTimeInMinutes": 10, "linearConfiguration": STEPS}
# As only a rollback writes them.
QUICK = {**LINEAR, "bakeTimeInMinutes": 0, "linearConfiguration": {**STEPS, "stepBakeTimeInMinutes": 0}}
BEGUN = Attempt(
    execution="a:b",
    fingerprint="f",
    revision="web:2",
    rollback_to=Earlier(revision="web:1", settings=LINEAR),
    written=(QUICK,),
    verdict=Judgement.GOOD,
)


def test_the_settings_of_a_rollback_that_died_are_put_back_also_where_its_item_had_been_good():
    # GIVEN a service that was good, and that its release then began to take back because of another one
    known = Memory(attempt=BEGUN)
    assert left_behind(known, running(QUICK, "web:1"))
    assert settings_before(known, running(QUICK, "web:1")) == LINEAR


@pytest.mark.parametrize(
    ("attempt", "live", "revision"),
    [
        (BEGUN, LINEAR, "web:1"),
        (BEGUN, {**QUICK, "bakeTimeInMinutes": 5}, "web:1"),
        (BEGUN, QUICK, "web:2"),
        (BEGUN, QUICK, "web:9"),
        (replace(BEGUN, written=(QUICK, QUICK)), QUICK, "web:1"),
        (replace(BEGUN, revision="web:1"), QUICK, "web:1"),
    ],
    ids=[
        "as they were",
        "as somebody has set them",
        "what was good still runs",
        "somebody deployed something else",
        "Git asked for them",
        "settings alone",
    ],
)
def test_settings_after_a_good_attempt_are_nobodys_leavings(attempt, live, revision):
    service = running(live, revision)
    assert not left_behind(Memory(attempt=attempt), service)
    assert settings_before(Memory(attempt=attempt), service) == live


def test_what_a_strategy_brought_goes_with_it_and_what_it_took_comes_back():
    live = {**ROLLING, **CANARY, "minimumHealthyPercent": 50}
    assert put_back(live, ROLLING, [{**ROLLING, **CANARY}]) == {**ROLLING, "minimumHealthyPercent": 50}
    live = {**ROLLING, "minimumHealthyPercent": 50}
    assert put_back(live, CANARY, [ROLLING]) == {**live, **CANARY}


def test_a_persons_member_stays_and_ours_is_put_back(shop, machine, monkeypatch):
    # GIVEN a release that died after it had written settings, and a person who set another one since
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, **BREAKER}
    given = release(item("web", "2", deployment={"maximumPercent": 150}, **hooks(after="smoke fail")))
    abort_before(machine, monkeypatch, deploy_ecs.handler, "POST_DEPLOY")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    shop.services["web"]["deploymentConfiguration"]["minimumHealthyPercent"] = 50
    # WHEN the same fails again and is rolled back
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    # THEN ours is gone, and the person's is there
    after = shop.services["web"]["deploymentConfiguration"]
    assert (after["maximumPercent"], after["minimumHealthyPercent"]) == (200, 50)


def test_what_a_release_left_behind_is_no_persons_for_the_next_one_that_goes_on_with_it(shop, machine, monkeypatch):
    # GIVEN a release that wrote settings with its revision, and was aborted during the rollout
    before = {**ROLLING, **BREAKER}
    shop.services["web"]["deploymentConfiguration"] = dict(before)
    abort_before(machine, monkeypatch, validate_deploy.handler, "ROLLING_OUT")
    with pytest.raises(Aborted):
        machine.run(
            release(item("web", "never", deployment={"maximumPercent": 150, "minimumHealthyPercent": 50}, **NEVER))
        )
    machine.is_aborted = False
    # WHEN the next one has another text, goes on with that deployment, and rolls it back
    done = machine.run(release(item("web", "never", deployment={"maximumPercent": 180}, **NEVER)))
    assert statuses(done) == {"web": "ROLLED_BACK"}
    # THEN nothing of either release is left, and nobody else is named
    assert shop.services["web"]["deploymentConfiguration"] == before
    assert "someone else" not in " ".join(done["result"]["items"][0].get("warnings", []))


@pytest.mark.parametrize(
    ("before", "left", "after"),
    [
        ({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10}, {"bakeTimeInMinutes": 12}, 10),
        # What is known of a deployment depends on its strategy, which is not changed while it goes on.
        (ROLLING, {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 12}, 12),
    ],
    ids=["put back", "told"],
)
def test_what_a_release_left_behind_is_put_back_or_told_by_the_next_one_that_joins_its_deployment(
    shop, machine, monkeypatch, before, left, after
):
    # GIVEN a release that wrote settings with its revision, and was aborted during the rollout
    shop.services["web"]["deploymentConfiguration"] = {**before, "deploymentCircuitBreaker": {"enable": False}}
    abort_before(machine, monkeypatch, validate_deploy.handler, "ROLLING_OUT")
    with pytest.raises(Aborted):
        machine.run(release(item("web", "2", deployment=left)))
    machine.is_aborted = False
    # WHEN the next one asks for the same image and for no settings, and that deployment is good
    done = machine.run(release(item("web", "2")))
    assert statuses(done) == {"web": "DEPLOYED"}
    # THEN the settings are those from before, or it says that they are not
    assert shop.services["web"]["deploymentConfiguration"]["bakeTimeInMinutes"] == after
    told = " ".join(done["result"]["items"][0].get("warnings", []))
    assert ("set `deployment` to have others" in told) is (after == 12)


def test_settings_that_a_run_wrote_before_it_died_are_no_reason_to_judge_what_runs(shop, machine):
    # GIVEN a service that runs what Git asks for, with other settings, and a function that dies after it wrote them
    given = item("web", "1", **hooks(after="smoke fail"))
    assert statuses(machine.run(release(given))) == {"web": "UNCHANGED"}
    done, died = shop._done, []

    def lost(name: str) -> None:
        done(name)
        if name == "update_service" and not died:
            died.append(name)
            raise Died

    shop._done = lost
    # WHEN it is repeated, THEN no hook is run
    reported = machine.run(release(given | {"deployment": {"maximumPercent": 150}}))
    assert died
    assert statuses(reported) == {"web": "DEPLOYED"}
    assert "the deployment settings alone changed" in reported["result"]["items"][0]["reason"]
    assert not shop.tasks


def test_a_member_that_a_person_sets_during_the_release_stays_and_ours_is_rolled_back(shop, machine, monkeypatch):
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, **BREAKER}
    fail = shop._fail

    def failing(service: dict[str, Any], record: dict[str, Any]) -> None:
        service["deploymentConfiguration"]["minimumHealthyPercent"] = 50
        fail(service, record)

    monkeypatch.setattr(shop, "_fail", failing)
    done = machine.run(release(item("web", "bad", deployment={"maximumPercent": 150})))
    assert statuses(done) == {"web": "ROLLED_BACK"}
    after = shop.services["web"]["deploymentConfiguration"]
    assert (after["maximumPercent"], after["minimumHealthyPercent"]) == (200, 50)
    assert "changed by someone else during the release" in " ".join(done["result"]["items"][0]["warnings"])


def test_a_rollback_writes_its_settings_also_where_an_old_answer_has_them_already(shop, machine, monkeypatch):
    # GIVEN a release that changed settings alone, and is rolled back while ECS still shows those from before
    before = {**ROLLING, **BREAKER}
    shop.services["web"]["deploymentConfiguration"] = dict(before)
    describe = shop.describe_services

    def old(cluster: str, names: Any) -> list[dict[str, Any]]:
        found = describe(cluster, names)
        return [{**each, "deploymentConfiguration": dict(before)} for each in found]

    monkeypatch.setattr(shop, "describe_services", old)
    given = release(
        item("web", "1", deployment={"maximumPercent": 150}),
        item("api", "never", **NEVER),
        onFailure="rollbackRelease",
    )
    assert statuses(machine.run(given))["web"] == "ROLLED_BACK"
    # THEN they are written all the same
    assert shop.services["web"]["deploymentConfiguration"]["maximumPercent"] == 200


def test_settings_of_a_moment_ago_are_what_was_before_also_where_the_service_had_none(shop, machine):
    # GIVEN a release that set what the service did not have, and answers of ECS that are old
    shop.services["web"]["deploymentConfiguration"] = {"strategy": "ROLLING"}
    owned = {"minimumHealthyPercent": 75}
    shop.stale = 20
    assert statuses(machine.run(release(item("web", "1", deployment=owned)))) == {"web": "DEPLOYED"}
    # WHEN the next one follows at once, and is rolled back
    given = release(item("web", "never", deployment=owned, **NEVER))
    assert statuses(machine.run(given, "run-2")) == {"web": "ROLLED_BACK"}
    # THEN they stand
    assert shop.steady()["services"]["web"]["deploymentConfiguration"]["minimumHealthyPercent"] == 75


def test_settings_are_written_also_where_somebody_has_deployed_our_revision_already(shop, machine, monkeypatch):
    # GIVEN somebody who deploys the revision that waits for its hook preDeploy
    run_task = shop.run_task

    def ran(*given: Any, **more: Any) -> Any:
        shop.hotfix("web", next(arn for arn in shop.definitions if arn.endswith("/web:2")))
        return run_task(*given, **more)

    monkeypatch.setattr(shop, "run_task", ran)
    given = release(item("web", "2", deployment={"maximumPercent": 150}, **hooks(before="migrate")))
    done = machine.run(given)
    assert statuses(done) == {"web": "DEPLOYED"}
    assert shop.services["web"]["deploymentConfiguration"]["maximumPercent"] == 150
    # AND it is told whose deployment that was
    assert "web:2 was deployed by someone else first" in " ".join(done["result"]["items"][0]["warnings"])


@pytest.mark.parametrize("dies", [False, True], ids=["at once", "after a run died"])
def test_what_somebody_else_deployed_of_our_revision_is_judged_and_never_taken_back(shop, machine, monkeypatch, dies):
    # GIVEN somebody who deploys the revision that waits for its hook preDeploy, and a hook postDeploy that fails
    run_task = shop.run_task
    deployed: list[str] = []

    def ran(*given: Any, **more: Any) -> Any:
        if not deployed:
            deployed.append(next(arn for arn in shop.definitions if arn.endswith("/web:2")))
            shop.hotfix("web", deployed[0])
        return run_task(*given, **more)

    def die(name: str, key: str) -> None:
        # What came of it is remembered, and the step is not stored.
        known = machine.ledger.objects.get(TARGETS)
        if name == "write" and key.startswith("work/") and known is not None and b"others" in known.content:
            machine.ledger.hooks.clear()
            raise Died

    monkeypatch.setattr(shop, "run_task", ran)
    if dies:
        machine.ledger.hooks["before"] = die
    given = release(item("web", "2", **hooks("migrate", "smoke fail")), item("api", "2"), onFailure="rollbackRelease")
    done = machine.run(given)
    # THEN the item has failed, and their deployment is left, also where the release is repeated
    assert not machine.ledger.hooks
    assert statuses(done) == {"web": "FAILED", "api": "ROLLED_BACK"}
    assert "left as it is: this release did not deploy it" in done["result"]["items"][0]["reason"]
    assert shop.images("web") == {"web": "web:2"}
    machine.run(given, "run-2")
    assert shop.images("web") == {"web": "web:2"}


def test_what_is_unchanged_has_its_settings_from_git_and_not_from_an_attempt_before(shop, machine, monkeypatch):
    # GIVEN an attempt that somebody's deployment of the same image replaced, and that is adopted
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, **BREAKER}
    given = item("web", "2", deployment={"minimumHealthyPercent": 75})
    abort_before(machine, monkeypatch, validate_deploy.handler, "ROLLING_OUT")
    with pytest.raises(Aborted):
        machine.run(release(given))
    go_on(machine, shop)
    shop.hotfix("web", shop.define("web", ("web", "web:2")))
    shop.steady()
    assert statuses(machine.run(release(given))) == {"web": "UNCHANGED"}
    # THEN nothing of the attempt is left behind any more: a later rollback leaves what was good in between
    assert memory(machine)["attempt"].get("written") is None
