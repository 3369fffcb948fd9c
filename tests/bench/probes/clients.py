"""What a release leaves in a warm sandbox: sessions, clients and task definitions. No request is made."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

# All that a deploy role's session is asked for.
SERVICES = ("ecs", "ecr", "secretsmanager", "ssm", "iam", "cloudwatch")


def answer_calls(characters: int) -> None:
    """Answer AssumeRole and DescribeTaskDefinition, with two containers of 60 variables of so many characters each."""
    from botocore.client import BaseClient

    import ecs_gitops.lambdas  # noqa: F401 - sets the garbage collection, as each handler does

    client: Any = BaseClient
    environment = [{"name": f"N_{number}", "value": "v" * characters} for number in range(60)]
    definition = {"containerDefinitions": [{"name": name, "environment": environment} for name in ("web", "proxy")]}

    def answer(_client: object, operation: str, _parameters: object) -> dict[str, Any]:
        if operation == "DescribeTaskDefinition":
            return {"raw": {"taskDefinition": definition, "tags": []}}
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        return {"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", "Expiration": until}}

    client._make_api_call = answer


def release(name: str, places: int, definitions: int, services: Sequence[str] = SERVICES) -> int:
    """Check and deploy in each place as the session ``name``, each time with clients of ``services`` and so many task
    definitions; how many sessions are kept."""
    from ecs_gitops import aws
    from ecs_gitops.model.identity import Target

    for is_read_only in (True, False):
        for place in range(places):
            account = f"{place:012}"
            role = f"arn:aws:iam::{account}:role/d"
            known = aws.connect(Target(account, "us-west-2", role, name, is_read_only))
            known.rate_limiter.sleep = lambda _seconds: None
            for service in services:
                known._client(service)
            for number in range(definitions):
                known.describe_task_definition(f"web:{number + 1}")
    return len(aws._sessions)
