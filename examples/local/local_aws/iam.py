"""IAM as AWS enforces it for the services in use: right resource ARNs, condition keys, and iam:PassRole.

ministack evaluates policies well, but on a wrong resource ARN for some calls, and does not check what is passed.
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region

Handler = Callable[..., Awaitable[Any]]


def mend() -> None:
    """Apply every mend of this module."""
    extract, context = iam_actions.extract_resource_arn, iam_actions.request_tag_context
    find = iam_actions.extract_iam_action

    def resource(
        service: str, method: str, path: str, headers: Any, body: Any, query: Any, region: str, account: str
    ) -> Any:
        layer = _layer(service, query)
        found = layer or _resource(service, _action(headers), _data(body), f"{region}:{account}")
        return found or extract(service, method, path, headers, body, query, region, account)

    def action(service: str, method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        # GetLayerVersionByArn is authorized as GetLayerVersion; ministack takes its path for ListLayers'.
        return "lambda:GetLayerVersion" if _layer(service, query) else find(service, method, path, headers, body, query)

    def keys(service: str, action: str, body: Any, params: Any) -> Any:
        return {**context(service, action, body, params), **_conditions(action, _data(body))}

    pin = app.pin_request_origin
    # AWS is reached over TLS; that this machine talks to itself in the clear is no property of what is played.
    app.pin_request_origin = lambda address, _secure: pin(address, True)
    iam_actions.extract_resource_arn, iam_actions.request_tag_context = resource, keys
    iam_actions.extract_iam_action = action
    for service in ("ecs", "events", "lambda", "states", "codebuild", "codepipeline"):
        app.SERVICE_HANDLERS[service] = _guarded(service, app.SERVICE_HANDLERS[service])


def _layer(service: str, query: Any) -> str | None:
    """The layer version that GetLayerVersionByArn names, which is what AWS authorizes it on."""
    if service != "lambda" or "LayerVersion" not in (query or {}).get("find", []):
        return None
    return str((query.get("Arn") or [""])[0])


def _resource(service: str, action: str, data: dict[str, Any], place: str) -> str | None:
    """The ARN that AWS authorizes the call on; None where ministack has it right."""
    if service == "ecs":
        return _ecs_resource(action, data, f"arn:aws:ecs:{place}")
    if service == "events" and (rule := data.get("Rule") or data.get("Name")) and "Bus" not in action:
        bus = str(data.get("EventBusName") or "default").rsplit("/", 1)[-1]
        return f"arn:aws:events:{place}:rule/{rule if bus == 'default' else f'{bus}/{rule}'}"
    if service == "codecommit" and (name := data.get("repositoryName")):
        return f"arn:aws:codecommit:{place}:{name}"
    if service == "codepipeline" and (name := data.get("name") or data.get("pipelineName")):
        return f"arn:aws:codepipeline:{place}:{name}"
    if service == "codebuild":
        name = data.get("projectName") or next((str(i).split(":")[0] for i in data.get("ids", [])), None)
        return f"arn:aws:codebuild:{place}:project/{name}" if name else None
    if service == "logs" and action in ("CreateLogStream", "PutLogEvents"):
        stream = f"log-stream:{data.get('logStreamName', '')}"
        return f"arn:aws:logs:{place}:log-group:{data.get('logGroupName', '')}:{stream}"
    if service == "states" and (arn := data.get("stateMachineArn") or data.get("executionArn")):
        return str(arn)
    return None


def _ecs_resource(action: str, data: dict[str, Any], arn: str) -> str | None:
    cluster = str(data.get("cluster") or "default").rsplit("/", 1)[-1]
    if action in ("DescribeTaskDefinition", "DeregisterTaskDefinition", "ListTaskDefinitions", "ListTasks"):
        return "*"
    if action == "RegisterTaskDefinition":
        return f"{arn}:task-definition/{data.get('family', '')}:*"
    if action in ("UpdateService", "CreateService", "DeleteService", "DescribeServices", "ListServiceDeployments"):
        named = data.get("service") or data.get("serviceName") or next(iter(data.get("services", [])), "")
        return str(named) if str(named).startswith("arn:") else f"{arn}:service/{cluster}/{named}"
    if action == "DescribeTasks":
        task = str(next(iter(data.get("tasks", [])), ""))
        return task if task.startswith("arn:") else f"{arn}:task/{cluster}/{task}"
    return None


def _conditions(action: str, data: dict[str, Any]) -> dict[str, Any]:
    """Condition keys that ministack does not set."""
    if action == "ecs:ListTasks":
        cluster = str(data.get("cluster") or "default")
        full = (
            cluster
            if cluster.startswith("arn:")
            else f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/{cluster}"
        )
        return {"ecs:cluster": full}
    return {}


def _further(service: str, action: str, data: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """What else a call needs: action, resource and condition keys of each."""
    place = f"{get_region()}:{get_account_id()}"
    passed: list[tuple[Any, str]] = []
    needed: list[tuple[str, str, dict[str, Any]]] = []
    if service == "ecs" and action == "RegisterTaskDefinition":
        passed = [(data.get("taskRoleArn"), "ecs-tasks"), (data.get("executionRoleArn"), "ecs-tasks")]
        if data.get("tags"):
            family = f"arn:aws:ecs:{place}:task-definition/{data.get('family', '')}:*"
            needed.append(("ecs:TagResource", family, {"ecs:CreateAction": "RegisterTaskDefinition"}))
    elif service == "ecs" and action == "DescribeServices":
        cluster = str(data.get("cluster") or "default").rsplit("/", 1)[-1]
        for name in data.get("services", [])[1:]:
            needed.append(("ecs:DescribeServices", f"arn:aws:ecs:{place}:service/{cluster}/{name}", {}))
    elif service == "events" and action == "PutTargets":
        passed = [(target.get("RoleArn"), "events") for target in data.get("Targets", [])]
    elif service == "lambda" and data.get("Role"):
        passed = [(data["Role"], "lambda")]
    elif service == "states" and action in ("CreateStateMachine", "UpdateStateMachine"):
        passed = [(data.get("roleArn"), "states")]
    elif service == "codebuild" and action in ("CreateProject", "UpdateProject"):
        passed = [(data.get("serviceRole"), "codebuild")]
    elif service == "codepipeline" and action in ("CreatePipeline", "UpdatePipeline"):
        passed = [((data.get("pipeline") or {}).get("roleArn"), "codepipeline")]
    return needed + [
        ("iam:PassRole", role, {"iam:PassedToService": f"{to}.amazonaws.com"}) for role, to in passed if role
    ]


def _guarded(service: str, handler: Handler) -> Handler:
    async def guarded(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        key = re.search(r"Credential=([^/]+)/", headers.get("authorization", ""))
        if app.AUTH and key and method in ("POST", "PUT"):
            for action, resource, context in _further(service, _action(headers), _data(body)):
                denied = iam_evaluator.enforce(
                    key.group(1),
                    action,
                    action.split(":")[0],
                    get_region(),
                    resource_arn=resource,
                    service_context=context,
                )
                if denied:
                    return _refusal(getattr(denied, "principal_arn", "the caller"), action, resource)
        return await handler(method, path, headers, body, query)

    return guarded


def _refusal(who: str, action: str, resource: str) -> Any:
    message = (
        f"User: {who} is not authorized to perform: {action} on resource: {resource} "
        "because no identity-based policy allows the action"
    )
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "AccessDeniedException"}
    return 400, headers, json.dumps({"__type": "AccessDeniedException", "message": message}).encode()


def _action(headers: Any) -> str:
    return str(headers.get("x-amz-target", "")).rsplit(".", 1)[-1]


def _data(body: Any) -> dict[str, Any]:
    try:
        data = json.loads(body or b"{}")
    except (ValueError, TypeError):
        return {}
    return data if isinstance(data, dict) else {}
