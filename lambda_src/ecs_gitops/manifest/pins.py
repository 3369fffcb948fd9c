"""The rule of `pinDigest`: an item that has it names images that can be pinned. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ecs_gitops.ecs.ecr import ecr_image
from ecs_gitops.manifest.kinds import Finding, Values

_ACCEPTED = "an image of a private ECR repository, an image with its digest, or no pinDigest"


def pins_what_it_can(values: Values) -> Iterable[Finding]:
    """For items and `defaults`: only ECR is asked for digests; any other image would be deployed by its tag."""
    if values.get("pinDigest") is not True:
        return
    for path, image in _images(values):
        if "@" not in image and ecr_image(image) is None:
            yield Finding(path, "pinDigest cannot pin this image: it is not in ECR", _ACCEPTED)


def _images(values: Values) -> Iterator[tuple[str, str]]:
    """Path and text of each image that is right in itself."""
    containers = values.get("containers")
    found = [("image", values.get("image"))]
    for index, one in enumerate(containers if isinstance(containers, tuple) else ()):
        found.append((f"containers[{index}].image", one.get("image") if isinstance(one, Mapping) else None))
    yield from ((path, image) for path, image in found if isinstance(image, str))
