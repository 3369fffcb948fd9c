"""Look at the tasks of the hooks that a batch waits for, and judge each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.flow.transitions import (
    after_failure,
    end,
    fail,
    move,
    queue_hook,
    roll_back,
    try_hook_again,
    untouched,
)
from ecs_gitops.ledger.failure_tags import tag_failed
from ecs_gitops.live import services
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.item import Item, join_texts
from ecs_gitops.model.status import Hook, Status, Step
from ecs_gitops.verdict import hooks, rollout
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
    """One look at the hooks of one batch."""

    aws: Aws
    batch: Batch
    budget: TimeBudget

    def run(self, items: list[Item]) -> list[Item]:
        """The items, each with what became of its hook."""
        now = self.budget.clock()
        waiting = [item for item in items if hooks.due(item) is not None]
        running = [item for item in items if hooks.due(item) is None]
        # What found no place is asked for again by the deploy state.
        done = [try_hook_again(item) if (hooks.due(item) or 0) <= now else item for item in waiting]
        for cluster, group in services.by_cluster(running).items():
            done += self._of_cluster(cluster, group)
        return done

    def _of_cluster(self, cluster: str, items: list[Item]) -> list[Item]:
        arns = [self.batch.task_arn(cluster, str(item.progress.hook.get("task"))) for item in items]
        try:
            tasks = self.budget.retry(lambda: self.aws.describe_tasks(cluster, arns))
        except AwsRefused as error:
            told = f"the hook cannot be watched, so how it ends is unknown: {explain(error, self.batch, cluster)}"
            return [self._failed(item, told, self.budget.clock()) for item in items]
        by_arn = {task["taskArn"]: task for task in tasks}
        now = self.budget.clock()
        judged = [(item, arn, hooks.judge(by_arn.get(arn), item, now)) for item, arn in zip(items, arns, strict=True)]
        good = [item for item, _, verdict in judged if verdict.status == hooks.SUCCEEDED]
        # What the service runs by now decides of those whose last hook it was.
        ended = [item for item in good if item.progress.step.hook is Hook.POST_DEPLOY]
        answers = services.describe_services(self.aws, ended, self.budget)
        return [self._judged(item, arn, by_arn.get(arn), verdict, answers) for item, arn, verdict in judged]

    def _judged(self, item: Item, arn: str, task: Json | None, verdict: HookVerdict, answers: ServiceAnswers) -> Item:
        now = self.budget.clock()
        if verdict.status == hooks.RUNNING:
            return item.with_progress(text=verdict.reason or None)
        if verdict.status == hooks.SUCCEEDED:
            if item.progress.step.hook is Hook.PRE_DEPLOY:
                return move(item, Step.UPDATE, since=None, hook={})
            return self._proven(item, answers[item.number], now)
        why = verdict.reason
        if verdict.status == hooks.UNPLACED:
            waiting = queue_hook(item, why, now, self.batch.stretch)
            if waiting is not None:
                return waiting
            why = hooks.could_not_run(item, why, now)
        elif verdict.status == hooks.TIMED_OUT:
            why += self._stop(item, arn)
        elif task is not None:
            why = join_texts(why, self._of_others(item, task)) or ""
        return self._failed(item, why, now)

    def _failed(self, item: Item, why: str, now: float) -> Item:
        """Before the rollout nothing of the service was changed."""
        if item.progress.step.hook is Hook.PRE_DEPLOY:
            return untouched(item, why, now)
        return tag_failed(self.aws, self.batch, after_failure(item, why, now))

    def _proven(self, item: Item, answer: Service | AwsRefused | None, now: float) -> Item:
        """An item whose last hook went well: DEPLOYED, unless somebody deployed something else while the hook ran."""
        if isinstance(answer, AwsRefused):
            return end(item, Status.DEPLOYED, now)
        watched = deployment_records.watched(item, self.batch, now)
        verdict = rollout.require_service(answer) if answer is None else rollout.superseded(answer, watched)
        if verdict is None:
            return end(item, Status.DEPLOYED, now)
        why = f"{verdict.reason}, while the hook postDeploy ran"
        return fail(item, why, now) if verdict.is_lost else roll_back(item, why)

    def _of_others(self, item: Item, task: Json) -> str:
        """What other containers did, and where to read on. That it cannot be read must not hide the verdict."""
        try:
            definition, _ = self.aws.describe_task_definition(item.change.revision or "")
        except (AwsRefused, AwsUnavailable):
            return ""
        return hooks.of_others(task, item, definition)

    def _stop(self, item: Item, arn: str) -> str:
        """End a hook that takes too long; what is told of that."""
        try:
            stop = self.aws.stop_task
            self.budget.retry(lambda: stop(item.cluster, arn, "ecs-gitops: the hook took too long"))
        except (AwsRefused, AwsUnavailable) as error:
            return f"; it could not be stopped: {error}"
        return "; it was stopped"
