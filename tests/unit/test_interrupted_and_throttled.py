"""A function that died after a write, and calls without an answer: nothing that may be changed stays behind, and what a
rollback can do without does not keep a broken service from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ecs_gitops.ecs.revision_tags import FAILED
from ecs_gitops.lambdas import deploy_ecs, validate_deploy
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, InvalidEvent, LedgerRefused
from unit.fake_aws import Died
from unit.fake_ecs import FakeEcs
from unit.machine import Machine
from unit.shop import CANARY, JOB, hooks, item, release, statuses
from unit.test_memory import IMAGE, NEVER, Aborted, abort_before, go_on, memory, runs
from unit.test_memory_found import on_a_tag_that_moved


def die_then_refuse(shop: FakeEcs, monkeypatch: pytest.MonkeyPatch, after: str, refused: str) -> None:
    """The function dies right after the first call of ``after``; run again, its first ``refused`` is refused."""
    done, called, left = shop._done, shop._called, [-1]

    def did(name: str) -> None:
        done(name)
        if name == after and left[0] < 0:
            left[0] = 1
            raise Died

    def call(name: str) -> None:
        if name == refused and left[0] > 0:
            left[0] -= 1
            raise AwsRefused(name, "AccessDeniedException", "no")
        called(name)

    monkeypatch.setattr(shop, "_done", did)
    monkeypatch.setattr(shop, "_called", call)


def throttle(
    shop: FakeEcs, machine: Machine, monkeypatch: pytest.MonkeyPatch, call: str, is_away: Callable[[], bool]
) -> list[float]:
    """From the first look at a rollout on, a call has no answer while ``is_away``. When that look began, if it has."""
    called, invoke, began = shop._called, machine._invoke, list[float]()

    def throttled(name: str) -> None:
        if began and name == call and is_away():
            raise AwsUnavailable(f"{name}: ThrottlingException")
        called(name)

    def looked(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        is_look = handler is validate_deploy.handler and "ROLLING_OUT" in event.get("batch", {}).get("counts", {})
        began.extend([shop.now] if is_look and not began else [])
        return invoke(handler, event)

    monkeypatch.setattr(machine, "_invoke", looked)
    monkeypatch.setattr(shop, "_called", throttled)
    return began


@pytest.mark.parametrize("on_failure", ["rollback", "rollbackRelease"])
@pytest.mark.parametrize("refused", ["describe_services", "describe_task_definition"])
def test_what_a_function_changed_before_it_died_is_taken_back_where_it_cannot_be_read(
    shop, machine, monkeypatch, on_failure, refused
):
    # GIVEN a function that dies after UpdateService, and whose next run may not read once
    die_then_refuse(shop, monkeypatch, "update_service", refused)
    given = release(item("web", "2", **hooks(after="smoke")), onFailure=on_failure)
    # THEN the new revision, which no hook has judged, does not stay
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    shop.steady()
    assert (runs(shop), memory(machine)["attempt"].get("verdict", "OPEN")) == ("web:1", "OPEN")
    # AND no later failure goes back to it
    assert statuses(machine.run(release(item("web", "never", **NEVER)))) == {"web": "ROLLED_BACK"}
    assert runs(shop) == "web:1"


@pytest.mark.parametrize("on_failure", ["rollback", "stop"])
def test_what_may_be_changed_is_never_called_untouched(shop, machine, monkeypatch, on_failure):
    # GIVEN a function that dies before UpdateService, after it has written down what it is about to do
    die_then_refuse(shop, monkeypatch, "register_task_definition", "describe_services")
    (web,) = machine.run(release(item("web", "2"), onFailure=on_failure))["result"]["items"]
    # THEN it is found out that nothing was changed where a rollback reads that, and else it is unknown
    assert web["status"] == "FAILED"
    assert "unknown: the item may have been changed" in web["reason"]
    found = "nothing that this release deployed runs: the service runs web:1"
    assert (found in web["reason"]) is (on_failure == "rollback")
    assert "could not roll back" not in web["reason"]
    assert (runs(shop), shop.calls.count("update_service")) == ("web:1", 0)


@pytest.mark.parametrize("refused", ["list_targets_by_rule", "describe_task_definition"])
def test_a_rule_that_a_function_changed_before_it_died_goes_back_with_the_release(shop, machine, monkeypatch, refused):
    die_then_refuse(shop, monkeypatch, "put_targets", refused)
    machine.run({"tasks": [dict(JOB)], "services": [item("web", "1")], "onFailure": "rollbackRelease"})
    assert shop.rules["default", "nightly"][0]["EcsParameters"]["TaskDefinitionArn"].endswith("/job:1")


@pytest.mark.parametrize("call", ["list_service_deployments", "register_task_definition", "describe_task_definition"])
def test_what_a_rollback_can_do_without_is_not_waited_for_for_ever(shop, machine, monkeypatch, call):
    # GIVEN a rollback whose target has a tag that moved, and a call that has no answer any more
    on_a_tag_that_moved(shop)
    shop.registry["web:bad"] = "sha256:" + "b" * 64
    throttle(shop, machine, monkeypatch, call, lambda: True)
    # THEN the service is rolled back all the same
    done = machine.run(release({**item("web", "bad", timeoutMinutes=10), "image": f"{IMAGE}:bad"}))
    assert statuses(done) == {"web": "ROLLED_BACK"}


def test_a_record_without_an_answer_keeps_no_other_service_waiting(shop, machine, monkeypatch):
    # GIVEN a service with traffic shifting whose record cannot be read for a quarter of an hour
    shop.services["api"]["deploymentConfiguration"] = dict(CANARY)
    shop.services["api"]["deployments"][0].pop("rolloutState")
    update, back = shop.update_service, list[float]()
    began = throttle(shop, machine, monkeypatch, "describe_service_deployments", lambda: shop.now < began[0] + 900.0)

    def updated(cluster: str, service: str, revision: str | None = None, *more: Any) -> Any:
        if service == "web" and str(revision).endswith("/web:1"):
            back.append(shop.now - began[0])
        return update(cluster, service, revision, *more)

    monkeypatch.setattr(shop, "update_service", updated)
    done = machine.run(release(item("web", "bad"), item("api", "2", timeoutMinutes=30)))
    # THEN the broken one beside it is rolled back at once, and it is judged when it can be read
    assert statuses(done) == {"web": "ROLLED_BACK", "api": "DEPLOYED"}
    assert back[0] < 120


@pytest.mark.parametrize("why", ["moved", "inactive"])
def test_settings_of_an_interrupted_rollback_to_a_copy_are_put_back(shop, machine, monkeypatch, why):
    # GIVEN what was good and goes back with its release to a copy, and an abort while it does
    on_a_tag_that_moved(shop)
    shop.registry |= {f"web:{number}": "sha256:" + str(number) * 64 for number in (2, 3)}
    shop.services["web"]["deploymentConfiguration"] = dict(CANARY)
    shop.services["web"]["deployments"][0].pop("rolloutState")
    if why == "inactive":
        shop.services["web"].pop("currentServiceRevisions", None)
        shop.deregister(shop.services["web"]["taskDefinition"])
    invoke = machine._invoke

    def invoked(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        if shop.services["web"]["deploymentConfiguration"]["bakeTimeInMinutes"] == 0:
            raise Aborted
        return invoke(handler, event)

    def web(tag: str) -> dict[str, Any]:
        return {**item("web", tag, timeoutMinutes=30), "image": f"{IMAGE}:{tag}"}

    with monkeypatch.context() as patched:
        patched.setattr(machine, "_invoke", invoked)
        with pytest.raises(Aborted):
            machine.run(release(web("2"), item("api", "bad", dependsOn=["web"]), onFailure="rollbackRelease"))
    shop.steady()
    # THEN the next release has the settings of before
    machine.run(release(web("3")))
    assert shop.services["web"]["deploymentConfiguration"] == CANARY


def test_what_a_function_changed_is_taken_back_where_the_ledger_refuses_its_next_run(shop, machine, monkeypatch):
    # GIVEN a function that dies after UpdateService, and a ledger that refuses a read once
    done, called, state = shop._done, type(machine.ledger)._called, ["running"]

    def did(name: str) -> None:
        done(name)
        if name == "update_service" and state[0] == "running":
            state[0] = "died"
            raise Died

    def call(ledger: Any, name: str, key: str) -> None:
        if state[0] == "died" and name == "read" and key.startswith("targets/"):
            state[0] = "refused"
            raise LedgerRefused("AccessDenied")
        called(ledger, name, key)

    monkeypatch.setattr(shop, "_done", did)
    monkeypatch.setattr(type(machine.ledger), "_called", call)
    # THEN the broken revision does not stay, and is not called untouched
    assert statuses(machine.run(release(item("web", "bad")))) == {"web": "ROLLED_BACK"}
    assert state == ["refused"]
    assert (runs(shop), memory(machine)["attempt"].get("verdict", "OPEN")) == ("web:1", "OPEN")


def test_settings_that_ecs_left_when_it_took_back_what_a_dead_function_deployed_are_put_back(
    shop, machine, monkeypatch
):
    # GIVEN a function that dies after UpdateService with settings, a read that is refused, and ECS's circuit breaker
    shop.services["web"]["deploymentConfiguration"] |= {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    before = dict(shop.services["web"]["deploymentConfiguration"])
    die_then_refuse(shop, monkeypatch, "update_service", "describe_services")
    invoke = machine._invoke

    def invoked(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        if handler is deploy_ecs.handler and event["batch"]["counts"].get("ROLL_BACK"):
            shop.steady()
        return invoke(handler, event)

    monkeypatch.setattr(machine, "_invoke", invoked)
    machine.run(release(item("web", "bad", deployment={"minimumHealthyPercent": 50, "maximumPercent": 150})))
    # THEN a rollback puts the settings back
    after = shop.services["web"]["deploymentConfiguration"]
    assert runs(shop) == "web:1"
    assert {name: after.get(name, value) for name, value in before.items()} == before
    assert after.get("maximumPercent", 200) == 200


def test_what_cannot_be_rolled_back_is_left_where_its_state_failed(shop, machine, monkeypatch):
    # GIVEN what runs with the tag of a revision that failed, and a state that fails while the new one rolls out
    shop.definitions[shop.services["web"]["taskDefinition"]][1][FAILED] = "x"
    invoke, asked, update = machine._invoke, list[Any](), shop.update_service

    def invoked(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        if handler is validate_deploy.handler and event.get("batch", {}).get("counts", {}).get("ROLLING_OUT"):
            raise InvalidEvent("of another version")
        return invoke(handler, event)

    def updated(*given: Any) -> Any:
        asked.append(given)
        return update(*given)

    monkeypatch.setattr(machine, "_invoke", invoked)
    monkeypatch.setattr(shop, "update_service", updated)
    (web,) = machine.run(release(item("web", "2"), onFailure="rollbackRelease"))["result"]["items"]
    # THEN nothing more is called, and it is told
    assert "could not roll back with the release: no earlier revision is known" in web["reason"]
    assert len(asked) == 1


@pytest.mark.parametrize("dies", [False, True])
def test_a_hook_that_took_too_long_has_failed_also_where_the_function_died_as_it_stopped_it(
    shop, machine, monkeypatch, dies
):
    # GIVEN a hook postDeploy that runs for ever, and a function that dies right after it has stopped its task
    describe, stopped = shop.describe_tasks, list[str]()
    ended = {"lastStatus": "STOPPED", "stopCode": "UserInitiated", "containers": [{"name": "web", "exitCode": 137}]}

    def tasks(*asked: Any) -> list[dict[str, Any]]:
        now = {**ended, "stoppedReason": stopped[0]} if stopped else {"lastStatus": "RUNNING"}
        return [task | now for task in describe(*asked)]

    def stop(cluster: str, arn: str, reason: str) -> None:
        stopped.append(reason)
        if dies and len(stopped) == 1:
            raise Died

    monkeypatch.setattr(shop, "stop_task", stop)
    monkeypatch.setattr(shop, "describe_tasks", tasks)
    slow = {"hooks": {"postDeploy": {"command": ["wait"], "timeoutMinutes": 2}}}
    given = release(item("web", "2", timeoutMinutes=5, **slow))
    assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    # THEN that is its verdict
    assert memory(machine)["attempt"]["verdict"] == "FAILED"


def test_only_settings_go_back_where_the_answer_to_them_was_lost_and_what_runs_is_judged(shop, machine, monkeypatch):
    # GIVEN a release that was aborted, and whose revision came up since
    with monkeypatch.context() as patched:
        abort_before(machine, patched, validate_deploy.handler, "ROLLING_OUT")
        with pytest.raises(Aborted):
            machine.run(release(item("web", "2", **hooks(after="smoke"))))
    go_on(machine, shop)
    # WHEN it is judged again, and UpdateService with other settings has no answer until the timeout
    update, before = shop.update_service, dict(shop.services["web"]["deploymentConfiguration"])

    def lossy(cluster: str, service: str, *more: Any) -> Any:
        answer = update(cluster, service, *more)
        if shop.services["web"]["deploymentConfiguration"] != before:
            raise AwsUnavailable("update_service: timeout")
        return answer

    monkeypatch.setattr(shop, "update_service", lossy)
    settings = {"minimumHealthyPercent": 50, "maximumPercent": 150}
    machine.run(release(item("web", "2", timeoutMinutes=5, deployment=settings, **hooks(after="smoke"))))
    # THEN the settings go back, and the revision, which nobody found bad, stays
    assert (runs(shop), shop.services["web"]["deploymentConfiguration"]) == ("web:2", before)
