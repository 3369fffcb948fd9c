"""Application Auto Scaling: the scalable targets of ECS services. They are kept; nothing is scaled by them.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from typing import Any

from ministack.core import iam_actions
from ministack.services import ecs

from local_aws.control.protocol import Data, Operation, Place, ServiceError, serve

_NAME = "application-autoscaling"
_DIMENSION = "ecs:service:DesiredCount"
_SERVICE = re.compile(r"service/([^/]+/[^/]+)")
_PAGE = 50
_MEMBERS = {
    "RegisterScalableTarget": {
        "ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "RoleARN",
        "SuspendedState", "Tags",
    },
    "DescribeScalableTargets": {"ServiceNamespace", "ResourceIds", "ScalableDimension", "MaxResults", "NextToken"},
    "DeregisterScalableTarget": {"ServiceNamespace", "ResourceId", "ScalableDimension"},
}  # fmt: skip
_SUSPENDED = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")

_targets: dict[tuple[Place, str], Data] = {}
_tags: dict[str, dict[str, str]] = {}
_lock = threading.Lock()


def start() -> None:
    """Put Application Auto Scaling behind the server's router."""
    operations: dict[str, Operation] = {
        "RegisterScalableTarget": _register,
        "DescribeScalableTargets": _describe,
        "DeregisterScalableTarget": _deregister,
        "ListTagsForResource": lambda _, data: {"Tags": _tags_of(data["ResourceARN"])},
        "TagResource": _tag,
        "UntagResource": _untag,
    }
    serve(
        _NAME,
        "AnyScaleFrontendService",
        {name: _checked(name, operation) for name, operation in operations.items()},
    )
    iam_actions.SERVICE_TO_IAM_NAMESPACE[_NAME] = _NAME


def authorized_on(data: dict[str, Any], account: str, region: str) -> str | None:
    """The target's ARN; any target's for one that is not registered yet; None for what is on ``*``."""
    place = Place(account, region)
    if data.get("ResourceARN"):
        return str(data["ResourceARN"])
    if not data.get("ResourceId"):
        return None
    found = _targets.get((place, data["ResourceId"]))
    return str(found["ScalableTargetARN"]) if found else place.arn(_NAME, "scalable-target/*")


def _checked(name: str, operation: Operation) -> Operation:
    def checked(place: Place, data: Data) -> Data:
        if name not in _MEMBERS:
            return operation(place, data)
        unknown = data.keys() - _MEMBERS[name]
        if unknown:
            raise ServiceError("ValidationException", f"{name} has no {', '.join(sorted(unknown))}")
        if data.get("ServiceNamespace") != "ecs" or data.get("ScalableDimension", _DIMENSION) != _DIMENSION:
            raise ServiceError("ValidationException", f"the local AWS plays ecs and {_DIMENSION} alone")
        with _lock:
            return operation(place, data)

    return checked


def _register(place: Place, data: Data) -> Data:
    named = _SERVICE.fullmatch(data["ResourceId"])
    if named is None:
        raise ServiceError("ValidationException", "Unsupported service namespace, resource type or scalable dimension")
    if not (ecs._services.get_scoped(place.account, place.region, named[1]) or {}).get("status") == "ACTIVE":
        raise ServiceError("ValidationException", f"ECS service doesn't exist: {data['ResourceId']}")
    old = _targets.get((place, data["ResourceId"]))
    found = {**(old or _new(place, data["ResourceId"])), **_given(data)}
    if found.get("MinCapacity") is None or found.get("MaxCapacity") is None:
        raise ServiceError("ValidationException", "Both minimum and maximum capacity must be specified")
    if not 0 <= found["MinCapacity"] <= found["MaxCapacity"]:
        raise ServiceError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    if old and data.get("Tags"):
        raise ServiceError("ValidationException", "Tags are given when a target is registered first")
    _targets[place, data["ResourceId"]] = found
    _tags.setdefault(found["ScalableTargetARN"], dict(data.get("Tags") or {}))
    return {"ScalableTargetARN": found["ScalableTargetARN"]}


def _new(place: Place, resource: str) -> Data:
    role = (
        "aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
    )
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": resource,
        "ScalableDimension": _DIMENSION,
        # AWS takes this role whatever is given.
        "RoleARN": f"arn:aws:iam::{place.account}:role/{role}",
        "CreationTime": time.time(),
        "SuspendedState": dict.fromkeys(_SUSPENDED, False),
        "ScalableTargetARN": place.arn(_NAME, f"scalable-target/{uuid.uuid4().hex}"),
    }


def _given(data: Data) -> Data:
    """What a registration changes; what it does not name stays."""
    found = {name: data[name] for name in ("MinCapacity", "MaxCapacity") if data.get(name) is not None}
    if data.get("SuspendedState"):
        found["SuspendedState"] = {**dict.fromkeys(_SUSPENDED, False), **data["SuspendedState"]}
    return found


def _describe(place: Place, data: Data) -> Data:
    names, token = data.get("ResourceIds"), str(data.get("NextToken") or "0")
    size = data.get("MaxResults") or _PAGE
    if not token.isdigit():
        raise ServiceError("InvalidNextTokenException", "the token is none of ours")
    if not 0 < size <= _PAGE or len(names or []) > _PAGE:
        raise ServiceError("ValidationException", f"at most {_PAGE} targets come at once")
    found = [target for (where, name), target in _targets.items() if where == place and (not names or name in names)]
    end = int(token) + size
    return {"ScalableTargets": found[int(token) : end], **({"NextToken": str(end)} if end < len(found) else {})}


def _deregister(place: Place, data: Data) -> Data:
    gone = _targets.pop((place, data["ResourceId"]), None)
    if gone is None:
        raise ServiceError("ObjectNotFoundException", f"No scalable target found for {data['ResourceId']}")
    _tags.pop(gone["ScalableTargetARN"], None)
    return {}


def _tags_of(arn: str) -> dict[str, str]:
    if arn not in _tags:
        raise ServiceError("ResourceNotFoundException", f"{arn} does not exist")
    return _tags[arn]


def _tag(_: Place, data: Data) -> Data:
    _tags_of(data["ResourceARN"]).update(data["Tags"])
    return {}


def _untag(_: Place, data: Data) -> Data:
    for key in data["TagKeys"]:
        _tags_of(data["ResourceARN"]).pop(key, None)
    return {}
