"""Two executions of the state machine that ships on the same services at once: nothing is told that is not so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from integration.live_services import described, live, meanwhile, result, wait_for
from local_aws.samples import register_app, wait_until_steady
from playground.stack import CLUSTER


def image_of(aws, item):
    definition = aws.client("ecs").describe_task_definition(taskDefinition=described(aws, item)["taskDefinition"])
    return definition["taskDefinition"]["containerDefinitions"][0]["image"]


def test_two_releases_of_the_same_manifest_roll_out_once_and_both_say_so(aws, run, service, slow_rollouts):
    # GIVEN three services
    items = [service() for _ in range(3)]
    names = tuple(item["serviceName"] for item in items)
    slow_rollouts()
    # WHEN the second execution of a release begins while the first one is rolling out
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, {"services": items})
        wait_for(lambda: all(live(aws, item) == "2" for item in items))
        second = run({"services": items})
    # THEN it joins what is going on: one rollout of each service, and both are good
    for done in (first.result(), second):
        assert done.status == "SUCCEEDED"
        assert {done.items[name]["status"] for name in names} == {"DEPLOYED"}
    assert {live(aws, item) for item in items} == {"2"}
    assert "joined the deployment" in second.items[names[0]]["reason"]
    for name in names:
        records = aws.client("ecs").list_service_deployments(cluster=CLUSTER, service=name)["serviceDeployments"]
        assert len(records) == 2


def test_a_later_release_with_another_image_wins_and_the_earlier_one_says_so(aws, run, service, slow_rollouts):
    items = [service() for _ in range(2)]
    later = [{**item, "image": "app:3"} for item in items]
    slow_rollouts()
    # WHEN a release with another image begins while the first one is rolling out
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, {"services": items})
        wait_for(lambda: all(live(aws, item) == "2" for item in items))
        second = run({"services": later})
    # THEN the later one is deployed, and the earlier one neither claims success nor returns what is not its own
    assert second.status == "SUCCEEDED"
    assert first.result().status == "FAILED"
    for item in items:
        assert "superseded" in result(first.result(), item)
        assert image_of(aws, item) == "app:3"
        wait_until_steady(aws, CLUSTER, (item["serviceName"],))


def test_releases_that_begin_in_the_same_moment_agree_on_what_runs(aws, run, service):
    # GIVEN six services, and two releases that have nothing to join or to supersede when they begin
    items = [service() for _ in range(6)]
    rival = [{**item, "image": "app:3"} for item in items]
    with ThreadPoolExecutor(2) as pool:
        releases = list(pool.map(run, ({"services": items}, {"services": rival})))
    # THEN whatever a service runs at the end, the release of that image never names it as failed or returned
    wait_until_steady(aws, CLUSTER, tuple(item["serviceName"] for item in items))
    for item in items:
        won = dict(zip(("app:2", "app:3"), releases, strict=True))[image_of(aws, item)]
        assert won.status == "SUCCEEDED" or won.error == "ReleaseFailed"
        assert result(won, item) == "", won.cause


def test_a_service_that_is_deleted_or_updated_by_hand_in_the_middle_is_told(aws, run, service, slow_rollouts):
    gone, changed, good = (service() for _ in range(3))
    slow_rollouts()
    ecs = aws.client("ecs")

    def interfere() -> None:
        wait_for(lambda: all(live(aws, item) == "2" for item in (gone, changed, good)))
        ecs.delete_service(cluster=CLUSTER, service=gone["serviceName"], force=True)
        register_app(aws, changed["serviceName"], "app:9")
        ecs.update_service(cluster=CLUSTER, service=changed["serviceName"], taskDefinition=changed["serviceName"])

    # WHEN one of three services is deleted and one updated while a release rolls them out
    with meanwhile(interfere):
        done = run({"services": [gone, changed, good]})
    # THEN each is told for itself, what somebody else did stays, and the third one is deployed
    assert done.cause.splitlines()[0] == "1 deployed, 2 failed"
    assert "FAILED" in result(done, gone)
    assert "superseded" in result(done, changed)
    assert image_of(aws, changed) == "app:9"
    assert live(aws, good) == "2"
