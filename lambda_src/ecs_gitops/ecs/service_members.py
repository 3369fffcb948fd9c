"""What a changed member of a service takes, and whether it starts a deployment. Pure.

All members go into one UpdateService: two calls are two deployments. A member that is not sent stays as it is.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""

from __future__ import annotations

from enum import StrEnum


class Effect(StrEnum):
    """What it takes to change a member."""

    # It cannot be changed: the service has to be made anew.
    CREATE_ONLY = "CREATE_ONLY"
    # UpdateService starts a deployment.
    DEPLOYS = "DEPLOYS"
    # UpdateService takes it with forceNewDeployment alone, which starts a deployment.
    NEEDS_FORCE = "NEEDS_FORCE"
    # UpdateService changes it, and the tasks go on.
    IN_PLACE = "IN_PLACE"
    # TagResource and UntagResource change it, and the tasks go on.
    BY_TAGGING = "BY_TAGGING"


_MEMBERS = {
    Effect.CREATE_ONLY: ("cluster", "launchType", "role", "schedulingStrategy", "serviceName"),
    Effect.DEPLOYS: (
        "loadBalancers",
        # Part of a service's revision, as the others here; the API reference does not say more.
        "monitoring",
        "networkConfiguration",
        "platformVersion",
        "serviceConnectConfiguration",
        "serviceRegistries",
        "taskDefinition",
        "volumeConfigurations",
        "vpcLatticeConfigurations",
    ),
    Effect.NEEDS_FORCE: ("capacityProviderStrategy",),
    Effect.IN_PLACE: (
        "availabilityZoneRebalancing",
        "deploymentConfiguration",
        "desiredCount",
        "enableECSManagedTags",
        "enableExecuteCommand",
        "healthCheckGracePeriodSeconds",
        "placementConstraints",
        "placementStrategy",
        "propagateTags",
    ),
    Effect.BY_TAGGING: ("tags",),
}
_EFFECTS = {member: effect for effect, members in _MEMBERS.items() for member in members}


def effect_of(member: str) -> Effect | None:
    """The effect of a difference in a member of a service's normal form. None: it is not known what a change would do,
    as with a member that ECS got later, or with the deployment controller."""
    return _EFFECTS.get(member)
