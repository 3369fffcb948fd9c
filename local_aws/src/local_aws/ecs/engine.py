"""A container engine in which images take time and fail by their tag, in place of Docker.

ministack drives its ECS rollouts through docker-py. These are the few calls that it makes. An image whose tag contains

- ``broken`` cannot be pulled (``CannotPullContainerError``),
- ``crash`` runs and exits with 1 at once,
- ``flap`` runs, is seen to run, and exits with 1 a second later,
- ``never`` does not come up,

and any other image's task runs ``rollout_seconds`` after it was started. A one-off task then ends by itself, see
:mod:`local_aws.ecs.standalone_tasks`.
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from ministack.services import ecs

from local_aws.control import clock
from local_aws.control.settings import settings
from local_aws.ecs import standalone_tasks
from local_aws.stores.images import digest_of, pull_error, tag_of

_ADDRESS = itertools.count(10)
_LONG = 86_400.0
_CRASHES_AFTER = 0.2
_FLAPS_AFTER = 1.0
_stopped: dict[str, threading.Event] = {}


def stop(arn: str) -> None:
    """A task is stopped, and does not come up any more if it is not up."""
    _stopped.setdefault(arn, threading.Event()).set()


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
        return type("RegistryData", (), {"id": digest_of(image)})()

    def pull(self, image: str, **_: Any) -> Image:
        if error := pull_error(image):
            clock.sleep(min(0.3, settings.rollout_seconds))
            raise RuntimeError(error)
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
        arn = (options.get("labels") or {}).get("com.amazonaws.ecs.task-arn", "")
        task = ecs._tasks.get(arn) or {}
        if error := pull_error(image):
            # ministack pulls for services alone.
            clock.sleep(min(0.3, settings.rollout_seconds))
            raise ecs._ImagePullError(error)
        up = self._begun.setdefault(arn, time.monotonic()) + clock.real(settings.rollout_seconds)
        if "never" in tag_of(image):
            up += _LONG
        stopped = _stopped.setdefault(arn, threading.Event())
        if task.get("desiredStatus") == "STOPPED" or stopped.wait(max(0.0, up - time.monotonic())):
            raise RuntimeError("the task was stopped before it was up")
        made = Container(image, options, task)
        self._all[made.id] = made
        return made

    def get(self, container_id: str) -> Container:
        return self._all[container_id]

    def list(self, **_: Any) -> list[Container]:
        return list(self._all.values())


@dataclass(frozen=True, slots=True)
class End:
    """How a container ends by itself. ``when_seen``: not before its service counts the task as started."""

    code: int
    after: float
    when_seen: bool = False


class Container:
    def __init__(self, image: str, options: dict[str, Any], task: dict[str, Any]) -> None:
        self.id = uuid.uuid4().hex * 2
        self.image = image
        self.labels = options.get("labels", {})
        self.attrs = {"NetworkSettings": {"Networks": {"local": {"IPAddress": f"10.0.0.{next(_ADDRESS) % 250}"}}}}
        self._task = task
        self._begun = time.monotonic()
        name = self.labels.get("com.amazonaws.ecs.container-name", "")
        self._name = name
        self._end = _end(image, name, options.get("command") or [], task)
        # When it ends at the earliest, by the monotonic clock; None: not by itself.
        self.ends_at = None if self._end is None else self._begun + clock.real(self._end.after)
        self._stopped = False

    @property
    def status(self) -> str:
        return "exited" if self._stopped or self._has_ended() else "running"

    def _has_ended(self) -> bool:
        if self.ends_at is None or time.monotonic() < self.ends_at or self._end is None:
            return False
        if standalone_tasks.is_started_again(self._task, self._name, self._end.code, self._end.after):
            self.ends_at += clock.real(self._end.after)
            return False
        return bool(self._task.get("_startup_stable")) or not self._end.when_seen

    def reload(self) -> None:
        """Nothing is cached."""

    def wait(self, **_: Any) -> dict[str, int]:
        return {"StatusCode": self._end.code if self._end and not self._stopped else 137}

    def logs(self, stream: bool = False, **_: Any) -> Any:
        return iter(()) if stream else b""

    def stop(self, **_: Any) -> None:
        self._stopped = True

    kill = remove = stop


def _end(image: str, name: str, command: list[str], task: dict[str, Any]) -> End | None:
    is_one_off = standalone_tasks.is_one_off(task)
    if "crash" in tag_of(image):
        return End(1, _CRASHES_AFTER)
    if "flap" in tag_of(image):
        return End(1, _FLAPS_AFTER, when_seen=not is_one_off)
    if is_one_off and name in standalone_tasks.workers(task):
        code = standalone_tasks.exit_code(command)
        return None if code is None else End(code, standalone_tasks.seconds(command))
    return None
