"""Image references as an item and a task definition name them: ``registry:5000/team/api:1.2@sha256:…``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

# Container name to image.
Images: TypeAlias = Mapping[str, str]


def repository(image: str) -> str:
    """An image without its tag and digest: ``registry:5000/team/api`` of ``registry:5000/team/api:1.2@sha256:…``."""
    path, slash, last = image.partition("@")[0].rpartition("/")
    return path + slash + last.partition(":")[0]


def image_name(image: str) -> str:
    """The last path segment of an image's repository: ``api`` for ``registry:5000/team/api:1.2@sha256:…``."""
    return repository(image).rsplit("/", 1)[-1]
