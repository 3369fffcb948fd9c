"""What the model of memory found, each by an example: hooks that are gone, lost verdicts, deployments of others."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from ecs_gitops.apply import planning
from ecs_gitops.ecs.revision_tags import FAILED, PREVIOUS
from ecs_gitops.ecs.service import Service
from ecs_gitops.flow.conclusion import concluded
from ecs_gitops.lambdas import deploy_ecs, validate_deploy
from ecs_gitops.ledger.fence import Holder
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.memory import Attempt, Earlier, Good, Memory
from ecs_gitops.model.status import ChangeKind, Judgement
from ecs_gitops.plan.memory import needing_hook, rollback_target
from unit.conftest import RELEASE
from unit.fake_aws import Died
from unit.fake_ecs import FakeEcs
from unit.item_maker import service_item
from unit.shop import BREAKER, CANARY, hooks, item, release, statuses
from unit.test_memory import IMAGE, NEVER, TARGETS, Aborted, abort_before, go_on, memory, runs

ROLLING = {"strategy": "ROLLING", "minimumHealthyPercent": 100, "maximumPercent": 200}


# --- hooks ------------------------------------------------------------------------------------------------------------


def test_taking_the_failed_hook_out_of_the_manifest_proves_nothing(shop, machine):
    # GIVEN a revision whose hook failed, and which was left
    failed = release(item("web", "2", onFailure="stop", **hooks(after="smoke fail")))
    assert statuses(machine.run(failed)) == {"web": "FAILED"}
    # WHEN the same image is released without the hook, THEN it runs, and is still not good
    assert statuses(machine.run(release(item("web", "2", onFailure="stop")))) == {"web": "UNCHANGED"}
    assert memory(machine)["notGood"] == [{"revision": "web:2", "why": "FAILED", "needsHook": True}]
    # AND the next failure does not go back to it
    assert statuses(machine.run(release(item("web", "never", **NEVER)))) == {"web": "ROLLED_BACK"}
    assert runs(shop) == "web:1"


def test_joining_a_revision_without_the_hook_that_failed_proves_nothing(shop, machine):
    # GIVEN somebody's deployment that a release joined, and whose hook failed
    shop.force("web")
    assert statuses(machine.run(release(item("web", "1", **hooks(after="smoke fail"))))) == {"web": "FAILED"}
    # WHEN somebody deploys it again, and a release without the hook joins that
    shop.force("web")
    given = release(item("web", "1", deployment={"maximumPercent": 150}))
    assert statuses(machine.run(given)) == {"web": "DEPLOYED"}
    # THEN only a hook would prove it
    assert memory(machine)["notGood"] == [{"revision": "web:1", "why": "FAILED", "needsHook": True}]


@pytest.mark.parametrize(
    ("verdict", "has_hook", "needs"),
    [
        (Judgement.FAILED, True, True),
        (Judgement.OPEN, True, True),
        (Judgement.FAILED, False, False),
        (Judgement.RETURNED, True, False),
        (Judgement.GOOD, True, False),
    ],
)
def test_a_revision_needs_a_hook_where_its_own_failed_or_never_ran(verdict, has_hook, needs):
    attempt = Attempt(execution="a:b", fingerprint="f", revision="web:2", has_post_deploy=has_hook, verdict=verdict)
    assert needing_hook(Memory(attempt=attempt)).is_not_good("web:2") is needs


# --- verdicts and targets ---------------------------------------------------------------------------------------------


def test_an_attempt_whose_revision_was_never_written_down_is_held_after_it_failed(shop, machine, monkeypatch):
    # GIVEN a release that died before the ledger had its revision
    given = release(item("web", "2", **hooks(after="smoke fail")))
    abort_before(machine, monkeypatch, deploy_ecs.handler, "POST_DEPLOY")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    found = json.loads(machine.ledger.objects[TARGETS].content)
    for name in ("revision", "deployment"):
        found["targets"]["service shop/web"]["attempt"].pop(name, None)
    machine.ledger.put(TARGETS, json.dumps(found).encode())
    # WHEN the next one judges it again, and it fails
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    assert memory(machine)["attempt"]["verdict"] == "FAILED"
    # THEN the same is held
    assert statuses(machine.run(given)) == {"web": "HELD"}


@pytest.mark.parametrize("mark", [FAILED, f"ecs-gitops:failed-{hashlib.sha256(b'service shop/web').hexdigest()[:16]}"])
def test_a_rollback_goes_to_no_revision_that_is_tagged_as_failed(shop, machine, mark):
    # GIVEN a revision that failed, of which only its tag knows, and somebody's deployment that takes its place
    shop.definitions[shop.services["web"]["taskDefinition"]][1][mark] = "x"
    shop.hotfix("web", shop.define("web", ("web", "web:never")))
    # WHEN a release fails, THEN it is left, as no good revision is known
    done = machine.run(release(item("web", "never2", **NEVER)))
    assert statuses(done) == {"web": "FAILED"}
    assert "no earlier revision is known" in done["result"]["items"][0]["reason"]
    assert runs(shop) == "web:3"


def test_what_is_good_and_cannot_go_back_with_its_release_stays_good(shop, machine):
    # GIVEN a service of which no good revision is known, in a release that is rolled back because of another
    shop.definitions[shop.services["web"]["taskDefinition"]][1][FAILED] = "x"
    given = release(item("web", "2"), item("api", "never", **NEVER), onFailure="rollbackRelease")
    done = machine.run(given)
    assert statuses(done) == {"web": "FAILED", "api": "ROLLED_BACK"}
    assert "no earlier revision is known" in done["result"]["items"][0]["reason"]
    # THEN its new revision was good, and is what a later failure returns to
    assert (memory(machine)["good"]["revision"], memory(machine)["attempt"]["verdict"]) == ("web:2", "GOOD")


def test_a_tag_that_moved_is_a_new_try_also_where_its_digest_was_not_known_then(shop, machine):
    # GIVEN an image that failed while its tag's digest could not be read, and that was left
    given = release(item("web", "bad", onFailure="stop") | {"image": f"{IMAGE}:bad"})
    shop.refuse["batch_get_image"] = AwsRefused("batch_get_image", "AccessDeniedException", "no")
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    arn = shop.records[-1]["targetServiceRevisionArn"]
    shop.services["web"]["currentServiceRevisions"] = [{"arn": arn}]
    shop.revisions[arn]["containerImages"] = [{"containerName": "web", "imageDigest": "sha256:" + "2" * 64}]
    begun = shop.calls.count("update_service")
    # WHEN the tag is known to name another image than the one that runs, THEN that is tried
    del shop.refuse["batch_get_image"]
    shop.registry["web:bad"] = "sha256:" + "3" * 64
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    assert shop.calls.count("update_service") == begun + 1


@pytest.mark.parametrize("settings", [None, ROLLING])
def test_where_the_ledger_knows_no_good_revision_the_tag_does_not_count(settings):
    attempt = Attempt(execution="a:b", fingerprint="f", revision="web:3", rollback_to=Earlier(settings=settings))
    primary = {"id": "ecs-svc/3", "status": "PRIMARY", "taskDefinition": "web:3", "rolloutState": "FAILED"}
    service = Service.from_api({"serviceName": "web", "status": "ACTIVE", "deployments": [primary]})
    tags = {PREVIOUS: "web:2"}
    # GIVEN an attempt that found no good revision to go back to: what ran then had never come up
    assert rollback_target(service, "web:3", tags, Memory(attempt=attempt)) is None
    # WHEN the ledger has nothing of it, the tag is all that there is
    found = rollback_target(service, "web:3", tags, Memory())
    assert found is not None
    assert found.revision == "web:2"


def on_a_tag_that_moved(shop: FakeEcs) -> str:
    """The service runs an image of a tag that names another one now. Its digest is returned."""
    old = "sha256:" + "1" * 64
    shop.registry = {"web:1": "sha256:" + "9" * 64, "web:2": "sha256:" + "2" * 64, "web:never": "sha256:" + "3" * 64}
    shop.serve("web", shop.define("web", ("web", f"{IMAGE}:1")), desired=2)
    arn = "arn:aws:ecs:us-west-2:111111111111:service-revision/shop/web/1"
    shop.services["web"]["currentServiceRevisions"] = [{"arn": arn}]
    shop.revisions[arn] = {
        "serviceRevisionArn": arn,
        "taskDefinition": shop.services["web"]["taskDefinition"],
        "containerImages": [{"containerName": "web", "image": f"{IMAGE}:1", "imageDigest": old}],
    }
    shop.refuse["stop_service_deployment"] = AwsRefused("stop_service_deployment", "AccessDeniedException", "no")
    return old


def test_a_function_that_died_after_its_update_restores_the_image_that_ran(shop, machine):
    # GIVEN a tag that moved, and a function that dies right after UpdateService
    old, done, died = on_a_tag_that_moved(shop), shop._done, []

    def lost(name: str) -> None:
        done(name)
        if name == "update_service" and not died:
            died.append(name)
            raise Died

    shop._done = lost
    # WHEN it is repeated, and the rollout fails
    given = release(item("web", "never", **NEVER) | {"image": f"{IMAGE}:never"})
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    assert machine.deaths == 1
    # THEN it runs the image of before, and not what the tag names by now
    assert shop.images("web") == {"web": f"{IMAGE}@{old}"}


def test_what_is_judged_again_and_fails_restores_the_image_that_ran(shop, machine, monkeypatch):
    # GIVEN a tag that moved, and a release that was aborted before its hook ran
    old = on_a_tag_that_moved(shop)
    given = release(item("web", "2", **hooks(after="smoke fail")) | {"image": f"{IMAGE}:2"})
    abort_before(machine, monkeypatch, deploy_ecs.handler, "POST_DEPLOY")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    # WHEN the next release judges it again, and it fails
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    # THEN it runs the image of before
    assert shop.images("web") == {"web": f"{IMAGE}@{old}"}


def test_what_is_judged_again_is_not_good_with_the_digests_of_the_rollbacks_target():
    # GIVEN what was judged again, whose rollback would restore other images, and whose digests could not be read
    restored = {"web": "sha256:old"}
    attempt = Attempt(execution=RELEASE.mark, fingerprint="f", revision="web:2")
    over = service_item(
        kind=ChangeKind.JUDGE, status="UNCHANGED", revision="web:2", previous="web:2", previous_digests=restored
    )
    # THEN it is remembered without digests
    assert concluded(Memory(attempt=attempt), over, RELEASE).good == Good(revision="web:2")


def test_what_is_held_for_what_ecs_has_recorded_stays_so_when_nothing_shows_it_any_more(shop, machine, monkeypatch):
    # GIVEN a release that was aborted before ECS gave its deployment up, and the next one, which finds that out
    shop.services["web"]["deploymentConfiguration"] = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    given = release(item("web", "bad"))
    abort_before(machine, monkeypatch, validate_deploy.handler, "ROLLING_OUT")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    assert statuses(machine.run(given, "run-2")) == {"web": "HELD"}
    # WHEN ECS has no record of it any more
    shop.records.clear()
    # THEN it is held all the same
    assert statuses(machine.run(given, "run-3")) == {"web": "HELD"}
    assert memory(machine)["attempt"]["verdict"] == "FAILED"


# --- other people -----------------------------------------------------------------------------------------------------


def test_what_somebody_began_is_never_taken_back_also_with_a_revision_of_a_release(shop, machine):
    # GIVEN a revision that a release registered and did not deploy, and somebody who deploys it
    failed = release(item("web", "2", **hooks(before="migrate fail", after="smoke fail")))
    assert statuses(machine.run(failed)) == {"web": "FAILED"}
    shop.hotfix("web", next(arn for arn in shop.definitions if arn.endswith("/web:2")))
    # WHEN a release joins that with a text of its own, and it fails
    given = release(item("web", "2", deployment={"maximumPercent": 150}, **hooks(after="smoke fail")))
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    # THEN it is left by the next one, too
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    assert runs(shop) == "web:2"


def test_where_ecs_returns_what_was_joined_it_is_said_to_what(shop, machine):
    # GIVEN somebody's deployment that a release joins, and that ECS gives up and rolls back
    shop.services["web"]["deploymentConfiguration"] = {
        **CANARY,
        **{k: v for k, v in BREAKER.items() if k != "strategy"},
    }
    shop.hotfix("web", shop.define("web", ("web", "web:bad")))
    done = machine.run(release(item("web", "bad", timeoutMinutes=30)))
    (web,) = done["result"]["items"]
    assert web["status"] == "FAILED"
    assert "ECS rolls back to web:1" in web["reason"]
    assert web["runningTaskDefArn"].endswith("/web:1")


def test_what_is_judged_again_with_another_text_and_fails_is_held_for_that_text(shop, machine):
    # GIVEN a revision whose hook failed and was taken out of the manifest, so that it was good for a while
    assert statuses(machine.run(release(item("web", "2", onFailure="stop", **hooks(after="smoke fail"))))) == {
        "web": "FAILED"
    }
    assert statuses(machine.run(release(item("web", "2", onFailure="stop")))) == {"web": "UNCHANGED"}
    # WHEN the hook is there again in another text, and fails
    given = release(item("web", "2", **hooks(after="smoke fail")))
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    # THEN that text is held
    assert statuses(machine.run(given)) == {"web": "HELD"}


def test_a_copy_is_good_with_the_digests_that_it_runs():
    # GIVEN what was good with one image, ran another one when the release began, and is restored as a copy of that
    good = Good(revision="web:1", digests={"web": "sha256:old"})
    target = Earlier(revision="web:1", digests={"web": "sha256:ran"})
    attempt = Attempt(execution=RELEASE.mark, fingerprint="f", revision="web:2", rollback_to=target)
    over = service_item(revision="web:2", status="ROLLED_BACK", running="web:3", judgement=Judgement.FAILED)
    # THEN the copy is remembered with its own
    found = concluded(Memory(good=good, attempt=attempt), over, RELEASE)
    assert found.good == Good(revision="web:3", digests={"web": "sha256:ran"})


def test_no_intent_is_written_beside_the_release_that_took_over(shop, machine, monkeypatch):
    # GIVEN a release that plans for long, and loses the fence meanwhile
    taken = Holder("arn:aws:states:us-west-2:111111111111:execution:ecs-gitops:later", 1.0).written()
    plan = planning.plan_item

    def slow(*given: Any) -> Any:
        shop.now += 31
        machine.ledger.put("running.json", taken)
        return plan(*given)

    monkeypatch.setattr(planning, "plan_item", slow)
    done = machine.run(release(item("web", "2")))
    assert done["error"] == "FenceLost"
    # THEN the memory is left to the release that has it now
    assert TARGETS not in machine.ledger.objects
