"""What somebody does by hand with what releases made: their revisions deployed again, newer ones, settings."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ecs_gitops.lambdas import deploy_ecs, validate_deploy
from ecs_gitops.model.errors import LedgerUnavailable
from unit.fake_ecs import FakeEcs
from unit.machine import Machine
from unit.shop import BREAKER, hooks, item, release, statuses
from unit.test_memory import IMAGE, NEVER, TARGETS, Aborted, abort_before, go_on, memory, runs
from unit.test_memory_found import ROLLING, on_a_tag_that_moved


def forget_revision(machine: Machine) -> None:
    """The release died before the ledger had its revision and its deployment."""
    found = json.loads(machine.ledger.objects[TARGETS].content)
    for name in ("revision", "deployment"):
        found["targets"]["service shop/web"]["attempt"].pop(name, None)
    machine.ledger.put(TARGETS, json.dumps(found).encode())


def pulled(shop: FakeEcs, digest: str) -> None:
    """The newest deployment runs this image."""
    arn = shop.records[-1]["targetServiceRevisionArn"]
    shop.services["web"]["currentServiceRevisions"] = [{"arn": arn}]
    shop.revisions[arn]["containerImages"] = [{"containerName": "web", "imageDigest": digest}]


def test_what_somebody_deployed_again_counts_with_the_image_that_it_pulled(shop, machine):
    # GIVEN a revision whose hook failed, and whose tag names another image by now
    given = release(item("web", "2", **hooks(after="smoke fail")) | {"image": f"{IMAGE}:2"})
    shop.registry["web:2"] = "sha256:" + "2" * 64
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    mended = shop.registry["web:2"] = "sha256:" + "3" * 64
    # WHEN that has failed, too, and somebody deploys the revision again
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    shop.hotfix("web", next(arn for arn in shop.definitions if arn.endswith("/web:2")))
    arn = shop.records[-1]["targetServiceRevisionArn"]
    shop.steady()
    shop.services["web"]["currentServiceRevisions"] = [{"arn": arn}]
    shop.revisions[arn]["containerImages"] = [{"containerName": "web", "imageDigest": mended}]
    # THEN what Git asks for runs: it is judged, and not held
    assert statuses(machine.run(given)) == {"web": "FAILED"}


def test_what_somebody_deploys_again_is_rolled_back_to_with_the_image_that_was_good(shop, machine):
    # GIVEN what is good, and somebody who deploys it again, after its tag was moved
    old = on_a_tag_that_moved(shop)
    assert statuses(machine.run(release(item("web", "1") | {"image": f"{IMAGE}:1"}))) == {"web": "UNCHANGED"}
    assert memory(machine)["good"]["digests"] == {"web": old}
    shop.force("web")
    pulled(shop, shop.registry["web:1"])
    # WHEN a release replaces that deployment, and fails
    given = release(item("web", "never", **NEVER) | {"image": f"{IMAGE}:never"})
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    # THEN it runs the image of before
    assert shop.images("web") == {"web": f"{IMAGE}@{old}"}


def test_what_ecs_gave_up_is_held_also_where_a_newer_revision_was_registered_since(shop, machine, monkeypatch):
    # GIVEN a release that died before the ledger had its revision, which ECS gave up, and somebody's newer revision
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, **BREAKER}
    given = release(item("web", "bad"))
    abort_before(machine, monkeypatch, validate_deploy.handler, "ROLLING_OUT")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    forget_revision(machine)
    shop.define("web", ("web", "web:3"))
    # THEN the same is held
    assert statuses(machine.run(given)) == {"web": "HELD"}
    assert memory(machine)["attempt"]["verdict"] == "FAILED"


def test_what_ecs_gave_up_is_never_deployed_again_where_the_release_did_not_live_to_write_it_down(
    shop, machine, monkeypatch
):
    # GIVEN a circuit breaker that rolls nothing back, and a release that died before the ledger had its deployment
    breaker = {"enable": True, "rollback": False}
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, "deploymentCircuitBreaker": breaker}
    given = release(item("web", "bad", onFailure="stop"))
    abort_before(machine, monkeypatch, validate_deploy.handler, "ROLLING_OUT")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    forget_revision(machine)
    begun = shop.calls.count("update_service")
    # THEN every push says that it failed, and none deploys it
    for _ in range(3):
        assert statuses(machine.run(given)) == {"web": "FAILED"}
    assert shop.calls.count("update_service") == begun


def test_a_rollbacks_copy_is_not_what_the_release_tried(shop, machine):
    # GIVEN a tag that moved, so that a rollback makes a copy, and a memory that cannot be written after the intent
    old = on_a_tag_that_moved(shop)
    shop.registry["web:bad"] = "sha256:" + "4" * 64
    breaker = {"enable": True, "rollback": False}
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, "deploymentCircuitBreaker": breaker}

    def down(name: str, key: str) -> None:
        known = machine.ledger.objects.get(TARGETS)
        if name == "write" and key == TARGETS and known is not None and b"attempt" in known.content:
            raise LedgerUnavailable("s3://ledger: SlowDown")

    machine.ledger.hooks["before"] = down
    given = release(item("web", "bad") | {"image": f"{IMAGE}:bad"})
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    assert shop.images("web") == {"web": f"{IMAGE}@{old}"}
    machine.ledger.hooks.clear()
    assert memory(machine)["attempt"].get("revision") is None
    begun = shop.calls.count("update_service")
    # THEN the next release does not take the copy for what was tried
    assert statuses(machine.run(given)) == {"web": "HELD"}
    assert shop.calls.count("update_service") == begun


@pytest.mark.parametrize("newest_first", [False, True])
def test_of_two_deployments_of_one_revision_the_primary_says_which_image_runs(shop, machine, newest_first):
    # GIVEN a revision of a release, and somebody who deploys it again after its tag was moved
    shop.registry["web:2"] = "sha256:" + "2" * 64
    assert statuses(machine.run(release(item("web", "2") | {"image": f"{IMAGE}:2"}))) == {"web": "DEPLOYED"}
    first = shop.records[-1]["targetServiceRevisionArn"]
    shop.revisions[first]["containerImages"] = [{"containerName": "web", "imageDigest": shop.registry["web:2"]}]
    moved = shop.registry["web:2"] = "sha256:" + "3" * 64
    shop.force("web")
    pulled(shop, moved)
    arns = [{"arn": first}, *shop.services["web"]["currentServiceRevisions"]]
    shop.services["web"]["currentServiceRevisions"] = arns[::-1] if newest_first else arns
    begun = shop.calls.count("update_service")
    # WHEN Git asks for what the tag names now, THEN that deployment is joined, and none is begun
    done = machine.run(release(item("web", "2") | {"image": f"{IMAGE}:2"}))
    assert "joined" in done["result"]["items"][0]["reason"]
    assert shop.calls.count("update_service") == begun


def test_a_releases_revision_that_somebody_deploys_again_is_never_taken_back(shop, machine, monkeypatch):
    # GIVEN a release that died before the ledger had its deployment, and somebody who deploys its revision again
    given = release(item("web", "2", **hooks(after="smoke fail")))
    abort_before(machine, monkeypatch, deploy_ecs.handler, "POST_DEPLOY")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    forget_revision(machine)
    shop.force("web")
    shop.steady()
    begun = shop.calls.count("update_service")
    # THEN it is judged, and left by every release
    for _ in range(2):
        done = machine.run(given)
        assert statuses(done) == {"web": "FAILED"}
        assert "left as it is" in done["result"]["items"][0]["reason"]
    assert (runs(shop), shop.calls.count("update_service")) == ("web:2", begun)


def test_a_member_of_the_settings_that_a_person_sets_after_the_plan_stays(shop, machine, monkeypatch):
    # GIVEN a person who sets a member while a release registers its revision, which takes long
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, **BREAKER}
    register = shop.register_task_definition

    def slowly(*given: Any, **more: Any) -> Any:
        shop.services["web"]["deploymentConfiguration"]["minimumHealthyPercent"] = 50
        shop.now += 30
        return register(*given, **more)

    monkeypatch.setattr(shop, "register_task_definition", slowly)
    # WHEN the release writes another member
    given = release(item("web", "2", deployment={"maximumPercent": 150}))
    assert statuses(machine.run(given)) == {"web": "DEPLOYED"}
    # THEN both are there
    after = shop.services["web"]["deploymentConfiguration"]
    assert (after["minimumHealthyPercent"], after["maximumPercent"]) == (50, 150)


def test_a_member_of_the_settings_that_a_person_sets_before_settings_alone_are_written_stays(
    shop, machine, monkeypatch
):
    # GIVEN a release that registers a revision of another service first, which takes long, and a person meanwhile
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, **BREAKER}
    register = shop.register_task_definition

    def slowly(*given: Any, **more: Any) -> Any:
        shop.services["web"]["deploymentConfiguration"]["minimumHealthyPercent"] = 50
        shop.now += 30
        return register(*given, **more)

    monkeypatch.setattr(shop, "register_task_definition", slowly)
    # WHEN it writes settings alone
    given = release(item("api", "2"), item("web", "1", deployment={"maximumPercent": 150}))
    assert statuses(machine.run(given)) == {"api": "DEPLOYED", "web": "DEPLOYED"}
    # THEN both are there
    after = shop.services["web"]["deploymentConfiguration"]
    assert (after["minimumHealthyPercent"], after["maximumPercent"]) == (50, 150)


def test_what_a_rollback_went_to_and_ecs_gave_up_is_not_deployed_again_for_the_same_push(shop, machine):
    # GIVEN what runs by a tag that somebody moves to a broken image, and a digest of before that nobody knows
    breaker = {"enable": True, "rollback": False}
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, "deploymentCircuitBreaker": breaker}
    shop.registry["web:bad"] = "sha256:" + "4" * 64
    shop.serve("web", shop.define("web", ("web", f"{IMAGE}:bad")))
    given = release({**item("web", "bad") | {"image": f"{IMAGE}:bad"}, "forceNewDeployment": True})
    # WHEN it is deployed, and ECS gives up that and the rollback
    done = machine.run(given)
    assert statuses(done) == {"web": "FAILED"}
    assert "could not roll back" in done["result"]["items"][0]["reason"]
    begun, after = shop.calls.count("update_service"), runs(shop)
    # THEN the same push says so, and begins nothing
    given["services"][0].pop("forceNewDeployment")
    for _ in range(2):
        assert statuses(machine.run(given)) == {"web": "FAILED"}
    assert (runs(shop), shop.calls.count("update_service")) == (after, begun)


def test_a_deployment_that_somebody_stops_does_not_undo_the_verdict_on_the_one_before(shop, machine, monkeypatch):
    # GIVEN a release that died after its deployment, which came up, and whose settings ECS has
    given = release(item("web", "2", deployment={"maximumPercent": 150}))
    abort_before(machine, monkeypatch, validate_deploy.handler, "ROLLING_OUT")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    # AND somebody who deploys it again, and at once what ran before
    shop.force("web")
    shop.hotfix("web", next(arn for arn in shop.definitions if arn.endswith("/web:1")))
    shop.steady()
    # WHEN Git asks for that
    assert statuses(machine.run(release(item("web", "1")))) == {"web": "UNCHANGED"}
    # THEN the settings of what was good stand
    assert shop.services["web"]["deploymentConfiguration"]["maximumPercent"] == 150


def test_what_ecs_goes_back_to_while_the_hook_runs_is_nobodys_deployment(shop, machine, monkeypatch):
    # GIVEN a deployment by hand that ECS takes back to an old one while a release runs its hook preDeploy
    shop.now += 600
    before = copy.deepcopy(shop.services["web"])
    shop.hotfix("web", shop.define("web", ("web", "web:hot")))
    run_task = shop.run_task

    def ran(*given: Any, **more: Any) -> Any:
        shop.services["web"].update(before)
        return run_task(*given, **more)

    monkeypatch.setattr(shop, "run_task", ran)
    # THEN the release goes on
    assert statuses(machine.run(release(item("web", "2", **hooks(before="migrate"))))) == {"web": "DEPLOYED"}


def revision(shop: FakeEcs, name: str) -> str:
    return next(arn for arn in shop.definitions if arn.endswith(f"/{name}"))


@pytest.mark.parametrize(("ended", "status", "kept"), [("STOPPED", "DEPLOYED", 200), ("SUCCESSFUL", "DEPLOYED", 200)])
def test_what_ecs_said_of_a_revision_before_the_attempt_is_no_verdict_on_it(
    shop, machine, monkeypatch, ended, status, kept
):
    # GIVEN a revision that ECS gave up, or that came up, a day ago
    breaker = {"enable": True, "rollback": False}
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, "deploymentCircuitBreaker": breaker}
    two = shop.define("web", ("web", "web:2"))
    shop.hotfix("web", two)
    if ended == "STOPPED":
        shop.records[-1] |= {"status": "STOPPED", "deploymentCircuitBreaker": {"status": "TRIGGERED"}}
    else:
        shop.steady()
    shop.hotfix("web", revision(shop, "web:1"))
    shop.steady()
    shop.now += 90_000
    # WHEN somebody deploys it, a release joins that and dies, and somebody deploys another one
    shop.hotfix("web", two)
    shop.now += 2
    given = release(item("web", "2", deployment={"maximumPercent": 150}))
    abort_before(machine, monkeypatch, validate_deploy.handler, "ROLLING_OUT")
    with pytest.raises(Aborted):
        machine.run(given)
    shop.hotfix("web", revision(shop, "web:1"))
    go_on(machine, shop)
    # THEN the settings of that release are put back, and its item is not held
    assert statuses(machine.run(release(item("web", "1")))) == {"web": "UNCHANGED"}
    assert shop.services["web"]["deploymentConfiguration"]["maximumPercent"] == kept
    assert statuses(machine.run(given)) == {"web": status}


def test_what_a_rollback_went_to_is_no_worse_for_it_where_ecs_gives_it_up_too(shop, machine, monkeypatch):
    # GIVEN a good service in a cluster without room, a forced deployment that fails there, and its rollback, too
    breaker = {"enable": True, "rollback": False}
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, "deploymentCircuitBreaker": breaker}
    assert statuses(machine.run(release(item("web", "1")))) == {"web": "UNCHANGED"}
    go_on_with = shop._service

    def without_room(service: dict[str, Any], record: dict[str, Any]) -> None:
        is_new = record["status"] == "IN_PROGRESS" and shop.now - record["createdAt"] >= 20
        return shop._fail(service, record) if is_new else go_on_with(service, record)

    with monkeypatch.context() as patched:
        patched.setattr(shop, "_service", without_room)
        machine.run(release({**item("web", "1"), "forceNewDeployment": True}))
        done = machine.run(release(item("web", "1")))
        assert statuses(done) == {"web": "FAILED"}
        assert "set forceNewDeployment" in done["result"]["items"][0]["reason"]
    # THEN it is still what a later failure goes back to
    assert statuses(machine.run(release(item("web", "bad")))) == {"web": "ROLLED_BACK"}
    assert runs(shop) == "web:1"


def test_what_ecs_goes_back_to_is_replaced_only_where_a_rollback_goes_to_it(shop, machine, monkeypatch):
    # GIVEN somebody's settled revision, of which the ledger knows nothing, and their next one that ECS takes back
    assert statuses(machine.run(release(item("web", "1")))) == {"web": "UNCHANGED"}
    shop.services["web"]["deploymentConfiguration"] = {**ROLLING, **BREAKER}
    shop.hotfix("web", shop.define("web", ("web", "web:W")))
    shop.steady()
    shop.now += 3600
    before = copy.deepcopy(shop.services["web"])
    shop.hotfix("web", shop.define("web", ("web", "web:hot")))
    run_task = shop.run_task

    def ran(*given: Any, **more: Any) -> Any:
        shop.services["web"].update(copy.deepcopy(before))
        return run_task(*given, **more)

    monkeypatch.setattr(shop, "run_task", ran)
    # THEN it stays: a rollback would not go to it
    assert statuses(machine.run(release(item("web", "2", **hooks("migrate", "smoke"))))) == {"web": "FAILED"}
    assert runs(shop) == "web:2"
    assert shop.images("web") == {"web": "web:W"}


# Nothing says who deployed a revision, so two findings stand.
@pytest.mark.xfail(reason="nothing says who deployed it", strict=True)
def test_a_revision_that_a_release_only_registered_is_never_taken_back_from_who_deploys_it(shop, machine, monkeypatch):
    # GIVEN a release that died after it had registered a revision, and somebody who deploys that very revision
    given = release(item("web", "2", **hooks("migrate", "smoke fail")))
    abort_before(machine, monkeypatch, deploy_ecs.handler, "PRE_DEPLOY")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    assert runs(shop) == "web:1"
    shop.hotfix("web", next(arn for arn in shop.definitions if arn.endswith("/web:2")))
    shop.steady()
    # THEN it is judged, and left
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    assert runs(shop) == "web:2"


@pytest.mark.xfail(reason="nothing says who deployed it", strict=True)
def test_a_revision_that_somebody_deploys_in_the_second_of_the_release_is_never_taken_back(shop, machine, monkeypatch):
    # GIVEN somebody who deploys a revision right before the release does
    update = shop.update_service

    def beside(cluster: str, service: str, revision: Any = None, *more: Any, **options: Any) -> Any:
        if revision is not None and revision.endswith("/web:2"):
            shop.hotfix("web", revision)
        return update(cluster, service, revision, *more, **options)

    monkeypatch.setattr(shop, "update_service", beside)
    # WHEN its hook postDeploy fails, THEN it is left
    assert statuses(machine.run(release(item("web", "2", **hooks(after="smoke fail"))))) == {"web": "FAILED"}
    assert runs(shop) == "web:2"
