"""What somebody does by hand with what releases made: their revisions deployed again, newer ones, settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecs_gitops.lambdas import deploy_ecs, validate_deploy
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
