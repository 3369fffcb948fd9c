"""What AWS authorizes ECS calls on.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ministack.services import ecs

Data = dict[str, Any]
Needed = tuple[str, str, Data]

_ON_STAR = (
    "DescribeTaskDefinition",
    "DeregisterTaskDefinition",
    "ListTaskDefinitions",
    "ListTaskDefinitionFamilies",
    "ListTasks",
    "ListServices",
    "ListClusters",
)
_ON_SERVICES = ("UpdateService", "CreateService", "DeleteService", "DescribeServices", "ListServiceDeployments")
_ON_TAGGED = ("TagResource", "UntagResource", "ListTagsForResource")
_WITH_EXECUTE_COMMAND = ("CreateService", "RunTask", "UpdateService")
_IN_A_CLUSTER = (*_ON_SERVICES, "RunTask", "StopTask", "DescribeTasks", "ListTasks", "ListServices")
# The member that names what is described, or stopped, and is authorized beside the service that it belongs to.
_OF_A_SERVICE = {
    "DescribeServiceDeployments": "serviceDeploymentArns",
    "StopServiceDeployment": "serviceDeploymentArn",
    "ContinueServiceDeployment": "serviceDeploymentArn",
    "DescribeServiceRevisions": "serviceRevisionArns",
}


def authorized_on(action: str, data: Data, place: str) -> list[str]:
    """Every ARN that the call is authorized on; empty for calls that this module does not know."""
    arn, cluster = f"arn:aws:ecs:{place}", _cluster(data)
    if action in _ON_STAR:
        return ["*"]
    if action == "RegisterTaskDefinition":
        return [f"{arn}:{each}" for each in _new_definition(data)]
    if action == "RunTask":
        return [f"{arn}:task-definition/{_revision(data)}"]
    if action in _ON_SERVICES:
        names = data.get("services") or [data.get("service") or data.get("serviceName") or ""]
        return [_full(name, f"{arn}:service/{cluster}") for name in names]
    if action in ("DescribeTasks", "StopTask"):
        return [_full(task, f"{arn}:task/{cluster}") for task in data.get("tasks") or [data.get("task", "")]]
    if action in _ON_TAGGED:
        return [str(data.get("resourceArn", ""))]
    if action in _OF_A_SERVICE:
        given = _listed(data.get(_OF_A_SERVICE[action]))
        return list(dict.fromkeys(each for one in given for each in (_service_of(one), one)))
    return []


def keys(action: str, data: Data, resource: str, place: str) -> Data:
    """Condition keys of the call on one resource, beside those of tags."""
    cluster = f"arn:aws:ecs:{place}:cluster/"
    if action in _OF_A_SERVICE:
        found = {"ecs:cluster": cluster + resource.split("/")[1] if "/" in resource else cluster}
        return found if ":service/" in resource else {**found, "ecs:service": _service_of(resource)}
    if action in _IN_A_CLUSTER:
        return {"ecs:cluster": cluster + _cluster(data), **_execute_command(action, data)}
    return {}


def _execute_command(action: str, data: Data) -> Data:
    """Whether the call turns on ECS Exec: a text, and nothing where the call does not say."""
    if action not in _WITH_EXECUTE_COMMAND or data.get("enableExecuteCommand") is None:
        return {}
    return {"ecs:enable-execute-command": "true" if data["enableExecuteCommand"] else "false"}


def _new_definition(data: Data) -> list[str]:
    """What stands for a revision that has no number yet. AWS documents the ARN of a revision, and its refusals have
    been seen to name the family: a policy has to allow both."""
    return [f"task-definition/{data.get('family', '')}{number}" for number in ("", ":*")]


def tags_of(action: str, data: Data) -> Data:
    """aws:TagKeys of UntagResource, whose member has a name of its own."""
    return {"aws:TagKeys": list(data["tagKeys"])} if action == "UntagResource" and data.get("tagKeys") else {}


def further(action: str, data: Data, place: str) -> list[Needed]:
    """What else the call needs: tags on creation, and roles that are passed."""
    return [*_tagging(action, data, place), *(_pass(role, to) for role, to in _passed(action, data) if role)]


def _tagging(action: str, data: Data, place: str) -> Iterator[Needed]:
    created = {
        "RegisterTaskDefinition": _new_definition(data),
        "RunTask": [f"task/{_cluster(data)}/*"],
        "CreateService": [f"service/{_cluster(data)}/{data.get('serviceName', '')}"],
    }
    tags = {str(tag.get("key")): str(tag.get("value", "")) for tag in data.get("tags") or []}
    if tags and action in created:
        context: Data = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        context |= {"aws:TagKeys": list(tags), "ecs:CreateAction": action}
        for resource in created[action]:
            yield "ecs:TagResource", f"arn:aws:ecs:{place}:{resource}", context


def _passed(action: str, data: Data) -> Iterator[tuple[Any, str]]:
    if action == "RegisterTaskDefinition":
        yield data.get("taskRoleArn"), "ecs-tasks"
        yield data.get("executionRoleArn"), "ecs-tasks"
    if action == "RunTask":
        definition, overrides = ecs._task_defs.get(_revision(data)) or {}, data.get("overrides") or {}
        for member in ("taskRoleArn", "executionRoleArn"):
            yield overrides.get(member) or definition.get(member), "ecs-tasks"
    if action in ("RunTask", "CreateService", "UpdateService"):
        # Lifecycle hooks, load balancers, volumes and the like name roles that ECS itself assumes.
        for role in _named(data, "roleArn"):
            yield role, "ecs"


def _pass(role: str, to: str) -> Needed:
    return "iam:PassRole", role, {"iam:PassedToService": f"{to}.amazonaws.com"}


def _named(value: Any, member: str) -> Iterator[str]:
    """Every string of that name, at any depth."""
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from _named(each, member)
    if isinstance(value, dict) and isinstance(value.get(member), str):
        yield value[member]


def _cluster(data: Data) -> str:
    return str(data.get("cluster") or "default").rsplit("/", 1)[-1]


def _revision(data: Data) -> str:
    """family:revision: a family alone stands for its latest one."""
    given = str(data.get("taskDefinition", ""))
    return str(ecs._resolve_td_key(given) or given)


def _full(name: Any, folder: str) -> str:
    return str(name) if str(name).startswith("arn:") else f"{folder}/{name}"


def _service_of(arn: str) -> str:
    """The service of a service deployment or revision."""
    return arn.replace(":service-deployment/", ":service/").replace(":service-revision/", ":service/").rsplit("/", 1)[0]


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value or "")]
