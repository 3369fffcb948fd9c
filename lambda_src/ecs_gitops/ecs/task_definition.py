"""Task definitions: find a container, change its image, keep everything else. Pure.

A task definition is the JSON of ECS's ``DescribeTaskDefinition``; a new revision is the input of
``RegisterTaskDefinition``. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.images import Images, image_name

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# Members that ECS adds to its answer and refuses as input. Every other member is copied, also those unknown to us.
OUTPUT_ONLY = frozenset(
    {
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
        "deleteRequestedAt",
    }
)


@dataclass(frozen=True, slots=True)
class Container:
    """The container of an item: its name and image in the live task definition."""

    name: str
    image: str
    warning: str | None = None


def arn(definition: Json) -> str:
    """The ARN of a described revision."""
    return str(definition["taskDefinitionArn"])


def find_container(definition: Json, name: str) -> Container:
    """The container ``name``. If there is none: the only container whose image's repository ends with that name, with a
    warning.

    Raises :class:`ItemFailed`, which lists the containers. Text inside an image's name or tag never matches.
    """
    containers = images_of(definition)
    if name in containers:
        return Container(name, containers[name])
    by_image = [container for container, image in containers.items() if image_name(image) == name]
    if len(by_image) == 1:
        other = by_image[0]
        return Container(
            other,
            containers[other],
            f"no container is named {name!r}; used {other!r} because its image is {name!r}: name it in the manifest",
        )
    names = ", ".join(containers) or "none"
    raise ItemFailed(
        f"{short(arn(definition))} has no container named {name!r}; `service` must be one of its containers: {names}"
    )


def resolve(definition: Json, images: Images) -> tuple[dict[str, Container], tuple[str, ...]]:
    """The container of each name in ``images``, and warnings. Raises :class:`ItemFailed`, also if two names mean the
    same container."""
    containers = {name: find_container(definition, name) for name in images}
    names = [container.name for container in containers.values()]
    if len(set(names)) < len(names):
        raise ItemFailed(f"two of {', '.join(images)} mean the same container: name each by its exact name")
    return containers, tuple(container.warning for container in containers.values() if container.warning)


def images_of(definition: Json) -> dict[str, str]:
    """The image of each container."""
    return {str(c.get("name")): str(c.get("image", "")) for c in definition.get("containerDefinitions", [])}


def role_arns(definition: Json) -> tuple[str, ...]:
    """The roles that ECS passes to the tasks. Who registers a revision needs iam:PassRole on them."""
    return tuple(dict.fromkeys(str(definition[m]) for m in ("taskRoleArn", "executionRoleArn") if definition.get(m)))


def with_images(definition: Json, images: Images) -> Json:
    """The input to register a revision with ``images`` (by container), and everything else unchanged."""
    content = {key: value for key, value in definition.items() if key not in OUTPUT_ONLY and value is not None}
    content["containerDefinitions"] = [
        {**container, "image": images.get(container["name"], container["image"])}
        for container in definition["containerDefinitions"]
    ]
    return content


def has_images(definition: Json, images: Images) -> bool:
    """Whether the containers have these images already."""
    live = images_of(definition)
    return all(live.get(name) == image for name, image in images.items())
