"""What the probes share: the environment of a function, answers in AWS's place, and the memory of this process.

Imports nothing of the layer before it is asked to: what a cold start loads is measured.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ACCOUNT, REGION, BUCKET = "111111111111", "us-west-2", "ledger"
# Of an HTTP request: its status and body.
Answer = Callable[[Any], tuple[int, bytes]]


def set_environment() -> None:
    """The variables that Lambda and the module give to a function."""
    os.environ.update(
        AWS_LAMBDA_FUNCTION_NAME="ecs-gitops-deploy-ecs",
        AWS_ACCESS_KEY_ID="a",
        AWS_SECRET_ACCESS_KEY="b",
        AWS_SESSION_TOKEN="c",
        AWS_REGION=REGION,
        ECS_GITOPS_LEDGER_BUCKET=BUCKET,
        ECS_GITOPS_ACCOUNT_ID=ACCOUNT,
        ECS_GITOPS_TRACING="false",
    )


def answer_requests(answer: Answer) -> None:
    """From now on, answer each HTTP request of botocore by ``answer``. Nothing goes over the network."""
    from botocore.awsrequest import AWSResponse
    from botocore.httpsession import URLLib3Session

    transport: Any = URLLib3Session
    headers: Any = {
        "content-type": "application/x-amz-json-1.1",
        "date": "Fri, 27 Nov 2026 09:00:00 GMT",
        "etag": '"e"',
    }

    def send(_session: object, request: Any) -> Any:
        status, body = answer(request)
        raw: Any = io.BytesIO(body)
        raw.stream = lambda *_, **__: iter([body])
        return AWSResponse(request.url, status, headers | {"content-length": str(len(body))}, raw)

    transport.send = send


class Context:
    """Lambda's context object, in the first moment of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def memory(name: str) -> float:
    """Megabytes of this process, by a name of ``/proc/self/status``: ``VmRSS`` now, ``VmHWM`` at most. Not getrusage:
    what that says begins with the memory of the process that started this one."""
    found = re.search(rf"{name}:\s+([0-9]+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def service(name: str, events: int) -> Mapping[str, Any]:
    """An entry of DescribeServices' ``services`` while a rollout goes on, with so many events."""
    place = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    network = {
        "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "securityGroups": ["sg-0123456789abcdef0"],
        "assignPublicIp": "DISABLED",
    }
    deployment = {
        "id": "ecs-svc/1234567890123456789",
        "taskDefinition": f"{place}:task-definition/web:1",
        "desiredCount": 2,
        "runningCount": 2,
        "pendingCount": 0,
        "failedTasks": 0,
        "createdAt": 1774000000.123,
        "updatedAt": 1774000100.1,
        "launchType": "FARGATE",
        "rolloutState": "COMPLETED",
        "networkConfiguration": {"awsvpcConfiguration": network},
    }
    return {
        "serviceArn": f"{place}:service/shop/{name}",
        "serviceName": name,
        "clusterArn": f"{place}:cluster/shop",
        "status": "ACTIVE",
        "desiredCount": 2,
        "runningCount": 2,
        "pendingCount": 0,
        "launchType": "FARGATE",
        "taskDefinition": f"{place}:task-definition/web:1",
        "deploymentConfiguration": {
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
        "deployments": [{**deployment, "status": "PRIMARY"}, {**deployment, "status": "ACTIVE"}],
        "events": [
            {
                "id": f"6e1e3c2c-8d3a-4d6f-9e2d-{number:012}",
                "createdAt": 1774000000.123 + number,
                "message": f"(service {name}) has reached a steady state.",
            }
            for number in range(events)
        ],
        "createdAt": 1773000000.1,
        "tags": [{"key": "team", "value": "shop"}],
    }
