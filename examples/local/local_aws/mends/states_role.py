"""A state machine can do what its role allows, and no more.

AWS: tasks run with the machine's role: a function or topic outside its policies fails the task with
`Lambda.AWSLambdaException` or `SNS.AuthorizationErrorException`. The optimized SNS integration takes
`MessageAttributes`. ministack calls as root, and drops the attributes.
"""

from __future__ import annotations

import contextvars
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import sns, stepfunctions

from local_aws import service_roles

_machine: contextvars.ContextVar[tuple[str, str]] = contextvars.ContextVar("machine", default=("", ""))
_ERRORS = {"lambda": "Lambda.AWSLambdaException", "sns": "SNS.AuthorizationErrorException"}


def _needed(resource: str, data: dict[str, Any]) -> tuple[str, str, str] | None:
    """Service, action and resource of a task's call; None for calls that are not checked."""
    if "states:::lambda:invoke" in resource:
        name = str(data.get("FunctionName", ""))
        arn = name if name.startswith("arn:") else f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}"
        return "lambda", "lambda:InvokeFunction", arn
    if resource.startswith("arn:aws:lambda:"):
        return "lambda", "lambda:InvokeFunction", resource
    if "states:::sns:publish" in resource:
        return "sns", "sns:Publish", str(data.get("TopicArn") or data.get("TargetArn", ""))
    return None


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    """SNS parameters with the attributes in the query protocol's form, which ministack's SNS reads."""
    attributes = data.get("MessageAttributes")
    if not isinstance(attributes, dict):
        return data
    flat = {name: value for name, value in data.items() if name != "MessageAttributes"}
    for number, (name, attribute) in enumerate(attributes.items(), 1):
        prefix = f"MessageAttributes.entry.{number}"
        flat[f"{prefix}.Name"] = name
        flat[f"{prefix}.Value.DataType"] = attribute.get("DataType", "String")
        flat[f"{prefix}.Value.StringValue"] = str(attribute.get("StringValue", ""))
    return flat


def apply() -> None:
    """Check each task's call against the machine's role."""
    execute, invoke, publish = stepfunctions._execute_task, stepfunctions._invoke_resource, sns._publish

    def execute_task(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) if execution else None
        token = _machine.set((machine["roleArn"], execution["name"]) if machine else ("", ""))
        try:
            return execute(state_def, raw_input, execution, ctx)
        finally:
            _machine.reset(token)

    def invoke_resource(resource: str, data: Any) -> Any:
        role_arn, name = _machine.get()
        needed = _needed(resource, data if isinstance(data, dict) else {})
        if role_arn and needed:
            service, action, arn = needed
            try:
                service_roles.check_trust(role_arn, "states.amazonaws.com")
            except service_roles.RoleError as error:
                raise stepfunctions._ExecutionError("States.Runtime", str(error)) from error
            denied = service_roles.denial(role_arn, name, action, arn, get_region())
            if denied:
                raise stepfunctions._ExecutionError(
                    _ERRORS[service],
                    f"{denied} (Service: {service}; Status Code: 403; Error Code: AccessDeniedException)",
                )
        return invoke(resource, data)

    def publish_flat(params: dict[str, Any]) -> Any:
        return publish(_flat(params))

    stepfunctions._execute_task = execute_task
    stepfunctions._invoke_resource = invoke_resource
    sns._publish = publish_flat
