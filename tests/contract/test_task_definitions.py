"""Task definitions: what is registered, found, deregistered and tagged."""

from __future__ import annotations

from contract.accounts import Account
from contract.deployments import Service, refused, register
from unit.fake_aws import CLUSTER


def test_a_revision_is_registered_and_found_by_its_names(account: Account, name: str) -> None:
    # GIVEN two revisions
    content = {
        "family": name,
        "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64, "essential": True}],
        "networkMode": "awsvpc",
    }
    first = account.aws.register_task_definition(content, {"team": "shop"})
    second = register(account, name)
    assert (first.rsplit("/", 1)[-1], second.rsplit("/", 1)[-1]) == (f"{name}:1", f"{name}:2")

    # WHEN each is looked for, THEN it is what was registered, with its tags; a family means the newest
    for reference in (first, f"{name}:1"):
        found, tags = account.aws.read_task_definition(reference)
        assert (found["taskDefinitionArn"], found["family"], found["revision"]) == (first, name, 1)
        assert (found["status"], found["networkMode"], tags) == ("ACTIVE", "awsvpc", {"team": "shop"})
        assert found["containerDefinitions"][0]["image"] == "app:1"
    assert account.aws.read_task_definition(name)[0]["revision"] == 2

    # AND one that is not there is refused
    assert refused(lambda: account.aws.read_task_definition(f"{name}:3")) == "ClientException"
    assert refused(lambda: account.aws.read_task_definition(f"{name}-x")) == "ClientException"


def test_a_deregistered_revision_is_described_and_nothing_starts_with_it(service: Service) -> None:
    aws, name = service.account.aws, service.name
    # GIVEN a newer revision that was deregistered
    revision = register(service.account, name)
    aws.deregister_task_definition(revision)

    # THEN it is described, and the family means the one before
    assert aws.read_task_definition(revision)[0]["status"] == "INACTIVE"
    assert aws.read_task_definition(name)[0]["revision"] == 1

    # AND no service, no task and no tag takes it
    assert refused(lambda: aws.update_service(CLUSTER, name, revision)) == "ClientException"
    run = {"cluster": CLUSTER, "taskDefinition": revision, "clientToken": name, "overrides": {}}
    assert refused(lambda: aws.run_task(run)) == "ClientException"
    assert refused(lambda: aws.tag_task_definition(revision, "team", "shop")) == "InvalidParameterException"

    # AND its number is not given again
    assert register(service.account, name).endswith(f"{name}:3")


def test_what_runs_on_a_deregistered_revision_goes_on(service: Service) -> None:
    before = service.now()
    service.account.aws.deregister_task_definition(before["taskDefinition"])
    assert service.steady()["taskDefinition"] == before["taskDefinition"]
    assert service.now()["runningCount"] == 2


def test_a_revision_has_fifty_tags_at_most(account: Account, name: str) -> None:
    # GIVEN a revision with fifty tags
    revision = register(account, name, **{f"tag-{number}": "x" for number in range(50)})

    # WHEN one of them is set, THEN that is one of fifty; one more is refused, there and at the registration
    account.aws.tag_task_definition(revision, "tag-1", "y")
    assert account.aws.read_task_definition(revision)[1]["tag-1"] == "y"
    assert refused(lambda: account.aws.tag_task_definition(revision, "more", "x")) == "InvalidParameterException"
    many = {f"tag-{number}": "x" for number in range(51)}
    assert refused(lambda: register(account, name, **many)) == "InvalidParameterException"
