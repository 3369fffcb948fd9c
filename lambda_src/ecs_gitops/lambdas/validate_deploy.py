"""ValidateDeploy: is our deployment done? For one batch while it rolls out, for the release after each stage, and for
failures without a release.

Event for a batch: ``{"release": …, "batch": …}``; result: the same after the verdicts, ``batch.next`` WAIT, DEPLOY or
DONE and ``batch.waitSeconds``; and ``alert``, see :func:`ecs_gitops.notify.alert.alert_for`.

Event for the release: ``{"stage": the state machine's whole data}``: ``release`` and a stage (see
:class:`ecs_gitops.flow.stages.Stage`) as the deploy states left it and, when a state failed, ``error`` and
``execution``. Result while the release goes on: ``next`` DEPLOY, ``release`` and the next stage. At its end: ``next``
REPORT, ``status`` (SUCCEEDED or FAILED), ``summary``, ``error`` (None where the release succeeded) and ``cause`` for
the Fail state, ``result`` (release, counts, items: docs/architecture/contracts.md), ``notice`` (subject, message)
and ``notify``, whether it is sent. The release's metrics go to the log.

Event of EventBridge: see :mod:`ecs_gitops.lambdas.failure_notice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ecs_gitops.aws import connect, observability, warm_up
from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.aws.time_budget import LambdaContext, TimeBudget
from ecs_gitops.flow.transitions import fail
from ecs_gitops.lambdas import failure_notice
from ecs_gitops.model.batch import Batch
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.pointer import parse_event
from ecs_gitops.model.status import Next
from ecs_gitops.model.types import Json
from ecs_gitops.release import remember, steps
from ecs_gitops.release.report import after_stage
from ecs_gitops.verdict.refusals import explain
from ecs_gitops.watch.rollouts import RolloutWatch

observability.set_up()
warm_up("ecs")
LedgerBucket.warm_up()


def handler(event: Json, context: LambdaContext) -> Json:
    if isinstance(event, Mapping) and "stage" in event:
        return after_stage(event["stage"])
    if isinstance(event, Mapping) and "detail-type" in event:
        return failure_notice.send_for(event)
    return _batch_verdict(event, context)


def _batch_verdict(event: Json, context: LambdaContext) -> Json:
    release, pointer = parse_event(event)
    budget, bucket = TimeBudget.of(context), LedgerBucket.of_environment()
    ledger = steps.ledger_of(bucket, release, pointer, budget)

    def look(batch: Batch, _is_older: bool) -> Batch:
        ledger.fence.require(is_rollback=True)
        try:
            aws = budget.retry(lambda: connect(batch.target(release, is_read_only=True)))
        except AwsRefused as error:
            reason = f"the rollout cannot be watched, so the state of the service is unknown: {explain(error, batch)}"
            items = tuple(fail(item, reason) if item.is_waiting else item for item in batch.items)
            return replace(batch, items=items, next=Next.DONE)
        judged = RolloutWatch(aws, release, batch, budget).run()
        return remember.after_slice(aws, ledger, release, batch, judged, budget)

    return steps.run(bucket, release, pointer, look, budget)
