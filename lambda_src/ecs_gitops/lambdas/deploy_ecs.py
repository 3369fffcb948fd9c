"""DeployEcs: a batch of services of one account and Region.

In mode CHECK nothing is changed, see :mod:`ecs_gitops.release.preflight`. In mode PREPARE the hooks before the rollouts
are run. In mode DEPLOY pending items are deployed or rolled back, see :mod:`ecs_gitops.apply.services`. In mode CLEAN
failed revisions are deregistered, see :mod:`ecs_gitops.apply.deregistration`.

Event: ``{"release": …, "batch": …, "attempt": retries so far, "redrive": redrives so far}``. Result: ``{"release",
"batch"}`` with ``batch.next`` DEPLOY, WAIT or DONE and ``batch.waitSeconds``; and ``alert``, see
:func:`ecs_gitops.notify.alert.alert_for`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecs_gitops.apply.deregistration import Deregistration
from ecs_gitops.apply.services import ServiceDeployer
from ecs_gitops.aws import observability, warm_up
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import LambdaContext
from ecs_gitops.lambdas.batch_run import MakesRun, run
from ecs_gitops.model.status import Kind, Mode
from ecs_gitops.model.types import Json
from ecs_gitops.release.preflight_services import ServicePreflight

observability.set_up()
warm_up("ecs")
LedgerBucket.warm_up()


_MODES: Mapping[Mode, MakesRun] = {
    Mode.CHECK: ServicePreflight,
    Mode.PREPARE: ServiceDeployer,
    Mode.DEPLOY: ServiceDeployer,
    Mode.CLEAN: Deregistration,
}


def handler(event: Json, context: LambdaContext) -> Json:
    return run(Kind.SERVICE, _MODES, event, context)
