"""Rolling deployments: what UpdateService starts, what becomes of it, and what is remembered."""

from __future__ import annotations

import pytest

from contract.accounts import Account
from contract.deployments import Service, refused, register
from unit.fake_aws import CLUSTER

ROLLBACK = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def test_a_rollout_goes_from_in_progress_to_completed(service: Service) -> None:
    # GIVEN a steady service
    (old,) = service.now()["deployments"]
    assert (old["status"], old["rolloutState"]) == ("PRIMARY", "COMPLETED")

    # WHEN a new revision is deployed
    answer = service.deploy("app:2")

    # THEN its deployment is the primary one, beside the one before
    primary, active = answer["deployments"]
    assert answer["taskDefinition"] == primary["taskDefinition"] != old["taskDefinition"]
    assert (primary["status"], primary["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")
    assert (primary["desiredCount"], primary["runningCount"], primary["failedTasks"]) == (2, 0, 0)
    assert (active["status"], active["id"]) == ("ACTIVE", old["id"])
    assert service.newest()["status"] == "IN_PROGRESS"

    # AND in the end the only one
    assert service.until("SUCCESSFUL")["deploymentConfiguration"]["strategy"] == "ROLLING"
    after = service.steady()
    (left,) = after["deployments"]
    assert (left["id"], left["status"], left["rolloutState"]) == (primary["id"], "PRIMARY", "COMPLETED")
    assert (left["runningCount"], left["pendingCount"], after["runningCount"]) == (2, 0, 2)


def test_an_update_without_a_new_revision_starts_no_deployment(service: Service) -> None:
    before = service.now()
    # WHEN the revision that runs is named, or settings alone
    same = service.account.aws.update_service(CLUSTER, service.name, before["taskDefinition"])
    settings = service.configure(maximumPercent=150, **ROLLBACK)

    # THEN there is no deployment, and of the settings those that are named are other ones
    for answer in (same, settings, service.now()):
        assert [each["id"] for each in answer["deployments"]] == [each["id"] for each in before["deployments"]]
    live = service.now()["deploymentConfiguration"]
    assert (live["maximumPercent"], live["minimumHealthyPercent"], live["strategy"]) == (150, 100, "ROLLING")
    assert live["deploymentCircuitBreaker"]["rollback"] is True


def test_the_circuit_breaker_rolls_back(service: Service) -> None:
    # GIVEN a steady service whose breaker rolls back
    service.configure(**ROLLBACK)
    (good,) = service.now()["deployments"]

    # WHEN a revision does not come up
    bad = service.deploy(service.account.bad)["deployments"][0]
    record = service.until("ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL")

    # THEN the deployment before is the primary one again, and in the end alone
    assert "tasks failed to start" in record["statusReason"]
    assert service.now()["taskDefinition"] == good["taskDefinition"]
    over = service.until("ROLLBACK_SUCCESSFUL")
    assert over["targetServiceRevision"]["arn"].endswith(bad["id"].rsplit("/", 1)[-1])
    (left,) = service.steady()["deployments"]
    assert (left["id"], left["taskDefinition"]) == (good["id"], good["taskDefinition"])
    assert any(f"rolling back to deployment {good['id']}" in each["message"] for each in service.now()["events"])


def test_the_circuit_breaker_gives_up_where_it_does_not_roll_back(service: Service) -> None:
    bad = service.deploy(service.account.bad)["deployments"][0]
    assert "tasks failed to start" in service.until("STOPPED").get("statusReason", "")
    after = service.now()
    failed = after["deployments"][0]
    assert (failed["id"], failed["status"], failed["rolloutState"]) == (bad["id"], "PRIMARY", "FAILED")
    assert "tasks failed to start" in failed["rolloutStateReason"]
    assert failed["failedTasks"] >= 3
    # What ran before still does.
    assert after["taskDefinition"] == bad["taskDefinition"]
    assert after["deployments"][1]["runningCount"] == after["runningCount"] == 2


def test_without_the_circuit_breaker_a_deployment_goes_on_failing(service: Service) -> None:
    service.configure(deploymentCircuitBreaker={"enable": False, "rollback": False})
    service.deploy(service.account.bad)
    primary = service.account.until(lambda: service.now()["deployments"][0], lambda each: each["failedTasks"] >= 3)
    assert (primary["status"], primary["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")
    assert service.newest()["status"] == "IN_PROGRESS"
    service.deploy("app:3")
    service.until("SUCCESSFUL")


def test_a_deployment_that_takes_the_place_of_another_stops_it(service: Service) -> None:
    # GIVEN a deployment that goes on
    first = service.deploy("app:never")["deployments"][0]

    # WHEN the same revision is deployed once more
    service.account.force(service.name)

    # THEN that is a deployment of its own, and the first one is over
    second, one, *_ = service.now()["deployments"]
    assert second["taskDefinition"] == one["taskDefinition"] == first["taskDefinition"]
    assert (second["status"], second["rolloutState"], one["id"]) == ("PRIMARY", "IN_PROGRESS", first["id"])
    newest, stopped = service.records()[:2]
    assert (newest["status"], stopped["status"]) == ("IN_PROGRESS", "STOPPED")
    assert "a new service deployment was started" in stopped["statusReason"]
    numbers = [each["targetServiceRevision"]["arn"].rsplit("/", 1)[-1] for each in (newest, stopped)]
    assert numbers == [each["id"].rsplit("/", 1)[-1] for each in (second, first)]

    # AND a good one ends both
    service.deploy("app:3")
    service.until("SUCCESSFUL")
    assert [each["status"] for each in service.records()[1:3]] == ["STOPPED", "STOPPED"]


def test_what_runs_is_deployed_once_more(service: Service) -> None:
    before = service.now()
    service.account.force(service.name)
    primary, active = service.now()["deployments"]
    assert primary["taskDefinition"] == active["taskDefinition"] == before["taskDefinition"]
    service.until("SUCCESSFUL")
    (left,) = service.steady()["deployments"]
    assert left["id"] == primary["id"] != before["deployments"][0]["id"]


def test_a_deployment_is_stopped_with_a_rollback(service: Service) -> None:
    # GIVEN a deployment that goes on
    (old,) = service.now()["deployments"]
    service.deploy("app:never")
    arn = service.newest()["serviceDeploymentArn"]

    # WHEN it is stopped
    service.stop(arn)
    assert service.newest()["status"] in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL")

    # THEN the service returns to the deployment before
    service.until("ROLLBACK_SUCCESSFUL")
    (left,) = service.steady()["deployments"]
    assert left["id"] == old["id"]

    # AND nothing is left to stop
    assert refused(lambda: service.stop(arn)) == "ConflictException"
    assert refused(lambda: service.stop(f"{arn}-x")) == "ServiceDeploymentNotFoundException"


def test_deployments_are_listed_by_time_and_status(service: Service) -> None:
    aws = service.account.aws
    # GIVEN two deployments, of which the second goes on
    service.deploy("app:2")
    first = service.until("SUCCESSFUL")["serviceDeploymentArn"]
    between = service.account.now
    service.account.until(lambda: service.account.now > between + 1)
    service.deploy("app:never")

    # WHEN they are listed, THEN the newest comes first, and filters leave the other one out
    newest, before = aws.service_deployments(CLUSTER, service.name)[:2]
    assert before["serviceDeploymentArn"] == first
    for given in ({"since": between}, {"going_on": True}):
        found = aws.service_deployments(CLUSTER, service.name, **given)
        assert [each["serviceDeploymentArn"] for each in found] == [newest["serviceDeploymentArn"]]

    # AND what is not there is left out
    found = aws.describe_service_deployments([first, f"{first}-x"])
    assert [each["serviceDeploymentArn"] for each in found] == [first]

    # AND a revision of the service says what it runs
    revisions = aws.describe_service_revisions([newest["targetServiceRevisionArn"], f"{first}-x"])
    assert [each["taskDefinition"] for each in revisions] == [service.now()["taskDefinition"]]
    service.deploy("app:2")


def test_what_is_not_there_is_not_deployed(account: Account, service: Service, name: str) -> None:
    aws, revision = account.aws, register(account, name)
    # A cluster that is not there is an error, a service is not described
    assert refused(lambda: aws.describe_services("nowhere", [name])) == "ClusterNotFoundException"
    assert refused(lambda: aws.update_service("nowhere", name, revision)) == "ClusterNotFoundException"
    found = aws.describe_services(CLUSTER, [name, f"{name}-x"])
    assert [each["serviceName"] for each in found] == [name]
    # and cannot be updated, nor with a revision that is not there
    assert refused(lambda: aws.update_service(CLUSTER, f"{name}-x", revision)) == "ServiceNotFoundException"
    assert refused(lambda: aws.update_service(CLUSTER, name, f"{revision}9")) == "ClientException"
    assert refused(lambda: aws.service_deployments(CLUSTER, f"{name}-x")) == "ServiceNotFoundException"


def test_a_deleted_service_is_described_as_inactive_and_is_not_updated(service: Service) -> None:
    revision = register(service.account, service.name)
    service.account.delete(service.name)
    assert (service.now()["status"], service.now()["desiredCount"]) == ("INACTIVE", 0)
    update = service.account.aws.update_service
    assert refused(lambda: update(CLUSTER, service.name, revision)) == "ServiceNotActiveException"


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_another_controller_takes_no_revision(account: Account, name: str, controller: str) -> None:
    account.serve(name, desired=0, deploymentController={"type": controller}, deploymentConfiguration={})
    revision = register(account, name)
    update = account.aws.update_service
    assert refused(lambda: update(CLUSTER, name, revision)) == "InvalidParameterException"
