"""Tasks of RunTask: they do their work and end by themselves.

AWS: a task ends when an essential container ends, with the exit code of each container, and stays describable. A
client token gives the answer of the first call again, for a day and in its cluster; with other parameters it is
ConflictException. What does not fit on the cluster is told in ``failures``, one for each instance. Tags are given, or
come from the task definition; those of a service cannot be propagated, and keys that begin with ``aws:`` are refused. A
container with a restart policy is started again, after exit code 0 too, once it ran for ``restartAttemptPeriod``.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html

Here the containers whose command is overridden do the work; without one, those with a command in the definition;
without one, the first essential one. They exit with 0 after half of ``rollout_seconds`` (0.2 seconds at least), unless
a word of their command is ``fail`` (3), ``exit-N`` (N), ``takes-N`` (after N seconds) or ``hang`` (runs until it is
stopped). The others run on. An EC2 cluster's two instances have ``settings.instance_mib`` each: what needs more is a
failure RESOURCE:MEMORY. Whether AWS remembers failures by their token is not documented: here it does, which is worse.
"""

from __future__ import annotations

import json
import re
import threading
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import ecs

from local_aws.control import clock
from local_aws.control.settings import settings
from local_aws.stores.images import digest_of

Data = dict[str, Any]
Answer = Any

_TOKEN_SECONDS = 86_400.0
_INSTANCES = 2
_PERIOD = 300
_EXIT, _TAKES = re.compile(r"exit-(\d+)"), re.compile(r"takes-(\d+)")
_lock = threading.Lock()
# By token: the request, its tasks, its failures, and when it was made.
_by_token: dict[tuple[str, ...], tuple[str, list[str], list[Data], float]] = {}


def mend() -> None:
    """Apply every mend of this module."""
    run, attach = ecs._ACTION_MAP["RunTask"], ecs._attach_started_container

    def attach_started_container(task: Data, container: Any, index: int, *arguments: Any) -> Any:
        """Tasks tell the digest of each image."""
        shown = task["containers"][index]
        shown.setdefault("imageDigest", digest_of(shown["image"]))
        return attach(task, container, index, *arguments)

    ecs._ACTION_MAP["RunTask"] = lambda data: _run_once(run, data)
    ecs._attach_started_container = attach_started_container
    for action in ("RunTask", "DescribeTasks", "StopTask"):
        ecs._ACTION_MAP[action] = _without_empty_members(ecs._ACTION_MAP[action])


def is_one_off(task: Data) -> bool:
    """Whether the task belongs to no service."""
    return not task.get("_deployment_id") and not str(task.get("group", "")).startswith("service:")


def workers(task: Data) -> list[str]:
    """Names of the containers that end by themselves."""
    overridden = [each["name"] for each in task["overrides"].get("containerOverrides", []) if each.get("command")]
    definitions = _definition(task["taskDefinitionArn"]).get("containerDefinitions", [])
    with_command = [each["name"] for each in definitions if each.get("command")]
    return overridden or with_command or [each["name"] for each in definitions if each.get("essential", True)][:1]


def exit_code(command: list[str]) -> int | None:
    """With what the command ends; None when it does not end."""
    words = " ".join(command).split()
    if "hang" in words:
        return None
    if "fail" in words:
        return 3
    return next((int(found.group(1)) for word in words if (found := _EXIT.fullmatch(word))), 0)


def seconds(command: list[str]) -> float:
    """How long the command takes."""
    words = " ".join(command).split()
    told = next((int(found.group(1)) for word in words if (found := _TAKES.fullmatch(word))), None)
    return max(0.2, settings.rollout_seconds / 2) if told is None else float(told)


def is_started_again(task: Data, name: str, code: int, ran: float) -> bool:
    """Whether the container's restart policy starts it again after ``ran`` seconds."""
    containers = _definition(task["taskDefinitionArn"]).get("containerDefinitions", [])
    policy = next((each.get("restartPolicy") or {} for each in containers if each["name"] == name), {})
    is_long_enough = ran >= int(policy.get("restartAttemptPeriod") or _PERIOD)
    return bool(policy.get("enabled")) and is_long_enough and code not in (policy.get("ignoredExitCodes") or ())


def _definition(reference: str) -> Data:
    return dict(ecs._task_defs.get(ecs._resolve_td_key(reference) or "") or {})


def _run_once(run: Any, data: Data) -> Answer:
    token = data.pop("clientToken", "")
    if refusal := _refusal(data):
        return refusal
    key = (get_account_id(), get_region(), ecs._resolve_cluster_name(data.get("cluster", "default")) or "", token)
    parameters = json.dumps({**data, "cluster": key[2]}, sort_keys=True)
    with _lock:
        earlier, arns, failures, at = _by_token.get(key, ("", [], [], 0.0))
        if token and (arns or failures) and clock.now() < at + _TOKEN_SECONDS:
            if earlier == parameters:
                return json_response({"tasks": [ecs._sanitize(ecs._tasks[arn]) for arn in arns], "failures": failures})
            message = f"The provided clientToken {token} is already in use with a different RunTask request."
            return error_response_json("ConflictException", message, 400, {"resourceIds": arns})
        answer = _failures(data) or run(_with_all_tags(data))
        if answer[0] == 200:
            told = json.loads(answer[2])
            _by_token[key] = (parameters, [task["taskArn"] for task in told["tasks"]], told["failures"], clock.now())
    return answer


def _with_all_tags(data: Data) -> Data:
    """The request with the tags that ECS adds to those that are given."""
    given = {tag["key"]: tag for tag in data.get("tags") or []}
    more = []
    if data.get("propagateTags") == "TASK_DEFINITION":
        more += ecs._tags.get(_definition(data.get("taskDefinition", "")).get("taskDefinitionArn", ""), [])
    if data.get("enableECSManagedTags"):
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        more += [{"key": "aws:ecs:clusterName", "value": cluster}]
    tags = [tag for tag in more if tag["key"] not in given] + list(given.values())
    return {**data, "tags": tags} if tags else data


def _refusal(data: Data) -> Answer | None:
    definition = _definition(data.get("taskDefinition", ""))
    data.setdefault("group", f"family:{definition.get('family')}")
    known = {container["name"] for container in definition.get("containerDefinitions", [])}
    overrides = (data.get("overrides") or {}).get("containerOverrides", [])
    unknown = [each.get("name") for each in overrides if each.get("name") not in known]
    is_awsvpc, has_network = definition.get("networkMode") == "awsvpc", bool(data.get("networkConfiguration"))
    message = ""
    if unknown:
        message = f"Override for container named {unknown[0]} is not a container in the TaskDefinition."
    elif is_awsvpc and not has_network:
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    elif has_network and not is_awsvpc:
        message = "Network Configuration is not valid for the given networkMode of this task definition."
    elif data.get("launchType") == "FARGATE" and "FARGATE" not in definition.get("compatibilities", []):
        message = "Task definition does not support launch_type FARGATE."
    elif data.get("propagateTags") == "SERVICE":
        message = "SERVICE is not a valid value for propagateTags when running a task."
    elif any(str(tag.get("key", "")).lower().startswith("aws:") for tag in data.get("tags") or []):
        message = "Tag keys that begin with aws: are reserved."
    elif not 1 <= int(data.get("count", 1)) <= 10:
        message = "count must be between 1 and 10."
    return error_response_json("InvalidParameterException", message, 400) if message else None


def _failures(data: Data) -> Answer | None:
    containers = _definition(data.get("taskDefinition", "")).get("containerDefinitions", [])
    needed = sum(int(each.get("memoryReservation") or each.get("memory") or 0) for each in containers)
    if (
        data.get("launchType", "EC2") != "EC2"
        or data.get("capacityProviderStrategy")
        or needed <= settings.instance_mib
    ):
        return None
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    arn = f"arn:aws:ecs:{get_region()}:{get_account_id()}:container-instance/{cluster}/"
    instances = (f"{arn}{number:032x}" for number in range(_INSTANCES))
    return json_response({"tasks": [], "failures": [{"arn": each, "reason": "RESOURCE:MEMORY"} for each in instances]})


def _without_empty_members(inner: Any) -> Any:
    """A task that has no stop code has no such member."""

    def answer(data: Data) -> Answer:
        given = inner(data)
        if given[0] != 200:
            return given
        payload = json.loads(given[2])
        for task in [payload["task"]] if "task" in payload else payload["tasks"]:
            for name in [name for name, value in task.items() if value == ""]:
                del task[name]
        return json_response(payload)

    return answer
