"""Revisions that failed are deregistered on request: last of all, nothing that is needed, and nothing depends on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecs_gitops.flow import leftover_revisions
from ecs_gitops.flow.stages import Stage, following
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.status import Kind, Mode, Status
from unit.fake_aws import ACCOUNT, REGION, Died
from unit.item_maker import service_item, trigger_item
from unit.shop import JOB, hooks, item, release, statuses

# Three services on their first images, a rule and a schedule.
pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture
def cleaning(monkeypatch):
    monkeypatch.setenv("ECS_GITOPS_DEREGISTER_FAILED", "true")


def _status(ecs):
    return {arn.rsplit("/", 1)[-1]: each["status"] for arn, (each, _) in ecs.definitions.items()}


def test_nothing_is_deregistered_unless_it_is_asked_for(ecs, machine):
    machine.run(release(item("web", "bad")))
    assert "deregister_task_definition" not in ecs.calls
    assert set(_status(ecs).values()) == {"ACTIVE"}


@pytest.mark.usefixtures("cleaning")
@pytest.mark.parametrize(
    "requested",
    [item("web", "bad"), item("web", **hooks(after="smoke fail")), item("web", **hooks(before="migrate fail"))],
    ids=["rollout", "postDeploy", "preDeploy"],
)
def test_what_failed_is_no_longer_what_its_family_means(ecs, machine, requested):
    # GIVEN a rule outside of the manifest that follows the family of a service
    family = ecs.services["web"]["taskDefinition"].rsplit(":", 1)[0]
    done = machine.run(release(requested, item("api")))
    # THEN it runs what the service runs
    definition, _ = ecs.describe_task_definition(family)
    assert (definition["revision"], definition["containerDefinitions"][0]["image"]) == (1, "web:1")
    assert _status(ecs)["web:2"] == "INACTIVE"
    # AND what went well is as it is
    assert _status(ecs)["api:2"] == "ACTIVE"
    # AND it is reported, and the result is the same
    assert done["error"] == "ReleaseFailed"
    web = next(each for each in done["result"]["items"] if each["name"] == "web")
    assert web["status"] in (Status.ROLLED_BACK, Status.FAILED)
    assert web["reason"].endswith("; web:2 was deregistered")
    # AND it came after everything else
    last = len(ecs.calls) - 1 - ecs.calls[::-1].index("deregister_task_definition")
    assert not {"update_service", "put_targets", "stop_service_deployment"} & set(ecs.calls[last:])


@pytest.mark.usefixtures("cleaning")
def test_scheduled_tasks_too(ecs, machine):
    done = machine.run(release(item("web", "bad"), tasks=[JOB], onFailure="rollbackRelease"))
    assert set(statuses(done).values()) == {Status.ROLLED_BACK}
    assert (_status(ecs)["job:2"], _status(ecs)["web:2"], _status(ecs)["job:1"]) == ("INACTIVE", "INACTIVE", "ACTIVE")


@pytest.mark.usefixtures("cleaning")
def test_the_copy_that_a_rollback_deployed_stays(ecs, machine):
    ecs.deregister(ecs.services["web"]["taskDefinition"])
    web = machine.results(release(item("web", **hooks(after="smoke fail"))))["web"]
    assert web["runningTaskDefArn"].endswith("web:3")
    assert (_status(ecs)["web:2"], _status(ecs)["web:3"]) == ("INACTIVE", "ACTIVE")


@pytest.mark.usefixtures("cleaning")
@pytest.mark.parametrize("on_failure", ["stop", "rollback"])
def test_what_a_service_runs_stays(ecs, machine, monkeypatch, on_failure):
    # GIVEN a service that is left on what failed, or cannot be rolled back
    if on_failure == "rollback":
        ecs.services["web"]["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"] = True
        update = ecs.update_service

        def once(cluster, service, task_definition=None, configuration=None):
            if task_definition is not None and task_definition.endswith(":1"):
                raise AwsRefused("update_service", "AccessDeniedException", "no")
            return update(cluster, service, task_definition, configuration)

        monkeypatch.setattr(ecs, "update_service", once)
    web = machine.results(release(item("web", "bad", onFailure=on_failure)))["web"]
    assert (web["status"], _status(ecs)["web:2"]) == (Status.FAILED, "ACTIVE")


@pytest.mark.usefixtures("cleaning")
def test_what_another_item_runs_stays(ecs, machine):
    # GIVEN two services of one revision, whose new one they share, and of which one fails its own check
    shared = ecs.services["web"]["taskDefinition"]
    ecs.serve("shadow", shared, desired=2)
    shadow = item("shadow", service="web") | {"image": "web:2"}
    done = machine.results(release(item("web", **hooks(after="smoke fail")), shadow))
    assert (done["web"]["status"], done["shadow"]["status"]) == (Status.ROLLED_BACK, "DEPLOYED")
    assert _status(ecs)["web:2"] == "ACTIVE"


@pytest.mark.usefixtures("cleaning")
def test_what_somebody_else_registered_stays(ecs, machine, monkeypatch):
    # GIVEN a family whose newest revision is somebody else's
    run = ecs.run_task

    def run_task(request):
        ecs.define("web", ("web", "web:9"))
        return run(request)

    monkeypatch.setattr(ecs, "run_task", run_task)
    machine.run(release(item("web", **hooks(after="smoke fail"))))
    assert (_status(ecs)["web:2"], _status(ecs)["web:3"]) == ("INACTIVE", "ACTIVE")


@pytest.mark.usefixtures("cleaning")
@pytest.mark.parametrize(
    "fault",
    [
        AwsRefused("deregister_task_definition", "AccessDeniedException", "no"),
        AwsUnavailable("deregister_task_definition: ThrottlingException: Rate exceeded"),
        ValueError("a fault"),
    ],
    ids=["refused", "throttled", "fault"],
)
def test_that_it_does_not_work_changes_no_result(ecs, machine, monkeypatch, fault):
    def deregister(_arn):
        raise fault

    monkeypatch.setattr(ecs, "deregister_task_definition", deregister)
    done = machine.run(release(item("web", "bad"), item("api")))
    assert statuses(done) == {"web": Status.ROLLED_BACK, "api": "DEPLOYED"}
    if not isinstance(fault, ValueError):
        assert f"web:2 could not be deregistered: {fault}" in done["result"]["items"][0]["reason"]


@pytest.mark.usefixtures("cleaning")
@pytest.mark.parametrize("is_read", [True, False])
def test_what_an_item_may_run_that_cannot_be_looked_at_is_kept(ecs, machine, monkeypatch, is_read):
    # GIVEN a service whose new revision is that of another one, and whose update took effect though it was refused
    ecs.serve("api", ecs.services["web"]["taskDefinition"])
    update, describe = ecs.update_service, ecs.describe_services

    def updated(cluster, service, *given):
        answer = update(cluster, service, *given)
        if service == "api":
            monkeypatch.setattr(ecs, "describe_services", described)
            raise AwsRefused("update_service", "AccessDeniedException", "no")
        return answer

    def described(cluster, names):
        if "api" in names and not is_read:
            raise AwsRefused("describe_services", "AccessDeniedException", "no")
        return describe(cluster, names)

    monkeypatch.setattr(ecs, "update_service", updated)
    # WHEN the other one is rolled back
    done = machine.run(release(item("web", "bad"), item("api", service="web", image="web:bad")))
    # THEN the revision stays, whether it can be seen that it is needed or not
    assert statuses(done) == {"web": Status.ROLLED_BACK, "api": Status.FAILED}
    assert _status(ecs)["web:2"] == "ACTIVE"


@pytest.mark.usefixtures("cleaning")
def test_a_run_that_dies_is_run_again(ecs, machine, monkeypatch):
    deregister = ecs.deregister_task_definition

    def dying(arn):
        deregister(arn)
        monkeypatch.setattr(ecs, "deregister_task_definition", deregister)
        raise Died

    monkeypatch.setattr(ecs, "deregister_task_definition", dying)
    assert statuses(machine.run(release(item("web", "bad")))) == {"web": Status.ROLLED_BACK}
    assert (machine.deaths, _status(ecs)["web:2"]) == (1, "INACTIVE")


@pytest.mark.usefixtures("cleaning")
def test_a_release_that_changed_nothing_has_nothing_to_clean(ecs, machine):
    machine.run(release(item("web"), item("nobody")))
    assert "deregister_task_definition" not in ecs.calls


# --- the stage itself ------------------------------------------------------------------------------------------------


def _batch(kind, *items):
    return Batch(kind, ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:role/deploy", items)


WEB = service_item(status=Status.ROLLED_BACK, revision="web:2", previous="web:1")
NIGHTLY = trigger_item(1, event_bus="default", status=Status.UNCHANGED, revision="web:2")


def _jobs(family):
    known = {"event_bus": "default", "status": Status.UNCHANGED}
    return [trigger_item(n, f"job{n}", revision=f"{family}:{n}", **known) for n in range(1, 200)]


def test_the_stage_comes_once_before_the_report_and_its_failure_is_none():
    done = Stage((_batch(Kind.SERVICE, WEB),), (_batch(Kind.TASK, NIGHTLY),))
    assert following(done).mode == Mode.DEPLOY
    stage = following(done, deregisters=True)
    assert (stage.mode, len(stage.batches), len(stage.rest)) == (Mode.CLEAN, 1, 1)
    # AND what items of the other kind run goes with it
    assert stage.batches[0].keep == ("web:2",)
    # WHEN it is over, or failed as a whole, or for a batch, THEN the report follows, without an error
    failed = tuple(replace(each, error="AwsUnavailable: no") for each in stage.batches)
    for error in (None, "States.Timeout"):
        end = following(replace(stage, batches=failed, error=error), deregisters=True)
        assert (end.batches, end.error) == ((), None)
        assert [each.status for batch in end.rest for each in batch.items] == [Status.ROLLED_BACK, Status.UNCHANGED]
        assert not any(batch.keep or batch.error or batch.mode == Mode.CLEAN for batch in end.rest)


def test_a_batch_that_would_carry_too_much_is_left():
    jobs = _jobs("web")
    assert leftover_revisions.batches([_batch(Kind.SERVICE, WEB), _batch(Kind.TASK, *jobs)]) == ()
    # AND where they are of other families, it is not
    jobs = _jobs("job")
    assert leftover_revisions.batches([_batch(Kind.SERVICE, WEB), _batch(Kind.TASK, *jobs)])[0].keep == ()
