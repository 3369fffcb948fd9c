"""Read the tasks of the hooks that a batch waits for, and judge each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.flow.transitions import (
    after_failure,
    fail,
    good,
    move,
    queue_hook,
    roll_back,
    try_hook_again,
    untouched,
)
from ecs_gitops.live import services
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.item import Item, join_texts
from ecs_gitops.model.status import Hook, Judgement, Step
from ecs_gitops.verdict import hooks, rollout
from ecs_gitops.verdict.hooks import HookStatus
from ecs_gitops.verdict.refusals import explain
from ecs_gitops.watch import deployment_records

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ecs.service import Service
    from ecs_gitops.live.services import ServiceAnswers
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.types import Json
    from ecs_gitops.verdict.hooks import HookVerdict


@dataclass(frozen=True, slots=True)
class HookWatch:
    """One poll of the hooks of one batch."""

    aws: Aws
    batch: Batch
    budget: TimeBudget

    def run(self, items: list[Item]) -> list[Item]:
        """The items after the verdict on each hook."""
        now = self.budget.clock()
        waiting = [item for item in items if hooks.due(item) is not None]
        running = [item for item in items if hooks.due(item) is None]
        # The deploy state calls RunTask again for a task that ECS could not place.
        done = [try_hook_again(item) if (hooks.due(item) or 0) <= now else item for item in waiting]
        for cluster, group in services.by_cluster(running).items():
            done += self._of_cluster(cluster, group)
        return done

    def _of_cluster(self, cluster: str, items: list[Item]) -> list[Item]:
        arns = [self.batch.task_arn(cluster, str(item.progress.hook.get("task"))) for item in items]
        try:
            tasks = self.budget.retry(lambda: self.aws.describe_tasks(cluster, arns))
        except AwsRefused as error:
            why = f"the hook cannot be watched, so its result is unknown: {explain(error, self.batch, cluster)}"
            return [self._failed(item, why, self.budget.clock(), has_run=False) for item in items]
        by_arn = {task["taskArn"]: task for task in tasks}
        now = self.budget.clock()
        judged = [(item, arn, hooks.judge(by_arn.get(arn), item, now)) for item, arn in zip(items, arns, strict=True)]
        good = [item for item, _, verdict in judged if verdict.status is HookStatus.SUCCEEDED]
        # After the last hook, the item is DEPLOYED only if the service still runs its revision.
        ended = [item for item in good if item.progress.step.hook is Hook.POST_DEPLOY]
        answers = services.describe_services(self.aws, ended, self.budget)
        return [self._judged(item, arn, by_arn.get(arn), verdict, answers) for item, arn, verdict in judged]

    def _judged(self, item: Item, arn: str, task: Json | None, verdict: HookVerdict, answers: ServiceAnswers) -> Item:
        now = self.budget.clock()
        if verdict.status is HookStatus.RUNNING:
            return item.with_progress(text=verdict.reason or None)
        if verdict.status is HookStatus.SUCCEEDED:
            item = self._doubted(item, task) if task is not None and hooks.suspects(task, item) else item
            if item.progress.step.hook is Hook.PRE_DEPLOY:
                return move(item, Step.UPDATE, since=None, hook={})
            return self._deployed(item, answers[item.number], now)
        why = verdict.reason
        if verdict.status is HookStatus.UNPLACED:
            waiting = queue_hook(item, why, now, self.batch.stretch)
            if waiting is not None:
                return waiting
            why = hooks.could_not_run(item, why, now)
        elif verdict.status is HookStatus.TIMED_OUT:
            why += self._stop(item, arn)
        elif task is not None:
            why = join_texts(why, self._of_others(item, task)) or ""
        return self._failed(item, why, now, has_run=verdict.has_run)

    def _failed(self, item: Item, why: str, now: float, *, has_run: bool) -> Item:
        """Before the rollout nothing of the service was changed. A hook that never ran is no verdict on the
        revision."""
        if item.progress.step.hook is Hook.PRE_DEPLOY:
            return untouched(item, why, now)
        # Whose deployment it was is told, whatever becomes of the item.
        note = item.reason if item.watched.is_followed else None
        judgement = Judgement.FAILED if has_run else Judgement.OPEN
        return after_failure(item, join_texts(why, note) or "", now, judgement)

    def _deployed(self, item: Item, answer: Service | AwsRefused | None, now: float) -> Item:
        """The item after its last hook succeeded: DEPLOYED, unless somebody deployed another revision meanwhile."""
        if isinstance(answer, AwsRefused):
            return good(item, now)
        watched = deployment_records.watched(item, self.batch, now)
        verdict = rollout.require_service(answer) if answer is None else rollout.superseded(answer, watched)
        if verdict is None:
            return good(item, now, runs_nothing=answer is not None and answer.desired == 0)
        why = f"{verdict.reason}, while the hook postDeploy ran"
        # Somebody else's deployment took its place, which is no verdict.
        return fail(item, why, now) if verdict.is_lost else roll_back(item, why, Judgement.OPEN)

    def _doubted(self, item: Item, task: Json) -> Item:
        """The item, with a warning where another container may have ended its hook's task."""
        try:
            definition, _ = self.aws.describe_task_definition(item.change.revision or "")
        except (AwsRefused, AwsUnavailable):
            definition = {}
        warning = hooks.doubt(task, item, definition)
        return item if warning is None else item.with_change(warnings=(*item.change.warnings, warning))

    def _of_others(self, item: Item, task: Json) -> str:
        """What the task's other containers did, and their logs. An error of this read must not hide the verdict."""
        try:
            definition, _ = self.aws.describe_task_definition(item.change.revision or "")
        except (AwsRefused, AwsUnavailable):
            return ""
        return hooks.other_containers(task, item, definition)

    def _stop(self, item: Item, arn: str) -> str:
        """Stop the task of a hook that timed out. Returns what is added to the reason."""
        try:
            stop = self.aws.stop_task
            self.budget.retry(lambda: stop(item.cluster, arn, hooks.TOOK_TOO_LONG))
        except (AwsRefused, AwsUnavailable) as error:
            return f"; it could not be stopped: {error}"
        return "; it was stopped"
