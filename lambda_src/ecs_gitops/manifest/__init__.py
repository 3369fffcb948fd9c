"""`deployment.yaml`, from text to a checked and typed manifest. Every problem has a line and a column.

The build and the command line use ``load``. InitConfig uses ``from_json``, which imports no YAML library.
"""

from __future__ import annotations

from ecs_gitops.manifest.checker import check
from ecs_gitops.manifest.field_types import Object
from ecs_gitops.manifest.fields import DEPLOYMENT, MANIFEST
from ecs_gitops.manifest.json_schema import schema
from ecs_gitops.manifest.node import MAX_BYTES, Node, from_data
from ecs_gitops.manifest.typed_manifest import ContainerImage, Manifest, ServiceItem, TaskItem
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.problem import Problem

__all__ = [
    "MAX_BYTES",
    "ContainerImage",
    "Manifest",
    "Problem",
    "ServiceItem",
    "TaskItem",
    "from_json",
    "load",
    "schema",
]


def load(data: bytes, file: str) -> Manifest:
    """The manifest in ``data``, the bytes of a YAML file; errors use the name ``file``.

    Raises :class:`InvalidManifest` with all problems, up to ten thousand.
    """
    from ecs_gitops.manifest.reader import Unreadable, read

    try:
        root = read(data)
    except Unreadable as error:
        raise InvalidManifest(file, [error.problem]) from None
    return _checked(root, file, MANIFEST)


def from_json(data: object) -> Manifest:
    """The manifest in the state machine's input (deployment.json), with or without the fields that `render` adds.

    Raises :class:`InvalidManifest`.
    """
    try:
        root = from_data(data)
    except (ValueError, RecursionError) as error:
        raise InvalidManifest("input", [Problem(0, 0, "", str(error), "the content of deployment.json")]) from None
    return _checked(root, "input", DEPLOYMENT)


def _checked(root: Node, file: str, table: Object) -> Manifest:
    values, problems = check(root, table)
    if problems:
        raise InvalidManifest(file, problems)
    return Manifest.of(values)
