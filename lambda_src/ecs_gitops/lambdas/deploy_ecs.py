"""DeployEcs: a batch of services of one account and Region.

In mode CHECK nothing is changed, see :mod:`ecs_gitops.release.preflight`; in mode DEPLOY what is pending is deployed or
returned, see :mod:`ecs_gitops.apply.services`; in mode CLEAN revisions that failed are deregistered, see
:mod:`ecs_gitops.apply.deregistration`.

Event: ``{"release": …, "batch": …, "attempt": retries so far, "redrive": redrives so far}``. Result: ``{"release",
"batch"}`` with ``batch.next`` DEPLOY, WAIT or DONE and ``batch.waitSeconds``; and ``alert``, see
:func:`ecs_gitops.notify.alert.alert_for`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecs_gitops.apply.deregistration import Deregistration
from ecs_gitops.apply.services import ServiceDeployer
from ecs_gitops.aws import observability
from ecs_gitops.aws.time_budget import LambdaContext
from ecs_gitops.lambdas.batch_run import MakesRun, run
from ecs_gitops.model.status import Kind, Mode
from ecs_gitops.model.types import Json
from ecs_gitops.release.preflight_services import ServicePreflight

observability.set_up()


_MODES: Mapping[Mode, MakesRun] = {
    Mode.CHECK: ServicePreflight,
    Mode.DEPLOY: ServiceDeployer,
    Mode.CLEAN: Deregistration,
}


def handler(event: Json, context: LambdaContext) -> Json:
    return run(Kind.SERVICE, _MODES, event, context)
