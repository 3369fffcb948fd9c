"""Why a task stopped, in ECS's words.

AWS: a task that its service's scheduler ends has ``stopCode`` ServiceSchedulerInitiated and names the deployment; one
that did not start gives the reason on its containers, too; when an essential container exits, the others are killed
(137). ministack calls the first UserInitiated, gives the reason on the task alone, and one exit code to all.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

from typing import Any

from ministack.services import ecs

_KILLED = 137


def mend() -> None:
    """Apply the mend of this module."""
    mark = ecs._mark_task_stopped

    def mark_task_stopped(arn: str, task: Any, reason: str, stop_code: str, exit_code: int | None = None) -> Any:
        if stop_code == "EssentialContainerExited":
            reason, exit_code = "Essential container in task exited", _KILLED
        elif stop_code == "UserInitiated" and task.get("_deployment_id"):
            stop_code = "ServiceSchedulerInitiated"
            reason = f"Scaling activity initiated by (deployment {task['_deployment_id']})"
        elif stop_code == "TaskFailedToStart":
            for container in task.get("containers", []):
                if container.get("lastStatus") != "RUNNING":
                    container["reason"] = reason
        return mark(arn, task, reason, stop_code, exit_code)

    ecs._mark_task_stopped = mark_task_stopped
