"""DeployEcs: what it decides, what it says, and that dying anywhere changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecs_gitops.apply.services import ServiceDeployer
from ecs_gitops.ecs import revision_tags
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.identity import short
from unit.fake_aws import Died, FakeAws
from unit.ledgers import held


def deploy(aws, release, batch, budget, is_retry=False):
    return ServiceDeployer(aws, release, batch, budget, held(release, batch, budget), is_retry).run()


@pytest.fixture
def web(aws):
    arn = aws.define(
        "web",
        ("web", "shop/web:1"),
        ("proxy", "envoy:1"),
        tags={"team": "shop"},
        runtimePlatform={"cpuArchitecture": "ARM64"},
    )
    aws.serve("web", arn, desired=2)
    return arn


def test_a_changed_image_gets_a_new_revision_and_a_deployment(aws, release, budget, services, web):
    # GIVEN a service on web:1 / WHEN another image is desired
    batch = deploy(aws, release, services(("web", "web", "shop/web:2")), budget)
    # THEN a revision with that image alone changed is registered, tagged, and its deployment's id is known
    item = batch.items[0]
    definition, tags = aws.definitions[aws.services["web"]["taskDefinition"]]
    assert [c["image"] for c in definition["containerDefinitions"]] == ["shop/web:2", "envoy:1"]
    assert definition["runtimePlatform"] == {"cpuArchitecture": "ARM64"}
    assert tags == {
        "team": "shop",
        revision_tags.EXECUTION: "ecs-gitops:run-1",
        revision_tags.PREVIOUS: short(web),
        revision_tags.RELEASE: "4.0",
        revision_tags.COMMIT: "abc123",
        revision_tags.REPOSITORY: "config",
    }
    assert (item.step, item.change.previous, item.change.revision) == ("ROLLING_OUT", "web:1", "web:2")
    assert (item.change.previous_image, item.change.kind) == ("shop/web:1", "DEPLOY")
    assert item.watched.deployment == aws.services["web"]["deployments"][0]["id"]
    assert (batch.next, batch.wait_seconds) == ("WAIT", 2)


def test_an_unchanged_image_is_left_alone_and_costs_no_wait(aws, release, budget, services, web):
    batch = deploy(aws, release, services(("web", "web", "shop/web:1")), budget)
    assert (batch.items[0].status, batch.items[0].change.kind, batch.next) == ("UNCHANGED", "NOTHING", "DONE")
    assert aws.calls == ["describe_services", "describe_task_definition"]


def test_a_mutable_tag_redeploys_when_the_manifest_forces_it(aws, release, budget, services, web):
    batch = deploy(aws, release, services(("web", "web", "shop/web:1"), force=True), budget)
    assert (batch.items[0].step, batch.items[0].change.revision) == ("ROLLING_OUT", "web:2")


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (lambda aws: aws.services.clear(), "service 'web' does not exist in cluster 'shop'"),
        (lambda aws: aws.services["web"].update(status="DRAINING"), "service 'web' is DRAINING"),
        (lambda aws: aws.services["web"].update(status="INACTIVE"), "service 'web' is INACTIVE"),
        (
            lambda aws: aws.services["web"].update(deploymentController={"type": "CODE_DEPLOY"}),
            "controller CODE_DEPLOY",
        ),
        (lambda aws: aws.services["web"].update(deploymentController={"type": "EXTERNAL"}), "controller EXTERNAL"),
        (lambda aws: aws.services["web"].update(resourceManagementType="ECS"), "Express Mode"),
    ],
    ids=["unknown", "draining", "inactive", "code-deploy", "external", "express"],
)
def test_a_service_that_cannot_be_driven_fails_alone(aws, release, budget, services, web, change, reported):
    # GIVEN one service that cannot be deployed beside one that can
    change(aws)
    aws.serve("api", aws.define("api", ("api", "shop/api:1")))
    # WHEN both are deployed
    bad, good = deploy(aws, release, services(("web", "web", "shop/web:2"), ("api", "api", "shop/api:2")), budget).items
    # THEN the one FAILED with a reason and the other goes on
    assert bad.status == "FAILED"
    assert reported in (bad.reason or "")
    assert good.step == "ROLLING_OUT"


def test_a_missing_container_fails_with_the_names_there_are(aws, release, budget, services, web):
    item = deploy(aws, release, services(("web", "we", "shop/web:2")), budget).items[0]
    assert item.status == "FAILED"
    assert "no container named 'we'" in (item.reason or "")
    assert "web, proxy" in (item.reason or "")
    assert "register_task_definition" not in aws.calls


def test_an_unknown_cluster_fails_every_item_of_its_batch(aws, release, budget, services, web):
    batch = deploy(aws, release, services(("web", "web", "x:1"), ("b", "b", "x:1"), cluster="nowhere"), budget)
    assert {item.status for item in batch.items} == {"FAILED"}
    assert "cluster 'nowhere' does not exist in account 111111111111, Region us-west-2" in (batch.items[0].reason or "")
    assert batch.next == "DONE"


def test_a_role_that_may_not_be_passed_is_named_with_the_way_out(aws, release, budget, services, web):
    aws.refuse["register_task_definition"] = AwsRefused(
        "register_task_definition", "AccessDeniedException", "not authorized to perform: iam:PassRole on resource: r"
    )
    item = deploy(aws, release, services(("web", "web", "shop/web:2")), budget).items[0]
    assert item.status == "FAILED"
    assert "pass_role_arns" in (item.reason or "")


@pytest.mark.parametrize("call", range(1, 5))
def test_killed_after_any_call_the_retry_comes_to_the_same_end(aws, release, budget, services, web, call):
    # GIVEN a run that dies right after its n-th AWS call took effect
    batch = services(("web", "web", "shop/web:2"))
    aws.die_after = call
    with pytest.raises(Died):
        deploy(aws, release, batch, budget)
    # WHEN the same event is run again
    item = deploy(aws, release, batch, budget, is_retry=True).items[0]
    # THEN the outcome is that of a run that was not interrupted: no second revision, nothing forgotten
    assert item.step == "ROLLING_OUT"
    assert (item.change.previous, item.change.revision) == ("web:1", "web:2")
    assert (item.change.previous_image, item.desired.image) == ("shop/web:1", "shop/web:2")
    assert item.watched.deployment == aws.services["web"]["deployments"][0]["id"]
    assert sorted(map(short, aws.definitions)) == ["web:1", "web:2"]


def test_a_retry_after_the_rollout_ended_still_reports_the_deployment(aws, release, budget, services, web):
    batch = services(("web", "web", "shop/web:2"))
    deploy(aws, release, batch, budget)
    aws.finish("web")
    item = deploy(aws, release, batch, budget, is_retry=True).items[0]
    assert (item.step, item.change.previous) == ("ROLLING_OUT", "web:1")


def test_throttled_calls_are_made_again_and_fail_nothing(aws, release, budget, services, web):
    aws.throttle = {0, 2, 3, 6}
    item = deploy(aws, release, services(("web", "web", "shop/web:2")), budget).items[0]
    assert (item.step, item.change.revision) == ("ROLLING_OUT", "web:2")


def test_what_the_invocation_has_no_time_for_is_left_for_the_next(aws, release, budget, services, web):
    # GIVEN throttling for longer than the invocation lasts
    aws.throttle = set(range(1, 10_000))
    batch = deploy(aws, release, services(("web", "web", "shop/web:2")), budget)
    # THEN the item is pending, and the state machine comes back
    assert (batch.items[0].step, batch.next) == ("PENDING", "DEPLOY")
    # WHEN the next invocation runs
    aws.throttle = set()
    again = deploy(aws, release, batch, replace(budget, until=aws.now + 600), is_retry=True)
    assert again.items[0].step == "ROLLING_OUT"


def test_redeploying_after_a_failed_deployment_deploys_again(aws, release, other_release, budget, services, web):
    # GIVEN an image whose deployment failed and was not rolled back
    deploy(aws, release, services(("web", "web", "shop/web:2")), budget)
    aws.finish("web", "FAILED")
    # WHEN a later release has the same image
    item = deploy(aws, other_release, services(("web", "web", "shop/web:2")), budget).items[0]
    # THEN it is deployed again, and what to return to is still the revision that last worked
    assert (item.step, item.change.revision, item.change.previous) == ("ROLLING_OUT", "web:3", "web:1")
    assert "failed" in (item.reason or "")


def test_another_execution_joins_a_healthy_deployment_of_the_same_image(
    aws, release, other_release, budget, services, web
):
    first = deploy(aws, release, services(("web", "web", "shop/web:2")), budget).items[0]
    item = deploy(aws, other_release, services(("web", "web", "shop/web:2")), budget).items[0]
    assert (item.watched.deployment, item.step) == (first.watched.deployment, "ROLLING_OUT")
    assert "joined" in (item.reason or "")


def test_services_of_one_batch_with_the_same_change_share_the_new_revision(aws, release, budget, services, web):
    aws.serve("web-b", web)
    batch = deploy(aws, release, services(("web", "web", "shop/web:2"), ("web-b", "web", "shop/web:2")), budget)
    assert [item.change.revision for item in batch.items] == ["web:2", "web:2"]


def test_ten_changed_services_cost_one_description_and_three_calls_each(aws, release, budget, services):
    names = [f"svc-{n}" for n in range(10)]
    for name in names:
        aws.serve(name, aws.define(name, (name, "app:1")))
    deploy(aws, release, services(*((name, name, "app:2") for name in names)), budget)
    assert len(aws.calls) == 1 + 3 * 10


def test_a_definition_whose_tags_leave_no_room_fails_before_anything_is_registered(
    aws: FakeAws, release, budget, services
):
    arn = aws.define("full", ("full", "app:1"), tags={f"k{n}": "v" for n in range(49)})
    aws.serve("full", arn)
    item = deploy(aws, release, services(("full", "full", "app:2")), budget).items[0]
    assert item.status == "FAILED"
    assert "49 tags" in (item.reason or "")


def test_a_stuck_deployment_without_rollout_state_is_not_unchanged(aws, release, budget, services, web):
    # GIVEN the desired image is the primary's, none of its tasks runs, and ECS gives no rollout state
    new = aws.define("web", ("web", "shop/web:2"))
    old = aws.services["web"]["deployments"][0] | {"status": "ACTIVE", "rolloutState": None}
    stuck = aws._deployment(new, 2, "IN_PROGRESS") | {"rolloutState": None, "failedTasks": 9}
    aws.services["web"] |= {"deployments": [stuck, old], "taskDefinition": new}
    # THEN it is deployed again, and what to return to is the revision that still runs
    item = deploy(aws, release, services(("web", "web", "shop/web:2")), budget).items[0]
    assert (item.step, item.change.previous) == ("ROLLING_OUT", "web:1")
    other = deploy(aws, release, services(("web", "web", "shop/web:3")), budget).items[0]
    assert other.change.previous == "web:1"


def test_a_service_that_the_role_is_not_for_does_not_stop_its_siblings(
    aws, release, budget, services, web, monkeypatch
):
    # GIVEN ECS refuses every description that names one service out of scope
    describe = aws.describe_services

    def scoped(cluster, names):
        if "secret" in names:
            raise AwsRefused("describe_services", "AccessDeniedException", "not authorized")
        return describe(cluster, names)

    monkeypatch.setattr(aws, "describe_services", scoped)
    batch = deploy(aws, release, services(("secret", "x", "x:1"), ("web", "web", "shop/web:2")), budget)
    secret, other = batch.items
    assert secret.status == "FAILED"
    assert "widen the scope of the deploy role" in (secret.reason or "")
    assert (other.step, batch.next) == ("ROLLING_OUT", "WAIT")


def test_services_whose_reads_are_old_are_read_again_together(aws, release, budget, services, monkeypatch):
    # GIVEN ten services, and registrations that take two seconds each
    names = [f"web{number}" for number in range(10)]
    for name in names:
        aws.serve(name, aws.define(name, ("web", "shop/web:1")))
    register = aws.register_task_definition

    def slow(content, tags):
        aws.now += 2
        return register(content, tags)

    monkeypatch.setattr(aws, "register_task_definition", slow)
    # WHEN they are deployed
    done = deploy(aws, release, services(*((name, "web", "shop/web:2") for name in names)), budget)
    # THEN no read is older than five seconds at an update, and each new one is for all that come after it
    assert {item.step for item in done.items} == {"ROLLING_OUT"}
    assert aws.calls.count("describe_services") == 1 + 3
    assert aws.calls.count("update_service") == 10


def test_what_somebody_deployed_since_the_first_read_is_seen_by_the_second(aws, release, budget, services, monkeypatch):
    # GIVEN two services, and somebody who deploys the second while the first takes long
    for name in ("web", "api"):
        aws.serve(name, aws.define(name, ("web", "shop/web:1")))
    hotfix, register = aws.define("api", ("web", "shop/web:hot")), aws.register_task_definition

    def slow(content, tags):
        if content["family"] == "web":
            aws.now += 6
            aws.services["api"]["taskDefinition"] = hotfix
            aws.services["api"]["deployments"].insert(0, aws._deployment(hotfix, 1, "IN_PROGRESS"))
            aws.services["api"]["deployments"][1]["status"] = "ACTIVE"
        return register(content, tags)

    monkeypatch.setattr(aws, "register_task_definition", slow)
    # WHEN both are deployed, THEN that is left alone
    web, api = deploy(aws, release, services(("web", "web", "shop/web:2"), ("api", "web", "shop/web:2")), budget).items
    assert web.step == "ROLLING_OUT"
    assert api.status == "FAILED"
    assert "was deployed by someone else a moment ago" in (api.reason or "")
    assert aws.services["api"]["taskDefinition"] == hotfix
