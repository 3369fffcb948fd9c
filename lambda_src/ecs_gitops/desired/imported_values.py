"""The items of an import, and which containers of a task definition they name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ecs_gitops import manifest
from ecs_gitops.ecs.image_reference import refusal
from ecs_gitops.ecs.sidecars import is_sidecar
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.images import repository

if TYPE_CHECKING:
    from ecs_gitops.ecs.listed import Inventory
    from ecs_gitops.model.types import Json

_MOVES = "its tag moves, so the file does not say what runs; name a version"


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """An item of the manifest. ``values`` are its fields, ``comments`` a line each. ``place``: partition, account and
    Region. The rest is what a deployer needs for it: ``clusters``, the task ``definitions`` that get new revisions, and
    ``roles`` to pass beside theirs. ``concerns``: why its plan may differ from "unchanged"."""

    kind: Literal["services", "tasks"]
    place: tuple[str, str, str]
    name: str
    values: Mapping[str, Any]
    comments: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    definitions: tuple[Json, ...] = ()
    roles: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    # The containers whose image is written by its digest, while the task definition has a tag.
    pinned: tuple[str, ...] = ()

    def with_values(self, values: Mapping[str, Any]) -> ImportedItem:
        return replace(self, values=values)

    @property
    def images(self) -> dict[str, str]:
        """Container to image."""
        containers = self.values.get("containers")
        if containers is None:
            return {self.values["service"]: self.values["image"]}
        return {each["name"]: each["image"] for each in containers}


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is live and not in the manifest, and why."""

    name: str
    why: str
    region: str


@dataclass(frozen=True, slots=True)
class Imported:
    """An import. ``unread`` says what could not be read."""

    items: tuple[ImportedItem, ...]
    skipped: tuple[Skipped, ...] = ()
    unread: tuple[str, ...] = ()


def region_of(inventory: Inventory, home: str) -> dict[str, str]:
    """The field `region`, where it has to be written."""
    return {} if inventory.region == home else {"region": inventory.region}


def managed(definition: Json) -> tuple[dict[str, str], tuple[str, ...]]:
    """The images of the containers that the manifest manages, by container, and a comment on each other container.

    Well-known sidecars are left out, unless there is nothing else."""
    containers = list(definition.get("containerDefinitions") or ())
    sidecars = [str(each.get("name")) for each in containers if is_sidecar(each)]
    if len(sidecars) == len(containers):
        sidecars = []
    images: dict[str, str] = {}
    comments = []
    for each in containers:
        name, image = str(each.get("name")), str(each.get("image", ""))
        if name in sidecars:
            comments.append(f"not managed, a sidecar: {name} ({image})")
        elif refused := refusal(image):
            comments.append(f"not managed: {name} ({image}): {refused[0]}")
        else:
            images[name] = image
    return images, tuple(comments)


def with_containers(
    values: Mapping[str, Any],
    definition: Json,
    item: ImportedItem,
    *,
    images: Mapping[str, str] | None = None,
    digests: Mapping[str, str] | None = None,
) -> ImportedItem | Skipped:
    """The item with its fields. ``images``: only these containers; ``digests``: pin images to these."""
    found, comments = managed(definition) if images is None else (dict(images), ())
    if not found:
        return Skipped(item.name, "; ".join(comments) or "its task definition has no containers", item.place[2])
    pinned = _pinned(found, digests or {})
    comments += tuple(f"{name}: the digest of {found[name]}" for name in pinned)
    if digests is not None:
        unknown = [name for name, image in found.items() if name not in digests and "@" not in image]
        comments += tuple(f"{name}: its running digest is not known" for name in unknown)
    found |= pinned
    comments += tuple(f"{name}: {_MOVES}" for name, image in found.items() if _moves(image))
    done = replace(
        item,
        values=_ordered(values, found),
        comments=(*item.concerns, *comments, *item.comments),
        pinned=tuple(pinned),
    )
    try:
        manifest.from_json({item.kind: [dict(done.values)]})
    except InvalidManifest as error:
        return Skipped(item.name, f"a manifest cannot name it: {error.problems[0].message}", item.place[2])
    return done


def _moves(image: str) -> bool:
    """Whether the image has the tag that registries give to what is pushed last."""
    last = image.rpartition("/")[2]
    return "@" not in image and last.partition(":")[2] in ("", "latest")


def _pinned(images: Mapping[str, str], digests: Mapping[str, str]) -> dict[str, str]:
    return {
        name: f"{repository(image)}@{digests[name]}"
        for name, image in images.items()
        if name in digests and "@" not in image
    }


def _ordered(values: Mapping[str, Any], images: Mapping[str, str]) -> dict[str, Any]:
    """The fields in the order in which people read them: container, target, place, image."""
    if len(images) == 1:
        ((name, image),) = images.items()
        return {"service": name, **values, "image": image}
    return {**values, "containers": [{"name": name, "image": image} for name, image in images.items()]}
