"""The release as a whole, after each stage: what comes next, and at its end the report, the notice and the metrics."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ecs_gitops.aws.ledger_bucket import LedgerBucket
from ecs_gitops.flow import outcome as report
from ecs_gitops.flow.stages import EXECUTION_MINUTES, Stage, following, require_whole
from ecs_gitops.ledger.releases import Releases
from ecs_gitops.ledger.work import Work
from ecs_gitops.manifest import refused_manifest
from ecs_gitops.model import event_data, sanitize
from ecs_gitops.model.batch import Batch, state_error
from ecs_gitops.model.errors import InvalidEvent, LedgerRefused
from ecs_gitops.model.pointer import Pointer, require_version
from ecs_gitops.model.release import Release, of_input, parse_release
from ecs_gitops.model.status import Mode, ReleaseStatus
from ecs_gitops.model.types import Json
from ecs_gitops.notify import metrics, notice
from ecs_gitops.release import closing

log = logging.getLogger(__name__)

_UNWRITTEN = "The ledger does not have all of this, and the next release judges again what is not remembered"
_UNWRITTEN_AT_MOST = 1_000
_CHECK_LOST = "what it found was deleted from the ledger; release again"
_UNPLANNED = "InitConfig could not plan the release, and nothing was changed"


def after_stage(state: Json) -> Json:
    """The next stage of the release, or its report. ``state`` is the state machine's whole data, see
    :mod:`ecs_gitops.lambdas.validate_deploy`."""
    _require_stage(state)
    bucket = LedgerBucket.of_environment()
    release = parse_release(state["release"]) if "release" in state else _unplanned(state)
    number, done = _loaded(bucket, release, state)
    if done.batches and (begun := Work(bucket, release).begun(number + 1)) is not None:
        # A run before this one has begun it.
        return {"next": "DEPLOY", **begun}
    next_stage = following(done, deregisters=os.environ.get("ECS_GITOPS_DEREGISTER_FAILED") == "true")
    if done.mode is Mode.CHECK and done.batches:
        Releases(bucket, release).plan([*next_stage.batches, *next_stage.rest])
    if next_stage.batches:
        return {"next": "DEPLOY", **Work(bucket, release).begin_stage(next_stage, number + 1)}
    batches, error = next_stage.rest, next_stage.error
    lost = closing.taken_over(bucket, release) if batches else None
    outcome = report.outcome_of(batches, lost or (error if batches or error is None else _why_unplanned(state, error)))
    items = report.fit(outcome.items)
    omitted = len(outcome.items) - len(items)
    unwritten = _close(bucket, release, batches, outcome, done, is_lost=lost is not None)
    reported: Json = {
        "next": "REPORT",
        "status": outcome.status,
        "summary": outcome.summary,
        "error": None if outcome.status is ReleaseStatus.SUCCEEDED else _error(batches, done, state, lost),
        "cause": outcome.cause,
        "result": {
            "schemaVersion": report.SCHEMA_VERSION,
            "status": outcome.status,
            "release": release.to_json(),
            "counts": dict(outcome.counts),
            **({"error": outcome.short_error} if outcome.short_error else {}),
            **({"report": Releases(bucket, release).report_address} if batches else {}),
            **({"omitted": omitted} if omitted else {}),
            **({"notRecorded": unwritten} if unwritten else {}),
            "items": items,
        },
        "notice": {
            "subject": notice.subject(release, outcome),
            "message": notice.message(
                release,
                outcome,
                os.environ.get("ECS_GITOPS_PIPELINE_NAME", ""),
                (bucket.bucket, f"{Releases(bucket, release).prefix}/") if batches else None,
            ),
        },
        "notify": notice.is_sent(outcome, os.environ.get("ECS_GITOPS_NOTIFY", "changes")),
    }
    if unwritten:
        reported["notice"]["message"] += f"\n{_UNWRITTEN}: {sanitize.line(unwritten, _UNWRITTEN_AT_MOST)}\n"
    write_metrics(release, outcome)
    return reported


_STAGE = {
    "batches": event_data.LIST_OR_NONE,
    "mode": event_data.one_of(*Mode),
    "stage": event_data.COUNT,
    "rest": event_data.COUNT,
    "executionMinutes": event_data.COUNT,
}


def _require_stage(state: Any) -> None:
    """Raise :class:`InvalidEvent` for what is no stage, and for items that belong to no batch of it."""
    try:
        event_data.require(state, _STAGE)
        if state.get("batches") and "mode" not in state:
            raise ValueError("it has batches and no mode")
        if state.get("rest") and not state.get("batches"):
            raise ValueError(f"it has no batches, and {state['rest']} items in the rest")
    except (ValueError, TypeError) as error:
        raise InvalidEvent(f"not a stage: {event_data.error_text(error)}") from error


def _loaded(bucket: LedgerBucket, release: Release, state: Json) -> tuple[int, Stage]:
    """The number of a stage and the stage, as the deploy states left it. Raises :class:`InvalidEvent`,
    :class:`LedgerUnavailable` and :class:`LedgerRefused`."""
    failed, number = state_error(state.get("error")), state.get("stage", 0)
    if not state.get("batches"):
        return number, Stage((), (), error=failed)
    require_version(state)
    work, mode = Work(bucket, release), Mode(state["mode"])
    pointers = [Pointer.from_json(each) for each in state["batches"]]
    if any((pointer.stage, pointer.mode) != (number, mode) for pointer in pointers):
        raise InvalidEvent(f"not a stage: a batch is not of stage {number}, or not in mode {mode}")
    batches = [_newest(work, pointer) for pointer in pointers]
    rest = work.rest(number) if state.get("rest") else []
    if sum(len(batch.items) for batch in rest) != state.get("rest", 0):
        raise LedgerRefused(f"{work.address(number)}: items of the release are missing")
    require_whole([*batches, *rest])
    minutes = state.get("executionMinutes", EXECUTION_MINUTES)
    return number, Stage(tuple(batches), tuple(rest), mode, failed, minutes)


def _newest(work: Work, pointer: Pointer) -> Batch:
    """The batch at its newest step. Where the step of a check is lost, nobody knows what it found, so it has failed."""
    found = work.newest(pointer)
    is_unknown = found.is_older and pointer.mode is Mode.CHECK
    return replace(found.batch, error=pointer.error or (_CHECK_LOST if is_unknown else None))


def _close(
    bucket: LedgerBucket,
    release: Release,
    batches: Sequence[Batch],
    outcome: report.Outcome,
    done: Stage,
    *,
    is_lost: bool,
) -> str | None:
    """Write down what came of the release. Returns what could not be written."""
    if is_lost:
        return None
    if not batches:
        failures: list[str] = []
        closing.open_fence(bucket, release, failures)
        return "; ".join(failures) or None
    whole = {
        "status": outcome.status,
        "release": release.to_json(),
        "counts": dict(outcome.counts),
        **({"error": outcome.error} if outcome.error else {}),
        "items": list(outcome.items),
    }
    was_begun = done.mode is not Mode.CHECK or outcome.status is ReleaseStatus.SUCCEEDED
    return closing.close(bucket, release, batches, whole, was_begun=was_begun)


def _error(batches: Sequence[Batch], done: Stage, state: Json, lost: str | None) -> str:
    """The name of a failed release's error: whether anything was changed."""
    if lost is not None:
        return "FenceLost"
    if not batches:
        error = state.get("error")
        name = error.get("Error") if isinstance(error, Mapping) else None
        return str(name) if name == "ReleaseInProgress" else "InvalidRelease"
    return "CheckFailed" if done.mode is Mode.CHECK else "ReleaseFailed"


def _why_unplanned(state: Json, error: str) -> str:
    """Why InitConfig failed. For a wrong manifest, all its problems in their order."""
    refused = refused_manifest.from_data(state.get("deployment"))
    if refused is None:
        return f"{_UNPLANNED}: {error}"
    more = refused.total - len(refused.lines)
    rest = [f"... and {more} more problems; the build's log has all of them"] if more else []
    return "\n".join([*refused.lines, *rest])


def _unplanned(state: Json) -> Release:
    """The release where InitConfig itself failed, as far as it is known: the execution and its input."""
    try:
        execution = event_data.require(state["execution"], _EXECUTION, "execution")
        arn, name = execution["id"], execution["name"]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidEvent(f"the event has no usable release or execution: {event_data.error_text(error)}") from error
    return of_input(state.get("deployment"), arn, name)


_EXECUTION = dict.fromkeys(("id", "name"), event_data.TEXT)


def write_metrics(release: Release, outcome: report.Outcome) -> None:
    """Write the metrics of a release that ended to the function's log, unless they are switched off
    (``ECS_GITOPS_METRICS`` is ``false``). Never raises: a report without metrics is one.

    To stdout, past ``logging``: CloudWatch takes a log event whose whole message is the document, and Lambda's JSON
    format puts a logged text into a member ``message`` of its own object, whereas it hands on a line of stdout as it
    is. It filters such a line like any other, by its members ``level`` and ``timestamp``, and takes it for INFO where
    they are absent; with the level that the function lets through, the metrics are not lost at ``log_level`` ERROR.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    if os.environ.get("ECS_GITOPS_METRICS") == "false":
        return
    try:
        made = metrics.document(release, outcome, time.time(), os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO"))
        # In one write: the runtime flushes after each, and print() writes the end of the line apart.
        sys.stdout.write(json.dumps(made, separators=(",", ":"), allow_nan=False) + "\n")
    except Exception:
        log.exception("the release's metrics could not be written")
