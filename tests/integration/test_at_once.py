"""Two executions of the state machine that ships at once, and hands of others in the middle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from integration.live_services import described, live, meanwhile, result, wait_for
from local_aws.samples import register_app
from playground.stack import CLUSTER


def image_of(aws, item):
    definition = aws.client("ecs").describe_task_definition(taskDefinition=described(aws, item)["taskDefinition"])
    return definition["taskDefinition"]["containerDefinitions"][0]["image"]


def test_a_second_release_is_refused_while_one_runs_and_says_which(aws, run, service, slow_rollouts):
    # GIVEN a release that is rolling out
    items = [service() for _ in range(2)]
    slow_rollouts()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, {"services": items})
        wait_for(lambda: all(live(aws, item) == "2" for item in items))
        # WHEN another one begins
        second = run({"services": [{**item, "image": "app:3"} for item in items]})
    # THEN it changes nothing, and says what runs and what to do
    assert (second.status, second.error) == ("FAILED", "ReleaseInProgress")
    assert "is running. Nothing was changed" in second.cause
    assert "stop-execution" in second.cause
    # AND the first one goes on to its end
    assert first.result().status == "SUCCEEDED"
    assert {live(aws, item) for item in items} == {"2"}


def test_a_release_that_was_aborted_is_taken_over_and_what_it_left_is_settled(aws, run, service, slow_rollouts, stack):
    # GIVEN a release that somebody stops while it is rolling out
    item = service()
    slow_rollouts()
    states = aws.client("stepfunctions")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, {"services": [item]})
        wait_for(lambda: live(aws, item) == "2")
        machine = stack.outputs["state_machine_arn"]
        (running,) = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        states.stop_execution(executionArn=running["executionArn"])
    assert first.result().status == "ABORTED"
    # WHEN the same is released again, THEN its deployment is joined and judged
    second = run({"services": [item]})
    assert second.status == "SUCCEEDED", second.cause
    assert second.items[item["serviceName"]]["status"] in ("DEPLOYED", "UNCHANGED")
    assert live(aws, item) == "2"
    records = aws.client("ecs").list_service_deployments(cluster=CLUSTER, service=item["serviceName"])
    assert len(records["serviceDeployments"]) == 2


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
