"""A container engine in which images take time and fail by their tag, in place of Docker.

ministack drives its ECS rollouts through docker-py. These are the few calls that it makes. An image whose tag contains

- ``broken`` cannot be pulled (``CannotPullContainerError``),
- ``crash`` runs and exits with 1,
- ``never`` does not come up,

and any other image's task runs ``rollout_seconds`` after it was started.
"""

from __future__ import annotations

import hashlib
import itertools
import time
import uuid
from typing import Any

from ministack.services import ecs

from local_aws.state import settings

_ADDRESS = itertools.count(10)
_LONG = 86_400.0


class Engine:
    """Stands where ministack expects a docker client."""

    def __init__(self) -> None:
        self.images = Images()
        self.containers = Containers()


class Image:
    def tag(self, _repository: str, tag: str | None = None) -> bool:
        return bool(tag)


class Images:
    def get_registry_data(self, image: str, **_: Any) -> Any:
        """The manifest's digest, which keeps the tag findable; see :func:`tag_of`."""
        digest = hashlib.sha256(image.encode()).hexdigest()
        _tags[f"sha256:{digest}"] = tag_of(image)
        return type("RegistryData", (), {"id": f"sha256:{digest}"})()

    def pull(self, image: str, **_: Any) -> Image:
        tag = tag_of(image)
        if "broken" in tag:
            time.sleep(min(0.3, settings.rollout_seconds))
            raise RuntimeError(f"pull image manifest has been retried 1 time(s): {image}: not found")
        return Image()

    def get(self, image: str) -> Image:
        from docker.errors import ImageNotFound

        raise ImageNotFound(image)


class Containers:
    def __init__(self) -> None:
        self._all: dict[str, Container] = {}
        self._begun: dict[str, float] = {}

    def run(self, image: str, **options: Any) -> Container:
        """Start a container; a task as a whole, sidecars and all, takes ``rollout_seconds``."""
        task = (options.get("labels") or {}).get("com.amazonaws.ecs.task-arn", "")
        up = self._begun.setdefault(task, time.monotonic()) + settings.rollout_seconds
        if "never" in tag_of(image):
            up += _LONG
        while time.monotonic() < up:
            if (ecs._tasks.get(task) or {}).get("desiredStatus") == "STOPPED":
                raise RuntimeError("the task was stopped before it was up")
            time.sleep(0.05)
        made = Container(image, options)
        self._all[made.id] = made
        return made

    def get(self, container_id: str) -> Container:
        return self._all[container_id]

    def list(self, **_: Any) -> list[Container]:
        return list(self._all.values())


class Container:
    def __init__(self, image: str, options: dict[str, Any]) -> None:
        self.id = uuid.uuid4().hex * 2
        self.image = image
        self.labels = options.get("labels", {})
        self.attrs = {"NetworkSettings": {"Networks": {"local": {"IPAddress": f"10.0.0.{next(_ADDRESS) % 250}"}}}}
        self._crashes_at = time.time() + 0.2 if "crash" in tag_of(image) else None
        self._stopped = False

    @property
    def status(self) -> str:
        crashed = self._crashes_at is not None and time.time() > self._crashes_at
        return "exited" if self._stopped or crashed else "running"

    def reload(self) -> None:
        """Nothing is cached."""

    def wait(self, **_: Any) -> dict[str, int]:
        return {"StatusCode": 0 if self._stopped else 1}

    def logs(self, stream: bool = False, **_: Any) -> Any:
        return iter(()) if stream else b""

    def stop(self, **_: Any) -> None:
        self._stopped = True

    kill = remove = stop


_tags: dict[str, str] = {}


def tag_of(image: str) -> str:
    """The tag of an image; of one that was pinned by ministack, the tag that its digest came from."""
    repository, _, digest = image.partition("@")
    return _tags.get(digest) or repository.rsplit("/", 1)[-1].partition(":")[2]
