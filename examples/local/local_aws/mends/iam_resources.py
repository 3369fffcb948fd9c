"""The resource, and the condition keys, that IAM checks a call on.

AWS: the Service Authorization Reference says per action which resource types it takes. ministack checks ECS calls on
the cluster, EventBridge rules as `rule/default/NAME`, calls about executions and builds on things that policies do
not name, and knows no CodeCommit or CodePipeline.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from ministack.core import iam_actions

from local_aws.wire import document, operation

_ECS_ANY = (
    "DescribeTaskDefinition",
    "DeregisterTaskDefinition",
    "ListTaskDefinitions",
    "ListTaskDefinitionFamilies",
    "ListTasks",
    "ListServices",
    "ListClusters",
)
_ECS_SERVICE = ("UpdateService", "DeleteService", "CreateService", "DescribeServices", "ListServiceDeployments")
_ECS_CLUSTER_KEY = (*_ECS_SERVICE, "ListTasks", "ListServices", "DescribeTasks", "RunTask", "StopTask")


def resources(service: str, headers: dict[str, str], path: str, body: bytes, prefix: str) -> list[str] | None:
    """The ARNs that a call is checked on; None leaves it to ministack. `prefix` is `arn:aws:%s:REGION:ACCOUNT:`."""
    data, action = document(body), operation(headers)
    if service in _BY_SERVICE:
        return _BY_SERVICE[service](action, data, prefix % service)
    if service == "lambda":
        return _lambda(path, prefix % "lambda")
    if service == "scheduler":
        return _scheduler(path, data, prefix % "scheduler")
    return None


def _full(value: str, prefix: str) -> str:
    return value if value.startswith("arn:") else prefix + value


# Each takes the operation, the request and the ARN prefix.
# ruff: noqa: ARG001


def _ecs(action: str, data: dict[str, Any], prefix: str) -> list[str] | None:
    cluster = str(data.get("cluster") or "default").split("/")[-1]
    if action in _ECS_ANY:
        return ["*"]
    if action == "RegisterTaskDefinition":
        return [f"{prefix}task-definition/{data.get('family', '')}:*"]
    if action in _ECS_SERVICE:
        names = data.get("services") or [data.get("service") or data.get("serviceName") or ""]
        return [_full(str(name), f"{prefix}service/{cluster}/") for name in names]
    if action == "DescribeTasks":
        return [_full(str(task), f"{prefix}task/{cluster}/") for task in data.get("tasks", [])]
    if action == "StopTask":
        return [_full(str(data.get("task", "")), f"{prefix}task/{cluster}/")]
    if action == "RunTask":
        return [_full(str(data.get("taskDefinition", "")), f"{prefix}task-definition/")]
    if action in ("DescribeServiceDeployments", "StopServiceDeployment"):
        return [str(arn) for arn in data.get("serviceDeploymentArns", [data.get("serviceDeploymentArn", "")])]
    if action in ("TagResource", "UntagResource", "ListTagsForResource"):
        return [str(data.get("resourceArn", "*"))]
    return None


def _events(action: str, data: dict[str, Any], prefix: str) -> list[str] | None:
    if action in ("PutEvents", "TagResource", "UntagResource", "ListTagsForResource"):
        return [str(data["ResourceARN"])] if "ResourceARN" in data else None
    if action in ("ListRules", "ListRuleNamesByTarget", "TestEventPattern"):
        return [f"{prefix}rule/*"]
    name = data.get("Rule") or (data.get("Name") if action.endswith("Rule") else None)
    if not name:
        return None
    bus = str(data.get("EventBusName") or "default").split("/")[-1]
    return [f"{prefix}rule/{name}" if bus == "default" else f"{prefix}rule/{bus}/{name}"]


def _states(action: str, data: dict[str, Any], prefix: str) -> list[str] | None:
    return [str(data["resourceArn"])] if "resourceArn" in data and action else None


def _codebuild(action: str, data: dict[str, Any], prefix: str) -> list[str] | None:
    names = data.get("names") or [str(build).split("/")[-1].rsplit(":", 1)[0] for build in data.get("ids", [])]
    if not names and data.get("id"):
        names = [str(data["id"]).rsplit(":", 1)[0]]
    return [_full(str(name), f"{prefix}project/") for name in names] or None


def _codecommit(action: str, data: dict[str, Any], prefix: str) -> list[str] | None:
    if data.get("resourceArn"):
        return [str(data["resourceArn"])]
    return [prefix + str(data["repositoryName"])] if data.get("repositoryName") else ["*"]


def _codepipeline(action: str, data: dict[str, Any], prefix: str) -> list[str] | None:
    if data.get("resourceArn"):
        return [str(data["resourceArn"])]
    definition = data.get("pipeline")
    name = (
        data.get("name") or data.get("pipelineName") or (definition.get("name") if isinstance(definition, dict) else "")
    )
    return [prefix + str(name)] if name else ["*"]


def _logs(action: str, data: dict[str, Any], prefix: str) -> list[str] | None:
    group = data.get("logGroupName")
    if not group:
        return None
    if action in ("PutLogEvents", "GetLogEvents"):
        return [f"{prefix}log-group:{group}:log-stream:{data.get('logStreamName', '')}"]
    return [f"{prefix}log-group:{group}:*" if action == "CreateLogStream" else f"{prefix}log-group:{group}"]


_BY_SERVICE = {
    "ecs": _ecs,
    "events": _events,
    "states": _states,
    "codebuild": _codebuild,
    "codecommit": _codecommit,
    "codepipeline": _codepipeline,
    "logs": _logs,
}


def _lambda(path: str, prefix: str) -> list[str] | None:
    parts = [unquote(part) for part in path.split("/") if part]
    if "layers" in parts and "versions" in parts:
        name, number = parts[parts.index("layers") + 1], parts[parts.index("versions") + 1 :]
        return [f"{prefix}layer:{name}:{number[0]}" if number else f"{prefix}layer:{name}"]
    return None


def _scheduler(path: str, data: dict[str, Any], prefix: str) -> list[str] | None:
    parts = [unquote(part) for part in path.split("/") if part]
    if parts[:1] != ["schedules"] or len(parts) < 2:
        return None
    return [f"{prefix}schedule/{data.get('GroupName') or 'default'}/{parts[1]}"]


def _layer_action(method: str, path: str) -> str | None:
    parts = [part for part in path.split("/") if part]
    if "layers" not in parts or "versions" not in parts:
        return None
    if len(parts) > parts.index("versions") + 1:
        return "DeleteLayerVersion" if method == "DELETE" else "GetLayerVersion"
    return "PublishLayerVersion" if method == "POST" else "ListLayerVersions"


def context(service: str, action: str, body: bytes, prefix: str) -> dict[str, Any]:
    """Condition keys of a call beyond ministack's."""
    data = document(body)
    if service == "ecs" and action in _ECS_CLUSTER_KEY:
        return {"ecs:cluster": _full(str(data.get("cluster") or "default"), f"{prefix % 'ecs'}cluster/")}
    return {}


def apply() -> None:
    """Put our resources and condition keys in front of ministack's."""
    from ministack.core.responses import get_account_id, get_region

    iam_actions.SERVICE_TO_IAM_NAMESPACE.update(codecommit="codecommit", codepipeline="codepipeline")
    action, extract, tags, rest_action = (
        iam_actions.extract_iam_action,
        iam_actions.extract_resource_arn,
        iam_actions.request_tag_context,
        iam_actions._lambda_action,
    )

    def extract_resource_arn(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        if service == "lambda" and "find" in query and query.get("Arn"):
            arn = query["Arn"]
            return str(arn[0] if isinstance(arn, list) else arn)
        found = resources(service, headers, path, body, f"arn:aws:%s:{region}:{account}:")
        return found[0] if found else str(extract(service, method, path, headers, body, query, region, account))

    def request_tag_context(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        prefix = f"arn:aws:%s:{get_region()}:{get_account_id()}:"
        return {**tags(service, iam_action, body, params), **context(service, iam_action.split(":")[-1], body, prefix)}

    def lambda_action(method: str, path: str) -> str | None:
        return _layer_action(method, path) or rest_action(method, path)

    def extract_iam_action(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> str | None:
        if service == "lambda" and "find" in query:
            return "lambda:GetLayerVersion"
        found: str | None = action(service, method, path, headers, body, query)
        return found

    iam_actions.extract_iam_action = extract_iam_action
    iam_actions.extract_resource_arn = extract_resource_arn
    iam_actions.request_tag_context = request_tag_context
    iam_actions._lambda_action = lambda_action
