"""IAM as AWS enforces it for the services in use: right resource ARNs, condition keys, and iam:PassRole.

ministack evaluates policies well, but on a wrong resource ARN for some calls, on the first resource of many, and does
not check what is passed. What a call is authorized on stands in :mod:`local_aws.iam.resources`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region

from local_aws.control import calls
from local_aws.iam.resources import Call, Needed, authorized_on, data_of, further, keys

Handler = Callable[..., Awaitable[Any]]
_GUARDED = ("ecs", "events", "lambda", "states", "codebuild", "codepipeline", "scheduler", "ssm")


def mend() -> None:
    """Apply every mend of this module."""
    extract, context = iam_actions.extract_resource_arn, iam_actions.request_tag_context
    find, refuse = iam_actions.extract_iam_action, iam_actions.access_denied_response

    def resource(
        service: str, method: str, path: str, headers: Any, body: Any, query: Any, region: str, account: str
    ) -> Any:
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query)
        found = authorized_on(Call(service, _name(action), data_of(body), query, path, region, account))
        return found[0] if found else extract(service, method, path, headers, body, query, region, account)

    def action(service: str, method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        # GetLayerVersionByArn is authorized as GetLayerVersion; ministack takes its path for ListLayers'.
        if service == "lambda" and "LayerVersion" in (query or {}).get("find", []):
            return "lambda:GetLayerVersion"
        return find(service, method, path, headers, body, query)

    def all_keys(service: str, action: str, body: Any, params: Any) -> Any:
        call = Call(service, _name(action), data_of(body), params, "", get_region(), get_account_id())
        first = next(iter(authorized_on(call)), "")
        return {**context(service, action, body, params), **keys(call, first)}

    def refusal(service: str, action: str, principal_arn: str, request_id: str, **options: Any) -> Any:
        # AWS names the resource; ministack does so for a few services.
        if not (service == "s3" or options.get("error_code") or options.get("message")):
            on, denied = options.get("resource_arn", "*"), bool(options.get("explicit_deny"))
            if not options.get("resource_policy_arn"):
                options["message"] = iam_actions.identity_denial_message(action, principal_arn, on, denied)
        return refuse(service, action, principal_arn, request_id, **options)

    pin = app.pin_request_origin
    # AWS is reached over TLS; that this machine talks to itself in the clear is no property of what is played.
    app.pin_request_origin = lambda address, _secure: pin(address, True)
    iam_actions.extract_resource_arn, iam_actions.request_tag_context = resource, all_keys
    iam_actions.extract_iam_action, iam_actions.access_denied_response = action, refusal
    for operator in ("arnequals", "arnlike"):
        iam_evaluator._CONDITION_OPS[operator] = arn_like
        iam_evaluator._CONDITION_OPS[operator.replace("arn", "arnnot")] = lambda *both: not arn_like(*both)
    for service in _GUARDED:
        app.SERVICE_HANDLERS[service] = _guarded(service, app.SERVICE_HANDLERS[service])
    # What ministack does not know as a service of IAM's it lets in.
    iam_actions.SERVICE_TO_IAM_NAMESPACE.update(codecommit="codecommit", codepipeline="codepipeline")


def arn_like(actual: str, expected: str) -> bool:
    """ArnLike and ArnEquals compare each of an ARN's six parts: a wildcard does not reach into the next one."""
    parts, patterns = actual.split(":", 5), expected.split(":", 5)
    return len(parts) == len(patterns) and all(map(iam_evaluator.fnmatch_iam_cs, parts, patterns))


def _guarded(service: str, handler: Handler) -> Handler:
    async def guarded(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        key = re.search(r"Credential=([^/]+)/", headers.get("authorization", ""))
        if app.AUTH and key and method in ("POST", "PUT"):
            action = iam_actions.extract_iam_action(service, method, path, headers, body, query) or ""
            call = Call(service, _name(action), data_of(body), query, path, get_region(), get_account_id())
            tags = iam_actions.request_tag_context(service, action, body, query)
            for needed, resource, context in _beside_the_first(call, action, tags):
                denied = iam_evaluator.enforce(
                    key.group(1),
                    needed,
                    needed.split(":")[0],
                    get_region(),
                    resource_arn=resource,
                    service_context=context,
                )
                if denied:
                    return _refusal(denied, needed, resource)
        return await handler(method, path, headers, body, query)

    return guarded


def _beside_the_first(call: Call, action: str, tags: dict[str, Any]) -> Iterator[Needed]:
    """ministack has checked the first resource; the others, and what else the call needs."""
    for resource in authorized_on(call)[1:]:
        yield action, resource, {**tags, **keys(call, resource)}
    yield from further(call)


def _refusal(denied: Any, action: str, resource: str) -> Any:
    calls.mark(calls.DENIED)
    who = getattr(denied, "principal_arn", "the caller")
    explicit = getattr(denied, "decision", "") == "Deny"
    message = iam_actions.identity_denial_message(action, who, resource, explicit)
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "AccessDeniedException"}
    return 400, headers, json.dumps({"__type": "AccessDeniedException", "message": message}).encode()


def _name(action: str | None) -> str:
    return (action or "").partition(":")[2]
