"""DeployTask: a batch of scheduled tasks of one account and Region.

In mode CHECK nothing is changed, see :mod:`ecs_gitops.preflight`; in mode DEPLOY what is pending is deployed or
returned, see :mod:`ecs_gitops.deploy_tasks`; in mode CLEAN revisions that failed are deregistered, see
:mod:`ecs_gitops.deregistration`.

Event: ``{"release": …, "batch": …, "attempt": retries so far, "redrive": redrives so far}``. Result: ``{"release",
"batch"}``; after DEPLOY every item of the batch is final. And ``alert``, see :func:`ecs_gitops.alert.alert`.
"""

from __future__ import annotations

from ecs_gitops import observability
from ecs_gitops.deploy_tasks import TaskDeployer
from ecs_gitops.deregistration import Deregistration
from ecs_gitops.handlers.batch import run
from ecs_gitops.patience import LambdaContext
from ecs_gitops.preflight_tasks import TaskPreflight
from ecs_gitops.types import Json

observability.set_up()


def handler(event: Json, context: LambdaContext) -> Json:
    return run("task", {"CHECK": TaskPreflight, "DEPLOY": TaskDeployer, "CLEAN": Deregistration}, event, context)
