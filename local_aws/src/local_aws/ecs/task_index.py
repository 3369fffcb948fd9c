"""Tasks are found by their service, so that a release of hundreds of services does not slow down with their square.

ministack looks through all tasks for those of one service, at each change of each task, and counts a cluster's tasks as
often; here the tasks of a service are at hand, and a cluster's are counted when somebody asks. What it answers is the
same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ministack.core import concurrency
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import ecs

_at_hand = threading.local()


class _Tasks(AccountRegionScopedDict):  # type: ignore[misc]
    """Tasks by ARN; while a service is at hand, a walk through them is one through its own."""

    def __init__(self) -> None:
        super().__init__()
        self._groups: dict[tuple[str, str, str], dict[str, Any]] = {}

    def __setitem__(self, arn: str, task: Any) -> None:
        super().__setitem__(arn, task)
        self._groups.setdefault((get_account_id(), get_region(), task.get("group", "")), {})[arn] = task

    def __delitem__(self, arn: str) -> None:
        self.pop(arn)

    def pop(self, arn: str, *default: Any) -> Any:
        task = super().pop(arn, *default)
        if isinstance(task, dict):
            self._groups.get((get_account_id(), get_region(), task.get("group", "")), {}).pop(arn, None)
        return task

    def clear(self) -> None:
        super().clear()
        self._groups.clear()

    def items(self) -> list[tuple[str, Any]]:
        group = getattr(_at_hand, "group", None)
        if group is not None:
            return list(self._groups.get((get_account_id(), get_region(), group), {}).items())
        place = (get_account_id(), get_region())
        return [(key[2], task) for key, task in list(self._data.items()) if key[:2] == place]

    def values(self) -> list[Any]:
        return [task for _, task in self.items()]


def mend() -> None:
    """Apply every mend of this module, after all that wrap the same functions."""
    ecs._tasks = _Tasks()
    for name, group in (
        ("_refresh_service_state", _group_itself),
        ("_complete_service_deployment", _group_of_key),
        ("_reconcile_service_tasks", _group_of_key),
    ):
        setattr(ecs, name, _with_service_at_hand(getattr(ecs, name), group))
    listed, updated = ecs._ACTION_MAP["ListTasks"], ecs._ACTION_MAP["UpdateService"]
    ecs._ACTION_MAP["ListTasks"] = lambda data: _of_named(listed, data, data.get("serviceName"))
    ecs._ACTION_MAP["UpdateService"] = lambda data: _of_named(updated, data, data.get("service"))
    _count_on_demand()
    _take_locks_quickly()


def _group_itself(_: str, group: str) -> str:
    return group


def _group_of_key(_: str, key: str, *__: Any, **___: Any) -> str:
    return f"service:{key.split('/', 1)[1]}"


@contextmanager
def _service(group: str) -> Iterator[None]:
    before = getattr(_at_hand, "group", None)
    _at_hand.group = group
    try:
        yield
    finally:
        _at_hand.group = before


def _with_service_at_hand(inner: Callable[..., Any], group_of: Callable[..., str]) -> Callable[..., Any]:
    def narrowed(*arguments: Any, **options: Any) -> Any:
        with _service(group_of(*arguments, **options)):
            return inner(*arguments, **options)

    return narrowed


def _of_named(inner: Callable[[Any], Any], data: Any, service: Any) -> Any:
    if not service:
        return inner(data)
    with _service(f"service:{str(service).rsplit('/', 1)[-1]}"):
        return inner(data)


def _count_on_demand() -> None:
    count, describe = ecs._recount_cluster, ecs._ACTION_MAP["DescribeClusters"]

    def recount_cluster(cluster: str) -> None:
        if getattr(_at_hand, "is_counting", False):
            count(cluster)

    def describe_clusters(data: Any) -> Any:
        _at_hand.is_counting = True
        try:
            return describe(data)
        finally:
            _at_hand.is_counting = False

    ecs._recount_cluster = recount_cluster
    ecs._ACTION_MAP["DescribeClusters"] = describe_clusters


def _take_locks_quickly() -> None:
    """A lock that is there is had without waiting for the lock of all locks, at which hundreds of threads queue."""
    make, made = ecs.resource_lock, concurrency._resource_locks
    ecs.resource_lock = lambda scope, key: made.get((scope, key)) or make(scope, key)
