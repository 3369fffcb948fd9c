"""Calls that need a second permission.

AWS: handing a role to a service needs `iam:PassRole` on it, with `iam:PassedToService`; registering or creating with
tags needs `TagResource` (ECS with `ecs:CreateAction`); a call about several resources needs each of them.
ministack checks one action on one resource.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id

from local_aws.wire import Answer, Handler, document, operation

from . import iam_resources

_REST_WRITES = ("POST", "PUT")


@dataclass(frozen=True)
class Need:
    """One more permission that a call needs."""

    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)


def _pass(role: object, service: str) -> list[Need]:
    return [Need("iam:PassRole", role, {"iam:PassedToService": service})] if isinstance(role, str) and role else []


def _ecs(action: str, data: dict[str, Any], prefix: str) -> list[Need]:
    needs = []
    if action == "RegisterTaskDefinition":
        for role in (data.get("taskRoleArn"), data.get("executionRoleArn")):
            needs += _pass(role, "ecs-tasks.amazonaws.com")
    if action in ("RegisterTaskDefinition", "CreateService", "RunTask", "CreateCluster") and data.get("tags"):
        if action == "RegisterTaskDefinition":
            resource = f"{prefix}task-definition/{data.get('family', '')}:*"
        elif action == "CreateService":
            cluster = str(data.get("cluster") or "default").split("/")[-1]
            resource = f"{prefix}service/{cluster}/{data.get('serviceName', '')}"
        else:
            resource = "*"
        needs.append(Need("ecs:TagResource", resource, {"ecs:CreateAction": action}))
    return needs


def needs(service: str, method: str, path: str, headers: dict[str, str], body: bytes) -> list[Need]:
    """The permissions that a call needs beside its own on its first resource."""
    data, action = document(body), operation(headers)
    prefix = f"arn:aws:%s:{get_region()}:{get_account_id()}:"
    found: list[Need] = []
    if service == "ecs":
        found += _ecs(action, data, prefix % "ecs")
    elif service == "events" and action == "PutTargets":
        for target in data.get("Targets", []):
            found += _pass(target.get("RoleArn"), "events.amazonaws.com")
    elif service == "scheduler" and method in _REST_WRITES:
        found += _pass((data.get("Target") or {}).get("RoleArn"), "scheduler.amazonaws.com")
    elif service == "states" and action in ("CreateStateMachine", "UpdateStateMachine"):
        found += _pass(data.get("roleArn"), "states.amazonaws.com")
    elif service == "lambda" and method in _REST_WRITES and "/functions" in path:
        found += _pass(data.get("Role"), "lambda.amazonaws.com")
    elif service == "codepipeline" and action in ("CreatePipeline", "UpdatePipeline"):
        found += _pass((data.get("pipeline") or {}).get("roleArn"), "codepipeline.amazonaws.com")
    elif service == "codebuild" and action in ("CreateProject", "UpdateProject"):
        found += _pass(data.get("serviceRole"), "codebuild.amazonaws.com")
    for resource in (iam_resources.resources(service, headers, path, body, prefix) or [])[1:]:
        name = iam_actions.extract_iam_action(service, method, path, headers, body, {})
        if name:
            found.append(Need(name, resource, iam_resources.context(service, action, body, prefix)))
    return found


def _guarded(service: str, handler: Handler) -> Handler:
    async def guarded(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer:
        for need in needs(service, method, path, headers, body):
            denied = iam_evaluator.enforce(
                extract_access_key_id(headers, query),
                need.action,
                service,
                get_region(),
                resource_arn=need.resource,
                service_context=need.context,
            )
            if denied:
                answer: Answer = iam_actions.access_denied_response(
                    service,
                    need.action,
                    getattr(denied, "principal_arn", ""),
                    "",
                    headers=headers,
                    resource_arn=need.resource,
                    explicit_deny=getattr(denied, "decision", "") == "Deny",
                )
                return answer
        return await handler(method, path, headers, body, query)

    return guarded


SERVICES = ("ecs", "events", "scheduler", "states", "lambda", "codebuild", "codecommit", "codepipeline")


def guard(service: str) -> None:
    """Put the checks in front of a service's handler."""
    app.SERVICE_HANDLERS[service] = _guarded(service, app.SERVICE_HANDLERS[service])


def apply() -> None:
    """Guard the services that ministack itself has; the Code services guard themselves when they register."""
    for service in SERVICES:
        if service in app.SERVICE_HANDLERS:
            guard(service)
