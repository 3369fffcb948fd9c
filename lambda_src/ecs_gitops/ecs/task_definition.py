"""Task definitions: find the container, put the image in, lose nothing. Pure.

A task definition is the JSON of ECS's ``DescribeTaskDefinition``; a new revision is what ``RegisterTaskDefinition``
takes. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.identity import short
from ecs_gitops.model.images import Images, image_name

if TYPE_CHECKING:
    from ecs_gitops.model.types import Json

# Members that ECS adds to its answer and does not take back. Every other one is copied, known to us or not.
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
    """The container that an item means: its name and image in the live task definition."""

    name: str
    image: str
    warning: str | None = None


def arn(definition: Json) -> str:
    """The ARN of a described revision."""
    return str(definition["taskDefinitionArn"])


def find_container(definition: Json, wanted: str) -> Container:
    """The container named ``wanted``; else the only one whose image repository ends with that name, with a warning.

    Raises :class:`ItemFailed` that lists the names there are. Text inside an image's name or tag is never a match.
    """
    containers = images_of(definition)
    if wanted in containers:
        return Container(wanted, containers[wanted])
    by_image = [name for name, image in containers.items() if image_name(image) == wanted]
    if len(by_image) == 1:
        name = by_image[0]
        return Container(
            name,
            containers[name],
            f"no container is named {wanted!r}; took {name!r} because its image is {wanted!r}: name it in the manifest",
        )
    names = ", ".join(containers) or "none"
    raise ItemFailed(
        f"{short(arn(definition))} has no container named {wanted!r}; `service` must be one of its containers: {names}"
    )


def resolve(definition: Json, wanted: Images) -> tuple[dict[str, Container], tuple[str, ...]]:
    """The container that each name of ``wanted`` means, and warnings. Raises :class:`ItemFailed`, also when two names
    mean the same one."""
    found = {name: find_container(definition, name) for name in wanted}
    names = [container.name for container in found.values()]
    if len(set(names)) < len(names):
        raise ItemFailed(f"two of {', '.join(wanted)} mean the same container: name each by its exact name")
    return found, tuple(container.warning for container in found.values() if container.warning)


def images_of(definition: Json) -> dict[str, str]:
    """Every container's image."""
    return {str(c.get("name")): str(c.get("image", "")) for c in definition.get("containerDefinitions", [])}


def role_arns(definition: Json) -> tuple[str, ...]:
    """The roles that ECS passes to the tasks; each must be passable by who registers a revision."""
    return tuple(dict.fromkeys(str(definition[m]) for m in ("taskRoleArn", "executionRoleArn") if definition.get(m)))


def with_images(definition: Json, images: Images) -> Json:
    """What to register so that the named containers run ``images`` and all else stays as it is."""
    content = {key: value for key, value in definition.items() if key not in OUTPUT_ONLY and value is not None}
    content["containerDefinitions"] = [
        {**container, "image": images.get(container["name"], container["image"])}
        for container in definition["containerDefinitions"]
    ]
    return content


def has_images(definition: Json, images: Images) -> bool:
    """Whether the named containers already run these images."""
    live = images_of(definition)
    return all(live.get(name) == image for name, image in images.items())
