"""EventBridge: what ECS tells, and who may be started or told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from integration.local_aws.services import World
from local_aws.client import LocalAws


def test_ecs_tells_of_deployments(aws: LocalAws, name: str, until: Callable[..., Any]) -> None:
    # GIVEN a queue that gets the deployment events of one service
    world = World(aws.client("ecs"), name)
    service_arn = world.create(desired=1)["serviceArn"]
    until(world.is_steady)
    queue = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    pattern = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Deployment State Change"],
        "resources": [service_arn],
    }
    aws.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:us-west-2:111111111111:{name}"}
    aws.client("events").put_targets(Rule=name, Targets=[target])

    # WHEN a revision is deployed
    deployment = world.update(taskDefinition=world.register("app:2"))
    until(world.is_steady)

    # THEN both its beginning and its end were told, with its id
    got: list[tuple[str, str]] = []

    def receive() -> list[tuple[str, str]]:
        for message in aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            got.append((detail["eventName"], detail["deploymentId"]))
            aws.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return got

    until(receive, lambda seen: len(seen) == 2)
    assert got == [("SERVICE_DEPLOYMENT_IN_PROGRESS", deployment), ("SERVICE_DEPLOYMENT_COMPLETED", deployment)]


def test_nobody_else_may_send_events_of_aws(aws: LocalAws) -> None:
    entry = {"Source": "aws.ecs", "DetailType": "ECS Task State Change", "Detail": "{}"}
    answer = aws.client("events").put_events(Entries=[entry])
    assert (answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"]) == (1, "NotAuthorizedForSourceException")
