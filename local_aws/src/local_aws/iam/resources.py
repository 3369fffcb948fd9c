"""What AWS authorizes a call on: resources, condition keys, and what else the call needs.

https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ministack.services import iam

from local_aws.ecs import scalable_targets
from local_aws.iam import codecommit, ecs

Needed = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """An API call. ``action``: without the service's prefix; ``data``: the JSON body; ``query``: also form members."""

    service: str
    action: str
    data: dict[str, Any]
    query: Any
    path: str
    region: str
    account: str

    @property
    def place(self) -> str:
        return f"{self.region}:{self.account}"

    def parameter(self, name: str) -> str:
        """A query or form member, or empty."""
        return str(((self.query or {}).get(name) or [""])[0])


def data_of(body: Any) -> dict[str, Any]:
    """The JSON object of a body, or an empty one."""
    try:
        data = json.loads(body or b"{}")
    except (ValueError, TypeError):
        return {}
    return data if isinstance(data, dict) else {}


def authorized_on(call: Call) -> list[str]:
    """Every ARN that AWS authorizes the call on; empty where ministack has it right."""
    data, place = call.data, call.place
    match call.service:
        case "ecs":
            return ecs.authorized_on(call.action, data, place)
        case "events" if (rule := data.get("Rule") or data.get("Name")) and "Bus" not in call.action:
            # The name of a bus, or its ARN. A partner's bus has slashes in its name.
            bus = str(data.get("EventBusName") or "default").rsplit(":event-bus/", 1)[-1]
            return [f"arn:aws:events:{place}:rule/{rule if bus == 'default' else f'{bus}/{rule}'}"]
        case "scheduler" if call.path.startswith("/schedules/"):
            group = data.get("GroupName") or call.parameter("groupName") or "default"
            return [f"arn:aws:scheduler:{place}:schedule/{group}/{unquote(call.path.rsplit('/', 1)[-1])}"]
        case "ecr" if name := data.get("repositoryName"):
            return [f"arn:aws:ecr:{call.region}:{data.get('registryId') or call.account}:repository/{name}"]
        case "ssm" if call.action == "GetParameters":
            return [_parameter(str(name), place) for name in data.get("Names", [])]
        case "monitoring" if call.action == "DescribeAlarms":
            # Whatever alarms are named: AWS's refusals name this one resource.
            return [f"arn:aws:cloudwatch:{place}:alarm:*"]
        case "iam" if arn := call.parameter("PolicySourceArn"):
            return [arn]
        case "iam" if role := iam._roles.get(call.parameter("RoleName")):
            return [str(role["Arn"])]
        case "application-autoscaling":
            target = scalable_targets.authorized_on(data, call.account, call.region)
            return [target] if target else []
    arn = _of_code_services(call) or _of_lambda(call)
    return [arn] if arn else []


def _parameter(name: str, place: str) -> str:
    if name.startswith("arn:"):
        return name
    return f"arn:aws:ssm:{place}:parameter/{name.split(':')[0].lstrip('/')}"


def _of_lambda(call: Call) -> str:
    """The layer version that GetLayerVersionByArn names; the version or alias of a function that ``Qualifier`` names.

    A policy for a function's own ARN does not reach its versions, nor the other way round:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html#versioning-permissions"""
    if call.service != "lambda":
        return ""
    if call.parameter("find") == "LayerVersion":
        return call.parameter("Arn")
    name, qualifier = unquote(call.path).partition("/functions/")[2].split("/")[0], call.parameter("Qualifier")
    if not name or not qualifier:
        return ""
    function = name if name.startswith("arn:") else f"arn:aws:lambda:{call.place}:function:{name}"
    return function if function.endswith(f":{qualifier}") else f"{function}:{qualifier}"


def _of_code_services(call: Call) -> str | None:
    service, data, place = call.service, call.data, call.place
    if service == "codecommit":
        return codecommit.authorized_on(data, call.region, call.account)
    if service == "codepipeline" and (name := data.get("name") or data.get("pipelineName")):
        return f"arn:aws:codepipeline:{place}:{name}"
    if service == "codebuild":
        name = data.get("projectName") or next((str(i).split(":")[0] for i in data.get("ids", [])), None)
        return f"arn:aws:codebuild:{place}:project/{name}" if name else None
    if service == "logs" and call.action in ("CreateLogStream", "PutLogEvents"):
        stream = f"log-stream:{data.get('logStreamName', '')}"
        return f"arn:aws:logs:{place}:log-group:{data.get('logGroupName', '')}:{stream}"
    if service == "states" and (arn := data.get("stateMachineArn") or data.get("executionArn")):
        return str(arn)
    return None


def keys(call: Call, resource: str) -> dict[str, Any]:
    """Condition keys that ministack does not set."""
    if call.service == "events" and call.action == "PutTargets":
        # Of all targets: a condition without a set operator does not fit a call with several.
        return {"events:TargetArn": [str(target.get("Arn", "")) for target in call.data.get("Targets") or []]}
    if call.service == "codecommit":
        return codecommit.keys(call.action, call.data, call.region, call.account)
    if call.service != "ecs":
        return {}
    found = ecs.keys(call.action, call.data, resource, call.place)
    return {**found, **ecs.tags_of(call.action, call.data)}


def further(call: Call) -> list[Needed]:
    """What else a call needs: action, resource and condition keys of each."""
    data = call.data
    if call.service == "ecs":
        return ecs.further(call.action, data, call.place)
    passed: list[tuple[Any, str]] = []
    match call.service, call.action:
        case "events", "PutTargets":
            passed = [(target.get("RoleArn"), "events") for target in data.get("Targets", [])]
        case "scheduler", "CreateSchedule" | "UpdateSchedule":
            passed = [((data.get("Target") or {}).get("RoleArn"), "scheduler")]
        case "lambda", "CreateFunction" | "UpdateFunctionConfiguration":
            passed = [(data.get("Role"), "lambda")]
        case "states", "CreateStateMachine" | "UpdateStateMachine":
            passed = [(data.get("roleArn"), "states")]
        case "codebuild", "CreateProject" | "UpdateProject":
            passed = [(data.get("serviceRole"), "codebuild")]
        case "codepipeline", "CreatePipeline" | "UpdatePipeline":
            passed = [((data.get("pipeline") or {}).get("roleArn"), "codepipeline")]
    return [("iam:PassRole", role, {"iam:PassedToService": f"{to}.amazonaws.com"}) for role, to in passed if role]
