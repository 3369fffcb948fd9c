"""Everything is checked before anything changes: what is found, what is not, and what is left as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecs_gitops.model.errors import AwsRefused
from unit.shop import IMAGE, JOB, item, release, statuses

# Three services on their first images, a rule and a schedule.
pytestmark = pytest.mark.usefixtures("shop")


def test_one_bad_item_and_nothing_is_changed_anywhere(ecs, machine):
    before = ecs.steady()
    done = machine.run(release(item("web"), item("nobody"), item("api", service="ap"), tasks=[JOB]))
    assert (done["status"], done["error"]) == ("FAILED", "CheckFailed")
    assert statuses(done) == {"nightly": "SKIPPED", "web": "SKIPPED", "nobody": "FAILED", "api": "FAILED"}
    assert ecs.steady() == before
    assert not {"register_task_definition", "update_service", "put_targets", "tag_resource"} & set(ecs.calls)
    # AND the notice has every finding
    text = done["notice"]["message"]
    assert "'nobody' does not exist" in text
    assert "no container named 'ap'" in text
    assert "nothing was changed: nobody, api did not pass the check" in text


@pytest.mark.parametrize(
    ("registry", "told"),
    [
        ({}, "there is no repository web of account 111111111111, Region us-west-2"),
        ({"web:1": "sha256:" + "1" * 64}, "has no image 2"),
    ],
    ids=["no repository", "no tag"],
)
def test_an_image_that_is_not_in_ecr_is_found_before(ecs, machine, registry, told):
    ecs.registry = registry
    done = machine.run(release(item("web") | {"image": IMAGE}))
    assert done["error"] == "CheckFailed"
    (web,) = done["result"]["items"]
    assert told in web["reason"]
    assert web["checks"]["image"] == "FAILED"


def test_what_could_not_be_checked_is_a_warning_and_no_pass(ecs, machine):
    ecs.refuse["batch_get_image"] = AwsRefused("batch_get_image", "AccessDeniedException", "no")
    done = machine.run(release(item("web") | {"image": IMAGE}))
    (web,) = done["result"]["items"]
    assert (done["status"], web["status"], web["checks"]["image"]) == ("SUCCEEDED", "DEPLOYED", "NOT_CHECKED")
    assert "the deploy role may not read it (batch_get_image)" in done["notice"]["message"]


def test_secrets_parameters_and_roles_are_looked_for(ecs, machine):
    secret = "arn:aws:secretsmanager:us-west-2:111111111111:secret:db-AbCdEf"
    definition = ecs.define("web", ("web", "web:1"), taskRoleArn="arn:aws:iam::111111111111:role/task")
    ecs.definitions[definition][0]["containerDefinitions"][0]["secrets"] = [
        {"name": "A", "valueFrom": f"{secret}:password::"},
        {"name": "B", "valueFrom": "/shop/token"},
        {"name": "C", "valueFrom": "arn:aws:ssm:us-west-2:111111111111:parameter/shop/key"},
    ]
    ecs.serve("web", definition)
    ecs.passable = set()
    (web,) = machine.run(release(item("web")))["result"]["items"]
    assert web["status"] == "FAILED"
    for told in (
        f"secret {secret} does not exist",
        "parameter /shop/token does not exist",
        "parameter /shop/key does not exist",
        "may not pass role arn:aws:iam::111111111111:role/task to ecs-tasks.amazonaws.com",
    ):
        assert told in web["reason"]
    assert (web["checks"]["secrets"], web["checks"]["passRole"]) == ("FAILED", "FAILED")
    # AND with all of them there, the release goes through
    ecs.secrets, ecs.parameters, ecs.passable = {secret}, {"/shop/token", "/shop/key"}, None
    assert machine.run(release(item("web")))["status"] == "SUCCEEDED"


def test_settings_that_interrupt_are_warnings_or_errors(ecs, machine):
    ecs.serve("web", ecs.definitions and ecs.define("web", ("web", "web:1")), desired=1)
    ecs.services["web"]["deploymentConfiguration"] = {"minimumHealthyPercent": 0, "maximumPercent": 100}
    done = machine.run(release(item("web", requireZeroDowntime=True)))
    (web,) = done["result"]["items"]
    assert (web["status"], web["checks"]["downtime"]) == ("FAILED", "FAILED")
    for told in ("minimumHealthyPercent 0", "desired count 1", "no health check", "no circuit breaker"):
        assert f"requireZeroDowntime: {told}" in web["reason"]
    assert ecs.images("web") == {"web": "web:1"}
    # WHEN it is not asked for, it is deployed and the warnings are told
    done = machine.run(release(item("web")))
    (web,) = done["result"]["items"]
    assert (web["status"], web["checks"]["downtime"]) == ("DEPLOYED", "WARNING")
    assert len(web["warnings"]) == 5


def test_a_revert_needs_nothing_of_what_it_does_not_start(ecs, machine):
    machine.run(release(item("web", "bad")))
    ecs.definitions[ecs.services["web"]["taskDefinition"]][0]["containerDefinitions"][0]["secrets"] = [
        {"name": "A", "valueFrom": "/gone"}
    ]
    assert statuses(machine.run(release(item("web", "1"))))["web"] == "UNCHANGED"


def test_an_image_that_a_pull_through_cache_brings_is_no_failure(ecs, machine):
    ecs.pull_through = {"docker-hub"}
    image = "111111111111.dkr.ecr.us-west-2.amazonaws.com/docker-hub/library/nginx:1"
    web = machine.results(release(item("web") | {"image": image}))["web"]
    assert (web["status"], web["checks"]["image"]) == ("DEPLOYED", "NOT_CHECKED")


def test_a_secret_by_its_name_is_looked_for_among_secrets(ecs, machine):
    definition = ecs.define("web", ("web", "web:1"))
    container = ecs.definitions[definition][0]["containerDefinitions"][0]
    container["repositoryCredentials"] = {"credentialsParameter": "dockerhub"}
    container["secrets"] = [{"name": "A", "valueFrom": "/shop/token:3"}, {"name": "B", "valueFrom": "/aws/reference/x"}]
    ecs.serve("web", definition)
    ecs.secrets, ecs.parameters = {"dockerhub"}, {"/shop/token"}
    web = machine.results(release(item("web")))["web"]
    assert (web["status"], web["checks"]["secrets"]) == ("DEPLOYED", "NOT_CHECKED")


def test_a_release_that_bakes_longer_than_an_execution_lasts_is_refused_before_anything(machine):
    machine.settings = replace(machine.settings, execution_minutes=240)
    slow = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 130}
    done = machine.run(release(item("web", deployment=slow, dependsOn=["api"]), item("api", deployment=slow)))
    assert done["error"] == "InvalidRelease"
    assert "bakes for 260 minutes, and is given up after 240" in done["cause"]


DIGEST = "sha256:" + "b" * 64


@pytest.mark.parametrize("running", ["another image", "the same tag"])
@pytest.mark.parametrize("why", ["may not look", "a cache may bring it"])
def test_pin_digest_that_cannot_pin_fails_the_check(ecs, machine, running, why):
    # GIVEN a service, maybe one that runs the very tag that is to be pinned
    if running == "the same tag":
        ecs.registry = {"web:2": DIGEST}
        machine.run(release(item("web") | {"image": IMAGE}))
    before = ecs.images("web")
    # WHEN its tag cannot be looked up
    if why == "may not look":
        ecs.refuse["batch_get_image"] = AwsRefused("batch_get_image", "AccessDeniedException", "no")
    else:
        ecs.registry, ecs.pull_through = {}, {"ROOT"}
    done = machine.run(release(item("web", pinDigest=True) | {"image": IMAGE}))
    # THEN the release fails before anything changes, and says why
    (web,) = done["result"]["items"]
    assert (done["error"], web["status"], web["checks"]["image"]) == ("CheckFailed", "FAILED", "FAILED")
    assert web["reason"].startswith("pinDigest: image ")
    assert ecs.images("web") == before


@pytest.mark.parametrize("image", [f"{IMAGE[:-2]}@{DIGEST}", f"{IMAGE}@{DIGEST}", f"example.com/web@{DIGEST}"])
def test_an_image_with_its_digest_is_pinned_already(ecs, machine, image):
    ecs.refuse["batch_get_image"] = AwsRefused("batch_get_image", "AccessDeniedException", "no")
    web = machine.results(release(item("web", pinDigest=True) | {"image": image}))["web"]
    assert (web["status"], web["checks"]["image"]) == ("DEPLOYED", "NOT_CHECKED")
    assert ecs.images("web") == {"web": image}


@pytest.mark.parametrize(
    "image",
    [
        "web:2",
        "public.ecr.aws/nginx/nginx:1",
        "111111111111.dkr.ecr.us-west-2.amazonaws.com/web@sha256:abc123",
        "web:2:3",
    ],
)
def test_an_image_that_cannot_be_pinned_or_pulled_is_refused_as_input(ecs, machine, image):
    done = machine.run(release(item("web", pinDigest=True) | {"image": image}))
    assert done["error"] == "InvalidRelease"
    assert "image" in done["cause"]
    assert ecs.images("web") == {"web": "web:1"}


def test_the_ecr_of_another_partition_is_not_asked_and_not_called_another_registry(ecs, machine):
    image = "111111111111.dkr.ecr.cn-north-1.amazonaws.com.cn/web:2"
    web = machine.results(release(item("web") | {"image": image}))["web"]
    assert (web["status"], web["checks"]["image"]) == ("DEPLOYED", "NOT_CHECKED")
    assert (
        f"not checked: image {image}: its ECR is in partition aws-cn, where the deploy role is not valid"
        in web["warnings"]
    )
    assert "batch_get_image" not in ecs.calls
    done = machine.run(release(item("web", pinDigest=True) | {"image": image}))
    assert done["error"] == "CheckFailed"


def test_a_release_that_succeeds_names_no_error(ecs, machine):
    # GIVEN a release that deploys and one that has nothing to do
    for status in ("DEPLOYED", "UNCHANGED"):
        done = machine.run(release(item("web")))
        # THEN the execution's output does not speak of a check or a release that failed
        assert (statuses(done), done["status"], done["error"]) == ({"web": status}, "SUCCEEDED", None)
