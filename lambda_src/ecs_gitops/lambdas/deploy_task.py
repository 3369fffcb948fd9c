"""DeployTask: a batch of scheduled tasks of one account and Region.

In mode CHECK nothing is changed, see :mod:`ecs_gitops.release.preflight`. In mode DEPLOY pending items are deployed or
rolled back, see :mod:`ecs_gitops.apply.scheduled_tasks`. In mode CLEAN failed revisions are deregistered, see
:mod:`ecs_gitops.apply.deregistration`.

Event: ``{"release": …, "batch": …, "attempt": retries so far, "redrive": redrives so far}``. Result: ``{"release",
"batch"}``; after DEPLOY every item of the batch is final. And ``alert``, see :func:`ecs_gitops.notify.alert.alert_for`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecs_gitops.apply.deregistration import Deregistration
from ecs_gitops.apply.scheduled_tasks import TaskDeployer
from ecs_gitops.aws import observability, warm_up
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import LambdaContext
from ecs_gitops.lambdas.batch_run import MakesRun, run
from ecs_gitops.model.status import Kind, Mode
from ecs_gitops.model.types import Json
from ecs_gitops.release.preflight_tasks import TaskPreflight

observability.set_up()
warm_up("ecs", "events", "scheduler")
LedgerBucket.warm_up()


_MODES: Mapping[Mode, MakesRun] = {Mode.CHECK: TaskPreflight, Mode.DEPLOY: TaskDeployer, Mode.CLEAN: Deregistration}


def handler(event: Json, context: LambdaContext) -> Json:
    return run(Kind.TASK, _MODES, event, context)
