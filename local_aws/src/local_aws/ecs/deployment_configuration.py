"""How a service's deployment configuration is kept, completed and checked.

AWS: UpdateService replaces the members of ``deploymentConfiguration`` that are given and keeps the others; alone it
starts no deployment. What is not given at CreateService has a default, and members that do not fit together are
InvalidParameterException. The circuit breaker goes with every strategy. CANARY and LINEAR need a load balancer or
Service Connect, and with Service Connect alone one rolling deployment before. Service Connect is a member of the
service's deployments, not of the service. ministack replaces the whole, checks nothing and keeps no Service Connect.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import ecs

from local_aws.ecs import records

Data = dict[str, Any]
Answer = Any

_DEFAULTS: Data = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}
# AWS's percentages for a service with a task on each instance.
_OF_A_DAEMON: Data = {"maximumPercent": 100, "minimumHealthyPercent": 0}
_OF_ECS = ("strategy", "bakeTimeInMinutes")
_OF_ONE_STRATEGY = {"canaryConfiguration": "CANARY", "linearConfiguration": "LINEAR"}


def mend() -> None:
    """Apply the mends of this module."""
    create, update = ecs._ACTION_MAP["CreateService"], ecs._ACTION_MAP["UpdateService"]

    def create_service(data: Data) -> Answer:
        given = data.get("deploymentConfiguration") or {}
        controller = (data.get("deploymentController") or {}).get("type", "ECS")
        defaults = {name: value for name, value in _DEFAULTS.items() if controller == "ECS" or name not in _OF_ECS}
        of_daemon = _OF_A_DAEMON if data.get("schedulingStrategy") == "DAEMON" else {}
        merged = {**defaults, **of_daemon, **given}
        refusal = _refusal(given, merged, before="") or _without_traffic(merged, data, was_rolled_out=False)
        return refusal or _connected(create({**data, "deploymentConfiguration": merged}), data)

    def update_service(data: Data) -> Answer:
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        service = ecs._services.get(f"{cluster}/{str(data.get('service', '')).rsplit('/', 1)[-1]}")
        given = data.get("deploymentConfiguration")
        if service is None or given is None:
            return _connected(update(data), data)
        before = service["deploymentConfiguration"]
        merged = _merged(before, given)
        members = {"loadBalancers": service.get("loadBalancers"), **_connection(service), **data}
        refusal = _refusal(given, merged, before=before.get("strategy", "ROLLING"))
        if refusal := refusal or _without_traffic(merged, members, was_rolled_out=_was_rolled_out(service)):
            return refusal
        # Before the deployment is there, so that its record is made with it.
        service["deploymentConfiguration"] = merged
        answer = update({**data, "deploymentConfiguration": merged})
        if answer[0] != 200:
            service["deploymentConfiguration"] = before
        return _connected(answer, data)

    ecs._ACTION_MAP.update(CreateService=create_service, UpdateService=update_service)


def _merged(before: Data, given: Data) -> Data:
    merged = {**before, **given}
    strategy = merged.get("strategy", "ROLLING")
    left = [name for name, only in _OF_ONE_STRATEGY.items() if only != strategy and name not in given]
    return {name: value for name, value in merged.items() if name not in left}


def _refusal(given: Data, merged: Data, *, before: str) -> Answer | None:
    strategy = merged.get("strategy", "ROLLING")
    misplaced = [name for name, only in _OF_ONE_STRATEGY.items() if given.get(name) and only != strategy]
    lowest, highest = merged.get("minimumHealthyPercent", 100), merged.get("maximumPercent", 200)
    message = ""
    if misplaced:
        only = _OF_ONE_STRATEGY[misplaced[0]]
        message = f"{misplaced[0]} is only valid when the deployment strategy is {only}."
    elif strategy == "BLUE_GREEN" and before != "BLUE_GREEN" and given.get("bakeTimeInMinutes") is None:
        message = "bakeTimeInMinutes is required when the deployment strategy is BLUE_GREEN."
    elif lowest > highest:
        message = "minimumHealthyPercent cannot be greater than maximumPercent."
    elif (strategy, lowest, highest) == ("ROLLING", 100, 100):
        message = "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
    return error_response_json("InvalidParameterException", message, 400) if message else None


def _without_traffic(merged: Data, members: Data, *, was_rolled_out: bool) -> Answer | None:
    """What refuses a strategy that shifts traffic where there is nothing to shift it with."""
    strategy = merged.get("strategy", "ROLLING")
    if strategy not in ("CANARY", "LINEAR") or members.get("loadBalancers"):
        return None
    if not (members.get("serviceConnectConfiguration") or {}).get("enabled"):
        message = f"The {strategy} deployment strategy requires a load balancer or Service Connect."
    elif was_rolled_out:
        return None
    else:
        message = f"The {strategy} deployment strategy with Service Connect requires a rolling deployment first."
    return error_response_json("InvalidParameterException", message, 400)


def _was_rolled_out(service: Data) -> bool:
    known = records.of_service(service["serviceArn"])
    return any(record.strategy == "ROLLING" and record.status == "SUCCESSFUL" for record in known)


def _connection(service: Data) -> Data:
    """``serviceConnectConfiguration`` of the primary deployment, where it has one."""
    primary: Data = next((each for each in service["deployments"] if each["status"] == "PRIMARY"), {})
    name = "serviceConnectConfiguration"
    return {name: primary[name]} if name in primary else {}


def _connected(answer: Answer, data: Data) -> Answer:
    """The answer, with Service Connect on the primary deployment: what is given, else what the one before had."""
    if answer[0] != 200:
        return answer
    payload = json.loads(answer[2])
    key = payload["service"]["serviceArn"].rsplit(":service/", 1)[-1]
    service = ecs._services.get(key)
    for kept in [service] if service else []:
        known = [
            each["serviceConnectConfiguration"] for each in kept["deployments"] if "serviceConnectConfiguration" in each
        ]
        given = data.get("serviceConnectConfiguration") or (known[0] if known else None)
        if given:
            kept["deployments"][0]["serviceConnectConfiguration"] = given
            payload["service"]["deployments"][0]["serviceConnectConfiguration"] = given
    return json_response(payload)
