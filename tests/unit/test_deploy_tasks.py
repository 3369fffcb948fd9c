"""DeployTask: every ECS target of the rule that has the container, on any bus, and nothing else."""

from __future__ import annotations

import pytest

from ecs_gitops.apply.scheduled_tasks import TaskDeployer
from ecs_gitops.model.identity import short
from unit.fake_aws import Died
from unit.ledgers import held

CLUSTER_ARN = "arn:aws:ecs:us-west-2:111111111111:cluster/shop"


def deploy(aws, release, batch, budget, is_retry=False):
    return TaskDeployer(aws, release, batch, budget, held(release, batch, budget), is_retry).run().items


def target(target_id, definition, **more):
    parameters = {"TaskDefinitionArn": definition, "TaskCount": 2, "LaunchType": "FARGATE", "Unheard": {"of": 1}}
    return {
        "Id": target_id,
        "Arn": CLUSTER_ARN,
        "RoleArn": "arn:aws:iam::111111111111:role/events",
        "EcsParameters": parameters,
        **more,
    }


@pytest.fixture
def nightly(aws):
    arn = aws.define("cleanup", ("cleanup", "job:1"))
    queue = {"Id": "queue", "Arn": "arn:aws:sqs:us-west-2:111111111111:q"}
    aws.rules["default", "nightly"] = [queue, target("a", arn, Input="{}"), target("b", arn)]
    return arn


def test_every_ecs_target_points_to_the_new_revision_with_all_else_kept(aws, release, budget, tasks, nightly):
    # GIVEN a rule whose first target is a queue and which runs the task twice
    before = aws.rules["default", "nightly"]
    # WHEN another image is desired
    item = deploy(aws, release, tasks(("nightly", "cleanup", "job:2")), budget)[0]
    # THEN one revision is registered, and both ECS targets changed in that one member
    new = nightly
    assert (item.status, item.change.previous, item.change.revision) == ("DEPLOYED", "cleanup:1", "cleanup:2")
    assert (item.change.previous_image, item.desired.image) == ("job:1", "job:2")
    assert aws.rules["default", "nightly"] == [
        before[0],
        {**before[1], "EcsParameters": {**before[1]["EcsParameters"], "TaskDefinitionArn": short_arn(new, 2)}},
        {**before[2], "EcsParameters": {**before[2]["EcsParameters"], "TaskDefinitionArn": short_arn(new, 2)}},
    ]


def short_arn(arn, revision):
    return f"{arn.rsplit(':', 1)[0]}:{revision}"


def test_an_unchanged_task_is_left_alone(aws, release, budget, tasks, nightly):
    item = deploy(aws, release, tasks(("nightly", "cleanup", "job:1")), budget)[0]
    assert (item.status, item.change.kind) == ("UNCHANGED", "NOTHING")
    assert aws.calls == ["list_targets_by_rule", "describe_task_definition"]


def test_only_targets_that_have_the_container_are_touched(aws, release, budget, tasks, nightly):
    other = aws.define("other", ("other", "other:1"))
    aws.rules["default", "nightly"].append(target("c", other))
    deploy(aws, release, tasks(("nightly", "cleanup", "job:2")), budget)
    assert [short(t["EcsParameters"]["TaskDefinitionArn"]) for t in aws.rules["default", "nightly"][1:]] == [
        "cleanup:2",
        "cleanup:2",
        "other:1",
    ]


def test_a_rule_on_another_bus_is_found_there(aws, release, budget, tasks, nightly):
    aws.rules["orders", "nightly"] = aws.rules.pop(("default", "nightly"))
    assert deploy(aws, release, tasks(("nightly", "cleanup", "job:2"), bus="orders"), budget)[0].status == "DEPLOYED"


@pytest.mark.parametrize(
    ("rule", "container", "reported"),
    [
        ("absent", "cleanup", "rule 'absent' on bus 'default' does not exist"),
        ("queue-only", "cleanup", "has no ECS target"),
        ("nightly", "clean", "no container named 'clean'"),
    ],
)
def test_a_task_that_cannot_be_deployed_says_why(aws, release, budget, tasks, nightly, rule, container, reported):
    aws.rules["default", "queue-only"] = [{"Id": "q", "Arn": "arn:aws:sqs:us-west-2:111111111111:q"}]
    bad, good = deploy(aws, release, tasks((rule, container, "job:2"), ("nightly", "cleanup", "job:2")), budget)
    assert bad.status == "FAILED"
    assert reported in bad.reason
    assert good.status == "DEPLOYED"


def test_an_entry_that_eventbridge_did_not_take_is_a_failure(aws, release, budget, tasks, nightly):
    aws.refuse_entries = [
        {"TargetId": each, "ErrorCode": "ManagedRuleException", "ErrorMessage": "no"} for each in "ab"
    ]
    item = deploy(aws, release, tasks(("nightly", "cleanup", "job:2")), budget)[0]
    assert item.status == "FAILED"
    assert "a: ManagedRuleException: no" in (item.reason or "")


@pytest.mark.parametrize("call", range(1, 6))
def test_killed_after_any_call_the_retry_comes_to_the_same_end(aws, release, budget, tasks, nightly, call):
    batch = tasks(("nightly", "cleanup", "job:2"))
    aws.die_after = call
    with pytest.raises(Died):
        deploy(aws, release, batch, budget)
    item = deploy(aws, release, batch, budget, is_retry=True)[0]
    assert (item.status, item.change.previous, item.change.revision) == ("DEPLOYED", "cleanup:1", "cleanup:2")
    assert (item.change.previous_image, item.change.kind) == ("job:1", "DEPLOY")
    assert sorted(map(short, aws.definitions)) == ["cleanup:1", "cleanup:2"]
