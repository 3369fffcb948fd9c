"""The events of an execution's history: computed before anything changes, and never more than Step Functions takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ecs_gitops.desired.batches import Settings, make_batches
from ecs_gitops.flow import event_budget
from ecs_gitops.flow.stages import Stage, following
from ecs_gitops.flow.transitions import end
from ecs_gitops.lambdas import deploy_ecs, deploy_task, init_config, validate_deploy
from ecs_gitops.ledger.work import Work
from ecs_gitops.manifest import from_json
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.item import Item
from ecs_gitops.model.pointer import Pointer
from ecs_gitops.model.status import Mode, Status
from ecs_gitops.verdict.polling import wait_seconds
from unit.fake_aws import ACCOUNT, REGION
from unit.machine import Machine
from unit.shop import JOB, hooks, item, release


class Counting(Machine):
    """A machine that counts the history's events, as docs/architecture/budgets.md has them."""

    events = event_budget.RELEASE

    def _invoke(self, handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        found = super()._invoke(handler, event)
        if handler is init_config.handler or "stage" in event:
            self.events += (
                (event_budget.STAGE + event_budget.BATCH * len(found["batches"])) if found.get("batches") else 0
            )
        elif handler is validate_deploy.handler:
            self.events += event_budget.POLL
        elif handler in (deploy_ecs.handler, deploy_task.handler) and event["batch"].get("next") != "DEPLOY":
            self.events += event_budget.RUN
        return found


def many(number: int, tag: str = "2", **more: Any) -> dict[str, Any]:
    """So many services in one place."""
    return release(*(item(f"s{n}", tag, **more) for n in range(number)))


def places(number: int, **more: Any) -> dict[str, Any]:
    """A service in each of so many accounts."""
    return release(*(item("web", account=f"{n:012d}", **more) for n in range(number)))


def planned(manifest: dict[str, Any], accounts: int = 1, minutes: int = 30) -> tuple[Batch, ...]:
    roles = {account: f"arn:aws:iam::{account}:role/deploy" for account in (f"{n:012d}" for n in range(accounts))}
    settings = Settings({**roles, ACCOUNT: f"arn:aws:iam::{ACCOUNT}:role/deploy"}, ACCOUNT, REGION, minutes)
    return make_batches(from_json(manifest).with_defaults(), settings)


def test_five_thousand_changed_services_fit_in_one_place_and_wave():
    # GIVEN the default times, THEN the documentation (budgets.md, "Large inputs") has these numbers
    allowed = event_budget.budget(planned(many(5_000)), 240)
    assert (allowed.fits, allowed.stretch, allowed.events) == (True, 1.5, 20_363)


@pytest.mark.parametrize(
    ("accounts", "waves", "events", "stretch"),
    [(1, 3, 15_463, 6.0), (1, 10, 16_445, 8.0), (10, 1, 21_326, 15.0), (50, 1, 20_686, 120.0)],
)
def test_five_thousand_changed_services_fit_in_several_waves_or_accounts(accounts, waves, events, stretch):
    # GIVEN as many services in each account, and as many in each wave
    batches = planned(places(accounts), accounts) if accounts > 1 else planned(many(1))
    number = 5_000 // len(batches)
    batches = tuple(
        replace(batch, items=tuple(in_wave(batch.items[0], n * waves // number) for n in range(number)))
        for batch in batches
    )
    # THEN the documentation has these numbers, too
    allowed = event_budget.budget(batches, 240)
    assert (allowed.fits, allowed.stretch, allowed.events) == (True, stretch, events)


def in_wave(found: Item, wave: int) -> Item:
    return replace(found, desired=replace(found.desired, wave=wave))


@pytest.mark.parametrize("stretch", [1.0, 4.0])
def test_no_release_of_several_waves_takes_more_events_than_were_computed(ecs, monkeypatch, stretch):
    # GIVEN services in four waves, which reach their steps at different times
    chain = [
        item(f"s{n}", "2", **({"dependsOn": [f"s{n - 5}"]} if n >= 5 else {}), **hooks("migrate up", "smoke ok"))
        for n in range(20)
    ]
    for n in range(20):
        ecs.serve(f"s{n}", ecs.define(f"s{n}", (f"s{n}", f"s{n}:1")))
    monkeypatch.setattr(event_budget, "STRETCHES", (stretch,))
    allowed = event_budget.budget(planned(release(*chain)), 240)
    machine = Counting(ecs, monkeypatch)
    machine.settings = replace(machine.settings, execution_minutes=240)
    done = machine.run(release(*chain))
    # THEN the history is no longer
    assert done["status"] == "SUCCEEDED"
    assert machine.events <= allowed.events <= event_budget.USABLE


def spread(number: int, **more: Any) -> tuple[Batch, ...]:
    return planned(places(number, **more), number)


@pytest.mark.parametrize("stretch", [1.0, 4.0, 120.0])
@pytest.mark.parametrize(
    "more",
    [{}, {"onFailure": "rollbackRelease"}, hooks("migrate up", "smoke fail"), {"onFailure": "stop"}],
    ids=["rolled back", "the release rolled back", "hooks", "stop"],
)
@pytest.mark.parametrize("deregisters", [False, True])
@pytest.mark.parametrize(("number", "tag"), [(1, "never"), (20, "never"), (20, "bad"), (20, "2")])
def test_no_release_takes_more_events_than_were_computed(ecs, monkeypatch, number, tag, more, stretch, deregisters):
    # GIVEN what is computed for services, and looks that are made so often
    for n in range(number):
        ecs.serve(f"s{n}", ecs.define(f"s{n}", (f"s{n}", f"s{n}:1")))
    monkeypatch.setattr(event_budget, "STRETCHES", (stretch,))
    monkeypatch.setenv("ECS_GITOPS_DEREGISTER_FAILED", str(deregisters).lower())
    allowed = event_budget.budget(planned(many(number, **more)), 240, deregisters=deregisters)
    # WHEN they are released, and fail as late as they can
    machine = Counting(ecs, monkeypatch)
    machine.settings = replace(machine.settings, execution_minutes=240)
    machine.run(many(number, tag, **more))
    # THEN the history is no longer
    assert machine.events <= allowed.events <= event_budget.USABLE


def test_services_that_reach_their_timeouts_one_by_one_take_no_more_events_than_were_computed(ecs, monkeypatch):
    # GIVEN services that are registered one a second, as ECS allows, whose rollouts and rollbacks do not end
    number, register = 100, ecs.register_task_definition
    for n in range(number):
        ecs.serve(f"s{n}", ecs.define(f"s{n}", (f"s{n}", f"s{n}:never")))

    def registered(*given: Any, **more: Any) -> Any:
        ecs.now += 1.05
        return register(*given, **more)

    def refused(arn: str) -> None:
        raise AwsRefused("stop_service_deployment", "InvalidParameterException", arn)

    monkeypatch.setattr(ecs, "register_task_definition", registered)
    monkeypatch.setattr(ecs, "stop_service_deployment", refused)
    monkeypatch.setattr(event_budget, "STRETCHES", (120.0,))
    allowed = event_budget.budget(planned(many(number)), 240)
    # WHEN they are released, and a function takes some time
    machine = Counting(ecs, monkeypatch)
    machine.settings, invoke = replace(machine.settings, execution_minutes=240), machine._invoke

    def slowly(handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        ecs.now += 1.5
        return invoke(handler, event)

    monkeypatch.setattr(machine, "_invoke", slowly)
    machine.run(many(number, "never2"))
    # THEN the history is no longer
    assert machine.events <= allowed.events <= event_budget.USABLE


def test_a_stage_more_is_counted_for_revisions_that_failed():
    found = spread(5)
    more = event_budget.budget(found, 240, deregisters=True).events - event_budget.budget(found, 240).events
    assert more == event_budget.STAGE + 5 * event_budget.BATCH


@pytest.mark.parametrize("stretch", [1.0, 4.0])
@pytest.mark.parametrize("late", [True, False], ids=["a place late, and then no end", "no place"])
@pytest.mark.parametrize("phase", ["preDeploy", "postDeploy"])
def test_hooks_that_wait_for_a_place_take_no_more_events_than_were_computed(ecs, monkeypatch, phase, late, stretch):
    # GIVEN services with a hook that finds a place after ninety minutes, or never, and then does not end
    requested = {"timeoutMinutes": 5, "hooks": {phase: {"command": ["hang"], "timeoutMinutes": 100}}}
    for n in range(3):
        ecs.serve(f"s{n}", ecs.define(f"s{n}", (f"s{n}", f"s{n}:1")))
    monkeypatch.setattr(event_budget, "STRETCHES", (stretch,))
    allowed = event_budget.budget(planned(many(3, **requested)), 600)
    until, run = ecs.now + (5_400 if late else 1_000_000), ecs.run_task
    monkeypatch.setattr(ecs, "run_task", lambda asked: run(asked) if ecs.now > until else (None, "RESOURCE:MEMORY"))
    # WHEN they are released
    machine = Counting(ecs, monkeypatch)
    machine.settings = replace(machine.settings, execution_minutes=600)
    machine.run(many(3, "2", **requested))
    # THEN the history is no longer
    assert machine.events <= allowed.events <= event_budget.USABLE


def test_few_places_are_looked_at_as_often_as_ever():
    for number in (1, 5, 10):
        assert event_budget.budget(spread(number), 240).stretch == 1


def test_many_places_are_looked_at_less_often_and_fit():
    for number in (20, 40, 80):
        allowed = event_budget.budget(spread(number), 240)
        assert allowed.fits
        assert allowed.stretch > 1


def test_what_does_not_fit_is_refused_with_the_numbers_before_anything_is_changed(bucket, release):
    # GIVEN services in more places than one execution can watch, all of them checked and to be changed
    checked = Stage(spread(150), (), Mode.CHECK, execution_minutes=240)
    # WHEN the state machine asks what comes next
    done = validate_deploy.handler({"stage": Work(bucket, release).begin_stage(checked, 0)}, None)
    # THEN it is the report: nothing was begun, and it says why and what to do
    assert (done["next"], done["status"], done["error"]) == ("REPORT", "FAILED", "CheckFailed")
    assert {each["status"] for each in done["result"]["items"]} == {"SKIPPED"}
    for reported in (done["cause"], done["notice"]["message"], done["result"]["error"]):
        assert "nothing was changed: the release would take up to 23,286 events" in reported
        assert "may take 21,600 (Step Functions ends an execution at 25,000)" in reported
        assert "150 batches" in reported
        assert "Split the manifest's change into several pushes" in reported


def test_what_is_unchanged_takes_no_events():
    # GIVEN the same places, of which the check found one to be changed
    first, *others = spread(150)
    others = [batch.with_items(end(item, Status.UNCHANGED) for item in batch.items) for batch in others]
    # THEN it is released, and polled as often as if it were alone
    following_one = following(Stage((first, *others), (), Mode.CHECK, execution_minutes=240))
    assert [(batch.account, batch.stretch) for batch in following_one.batches] == [(first.account, 1.0)]


def test_scheduled_tasks_wait_for_nothing():
    tasks = [{**JOB, "account": f"{n:012d}"} for n in range(300)]
    assert event_budget.budget(planned({"tasks": tasks}, 300), 240).events < 13_000


def test_waves_have_the_executions_time_together():
    # GIVEN twenty services, one after the other, each with half an hour and its rollback
    chain = release(item("s0"), *(item(f"s{n}", dependsOn=[f"s{n - 1}"]) for n in range(1, 20)))
    found = planned(chain)
    # THEN they are given up after four hours, whatever each may take
    assert event_budget.budget(found, 240).minutes == 240
    assert event_budget.budget(found, 240).fits
    assert event_budget.budget(found, 10_080).minutes == 1_200


def test_the_check_hands_on_how_rarely_to_look(bucket, release):
    # GIVEN forty places, checked
    checked = Stage(spread(40), (), Mode.CHECK, execution_minutes=240)
    # WHEN the first wave begins
    first = following(checked)
    # THEN each batch knows, also after it went through the ledger
    pointers = map(Pointer.from_json, Work(bucket, release).begin_stage(first, 1)["batches"])
    (stretch,) = {Work(bucket, release).load(pointer).batch.stretch for pointer in pointers}
    assert stretch == event_budget.budget(spread(40), 240).stretch
    assert wait_seconds([0.0], [9_000.0], 60.0, stretch) > wait_seconds([0.0], [9_000.0], 60.0)
