"""What nobody judged is no verdict, what may have been changed is not called untouched, and what was not touched is."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_gitops.lambdas import validate_deploy
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from unit.fake_ecs import FakeEcs
from unit.shop import hooks, item, release, statuses
from unit.test_hotfixes import act_once
from unit.test_memory import Aborted, abort_before, go_on, memory, runs

DENIED = AwsRefused("update_service", "AccessDeniedException", "no")
OTHERS = {"minimumHealthyPercent": 50, "maximumPercent": 150}


def hook_that_never_runs(shop: FakeEcs, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    describe = shop.describe_tasks
    ended = {"lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "stoppedReason": "ResourceInitializationError"}

    def refused(_: object) -> None:
        raise AwsRefused("run_task", "AccessDeniedException", "no")

    if how == "refused":
        monkeypatch.setattr(shop, "run_task", refused)
    elif how == "no place":
        monkeypatch.setattr(shop, "run_task", lambda _: (None, "RESOURCE:MEMORY"))
    elif how == "not shown":
        monkeypatch.setattr(shop, "describe_tasks", lambda *_: [])
    elif how == "stopped":
        monkeypatch.setattr(shop, "describe_tasks", lambda *asked: [task | ended for task in describe(*asked)])
    else:
        monkeypatch.setattr(shop, "describe_tasks", lambda *a: [t | {"lastStatus": "PENDING"} for t in describe(*a)])


@pytest.mark.parametrize("how", ["refused", "no place", "not shown", "stopped", "never started"])
def test_a_hook_after_the_rollout_that_never_ran_is_no_verdict(shop, machine, monkeypatch, how):
    # GIVEN a hook postDeploy whose task cannot be started, or did not get to run its command
    given = release(item("web", "2", timeoutMinutes=5, **hooks(after="smoke")))
    with monkeypatch.context() as patched:
        hook_that_never_runs(shop, patched, how)
        # WHEN the service is rolled back for that
        assert statuses(machine.run(given)) == {"web": "ROLLED_BACK"}
    assert memory(machine)["attempt"].get("verdict", "OPEN") == "OPEN"
    # THEN the same push tries again
    assert statuses(machine.run(given)) == {"web": "DEPLOYED"}


def test_a_revision_that_was_deregistered_since_is_deployed_again_where_a_hook_has_to_judge_it(
    shop, machine, monkeypatch
):
    # GIVEN a release that died before its hook postDeploy, and its revision, deregistered since
    given = release(item("web", "2", **hooks(after="smoke")))
    abort_before(machine, monkeypatch, validate_deploy.handler, "POST_DEPLOY_RUNNING")
    with pytest.raises(Aborted):
        machine.run(given)
    go_on(machine, shop)
    shop.deregister(shop.services["web"]["taskDefinition"])
    # THEN a new one is registered, and judged
    done = machine.run(given)
    assert statuses(done) == {"web": "DEPLOYED"}
    assert "was deregistered" in done["result"]["items"][0]["reason"]
    assert runs(shop) == "web:3"


@pytest.mark.parametrize("settings", [{}, {"deployment": OTHERS}], ids=["images", "and settings"])
def test_an_update_that_is_refused_after_the_hook_leaves_the_service_untouched(shop, machine, monkeypatch, settings):
    # GIVEN an UpdateService that is refused after the hook preDeploy
    update, written = shop.update_service, []

    def refusing(cluster: str, service: str, revision: str | None = None, *more: Any) -> Any:
        if service == "web" and revision is not None:
            raise DENIED
        written.append((service, more))
        return update(cluster, service, revision, *more)

    monkeypatch.setattr(shop, "update_service", refusing)
    # WHEN the release is rolled back for that
    done = machine.run(release(item("web", **settings, **hooks(before="migrate")), onFailure="rollbackRelease"))
    # THEN nothing of the service is written, and nothing is told to have gone back
    assert statuses(done) == {"web": "FAILED"}
    assert "the service was not changed" in done["result"]["items"][0]["reason"]
    assert (memory(machine)["attempt"]["verdict"], written) == ("UNTOUCHED", [])


def test_a_hotfix_while_the_hook_runs_is_no_rollback_that_failed(shop, machine, monkeypatch):
    hotfix = shop.define("hotfix", ("web", "web:hotfix"))
    act_once(shop, monkeypatch, "run_task", 1, lambda: shop.hotfix("web", hotfix))
    given = release(item("web", **hooks(before="migrate")), onFailure="rollbackRelease")
    (web,) = machine.run(given)["result"]["items"]
    assert "could not roll back" not in web["reason"]
    assert memory(machine)["attempt"]["verdict"] == "UNTOUCHED"


def test_a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_changed(shop, machine, monkeypatch):
    # GIVEN an UpdateService whose answer is lost, a second one that is refused, and answers of ECS that are old
    update, asked = shop.update_service, []

    def lossy(cluster: str, service: str, revision: str | None = None, *more: Any) -> Any:
        if revision is None or not revision.endswith("/web:2"):
            return update(cluster, service, revision, *more)
        asked.append(revision)
        if len(asked) > 1:
            raise DENIED
        update(cluster, service, revision, *more)
        raise AwsUnavailable("update_service: timeout")

    shop.stale = 20.0
    shop._remember()
    shop.now += 30
    monkeypatch.setattr(shop, "update_service", lossy)
    # THEN the broken image does not stay, or it is not called untouched
    machine.run(release(item("web", "bad")))
    shop.stale = 0
    shop.steady()
    assert len(asked) == 2
    assert runs(shop) == "web:1" or memory(machine)["attempt"].get("verdict", "OPEN") != "UNTOUCHED"


@pytest.mark.parametrize("on_failure", ["stop", "rollback"])
def test_settings_whose_answer_was_lost_are_not_untouched(shop, machine, monkeypatch, on_failure):
    # GIVEN settings alone, and an UpdateService that takes effect and whose answers are lost
    update, before = shop.update_service, dict(shop.services["web"]["deploymentConfiguration"])

    def lossy(cluster: str, service: str, *more: Any) -> Any:
        answer = update(cluster, service, *more)
        if shop.services["web"]["deploymentConfiguration"] != before:
            raise AwsUnavailable("update_service: timeout")
        return answer

    monkeypatch.setattr(shop, "update_service", lossy)
    given = release(item("web", "1", timeoutMinutes=5, deployment=OTHERS, onFailure=on_failure))
    # THEN they are taken back, or have no verdict
    done = machine.run(given)
    verdict = memory(machine)["attempt"].get("verdict", "OPEN")
    is_back = shop.services["web"]["deploymentConfiguration"] == before
    assert (statuses(done)["web"], verdict, is_back) == {
        "stop": ("FAILED", "OPEN", False),
        "rollback": ("ROLLED_BACK", "OPEN", True),
    }[on_failure]


def test_a_hook_whose_task_another_container_may_have_ended_is_doubted(shop, machine, monkeypatch):
    # GIVEN a hook that ended with 0, and an essential container beside it that was killed
    live = shop.definitions[shop.services["web"]["taskDefinition"]][0]
    live["containerDefinitions"].append({"name": "proxy", "image": "proxy:1"})
    killed = {"name": "proxy", "exitCode": 1, "reason": "OutOfMemoryError: killed"}
    ended = {"lastStatus": "STOPPED", "containers": [{"name": "web", "exitCode": 0}, killed]}
    describe = shop.describe_tasks
    monkeypatch.setattr(shop, "describe_tasks", lambda *asked: [task | ended for task in describe(*asked)])
    # THEN a warning says so
    (web,) = machine.run(release(item("web", **hooks(before="migrate"))))["result"]["items"]
    assert any("proxy exited with 1, OutOfMemoryError" in warning for warning in web["warnings"])
