"""Revisions that are not ACTIVE, and targets that name none: reported by the check, and no rollback fails for them."""

from __future__ import annotations

import pytest

from ecs_gitops.model.errors import AwsRefused
from unit.fake_aws import Died
from unit.shop import BREAKER, CANARY, JOB, hooks, item, release, statuses

# Three services on their first images, a rule and a schedule.
pytestmark = pytest.mark.usefixtures("shop")

NOT_ACTIVE = pytest.mark.parametrize("status", ["INACTIVE", "DELETE_IN_PROGRESS", "SOMETHING_NEW"])
FAMILY = "arn:aws:ecs:us-west-2:111111111111:task-definition/job"
HOURLY = {"service": "job", "scheduleName": "hourly", "image": "job:2"}


def _runs(ecs, which="nightly"):
    """What the rule or schedule runs: the reference, and the image that it means now."""
    found = ecs.rules["default", "nightly"][0] if which == "nightly" else ecs.schedules["default", "hourly"]["Target"]
    reference = found["EcsParameters"]["TaskDefinitionArn"]
    definition, _ = ecs.describe_task_definition(reference)
    return reference.rsplit("/", 1)[-1], definition["containerDefinitions"][0]["image"], definition["status"]


def _follow_the_family(ecs):
    for target in (ecs.rules["default", "nightly"][0], ecs.schedules["default", "hourly"]["Target"]):
        target["EcsParameters"] = {"TaskDefinitionArn": FAMILY}


# --- services --------------------------------------------------------------------------------------------------------


@NOT_ACTIVE
@pytest.mark.parametrize("tag", ["1", "2", "bad"], ids=["unchanged", "deployed", "rolled back"])
def test_a_service_on_a_revision_that_is_not_active_is_told_of(ecs, machine, status, tag):
    ecs.deregister(ecs.services["web"]["taskDefinition"], status)
    web = machine.results(release(item("web", tag)))["web"]
    assert web["checks"]["target"] == "WARNING"
    assert any(f"web:1 is {status}: it runs on, and can no longer be deployed" in each for each in web["warnings"])


@NOT_ACTIVE
@pytest.mark.parametrize("after", [None, "smoke fail"], ids=["rollout", "postDeploy"])
@pytest.mark.parametrize("configuration", [BREAKER | {"deploymentCircuitBreaker": {"enable": False}}, CANARY])
def test_the_rollback_deploys_a_copy_of_it(ecs, machine, status, after, configuration):
    # GIVEN a service whose revision is not ACTIVE, whatever ECS's words for that are
    ecs.services["web"]["deploymentConfiguration"] = configuration
    ecs.deregister(ecs.services["web"]["taskDefinition"], status)
    # WHEN its deployment was over before it failed, so that ECS cannot return it
    requested = item("web", "2", **hooks(after="smoke fail")) if after else item("web", "bad", timeoutMinutes=5)
    web = machine.results(release(requested))["web"]
    # THEN it runs what it ran
    assert web["status"] == "ROLLED_BACK", web["reason"]
    assert ecs.images("web") == {"web": "web:1"}
    if after:
        running = ecs.definitions[web["runningTaskDefArn"]][0]
        assert (running["revision"], running["status"]) == (3, "ACTIVE")
        assert "could not be recorded" not in web["reason"]


def test_another_refusal_of_the_rollback_registers_nothing(ecs, machine, monkeypatch):
    # GIVEN a refusal whose words are those for an inactive revision, of one that is ACTIVE
    old, update = ecs.services["web"]["taskDefinition"], ecs.update_service

    def refusing(cluster, service, task_definition=None, configuration=None):
        if task_definition == old:
            raise AwsRefused("update_service", "ClientException", "The capacity provider is inactive.")
        return update(cluster, service, task_definition, configuration)

    monkeypatch.setattr(ecs, "update_service", refusing)
    web = machine.results(release(item("web", **hooks(after="smoke fail"))))["web"]
    assert web["status"] == "FAILED"
    assert "could not roll back: update_service: ClientException: The capacity provider is inactive." in web["reason"]
    assert ecs.calls.count("register_task_definition") == 1


def test_a_revision_that_was_deleted_is_named_and_nothing_hides_why_it_failed(ecs, machine, monkeypatch):
    # GIVEN a revision that is deleted once the service has left it
    old, run = ecs.services["web"]["taskDefinition"], ecs.run_task

    def run_task(request):
        ecs.deregister(old, "DELETED")
        return run(request)

    monkeypatch.setattr(ecs, "run_task", run_task)
    web = machine.results(release(item("web", **hooks(after="smoke fail"))))["web"]
    assert web["status"] == "FAILED"
    assert "could not roll back: web:1 was deleted, or never was, so there is nothing to return to" in web["reason"]
    assert "container web exited with 1" in web["reason"]


def test_a_copy_is_registered_once_however_often_the_rollback_dies(ecs, machine):
    # GIVEN a rollback that needs a copy, and dies after each of its calls
    for died in range(1, 6):
        ecs.services["web"]["deployments"] = ecs.services["web"]["deployments"][:1]
        family = f"web{died}"
        ecs.serve("web", ecs.define(family, ("web", "web:1")), desired=2)
        ecs.deregister(ecs.services["web"]["taskDefinition"])
        refused = ecs.update_service

        def update_service(*given, _refused=refused, _died=died, _family=family, **more):
            try:
                return _refused(*given, **more)
            except AwsRefused:
                ecs.update_service = _refused
                ecs.die_after = len(ecs.calls) + _died
                raise

        ecs.update_service = update_service
        web = machine.results(release(item("web", timeoutMinutes=20 + died, **hooks(after="smoke fail"))))["web"]
        del ecs.update_service
        assert (web["status"], web["runningTaskDefArn"].rsplit("/", 1)[-1]) == ("ROLLED_BACK", f"{family}:3")
        assert sum(f"/{family}:" in each for each in ecs.definitions) == 3
    assert machine.deaths > 3


@NOT_ACTIVE
def test_what_a_rollback_would_return_to_is_told_of_too(ecs, machine, status):
    # GIVEN a failed deployment of an image that is to be deployed again, beside what still runs
    old = ecs.services["web"]["taskDefinition"]
    ecs.services["web"]["deploymentConfiguration"] = BREAKER | {"deploymentCircuitBreaker": {"enable": True}}
    machine.run(release(item("web", "bad", onFailure="stop")))
    ecs.deregister(old, status)
    web = machine.results(release(item("web", "3")))["web"]
    assert any(f"web:1 is {status}: a rollback to it registers" in each for each in web["warnings"]), web


def test_that_it_was_deleted_is_told_before(ecs, machine):
    old = ecs.services["web"]["taskDefinition"]
    machine.run(release(item("web", "bad", onFailure="stop")))
    ecs.deregister(old, "DELETED")
    web = machine.results(release(item("web", "3")))["web"]
    assert any(
        "web:1 was deleted, or never was: there is no revision to roll back to" in each for each in web["warnings"]
    )


# --- rules and schedules ---------------------------------------------------------------------------------------------


@NOT_ACTIVE
@pytest.mark.parametrize("task", [JOB, HOURLY], ids=["rule", "schedule"])
@pytest.mark.parametrize("tag", ["1", "2"], ids=["unchanged", "deployed"])
def test_a_target_on_a_revision_that_is_not_active_is_told_of(ecs, machine, status, task, tag):
    ecs.deregister(f"{FAMILY}:1", status)
    (job,) = machine.run({"tasks": [task | {"image": f"job:{tag}"}]})["result"]["items"]
    assert job["checks"]["target"] == "WARNING"
    (reported,) = [each for each in job["warnings"] if "so its tasks do not start" in each]
    assert f"runs job:1, which is {status}" in reported


@NOT_ACTIVE
def test_a_target_returns_to_a_copy_and_stays_on_it(ecs, machine, status):
    # GIVEN a rule and a schedule on a revision that is not ACTIVE any more
    ecs.deregister(f"{FAMILY}:1", status)
    both = release(item("web", "bad"), tasks=[JOB, HOURLY], onFailure="rollbackRelease")
    done = machine.run(both)
    # WHEN they are rolled back with the release, THEN to a revision whose tasks start
    assert set(statuses(done).values()) == {"ROLLED_BACK"}
    for which in ("nightly", "hourly"):
        reference, image, now = _runs(ecs, which)
        assert (image, now) == ("job:1", "ACTIVE")
        (reported,) = [each for each in done["result"]["items"] if each["name"] == which]
        assert reported["runningTaskDefArn"].endswith(reference)
        assert "could not be recorded" not in reported["reason"]
    # AND the next push deploys them again: what failed was the service
    assert statuses(machine.run(both)) == {"web": "HELD", "nightly": "DEPLOYED", "hourly": "DEPLOYED"}


def test_a_target_is_returned_once_however_often_that_dies(ecs, machine, monkeypatch):
    # GIVEN a rule on a deregistered revision, and a rollback that dies after each of its calls
    put = ecs.put_targets
    for died in range(1, 7):
        family = f"job{died}"
        arn = ecs.define(family, ("job", "job:1"))
        ecs.rules["default", "nightly"][0]["EcsParameters"]["TaskDefinitionArn"] = arn
        ecs.deregister(arn)

        def put_targets(*given, _died=died):
            answer = put(*given)
            monkeypatch.setattr(ecs, "put_targets", put)
            ecs.die_after = None
            monkeypatch.setattr(ecs, "update_service", _dying(ecs, _died))
            return answer

        monkeypatch.setattr(ecs, "put_targets", put_targets)
        done = machine.run(release(item("web", f"bad{died}"), tasks=[JOB], onFailure="rollbackRelease"))
        assert statuses(done)["nightly"] == "ROLLED_BACK"
        reference, image, now = _runs(ecs)
        assert (image, now) == ("job:1", "ACTIVE")
        assert reference == f"{family}:3", f"{reference}: died after {died}"
    assert machine.deaths > 3


def _dying(ecs, calls):
    """UpdateService that refuses, so that the release goes back, and lets the machine die some calls later."""

    def update_service(*_given, **_more):
        ecs.die_after = len(ecs.calls) + calls
        raise AwsRefused("update_service", "InvalidParameterException", "no")

    return update_service


def test_a_target_whose_revision_was_deleted_cannot_be_returned_and_says_so(ecs, machine, monkeypatch):
    register = ecs.register_task_definition

    def register_task_definition(content, tags):
        if f"{FAMILY}:1" in ecs.definitions and content["family"] == "web":
            ecs.deregister(f"{FAMILY}:1", "DELETED")
        return register(content, tags)

    monkeypatch.setattr(ecs, "register_task_definition", register_task_definition)
    done = machine.results(release(item("web", "bad"), tasks=[JOB], onFailure="rollbackRelease"))
    assert done["nightly"]["status"] == "FAILED"
    assert "could not roll back: job:1 was deleted, or never was" in done["nightly"]["reason"]
    assert done["web"]["status"] == "ROLLED_BACK"


def test_a_target_whose_revision_is_not_there_is_found_before(ecs, machine):
    # GIVEN a rule whose one target names a revision that was deleted
    other = ecs.define("other", ("other", "other:1"))
    ecs.deregister(f"{FAMILY}:1", "DELETED")
    done = machine.run(release(item("web"), tasks=[JOB]))
    assert done["error"] == "CheckFailed"
    (job, _) = done["result"]["items"]
    assert (
        "rule 'nightly' on bus 'default': its target's task definition job:1 was deleted, or never was" in job["reason"]
    )
    # WHEN it is another target of the rule, THEN that is reported, and the item is deployed
    (target,) = ecs.rules["default", "nightly"]
    ecs.rules["default", "nightly"].append(target | {"Id": "b", "EcsParameters": {"TaskDefinitionArn": other}})
    job = machine.results({"tasks": [{"service": "other", "cwRuleName": "nightly", "image": "other:2"}]})["nightly"]
    assert job["status"] == "DEPLOYED"
    assert any(
        "job:1 was deleted, or never was, so the target's tasks do not start" in each for each in job["warnings"]
    )


# --- targets that follow a family -------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [JOB, HOURLY], ids=["rule", "schedule"])
def test_a_target_that_follows_a_family_is_told_of_though_nothing_changes(ecs, machine, task):
    _follow_the_family(ecs)
    (job,) = machine.run({"tasks": [task | {"image": "job:1"}]})["result"]["items"]
    assert (job["status"], job["checks"]["target"]) == ("UNCHANGED", "WARNING")
    assert any(
        "follows job without a revision: it runs what is registered last (now job:1)" in w for w in job["warnings"]
    )
    # AND it is left as it is
    assert _runs(ecs, job["name"])[0] == "job"


@pytest.mark.parametrize("task", [JOB, HOURLY], ids=["rule", "schedule"])
def test_what_deploys_to_it_pins_it(ecs, machine, task):
    _follow_the_family(ecs)
    (job,) = machine.run({"tasks": [task]})["result"]["items"]
    assert any("this release pins it to what is deployed, and a rollback to job:1" in each for each in job["warnings"])
    assert _runs(ecs, job["name"])[:2] == ("job:2", "job:2")


def test_a_rollback_pins_it_to_what_it_ran_and_not_to_what_failed(ecs, machine):
    _follow_the_family(ecs)
    done = machine.run(release(item("web", "bad"), tasks=[JOB, HOURLY], onFailure="rollbackRelease"))
    assert set(statuses(done).values()) == {"ROLLED_BACK"}
    assert _runs(ecs)[:2] == _runs(ecs, "hourly")[:2] == ("job:1", "job:1")


def test_it_is_pinned_also_by_a_run_that_died_after_the_registration(ecs, machine, monkeypatch):
    _follow_the_family(ecs)
    register = ecs.register_task_definition

    def dying(content, tags):
        register(content, tags)
        monkeypatch.setattr(ecs, "register_task_definition", register)
        raise Died

    monkeypatch.setattr(ecs, "register_task_definition", dying)
    assert statuses(machine.run({"tasks": [JOB]})) == {"nightly": "DEPLOYED"}
    assert machine.deaths == 1
    assert _runs(ecs)[:2] == ("job:2", "job:2")


def test_another_target_of_the_rule_that_follows_a_family_is_told_of(ecs, machine):
    other = ecs.define("other", ("other", "other:1"))
    (target,) = ecs.rules["default", "nightly"]
    follows = {"TaskDefinitionArn": other.rsplit(":", 1)[0]}
    ecs.rules["default", "nightly"].append(target | {"Id": "b", "EcsParameters": follows})
    job = machine.results({"tasks": [JOB]})["nightly"]
    assert job["status"] == "DEPLOYED"
    assert any("follows other without a revision: it runs what is registered last" in each for each in job["warnings"])
    assert ecs.rules["default", "nightly"][1]["EcsParameters"] == follows
