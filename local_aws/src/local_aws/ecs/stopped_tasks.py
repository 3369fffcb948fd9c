"""Why a task stopped, in ECS's words.

AWS: a task that its service's scheduler ends has ``stopCode`` ServiceSchedulerInitiated and names the deployment; one
that did not start gives the reason on its containers, too; when an essential container exits, the others are killed
(137). A task that a user stops with StopTask is UserInitiated with the reason given, its containers are killed if they
do not end by themselves (137), and a service starts another one. A container that was not up has no exit code. A new
deployment ends the tasks of the one it supersedes that are not up yet. ministack calls the scheduler's stops
UserInitiated, gives the reason on the task alone, one exit code to all, and keeps waiting for the superseded tasks.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack.services import ecs

from local_aws.ecs import engine

_KILLED = 137
_by_user: ContextVar[bool] = ContextVar("stopped by a user", default=False)


def mend() -> None:
    """Apply every mend of this module."""
    mark, reconcile = ecs._mark_task_stopped, ecs._reconcile_service_tasks

    def mark_task_stopped(arn: str, task: Any, reason: str, stop_code: str, exit_code: int | None = None) -> Any:
        if stop_code == "EssentialContainerExited":
            reason, exit_code = "Essential container in task exited", _KILLED
        elif stop_code == "UserInitiated" and _by_user.get():
            exit_code = _KILLED
        elif stop_code == "UserInitiated" and task.get("_deployment_id"):
            stop_code = "ServiceSchedulerInitiated"
            reason = f"Scaling activity initiated by (deployment {task['_deployment_id']})"
        elif stop_code == "TaskFailedToStart" and ecs._task_is_active(arn, task):
            for container in task.get("containers", []):
                if container.get("lastStatus") != "RUNNING":
                    container["reason"] = reason
        engine.stop(arn)
        never_up = [each for each in task.get("containers", []) if not each.get("runtimeId")]
        is_marked = mark(arn, task, reason, stop_code, exit_code)
        for container in never_up:
            container["exitCode"] = None
        return is_marked

    def reconcile_service_tasks(cluster: str, key: str) -> None:
        for arn in _superseded(key):
            ecs._stop_task({"task": arn, "cluster": cluster, "reason": "Deployment superseded"})
        reconcile(cluster, key)

    ecs._mark_task_stopped, ecs._reconcile_service_tasks = mark_task_stopped, reconcile_service_tasks
    _mend_stop_task()


def _mend_stop_task() -> None:
    stop = ecs._ACTION_MAP["StopTask"]

    def stop_task(data: Any) -> Any:
        by_user = _by_user.set(True)
        try:
            answer = stop(data)
        finally:
            _by_user.reset(by_user)
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        task = ecs._resolve_task(data.get("task", ""), cluster) or {}
        if answer[0] == 200 and task.get("_deployment_id"):
            ecs._reconcile_service_tasks(cluster, f"{cluster}/{task['group'].removeprefix('service:')}")
        return answer

    ecs._ACTION_MAP["StopTask"] = stop_task


def _superseded(key: str) -> list[str]:
    """ARNs of the tasks that are not up yet and belong to another deployment than the primary one."""
    service = ecs._services.get(key)
    primary = ecs._primary_deployment(service) if service else None
    if service is None or primary is None:
        return []
    return [
        arn
        for arn, task in ecs._tasks.items()
        if task.get("group") == f"service:{service['serviceName']}"
        and task.get("clusterArn") == service["clusterArn"]
        and task.get("lastStatus") in ("PROVISIONING", "PENDING", "ACTIVATING")
        and task.get("_deployment_id") not in (None, primary["id"])
    ]
