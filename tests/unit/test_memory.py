"""What is remembered between releases: each rule of docs/architecture/memory.md by an example."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecs_gitops.ecs.revision_tags import fingerprint
from ecs_gitops.lambdas import deploy_ecs, validate_deploy
from ecs_gitops.ledger.fence import Holder
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.memory import Attempt, Good, Memory, NotGood
from ecs_gitops.model.status import Judgement
from ecs_gitops.plan.memory import Ended, proven, settled
from unit.fake_ecs import FakeEcs
from unit.machine import Machine
from unit.shop import CANARY, hooks, item, release, statuses

NEVER = {"timeoutMinutes": 5}
IMAGE = "111111111111.dkr.ecr.us-west-2.amazonaws.com/web"
TARGETS = "targets/111111111111/us-west-2/service.json"


class Aborted(Exception):
    """The execution is aborted here."""


def abort_before(machine: Machine, monkeypatch: pytest.MonkeyPatch, handler: Any, step: str) -> None:
    """Abort the execution before ``handler`` is called for a batch with an item at ``step``."""
    invoke = machine._invoke
    machine.is_aborted = True  # type: ignore[attr-defined]

    def invoked(called: Any, event: dict[str, Any]) -> dict[str, Any]:
        if machine.is_aborted and called is handler and step in event.get("batch", {}).get("counts", {}):
            raise Aborted
        return invoke(called, event)

    monkeypatch.setattr(machine, "_invoke", invoked)


def go_on(machine: Machine, shop: FakeEcs) -> None:
    machine.is_aborted = False  # type: ignore[attr-defined]
    shop.steady()


def runs(shop: FakeEcs, name: str = "web") -> str:
    return str(shop.services[name]["taskDefinition"]).rsplit("/", 1)[-1]


def memory(machine: Machine, name: str = "web") -> dict[str, Any]:
    found = json.loads(machine.ledger.objects[TARGETS].content)["targets"]
    return dict(found[f"service shop/{name}"])


@pytest.mark.parametrize(
    ("handler", "step"),
    [
        (deploy_ecs.handler, "ROLL_BACK"),
        (validate_deploy.handler, "POST_DEPLOY_RUNNING"),
        (deploy_ecs.handler, "POST_DEPLOY"),
    ],
)
def test_what_an_aborted_release_left_is_judged_again_and_never_green(shop, machine, monkeypatch, handler, step):
    # GIVEN an image whose check fails, and a release that was aborted before it was rolled back
    given = release(item("web", "2", **hooks(after="smoke fail")))
    abort_before(machine, monkeypatch, handler, step)
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    ran = len(shop.tasks)
    # WHEN the same is pushed again, THEN the check runs again, and the service goes back
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    assert (len(shop.tasks), runs(shop)) == (ran + 1, "web:1")
    # AND from then on it is held
    assert statuses(machine.run(given)) == {"web": "HELD"}


def test_settings_that_an_aborted_rollback_left_are_put_back_by_the_next_release(shop, machine, monkeypatch):
    # GIVEN a service with bake times of its own, whose rollback was aborted
    shop.services["web"]["deploymentConfiguration"] = dict(CANARY)
    given = release(item("web", "2", timeoutMinutes=30, **hooks(after="smoke fail")))
    abort_before(machine, monkeypatch, validate_deploy.handler, "ROLLING_BACK")
    with pytest.raises(Aborted):
        machine.run(given)
    assert shop.services["web"]["deploymentConfiguration"]["bakeTimeInMinutes"] == 0
    go_on(machine, shop)
    # WHEN the same is pushed again, THEN it is held, and its settings are those from before
    done = machine.run(given)
    assert statuses(done) == {"web": "HELD"}
    assert "were put back" in done["result"]["items"][0]["reason"]
    assert shop.services["web"]["deploymentConfiguration"] == CANARY


def test_memory_does_not_hang_on_a_revision(shop, machine):
    # GIVEN a service whose revision was deregistered, so that a rollback registers a copy
    shop.deregister(shop.services["web"]["taskDefinition"])
    given = release(item("web", "bad"))
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    started = len(shop.records)
    # THEN the next push of the same is held, too
    assert statuses(machine.run(given)) == {"web": "HELD"}
    assert len(shop.records) == started


def test_a_hotfix_between_releases_is_what_a_later_failure_returns_to(shop, machine):
    machine.run(release(item("web", "2")))
    # GIVEN a revision that a person deployed by hand
    shop.hotfix("web", shop.define("web", ("web", "web:hotfix")))
    shop.steady()
    # WHEN a release fails, THEN it goes back to that
    assert statuses(machine.run(release(item("web", "never", **NEVER)))) == {"web": "ROLLED_BACK"}
    assert shop.images("web") == {"web": "web:hotfix"}


def test_never_back_to_a_revision_that_failed(shop, machine):
    # GIVEN a revision that failed and was left in place
    first = release(item("web", "2", onFailure="stop", **hooks(after="smoke fail")))
    assert statuses(machine.run(first)) == {"web": "FAILED"}
    # WHEN the next one fails, too
    done = machine.run(release(item("web", "never", **NEVER)))
    # THEN the service goes back to what was good before both, and that is said
    assert statuses(done) == {"web": "ROLLED_BACK"}
    assert runs(shop) == "web:1"
    assert any(
        "web:2, was not good: a rollback goes to web:1" in text for text in done["result"]["items"][0]["warnings"]
    )


def test_a_fix_by_hand_of_what_failed_is_judged_anew(shop, machine):
    given = release(item("web", "2", **hooks(after="smoke fail")))
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    # GIVEN a person who deploys the image of the failed release again, with what it lacked
    shop.hotfix("web", shop.define("web", ("web", "web:2"), cpu="512"))
    shop.steady()
    ran = len(shop.tasks)
    # THEN it is neither held nor green without its check
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    assert len(shop.tasks) == ran + 1
    # AND what a person deployed is left
    assert shop.images("web") == {"web": "web:2"}


def test_a_mended_image_under_the_same_tag_is_a_new_try(shop, machine):
    shop.registry = {"web:1": "sha256:" + "1" * 64, "web:bad": "sha256:" + "2" * 64}
    given = release(item("web", "bad") | {"image": f"{IMAGE}:bad"})
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    assert statuses(machine.run(given)) == {"web": "HELD"}
    # WHEN the tag names another image
    shop.registry["web:bad"] = "sha256:" + "3" * 64
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}


def test_a_tag_that_moved_is_rolled_back_to_the_image_that_ran(shop, machine):
    # GIVEN a service on a tag, as ECS resolved it, and the tag names another image now
    old, new = "sha256:" + "1" * 64, "sha256:" + "9" * 64
    shop.registry = {"web:1": new, "web:never": "sha256:" + "2" * 64}
    shop.serve("web", shop.define("web", ("web", f"{IMAGE}:1")), desired=2)
    revision = "arn:aws:ecs:us-west-2:111111111111:service-revision/shop/web/1"
    shop.services["web"]["currentServiceRevisions"] = [{"arn": revision}]
    shop.revisions[revision] = {
        "serviceRevisionArn": revision,
        "taskDefinition": shop.services["web"]["taskDefinition"],
        "containerImages": [{"containerName": "web", "image": f"{IMAGE}:1", "imageDigest": old}],
    }
    # WHEN a release fails and is rolled back by UpdateService
    shop.refuse["stop_service_deployment"] = AwsRefused("stop_service_deployment", "AccessDeniedException", "no")
    given = release(item("web", "never", **NEVER) | {"image": f"{IMAGE}:never"})
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    # THEN it runs the image of before
    assert shop.images("web") == {"web": f"{IMAGE}@{old}"}


@pytest.mark.parametrize("what", ["update_service", "put_targets"])
def test_what_may_have_been_changed_goes_back_with_the_release(shop, machine, what):
    # GIVEN a call that takes effect, whose answer is lost, and AWS that is away after that
    until = {"time": 0.0, "is_armed": True}
    called, done = shop._called, shop._done

    def away(name: str) -> None:
        if shop.now < until["time"]:
            raise AwsUnavailable(f"{name}: ServiceUnavailableException")
        called(name)

    def lost(name: str) -> None:
        done(name)
        if name == what and until["is_armed"]:
            until.update(is_armed=False, time=shop.now + 1_000)
            raise AwsUnavailable(f"{name}: ReadTimeoutError")

    shop._called, shop._done = away, lost
    given = release(item("web", **NEVER), item("api", **NEVER), onFailure="rollbackRelease")
    if what == "put_targets":
        given["tasks"] = [{"service": "job", "cwRuleName": "nightly", "image": "job:2", **NEVER}]
    result = statuses(machine.run(given))
    shop.steady()
    # THEN nothing is left of the release
    assert "DEPLOYED" not in result.values()
    assert (runs(shop), runs(shop, "api")) == ("web:1", "api:1")
    assert shop.rules["default", "nightly"][0]["EcsParameters"]["TaskDefinitionArn"].endswith("job:1")


def test_what_is_good_is_what_was_proven_or_adopted(shop, machine):
    machine.run(release(item("web", "1"), item("api", "2")))
    assert memory(machine)["good"] == {"revision": "web:1", "proof": "ADOPTED"}
    assert memory(machine, "api")["good"] == {"revision": "api:2"}
    # WHEN a good item goes back with its release, THEN what was good before is good again
    machine.run(release(item("api", "3"), item("web", "never", **NEVER), onFailure="rollbackRelease"))
    assert memory(machine, "api")["good"] == {"revision": "api:2"}
    assert memory(machine, "api")["attempt"]["verdict"] == "RETURNED"


# --- the ledger fails ------------------------------------------------------------------------------------------------


def test_a_ledger_that_cannot_be_written_stops_a_release_before_it_changes_anything(shop, machine):
    machine.ledger.is_down("targets/", names=("write",))
    with pytest.raises(AssertionError, match="ran out of retries"):
        machine.run(release(item("web", "2")))
    assert not {"update_service", "register_task_definition"} & set(shop.calls)
    # WHEN it is there again, THEN the next release goes on
    machine.ledger.is_up()
    assert statuses(machine.run(release(item("web", "2")))) == {"web": "DEPLOYED"}


def test_no_failure_of_the_memory_keeps_a_broken_service_from_its_rollback(shop, machine, monkeypatch):
    # GIVEN a ledger whose memory and fence cannot be read or written from the failure on
    fail = shop._fail
    monkeypatch.setattr(
        shop, "_fail", lambda *given: (machine.ledger.is_down("targets/", "running.json"), fail(*given))
    )
    done = machine.run(release(item("web", "bad")))
    # THEN the service is rolled back, and what could not be written is told
    assert statuses(done) == {"web": "ROLLED_BACK"}
    assert shop.images("web") == {"web": "web:1"}
    assert "SlowDown" in done["result"]["notRecorded"]
    assert "The ledger does not have all of this" in done["notice"]["message"]
    # AND the next release does not take it for good
    machine.ledger.is_up()
    assert statuses(machine.run(release(item("web", "bad")))) == {"web": "HELD"}


def test_a_ledger_that_was_lost_costs_memory_and_never_safety(shop, machine):
    given = release(item("web", "2", onFailure="stop", **hooks(after="smoke fail")))
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    machine.ledger.objects.clear()
    # THEN a revision that failed is not taken for good: it has a tag
    assert statuses(machine.run(given)) == {"web": "FAILED"}


@pytest.mark.parametrize("lost", range(1, 6))
def test_a_step_that_is_lost_is_made_again_from_the_one_before(shop, machine, monkeypatch, lost):
    # GIVEN a step of the deployment that is deleted as soon as it was written
    left = [lost]

    def deleted(name: str, key: str) -> None:
        if name == "write" and "/1/service-" in key and not key.endswith("/0.json"):
            left[0] -= 1
            if left[0] == 0:
                del machine.ledger.objects[key]

    machine.ledger.hooks["after"] = deleted
    done = machine.run(release(item("web", "bad"), item("api", "2")))
    assert statuses(done) == {"web": "ROLLED_BACK", "api": "DEPLOYED"}
    assert (shop.images("web"), shop.images("api")) == ({"web": "web:1"}, {"api": "api:2"})


def test_where_the_step_of_a_check_is_lost_nothing_is_changed(shop, machine):
    # GIVEN a check that fails, and whose step is deleted as soon as it was written
    def deleted(name: str, key: str) -> None:
        if name == "write" and "/0/service-" in key and key.endswith("/1.json"):
            del machine.ledger.objects[key]

    machine.ledger.hooks["after"] = deleted
    done = machine.run(release(item("web", "2"), item("absent", "2")))
    # THEN nobody knows what it found, and nothing is begun
    assert (done["error"], statuses(done)) == ("CheckFailed", {"web": "FAILED", "absent": "FAILED"})
    assert "was deleted from the ledger; release again" in done["result"]["items"][0]["reason"]
    assert "update_service" not in shop.calls


# --- what the model found --------------------------------------------------------------------------------------------


def test_a_hotfix_that_was_joined_is_never_taken_back(shop, machine):
    # GIVEN somebody's deployment of what Git asks for, which a release joined, and which did not pass its check
    given = release(item("web", "2", **hooks(after="smoke fail")))
    shop.hotfix("web", shop.define("web", ("web", "web:2")))
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    started = shop.calls.count("update_service")
    # THEN it is left by every release
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    assert (shop.images("web"), shop.calls.count("update_service")) == ({"web": "web:2"}, started)


def test_what_ran_before_is_not_good_any_more_when_it_fails_as_somebody_deploys_it_again(shop, machine):
    assert statuses(machine.run(release(item("web", "1")))) == {"web": "UNCHANGED"}
    # GIVEN what is good, deployed again by somebody, and a check that it does not pass
    shop.force("web")
    given = release(item("web", "1", **hooks(after="smoke fail")))
    assert statuses(machine.run(given)) == {"web": "FAILED"}
    assert memory(machine).get("good") is None
    # THEN it is judged again, also without another change
    assert statuses(machine.run(given)) == {"web": "FAILED"}


def test_what_somebody_deploys_again_right_before_a_release_is_what_a_failure_returns_to(shop, machine):
    shop.force("web")
    assert statuses(machine.run(release(item("web", "never", **NEVER)))) == {"web": "ROLLED_BACK"}
    assert shop.images("web") == {"web": "web:1"}


# --- upgrades --------------------------------------------------------------------------------------------------------


def test_what_an_earlier_version_held_stays_held_and_what_it_left_failed_is_judged(shop, machine):
    # GIVEN the tags of an earlier version: web was rolled back, api failed and was left
    given = release(item("web", "2"), item("api", "1", **hooks(after="smoke fail")))
    machine.run(release(item("web", "1")))
    found: dict[str, str] = {}
    for key in [key for key in machine.ledger.objects if key.startswith("work/")]:
        for each in json.loads(machine.ledger.objects[key].content).get("batch", {}).get("items", ()):
            found[each["desired"]["name"]] = each["desired"]["contentHash"]
    machine.ledger.objects.clear()
    machine.run(given)
    for key in [key for key in machine.ledger.objects if key.startswith("work/")]:
        for each in json.loads(machine.ledger.objects[key].content).get("batch", {}).get("items", ()):
            found[each["desired"]["name"]] = each["desired"]["contentHash"]
    machine.ledger.objects.clear()
    shop.hotfix("web", next(arn for arn in shop.definitions if arn.endswith("/web:1")))
    shop.steady()
    mark = fingerprint({"content": found["web"], "digests": {}})
    for name, key, value in (("web", "rolled-back", mark), ("api", "failed", "x")):
        tags = shop.definitions[shop.services[name]["taskDefinition"]][1]
        tags.clear()
        tags[f"ecs-gitops:{key}-{fingerprint_of_target(name)}"] = value
    # THEN the first release after the upgrade holds the one, and judges the other
    done = machine.run(given)
    assert statuses(done) == {"web": "HELD", "api": "FAILED"}
    assert "an earlier release rolled this back" in done["result"]["items"][0]["reason"]
    # AND so does the next one
    assert statuses(machine.run(given)) == {"web": "HELD", "api": "FAILED"}


def fingerprint_of_target(name: str) -> str:
    import hashlib

    return hashlib.sha256(f"service shop/{name}".encode()).hexdigest()[:16]


def test_another_instance_on_the_same_service_is_a_warning(shop, machine):
    shop.definitions[shop.services["web"]["taskDefinition"]][1]["ecs-gitops:execution"] = "other:run-7"
    done = machine.run(release(item("web", "2"), item("api", "2")))
    warnings = {each["name"]: " ".join(each["warnings"]) for each in done["result"]["items"]}
    assert "another instance of ecs-gitops, other, deployed what runs" in warnings["web"]
    assert "another instance" not in warnings["api"]


# --- the rules alone -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ended", "has_hook", "verdict"),
    [
        (Ended.GAVE_UP, False, Judgement.FAILED),
        (Ended.GAVE_UP, True, Judgement.FAILED),
        (Ended.STOPPED, False, Judgement.OPEN),
        (Ended.SUCCESSFUL, False, Judgement.GOOD),
        (Ended.SUCCESSFUL, True, Judgement.OPEN),
        (Ended.GOING_ON, False, Judgement.OPEN),
        (Ended.UNKNOWN, False, Judgement.OPEN),
        (Ended.NONE, False, Judgement.UNTOUCHED),
    ],
)
def test_an_attempt_without_a_verdict_is_settled_by_ecs_record(ended, has_hook, verdict):
    attempt = Attempt(execution="ecs-gitops:run-1", fingerprint="f", has_post_deploy=has_hook)
    found = settled(Memory(attempt=attempt), "web:2", ended).attempt
    assert found is not None
    assert (found.verdict, found.revision) == (verdict, "web:2")


@pytest.mark.parametrize("hook_ran", [True, False])
def test_where_the_hook_failed_only_a_hook_proves_a_revision(hook_ran):
    known = Memory(not_good=(NotGood(revision="web:2", needs_hook=True), NotGood(revision="web:1")))
    found = proven(known, Good(revision="web:2"), hook_ran=hook_ran)
    assert found.is_not_good("web:2") is not hook_ran
    assert found.is_not_good("web:1")


def test_who_lost_the_fence_writes_no_verdict(shop, machine, monkeypatch):
    # GIVEN a release whose fence another one takes while it is rolled out
    put = machine.ledger.put
    taken = Holder("arn:aws:states:us-west-2:111111111111:execution:ecs-gitops:later", 1.0).written()
    fail = shop._fail

    def failing(*given: Any) -> None:
        put("running.json", taken)
        fail(*given)

    monkeypatch.setattr(shop, "_fail", failing)
    done = machine.run(release(item("web", "bad")))
    # THEN it stops, says who has taken over, and what it remembers is open
    assert (done["error"], statuses(done)) == ("FenceLost", {"web": "FAILED"})
    assert "taken over by the release later" in done["result"]["error"]
    assert memory(machine)["attempt"].get("verdict") is None
    assert shop.images("web") == {"web": "web:bad"}
