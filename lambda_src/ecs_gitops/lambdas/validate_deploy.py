"""ValidateDeploy: is our deployment done? For one batch while it rolls out, for the release after each stage, and for
what failed without a release.

Event for a batch: ``{"release": …, "batch": …}``; result: the same, what is over judged, ``batch.next`` WAIT, DEPLOY or
DONE and ``batch.waitSeconds``; and ``alert``, see :func:`ecs_gitops.notify.alert.alert`.

Event for the release: ``{"stage": the state machine's whole data}``: ``release`` and a stage (see
:class:`ecs_gitops.flow.stages.Stage`) as the deploy states left it and, when a state failed, ``error`` and
``execution``. Result while the release goes on: ``next`` DEPLOY, ``release`` and the next stage. At its end: ``next``
REPORT, ``status`` (SUCCEEDED or FAILED), ``summary``, ``error`` (None where the release succeeded) and ``cause`` for
the Fail state, ``result`` (release, counts, items as documented in docs/architecture.md), ``notice`` (subject, message)
and ``notify``, whether it is sent. The release's metrics go to the log.

Event of EventBridge: see :mod:`ecs_gitops.lambdas.failure_notice`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ecs_gitops.aws import connect, observability
from ecs_gitops.aws.time_budget import LambdaContext, Patience
from ecs_gitops.ecs.provenance import Release, of_input
from ecs_gitops.flow import outcome as report
from ecs_gitops.flow.next_step import explain
from ecs_gitops.flow.stages import CHECK, Stage, following
from ecs_gitops.lambdas import failure_notice
from ecs_gitops.lambdas.batch_run import answer
from ecs_gitops.manifest import problems
from ecs_gitops.model import event_data
from ecs_gitops.model import items as work
from ecs_gitops.model.batch import Batch, parse_event, parse_release
from ecs_gitops.model.errors import AwsRefused, InvalidEvent
from ecs_gitops.model.types import Json
from ecs_gitops.notify import metrics, notice
from ecs_gitops.watch.rollouts import Validator

observability.set_up()

_UNPLANNED = "InitConfig could not plan the release, and nothing was changed"


def handler(event: Json, context: LambdaContext) -> Json:
    if isinstance(event, Mapping) and "stage" in event:
        return _release_verdict(event["stage"])
    if isinstance(event, Mapping) and "detail-type" in event:
        return failure_notice.tell(event)
    return _batch_verdict(event, context)


def _batch_verdict(event: Json, context: LambdaContext) -> Json:
    release, batch = parse_event(event)
    patience = Patience.of(context)
    try:
        aws = patience.persist(lambda: connect(batch.target(release, only_looks=True)))
    except AwsRefused as error:
        reason = f"the rollout cannot be watched, so what stands is unknown: {explain(error, batch)}"
        items = tuple(item.failed(reason) if item.status == work.IN_PROGRESS else item for item in batch.items)
        judged = replace(batch, items=items, next="DONE")
    else:
        judged = Validator(aws, release, batch, patience).run()
    return answer(release, batch, judged)


def _release_verdict(state: Json) -> Json:
    done = Stage.from_json(state)
    release = parse_release(state["release"]) if "release" in state else _unplanned(state)
    next_stage = following(done, deregisters=os.environ.get("ECS_GITOPS_DEREGISTER_FAILED") == "true")
    if next_stage.batches:
        return {"next": "DEPLOY", "release": release.to_json(), **next_stage.to_json()}
    batches, error = next_stage.rest, next_stage.error
    outcome = report.outcome(batches, error if batches or error is None else _why_unplanned(state, error))
    items = report.fit(outcome.items)
    omitted = len(outcome.items) - len(items)
    reported = {
        "next": "REPORT",
        "status": outcome.status,
        "summary": outcome.summary,
        "error": None if outcome.status == report.SUCCEEDED else _error(batches, done),
        "cause": outcome.cause,
        "result": {
            "schemaVersion": report.SCHEMA_VERSION,
            "status": outcome.status,
            "release": release.to_json(),
            "counts": dict(outcome.counts),
            **({"error": outcome.short_error} if outcome.short_error else {}),
            **({"omitted": omitted} if omitted else {}),
            "items": items,
        },
        "notice": {
            "subject": notice.subject(release, outcome),
            "message": notice.message(release, outcome, os.environ.get("ECS_GITOPS_PIPELINE_NAME", "")),
        },
        "notify": notice.is_sent(outcome, os.environ.get("ECS_GITOPS_NOTIFY", "changes")),
    }
    metrics.emit(release, outcome)
    return reported


def _error(batches: Sequence[Batch], done: Stage) -> str:
    """The name of a failed release's error: whether anything was changed."""
    if not batches:
        return "InvalidRelease"
    return "CheckFailed" if done.mode == CHECK else "ReleaseFailed"


def _why_unplanned(state: Json, error: str) -> str:
    """Why InitConfig failed: where the manifest is wrong, every problem, the first one first."""
    refused = problems.from_data(state.get("deployment"))
    if refused is None:
        return f"{_UNPLANNED}: {error}"
    more = refused.total - len(refused.lines)
    rest = [f"... and {more} more problems; the build's log has all of them"] if more else []
    return "\n".join([*refused.lines, *rest])


def _unplanned(state: Json) -> Release:
    """The release as far as it is known when InitConfig itself failed: the execution, and what the input says."""
    try:
        execution = event_data.require(state["execution"], _EXECUTION, "execution")
        arn, name = execution["id"], execution["name"]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidEvent(f"the event has no usable release or execution: {event_data.told(error)}") from error
    return of_input(state.get("deployment"), arn, name)


_EXECUTION = dict.fromkeys(("id", "name"), event_data.TEXT)
