"""Rules between the fields of one item, or of `defaults`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ecs_gitops.ecs.deployment_settings import bake_minutes, pause_minutes
from ecs_gitops.ecs.ecr import ecr_image
from ecs_gitops.ecs.task_overrides import OVERRIDES_AT_MOST, overrides_size
from ecs_gitops.manifest.field_types import Finding, Values, is_valid

# The maximum of timeoutMinutes: a day.
TIMEOUT_AT_MOST = 1_440
_PINNED = "an image of a private ECR repository, an image with its digest, or no pinDigest"


def images_can_be_pinned(values: Values) -> Iterable[Finding]:
    """`pinDigest` is for images in ECR: we read digests there only. Any other image would be deployed by its tag."""
    if values.get("pinDigest") is not True:
        return
    for path, image in _images(values):
        if "@" not in image and ecr_image(image) is None:
            yield Finding(path, "pinDigest cannot pin this image: it is not in ECR", _PINNED)


def _images(values: Values) -> Iterator[tuple[str, str]]:
    """Path and text of each valid image."""
    containers = values.get("containers")
    images = [("image", values.get("image"))]
    for index, one in enumerate(containers if isinstance(containers, tuple) else ()):
        images.append((f"containers[{index}].image", one.get("image") if isinstance(one, Mapping) else None))
    yield from ((path, image) for path, image in images if isinstance(image, str))


def command_fits(values: Values) -> Iterable[Finding]:
    """RunTask takes a hook's command as an override, and all overrides together are limited."""
    command = values.get("command")
    if not isinstance(command, tuple) or not all(isinstance(each, str) for each in command):
        return
    if (size := overrides_size(str(values.get("container") or ""), command)) > OVERRIDES_AT_MOST:
        message = f"as JSON, the command has {size:,} characters with its container's name"
        yield Finding("command", message, f"at most {OVERRIDES_AT_MOST:,}: put the script into the image")


_BAKING = ("strategy", "bakeTimeInMinutes", "canaryConfiguration", "linearConfiguration", "lifecycleHooks")


def bakes_within_timeout(values: Values) -> Iterable[Finding]:
    """A rollout whose bake time exceeds its timeout would always fail."""
    minutes, configuration = values.get("timeoutMinutes"), values.get("deployment")
    if not isinstance(minutes, int) or not isinstance(configuration, Mapping):
        return
    # This runs for every item, so only the members that matter are checked.
    decisive = {name: configuration[name] for name in _BAKING if name in configuration}
    if not is_valid(decisive):
        return
    bakes = bake_minutes(decisive)
    if bakes and minutes <= bakes:
        pauses = pause_minutes(decisive)
        more = f", with {pauses} for its PAUSE hooks" if pauses else ""
        message = f"the rollout bakes {bakes} minutes{more}, timeoutMinutes is {minutes}"
        longer = f"more than {bakes}" if bakes < TIMEOUT_AT_MOST else "no timeoutMinutes: then it is calculated"
        yield Finding("timeoutMinutes", message, f"{longer}, or shorter {'waits' if pauses else 'bake times'}")
