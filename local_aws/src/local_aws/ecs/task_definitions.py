"""Task definitions: which revision a family means, and what becomes of those that are deregistered and deleted.

AWS: a family without a revision means its newest ACTIVE one. DeregisterTaskDefinition names a revision. A deregistered
one can be described. DeleteTaskDefinitions takes INACTIVE revisions alone; one that a service or a running task uses
stays as DELETE_IN_PROGRESS until that has ended, and is then no longer described. ministack takes the newest revision
whatever its status, and deletes nothing.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import ecs

Data = dict[str, Any]
Answer = Any


def mend() -> None:
    """Apply every mend of this module."""
    resolve = ecs._resolve_td_key
    ecs._resolve_td_key = lambda reference: _newest_active(resolve(reference), reference)
    for action, around in (
        ("DeregisterTaskDefinition", _of_one_revision),
        ("DeleteTaskDefinitions", _deleting),
        ("DescribeTaskDefinition", _without_deleted_ones),
    ):
        ecs._ACTION_MAP[action] = _around(around, ecs._ACTION_MAP[action])


def _around(around: Callable[[Callable[[Data], Answer], Data], Answer], inner: Callable[[Data], Answer]) -> Any:
    return lambda data: around(inner, data)


def _newest_active(key: str | None, reference: str | None) -> str | None:
    family, _, revision = str(reference or "").rsplit("/", 1)[-1].partition(":")
    if revision or not key:
        return key
    numbers = [each["revision"] for each in ecs._task_defs.values() if _is_active(each, family)]
    return f"{family}:{max(numbers)}" if numbers else family


def _is_active(definition: Data, family: str) -> bool:
    return bool(definition["family"] == family and definition["status"] == "ACTIVE")


def _of_one_revision(inner: Callable[[Data], Answer], data: Data) -> Answer:
    if ":" not in str(data.get("taskDefinition", "")).rsplit("/", 1)[-1]:
        return error_response_json("ClientException", "Family and revision are required.", 400)
    return inner(data)


def _deleting(inner: Callable[[Data], Answer], data: Data) -> Answer:
    refused = [arn for arn in data.get("taskDefinitions", []) if _status(arn) == "ACTIVE"]
    answer = inner({**data, "taskDefinitions": [arn for arn in data["taskDefinitions"] if arn not in refused]})
    payload = json.loads(answer[2])
    reason = "The specified task definition is still in ACTIVE status. Please deregister the target and try again."
    payload["failures"] += [{"arn": arn, "reason": reason} for arn in refused]
    _sweep()
    return json_response(payload)


def _without_deleted_ones(inner: Callable[[Data], Answer], data: Data) -> Answer:
    _sweep()
    return inner(data)


def _status(arn: str) -> str:
    return str((ecs._task_defs.get(ecs._resolve_td_key(arn) or "") or {}).get("status", ""))


def _sweep() -> None:
    """Forget what is being deleted, and used by nothing any more."""
    doomed = {key: each for key, each in ecs._task_defs.items() if each["status"] == "DELETE_IN_PROGRESS"}
    if not doomed:
        return
    used = {each.get("taskDefinitionArn") for each in ecs._tasks.values() if each.get("lastStatus") != "STOPPED"}
    for service in ecs._services.values():
        if service.get("status") != "INACTIVE":
            used |= {service.get("taskDefinition")} | {
                each["taskDefinition"] for each in service.get("deployments", [])
            }
    for key, each in doomed.items():
        if each["taskDefinitionArn"] not in used:
            del ecs._task_defs[key]
