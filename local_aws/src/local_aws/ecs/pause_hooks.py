"""PAUSE lifecycle hooks: a deployment waits at their stages until somebody says how to go on.

AWS gives each pause an id, tells of it with the event "ECS Hook State Change", and shows it in
DescribeServiceDeployments as AWAITING_ACTION. ContinueServiceDeployment goes on or rolls back; when the timeout, 1,440
minutes where none is given, is over, the hook's own action is taken, ROLLBACK where none is given. ministack has none
of that.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core.responses import error_response_json, json_response

from local_aws.control import clock
from local_aws.ecs.records import Record
from local_aws.events.bus import emit

Data = dict[str, Any]
Answer = Any

_MINUTES = 1_440
_WAITING = "AWAITING_ACTION"


def stages(configuration: Data) -> set[str]:
    """The stages at which a deployment with this configuration pauses."""
    return {stage for hook in _hooks(configuration) for stage in hook.get("lifecycleStages", [])}


def _hooks(configuration: Data) -> list[Data]:
    return [hook for hook in configuration.get("lifecycleHooks") or [] if hook.get("targetType") == "PAUSE"]


def reached(record: Record, seconds: Callable[[float], float]) -> Iterator[Data]:
    """The hooks of the stage that the deployment came to, each told of when its turn comes. ``seconds`` makes simulated
    seconds of minutes."""
    for hook in _hooks(record.configuration):
        if record.stage in hook.get("lifecycleStages", []):
            timeout = hook.get("timeoutConfiguration") or {}
            detail = {
                "hookId": f"ecs-pause-{secrets.token_urlsafe(32)}",
                "targetType": "PAUSE",
                "status": _WAITING,
                "expiresAt": clock.now() + seconds(float(timeout.get("timeoutInMinutes", _MINUTES))),
                "timeoutAction": timeout.get("action", "ROLLBACK"),
            }
            record.hooks.append(detail)
            _tell(record, detail)
            yield detail


def _tell(record: Record, hook: Data) -> None:
    _, _, _, region, account, _ = record.service_arn.split(":", 5)
    detail = {
        "eventType": "INFO",
        "eventName": "HOOK_AWAITING_ACTION",
        "serviceDeploymentArn": record.arn,
        "hookId": hook["hookId"],
        "lifecycleStage": record.stage,
        "updatedAt": clock.iso(),
    }
    emit(account, region, "aws.ecs", "ECS Hook State Change", detail, [record.service_arn])


def waits(record: Record, hook: Data) -> bool:
    """Whether the deployment still waits for an answer to the hook."""
    if hook["status"] == _WAITING and clock.now() >= hook["expiresAt"]:
        hook["status"] = "TIMED_OUT"
    return hook["status"] == _WAITING and record.status == "IN_PROGRESS"


def refusal(hook: Data) -> str | None:
    """Why the deployment is rolled back after the hook; None where it goes on."""
    if hook["status"] == "TIMED_OUT" and hook["timeoutAction"] == "ROLLBACK":
        return "Service deployment rolled back because a lifecycle hook timed out."
    return "Service deployment rolled back by request at a lifecycle hook." if hook["status"] == "FAILED" else None


def answer(record: Record | None, data: Data) -> Answer:
    """ContinueServiceDeployment."""
    if record is None or record.arn != data.get("serviceDeploymentArn"):
        return error_response_json("ServiceDeploymentNotFoundException", "Service deployment not found.", 400)
    hook = next((each for each in record.hooks if each["hookId"] == data.get("hookId")), None)
    action = data.get("action", "CONTINUE")
    if hook is None or hook["status"] != _WAITING or record.status != "IN_PROGRESS":
        return error_response_json("InvalidParameterException", "The hook is not in status AWAITING_ACTION.", 400)
    if action not in ("CONTINUE", "ROLLBACK"):
        return error_response_json("InvalidParameterException", "action takes CONTINUE and ROLLBACK.", 400)
    hook["status"] = "SUCCEEDED" if action == "CONTINUE" else "FAILED"
    return json_response({"serviceDeploymentArn": record.arn})
