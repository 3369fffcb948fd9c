"""How a service's deployment configuration is kept, completed and checked.

AWS: UpdateService replaces the members of ``deploymentConfiguration`` that are given and keeps the others; alone it
starts no deployment. What is not given at CreateService has a default, and members that do not fit together are
InvalidParameterException. The circuit breaker goes with every strategy. ministack replaces the whole and checks
nothing.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecs

Data = dict[str, Any]
Answer = Any

_DEFAULTS: Data = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}
_OF_ECS = ("strategy", "bakeTimeInMinutes")
_OF_ONE_STRATEGY = {"canaryConfiguration": "CANARY", "linearConfiguration": "LINEAR"}


def mend() -> None:
    """Apply the mends of this module."""
    create, update = ecs._ACTION_MAP["CreateService"], ecs._ACTION_MAP["UpdateService"]

    def create_service(data: Data) -> Answer:
        given = data.get("deploymentConfiguration") or {}
        controller = (data.get("deploymentController") or {}).get("type", "ECS")
        defaults = {name: value for name, value in _DEFAULTS.items() if controller == "ECS" or name not in _OF_ECS}
        merged = {**defaults, **given}
        return _refusal(given, merged, before="") or create({**data, "deploymentConfiguration": merged})

    def update_service(data: Data) -> Answer:
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        service = ecs._services.get(f"{cluster}/{str(data.get('service', '')).rsplit('/', 1)[-1]}")
        given = data.get("deploymentConfiguration")
        if service is None or given is None:
            return update(data)
        before = service["deploymentConfiguration"]
        merged = _merged(before, given)
        if refusal := _refusal(given, merged, before=before.get("strategy", "ROLLING")):
            return refusal
        # Before the deployment is there, so that its record is made with it.
        service["deploymentConfiguration"] = merged
        answer = update({**data, "deploymentConfiguration": merged})
        if answer[0] != 200:
            service["deploymentConfiguration"] = before
        return answer

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
