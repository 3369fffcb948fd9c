"""What somebody else deploys while a release goes on: our own revision once more, another one, or the one before."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest

from ecs_gitops.lambdas import deploy_ecs
from ecs_gitops.model.errors import AwsRefused
from unit.fake_ecs import FakeEcs
from unit.machine import Machine
from unit.shop import CANARY, hooks, item, release, statuses, stock

BLUE_GREEN = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
LINEAR = {
    "strategy": "LINEAR",
    "bakeTimeInMinutes": 0,
    "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1},
}
STRATEGIES: dict[str, dict[str, Any]] = {
    "ROLLING": {"strategy": "ROLLING"},
    "CANARY": CANARY,
    "LINEAR": LINEAR,
    "BLUE_GREEN": BLUE_GREEN,
}
pytestmark = pytest.mark.usefixtures("shop")


class Watched(Machine):
    """A machine that does something once, before the first invocation of which ``when`` is true."""

    def when(self, is_now: Callable[[Any, dict[str, Any]], bool], act: Callable[[], object]) -> None:
        self._is_now, self._act, self.has_acted = is_now, act, False

    def _invoke(self, handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        if not self.has_acted and self._is_now(handler, event):
            self.has_acted = True
            self._act()
        return super()._invoke(handler, event)


def returns(handler: Any, event: dict[str, Any]) -> bool:
    """The deploy function is about to roll an item back."""
    return handler is deploy_ecs.handler and "ROLL_BACK" in event.get("batch", {}).get("counts", {})


def rolls_out(ecs: FakeEcs, seconds: float, revision: str = "web:2") -> Callable[[Any, dict[str, Any]], bool]:
    """So many seconds have gone by since ``revision`` of web was deployed."""

    def is_now(_handler: Any, _event: dict[str, Any]) -> bool:
        service = ecs.services["web"]
        began = service["deployments"][0]["createdAt"]
        return bool(service["taskDefinition"].endswith(revision) and ecs.now - began >= seconds)

    return is_now


@pytest.fixture
def watched(ecs: FakeEcs, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(ecs, monkeypatch)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seconds", [2, 10, 18])
def test_our_revision_that_somebody_deploys_again_is_followed(ecs, watched, strategy, seconds):
    # GIVEN a rollout that somebody else starts once more
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])
    watched.when(rolls_out(ecs, seconds), lambda: ecs.force("web"))
    (web,) = watched.run(release(item("web")))["result"]["items"]
    # THEN the newest deployment of the revision decides, and it is reported
    assert watched.has_acted
    assert (web["status"], ecs.images("web")) == ("DEPLOYED", {"web": "web:2"})
    assert "deployed again by someone else" in " ".join(web["warnings"])
    assert ecs.stops == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_our_revision_that_is_deployed_again_and_fails_is_returned_without_a_stop(ecs, watched, strategy):
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])
    watched.when(rolls_out(ecs, 10), lambda: ecs.force("web"))
    (web,) = watched.run(release(item("web", "never", timeoutMinutes=9)))["result"]["items"]
    assert (web["status"], ecs.images("web")) == ("ROLLED_BACK", {"web": "web:1"})
    assert "deployed again by someone else" in " ".join(web["warnings"])
    # The deployment that went on was not ours.
    assert ecs.stops == []
    assert ecs.steady()["services"]["web"]["deploymentConfiguration"] == STRATEGIES[strategy]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_that_it_was_deployed_again_is_told_also_where_its_hook_fails(ecs, watched, strategy):
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])
    watched.when(rolls_out(ecs, 10), lambda: ecs.force("web"))
    (web,) = watched.run(release(item("web", **hooks(after="smoke fail"))))["result"]["items"]
    assert (web["status"], ecs.images("web")) == ("ROLLED_BACK", {"web": "web:1"})
    assert "hook postDeploy" in web["reason"]
    assert "deployed again by someone else" in " ".join(web["warnings"])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_time_that_it_is_deployed_again_it_is_followed(ecs, monkeypatch, strategy):
    machine, seen = Machine(ecs, monkeypatch), []
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])
    act = machine._invoke

    def invoke(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        if len(seen) < 4 and rolls_out(ecs, 8)(handler, event):
            seen.append(ecs.force("web"))
        return act(handler, event)

    monkeypatch.setattr(machine, "_invoke", invoke)
    assert statuses(machine.run(release(item("web", timeoutMinutes=9)))) == {"web": "DEPLOYED"}
    assert len(seen) == 4


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_hotfix_that_is_taken_back_by_a_deployment_of_our_revision_is_no_failure(ecs, watched, strategy):
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])
    hotfix = ecs.define("web", ("web", "web:hotfix"))

    def both() -> None:
        ours = ecs.services["web"]["taskDefinition"]
        ecs.hotfix("web", hotfix)
        ecs.now += 1
        ecs.hotfix("web", ours)

    watched.when(rolls_out(ecs, 8, "web:3"), both)
    assert statuses(watched.run(release(item("web")))) == {"web": "DEPLOYED"}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("stale", [0, 4, 30, 60])
def test_a_hotfix_is_left_and_never_stopped(ecs, watched, strategy, stale):
    # GIVEN somebody who deploys a hotfix just before what we deployed is rolled back, and reads that may be old
    ecs.stale = stale
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])
    hotfix = ecs.define("web", ("web", "web:hotfix"))

    def act() -> None:
        ecs.hotfix("web", hotfix)
        # Longer ago than reads are old: an UpdateService cannot tell otherwise.
        ecs.now += stale + 1

    watched.when(returns, act)
    (web,) = watched.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert watched.has_acted
    assert (web["status"], ecs.images("web")) == ("FAILED", {"web": "web:hotfix"})
    assert "someone else deployed web:2" in web["reason"]
    assert ecs.stops == []


@pytest.mark.parametrize("call", ["list_service_deployments", "describe_service_revisions"])
def test_a_hotfix_that_begins_after_the_look_at_the_service_is_left(ecs, machine, monkeypatch, call):
    hotfix, done = ecs.define("web", ("web", "web:hotfix")), []
    called = ecs._called

    def with_hotfix(name: str) -> None:
        if name == call and not done and ecs.services["web"]["taskDefinition"].endswith("web:3"):
            done.append(ecs._start(ecs.services["web"], hotfix))
        called(name)

    monkeypatch.setattr(ecs, "_called", with_hotfix)
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert done
    assert (web["status"], ecs.images("web")) == ("FAILED", {"web": "web:hotfix"})
    assert "left as it is" in web["reason"]
    assert hotfix.rsplit("/", 1)[-1] in web["reason"]


def test_a_hotfix_between_the_list_and_the_stop_is_left(ecs, machine, monkeypatch):
    # GIVEN our deployment is over by the time that it is to be stopped
    hotfix, stop = ecs.define("web", ("web", "web:hotfix")), ecs.stop_service_deployment

    def late(arn: str) -> None:
        if ecs.services["web"]["taskDefinition"] != hotfix:
            ecs._start(ecs.services["web"], hotfix)
        stop(arn)

    monkeypatch.setattr(ecs, "stop_service_deployment", late)
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert (web["status"], ecs.images("web"), ecs.stops) == ("FAILED", {"web": "web:hotfix"}, [])


def test_a_deployment_that_ecs_never_lets_be_stopped_is_replaced(ecs, machine):
    # GIVEN a stop that is refused again and again, though nothing took the deployment's place
    ecs.refuse["stop_service_deployment"] = AwsRefused("stop_service_deployment", "ConflictException", "no")
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=9)))["result"]["items"]
    assert (web["status"], ecs.images("web")) == ("ROLLED_BACK", {"web": "web:1"})


def test_a_hotfix_in_the_very_moment_of_our_call_is_named(ecs, machine, monkeypatch):
    hotfix, update = ecs.define("web", ("web", "web:hotfix")), ecs.update_service
    for call in ("list_service_deployments", "stop_service_deployment"):
        monkeypatch.setitem(ecs.refuse, call, AwsRefused(call, "AccessDeniedException", "no"))

    def with_hotfix(cluster: str, service: str, task_definition: Any = None, configuration: Any = None) -> Any:
        if str(task_definition).endswith("web:1"):
            ecs._start(ecs.services["web"], hotfix)
        return update(cluster, service, task_definition, configuration)

    monkeypatch.setattr(ecs, "update_service", with_hotfix)
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert web["status"] == "ROLLED_BACK"
    assert "of web:2, which someone else started at the same moment" in web["reason"]


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS"])
@pytest.mark.parametrize("order", ["newest first", "oldest first"])
def test_of_several_deployments_that_go_on_only_ours_may_be_stopped(ecs, watched, monkeypatch, status, order):
    # GIVEN a hotfix that begins while ours is being stopped already, in whatever order ECS lists them
    hotfix, listed = ecs.define("web", ("web", "web:hotfix")), ecs.service_deployments

    def act() -> None:
        ecs.hotfix("web", hotfix)
        ours, theirs = ecs.records[-2:]
        ours["status"], theirs["status"] = "STOP_REQUESTED", status
        frozen = copy.deepcopy(ecs.records)
        monkeypatch.setattr(ecs, "_service", lambda *_: None)
        ecs.records = frozen

    if order == "oldest first":
        monkeypatch.setattr(ecs, "service_deployments", lambda *a, **k: listed(*a, **k)[::-1])
    watched.when(returns, act)
    (web,) = watched.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert (web["status"], ecs.stops) == ("FAILED", [])
    assert ecs.images("web") == {"web": "web:hotfix"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_revision_before_that_somebody_deploys_on_the_way_back_is_followed(ecs, watched, strategy):
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])

    def is_returning(_handler: Any, _event: dict[str, Any]) -> bool:
        runs = ecs.services["web"]["taskDefinition"]
        return runs.endswith("web:1") and any(r["deployment"] == "ecs-svc/4" for r in ecs.records)

    watched.when(is_returning, lambda: ecs.force("web"))
    (web,) = watched.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert watched.has_acted
    assert (web["status"], ecs.images("web")) == ("ROLLED_BACK", {"web": "web:1"})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_being_returned_and_deployed_again_is_taken_back(ecs, watched, strategy):
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])
    bad = f"{ecs.services['web']['taskDefinition'][:-1]}2"

    def is_returning(_handler: Any, _event: dict[str, Any]) -> bool:
        return len(ecs.records) > 0 and ecs.services["web"]["taskDefinition"].endswith("web:1")

    watched.when(is_returning, lambda: ecs.hotfix("web", bad))
    (web,) = watched.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert watched.has_acted
    assert (web["status"], ecs.images("web")) == ("ROLLED_BACK", {"web": "web:1"})
    assert "someone else deployed web:2 again" in web["reason"]


def test_who_deploys_it_again_and_again_is_not_fought_for_ever(ecs, monkeypatch):
    machine = Machine(ecs, monkeypatch)
    bad, act = f"{ecs.services['web']['taskDefinition'][:-1]}2", machine._invoke

    def invoke(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        if ecs.records and ecs.services["web"]["taskDefinition"].endswith("web:1"):
            ecs.hotfix("web", bad)
        return act(handler, event)

    monkeypatch.setattr(machine, "_invoke", invoke)
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert web["status"] == "FAILED"
    assert "could not roll back: someone else deployed web:2 again" in web["reason"]


def test_a_deployment_of_our_revision_between_verdict_and_return_is_taken_back_without_a_stop(ecs, watched):
    watched.when(returns, lambda: ecs.force("web"))
    (web,) = watched.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    assert (web["status"], ecs.images("web"), ecs.stops) == ("ROLLED_BACK", {"web": "web:1"}, [])


def test_what_somebody_began_before_the_release_is_judged_and_not_stopped(ecs, machine):
    # GIVEN somebody else's deployment of what Git asks for, which goes on when the release begins
    theirs = ecs.hotfix("web", ecs.define("web", ("web", "web:never")))
    ecs.now += 5
    (web,) = machine.run(release(item("web", "never", timeoutMinutes=5)))["result"]["items"]
    # THEN it is left, and that is said
    assert (web["status"], ecs.images("web")) == ("FAILED", {"web": "web:never"})
    assert "left as it is: this release did not deploy it" in web["reason"]
    assert theirs not in ecs.stops


@pytest.mark.parametrize("ahead", [-90, 90])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("tag", ["2", "bad", "never"])
def test_a_clock_that_differs_from_that_of_ecs_changes_no_verdict(monkeypatch, ahead, strategy, tag):
    expected = _run(monkeypatch, strategy, tag, 0.0)
    assert _run(monkeypatch, strategy, tag, ahead) == expected


@pytest.mark.parametrize("stale", [5, 30, 60])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("tag", ["2", "bad", "never"])
def test_reads_that_are_a_minute_old_change_no_verdict(monkeypatch, stale, strategy, tag):
    expected = _run(monkeypatch, strategy, tag, 0.0)
    assert _run(monkeypatch, strategy, tag, 0.0, stale) == expected


def _run(monkeypatch: pytest.MonkeyPatch, strategy: str, tag: str, ahead: float, stale: float = 0.0) -> Any:
    ecs = FakeEcs()
    stock(ecs)
    ecs.stale = stale
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])
    done = Machine(ecs, monkeypatch, clock_ahead=ahead).run(release(item("web", tag, timeoutMinutes=9)))
    return statuses(done), ecs.steady()["services"], ecs.stops


@pytest.mark.parametrize("seed", range(60))
def test_whatever_others_do_meanwhile_the_report_is_true_and_nothing_foreign_is_stopped(monkeypatch, seed):
    """Random sequences of forced deployments and hotfixes, with clocks that differ and reads that are old."""
    chance = random.Random(seed)  # noqa: S311 - a seed is to give the same run again
    ecs = FakeEcs()
    stock(ecs)
    strategy, tag = chance.choice(list(STRATEGIES)), chance.choice(("2", "2", "never", "bad"))
    ecs.services["web"]["deploymentConfiguration"] = copy.deepcopy(STRATEGIES[strategy])
    ecs.stale = chance.choice((0, 3, 20, 60, lambda: chance.uniform(0, 60)))
    machine = Machine(ecs, monkeypatch, clock_ahead=chance.uniform(-90, 90))
    started, update, act, theirs = [], ecs.update_service, machine._invoke, []

    def updated(*arguments: Any) -> Any:
        answer = update(*arguments)
        started.append(answer["deployments"][0]["id"])
        return answer

    def invoke(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        if ecs.records and len(theirs) < 3 and chance.random() < 0.05:
            if chance.random() < 0.7:
                theirs.append(("force", ecs.force("web")))
            else:
                hotfix = ecs.define("hotfix", ("web", f"web:fix{len(theirs)}"))
                theirs.append(("hotfix", ecs.hotfix("web", hotfix)))
        return act(handler, event)

    monkeypatch.setattr(ecs, "update_service", updated)
    monkeypatch.setattr(machine, "_invoke", invoke)
    more = hooks(after="smoke fail") if chance.random() < 0.2 else {}
    (web,) = machine.run(release(item("web", tag, timeoutMinutes=9, **more)))["result"]["items"]
    after = ecs.steady()["services"]["web"]
    # THEN only what we started was stopped
    assert not set(ecs.stops) & {deployment for _, deployment in theirs}
    assert set(ecs.stops) <= set(started)
    # AND the report is the live state, unless somebody's hotfix came after all
    was_fixed = any(kind == "hotfix" for kind, _ in theirs)
    if not was_fixed:
        expected = "DEPLOYED" if tag == "2" and not more else "ROLLED_BACK"
        assert web["status"] == expected, (web, theirs)
    if web["status"] == "DEPLOYED" and not was_fixed:
        assert after["images"] == {"web": f"web:{tag}"}
    if web["status"] == "ROLLED_BACK" and not was_fixed:
        assert after["images"] == {"web": "web:1"}
        assert after["deploymentConfiguration"] == STRATEGIES[strategy]
