"""The normal form of a scalable target of Application Auto Scaling. Pure.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.ecs.arns import is_service_linked
from ecs_gitops.ecs.normal_form import Rules, git_tags, normal

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

_RULES = Rules(
    read_only=("ScalableTargetARN", "CreationTime", "PredictedCapacity"),
    defaults={
        "SuspendedState": {},
        "SuspendedState.DynamicScalingInSuspended": False,
        "SuspendedState.DynamicScalingOutSuspended": False,
        "SuspendedState.ScheduledScalingSuspended": False,
        "Tags": {},
    },
    converted={"Tags": git_tags},
)


def normal_scalable_target(target: Json) -> Json:
    """The normal form of a scalable target: of an entry of DescribeScalableTargets, or of the input of
    RegisterScalableTarget. The role is left out where it is the service-linked one, which AWS takes by itself."""
    found = normal(target, _RULES)
    return {name: value for name, value in found.items() if name != "RoleARN" or not is_service_linked(str(value))}
