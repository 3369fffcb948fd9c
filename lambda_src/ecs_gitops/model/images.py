"""Image references as an item and a task definition name them: ``registry:5000/team/api:1.2@sha256:…``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

# Container name to image.
Images: TypeAlias = Mapping[str, str]


def repository(image: str) -> str:
    """An image without its tag and digest: ``registry:5000/team/api`` of ``registry:5000/team/api:1.2@sha256:…``."""
    path, slash, last = image.partition("@")[0].rpartition("/")
    return path + slash + last.partition(":")[0]


def image_name(image: str) -> str:
    """The last path segment of an image's repository: ``api`` for ``registry:5000/team/api:1.2@sha256:…``."""
    return repository(image).rsplit("/", 1)[-1]


def image_from_json(data: Mapping[str, Any]) -> dict[str, str]:
    """The images of an item's JSON: of ``container`` and ``image``, or of ``containers``."""
    if "containers" in data:
        return {each["name"]: each["image"] for each in data["containers"]}
    return {data.get("container", ""): data.get("image", "")}
