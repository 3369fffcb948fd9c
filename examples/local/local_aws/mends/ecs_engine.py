"""ECS tasks take time to start, and an image's name says how it behaves.

AWS: a task goes PROVISIONING, PENDING, ACTIVATING (images are pulled), RUNNING; a deployment is done when enough
of its tasks run. ministack completes everything at once unless it finds Docker. Here a stand-in for the Docker client
lets ministack's own rollout engine run in simulated time:

- a tag or name that contains `broken` cannot be pulled (`CannotPullContainerError`),
- one that contains `crash` exits 1 soon after its start,
- one that contains `never` never comes up,
- any other runs after `rollout_seconds`.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from typing import Any

from ministack.services import ecs

from local_aws.settings import SETTINGS

_TASK_LABEL = "com.amazonaws.ecs.task-arn"
_CRASH_SECONDS = 0.3
_STEADY_SECONDS = 0.2
_KILLED = 137  # exit code of the containers that go down with the essential one


class ImageMissingError(Exception):
    """The registry does not have the image."""


class Container:
    """One simulated container, with the members of docker-py's that ministack reads."""

    def __init__(self, image: str, labels: dict[str, str]) -> None:
        self.id = uuid.uuid4().hex * 2
        self.image, self.labels = image, labels
        self._started, self._is_removed = time.monotonic(), False
        address = f"10.0.{int(self.id[:2], 16)}.{int(self.id[2:4], 16) or 1}"
        self.attrs = {"NetworkSettings": {"Networks": {"local": {"IPAddress": address}}}}

    @property
    def status(self) -> str:
        """Docker's word for its state."""
        has_crashed = "crash" in self.image and time.monotonic() - self._started > _CRASH_SECONDS
        return "exited" if self._is_removed or has_crashed else "running"

    def reload(self) -> None:
        """Nothing to refresh."""

    def wait(self, **_: Any) -> dict[str, int]:
        """The exit code."""
        return {"StatusCode": 0 if self._is_removed else 1}

    def logs(self, *, stream: bool = False, **_: Any) -> Any:
        """No output."""
        return iter(()) if stream else b""

    def stop(self, **_: Any) -> None:
        """End it."""
        self._is_removed = True

    def remove(self, **_: Any) -> None:
        """End it and forget it."""
        self._is_removed = True
        ENGINE.containers.forget(self.id)


class Images:
    """Pulls, as far as ministack asks for them."""

    def pull(self, image: str) -> None:
        """Fail for an image that the registry would not have."""
        name = image.rsplit("/", 1)[-1]
        if "broken" in name:
            time.sleep(max(0.2, SETTINGS.rollout_seconds / 3))
            raise ImageMissingError(
                f"pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: not found"
            )


class Containers:
    """The containers that exist."""

    def __init__(self) -> None:
        self._by_id: dict[str, Container] = {}
        self._first_seen: dict[str, float] = {}
        self._lock = threading.Lock()

    def run(self, image: str, **options: Any) -> Container:
        """Start a container: returns when it is up, which the task's first container takes its time for."""
        labels = options.get("labels") or {}
        self._wait_until_up(image, labels.get(_TASK_LABEL, ""))
        container = Container(image, labels)
        with self._lock:
            self._by_id[container.id] = container
        return container

    def _wait_until_up(self, image: str, task_arn: str) -> None:
        with self._lock:
            started = self._first_seen.setdefault(task_arn, time.monotonic())
        while "never" in image.rsplit("/", 1)[-1] or time.monotonic() - started < SETTINGS.rollout_seconds:
            task = ecs._tasks.get(task_arn)
            if task is None or task.get("desiredStatus") == "STOPPED":
                raise RuntimeError("the task was stopped before it was up")
            time.sleep(0.05)

    def get(self, container_id: str) -> Container:
        """A container by id; raises KeyError."""
        return self._by_id[container_id]

    def list(self, **_: Any) -> list[Container]:
        """All containers."""
        return list(self._by_id.values())

    def forget(self, container_id: str) -> None:
        """Drop a container."""
        with self._lock:
            self._by_id.pop(container_id, None)


class Engine:
    """The stand-in for `docker.from_env()`."""

    def __init__(self) -> None:
        self.images, self.containers = Images(), Containers()


ENGINE = Engine()


def _run_container(engine: Engine, definition: dict[str, Any], options: dict[str, Any], **_: Any) -> Container:
    """Pull and start one container of a task."""
    try:
        engine.images.pull(definition["image"])
    except ImageMissingError as error:
        raise ecs._ImagePullError(str(error)) from error
    return engine.containers.run(definition["image"], **options)


def apply() -> None:
    """Give ministack's ECS the engine; report image digests; say why a task did not start on its containers."""
    ecs._get_docker = lambda: ENGINE
    ecs._ECS_DEPLOYMENT_STEADY_DELAY = _STEADY_SECONDS
    # AWS starts all tasks of a deployment together; ministack would hold the others until the first one is up.
    ecs._deployment_needs_first_task = lambda *_: False
    # On Fargate images are pulled while a task is PENDING, and pendingCount counts it.
    ecs._mark_task_activating = ecs._task_is_active
    ecs._run_docker_container = _run_container
    attach, stopped, run_task = ecs._attach_started_container, ecs._mark_task_stopped, ecs._run_task

    def attach_started_container(task: Any, container: Any, index: int, *rest: Any) -> Any:
        if index < len(task.get("containers", [])):
            image = task["containers"][index].get("image", "")
            task["containers"][index].setdefault("imageDigest", f"sha256:{hashlib.sha256(image.encode()).hexdigest()}")
        return attach(task, container, index, *rest)

    def mark_task_stopped(task_arn: str, task: Any, reason: str, stop_code: str, exit_code: int | None = None) -> Any:
        if stop_code == "EssentialContainerExited":
            reason, exit_code = "Essential container in task exited", _KILLED
        elif task.get("_deployment_id") and stop_code == "UserInitiated":
            stop_code = "ServiceSchedulerInitiated"
            reason = f"Scaling activity initiated by (deployment {task['_deployment_id']})"
        if stop_code == "TaskFailedToStart":
            for container in task.get("containers", []):
                if container.get("lastStatus") != "RUNNING":
                    container["reason"] = reason
        return stopped(task_arn, task, reason, stop_code, exit_code)

    def run_with_deployment(data: dict[str, Any]) -> Any:
        if data.get("_deploymentId"):
            data = {**data, "startedBy": data["_deploymentId"]}
        return run_task(data)

    ecs._attach_started_container = attach_started_container
    ecs._mark_task_stopped = mark_task_stopped
    ecs._run_task = run_with_deployment
