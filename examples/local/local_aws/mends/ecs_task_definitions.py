"""Task definitions are kept as they were sent.

AWS: RegisterTaskDefinition keeps every member; members that were not sent are absent from the answer, except the
empty lists that AWS adds. Tags come only with `include=["TAGS"]`, `registeredBy` is the caller. ministack keeps a fixed
set of members, fills absent ones with empty text, and always returns tags.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import json_response
from ministack.services import ecs

_OWN_MEMBERS = ("taskDefinitionArn", "family", "revision", "status", "registeredAt", "registeredBy", "compatibilities")
_CONTAINER_LISTS = ("environment", "mountPoints", "volumesFrom", "portMappings", "systemControls")


def stored_definition(sent: dict[str, Any], made: dict[str, Any], caller: str) -> dict[str, Any]:
    """What AWS keeps: the members as sent plus its own, from ministack's record `made`."""
    kept = {name: value for name, value in sent.items() if name != "tags" and value is not None}
    for container in kept["containerDefinitions"]:
        container.setdefault("cpu", 0)
        container.setdefault("essential", True)
        for name in _CONTAINER_LISTS:
            container.setdefault(name, [])
    kept.setdefault("volumes", [])
    kept.setdefault("placementConstraints", [])
    kept.update({name: made[name] for name in _OWN_MEMBERS if name in made})
    if caller:
        kept["registeredBy"] = caller
    return kept


def apply() -> None:
    """Replace the handlers of RegisterTaskDefinition and DescribeTaskDefinition."""
    register, describe = ecs._register_task_definition, ecs._describe_task_definition

    def register_task_definition(data: dict[str, Any]) -> Any:
        sent = json.loads(json.dumps(data))
        status, headers, body = register(data)
        if status != 200:
            return status, headers, body
        made = json.loads(body)["taskDefinition"]
        key = f"{made['family']}:{made['revision']}"
        ecs._task_defs[key] = stored_definition(sent, made, iam_evaluator.caller_arn())
        answer = {"taskDefinition": ecs._task_defs[key]}
        if sent.get("tags"):
            answer["tags"] = sent["tags"]
        return json_response(answer)

    def describe_task_definition(data: dict[str, Any]) -> Any:
        status, headers, body = describe(data)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        if "TAGS" not in data.get("include", []):
            answer.pop("tags", None)
        return json_response(answer)

    ecs._ACTION_MAP["RegisterTaskDefinition"] = register_task_definition
    ecs._ACTION_MAP["DescribeTaskDefinition"] = describe_task_definition
