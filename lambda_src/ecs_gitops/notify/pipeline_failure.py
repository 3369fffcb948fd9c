"""The notice for a failed pipeline or execution, from the event that EventBridge delivers. Pure.

The state machine itself sends the notice of most failed releases. It cannot where the source or the build failed, the
pipeline started no execution, or Step Functions ended the execution before its report. Whether there is an execution,
and how it ended, decides: all events of one failure together give exactly one notice.

https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ecs_gitops.model import sanitize
from ecs_gitops.model.partition import console
from ecs_gitops.notify import notice

if TYPE_CHECKING:
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

ACTION_EVENT = "CodePipeline Action Execution State Change"
EXECUTION_EVENT = "Step Functions Execution Status Change"
# The pipeline's Deploy action names its executions PREFIX-ACTION_EXECUTION_ID (modules/pipeline):
# https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-StepFunctions.html
EXECUTION_NAME_PREFIX = "release"
# Ends the cause of an execution whose notice could not be sent (modules/deployer, state_machine.asl.json).
NOTICE_FAILED = "(no notice of it could be sent)"
_ENDED = ("TIMED_OUT", "ABORTED")
_REASON_AT_MOST = 2_000
_PART = re.compile(r"[^A-Za-z0-9_-]")
_HINTS = {
    "Source": "Is the branch there, and may the pipeline's role read the repository?",
    "Build": "The build itself failed, not the manifest. Its log has the reason.",
    "Invoke": (
        "The pipeline could not start the state machine: may the pipeline's role start it, and is the state machine "
        "there? Apply the module, then release again."
    ),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure in an event. ``execution_arn`` is the execution of the failed release, if there is one; ``action`` is
    the event's detail for an action of the pipeline, ``execution`` that for an execution."""

    region: str
    partition: str
    execution_arn: str | None
    action: Json | None = None
    execution: Json | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """``key`` is the same for all events of one failure, and different for every other failure."""

    key: str
    subject: str
    message: str


def of_event(event: Mapping[str, Any], pipeline: str, machine_arn: str) -> Failure | None:
    """The failure in an event; None for an event of another pipeline or state machine, and for one of no failure."""
    detail, kind = event.get("detail"), event.get("detail-type")
    if not isinstance(detail, Mapping):
        return None
    parts = machine_arn.split(":")
    partition, region = parts[1], parts[3]
    if kind == ACTION_EVENT and detail.get("pipeline") == pipeline and detail.get("state") == "FAILED":
        arn = _started_by(detail, machine_arn) if _category(detail) == "Invoke" else None
        return Failure(region, partition, arn, action=dict(detail))
    if kind == EXECUTION_EVENT and _is_execution(detail, machine_arn) and detail.get("status") in (*_ENDED, "FAILED"):
        return Failure(region, partition, str(detail["executionArn"]), execution=dict(detail))
    return None


def _category(detail: Mapping[str, Any]) -> str:
    kind = detail.get("type")
    return str(kind.get("category", "")) if isinstance(kind, Mapping) else ""


def _executions(machine_arn: str) -> str:
    return machine_arn.replace(":stateMachine:", ":execution:") + ":"


def _is_execution(detail: Mapping[str, Any], machine_arn: str) -> bool:
    """Whether the event is about an execution of our state machine."""
    arn = detail.get("executionArn")
    return detail.get("stateMachineArn") == machine_arn and str(arn).startswith(_executions(machine_arn))


def _started_by(detail: Mapping[str, Any], machine_arn: str) -> str | None:
    """The ARN of the execution that a Deploy action started, or would have started."""
    result = detail.get("execution-result")
    known = str(result.get("external-execution-id", "")) if isinstance(result, Mapping) else ""
    if known.startswith(_executions(machine_arn)):
        return known
    action = detail.get("action-execution-id")
    return f"{_executions(machine_arn)}{EXECUTION_NAME_PREFIX}-{action}" if action else None


def notice_of(failure: Failure, described: Json | None, release: Release | None, pipeline: str) -> Notice | None:
    """The notice to send; None where the execution has sent its own, or is going to. ``described`` is the answer of
    DescribeExecution, None where there is no execution, empty where that is not known; ``release`` is from the
    execution's input."""
    execution = {**(described or {}), **_known(failure.execution or {})}
    if execution:
        if _sends_own_notice(execution):
            return None
        return _of_execution(execution, str(failure.execution_arn), release)
    return _of_action(failure, pipeline, is_unknown=described == {})


def _known(detail: Json) -> Json:
    """The members of the event, which may be newer than those of DescribeExecution."""
    names = ("status", "error", "cause", "redriveCount")
    return {name: detail[name] for name in names if detail.get(name) is not None}


def _sends_own_notice(execution: Json) -> bool:
    """Whether the state machine sends the notice. It does not where somebody or Step Functions ended the execution, or
    where the notice could not be sent. Step Functions' own errors begin with ``States.``:
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
    if execution.get("status") in _ENDED:
        return False
    if execution.get("status") != "FAILED":
        return True
    error = str(execution.get("error") or "States.")
    return not error.startswith("States.") and not str(execution.get("cause") or "").endswith(NOTICE_FAILED)


def _of_execution(execution: Json, arn: str, release: Release | None) -> Notice:
    status, error, cause = (str(execution.get(name) or "") for name in ("status", "error", "cause"))
    known = notice.known_as(release) if release else arn.rsplit(":", 1)[-1]
    if status in _ENDED:
        title = f"Release {status}: the execution was ended before it could report."
        after = "(services may be in the middle of a deployment)"
    elif cause.endswith(NOTICE_FAILED):
        title, after = "Release FAILED, and its own notice could not be sent.", "(see its reasons)"
    else:
        title = f"Release FAILED with {sanitize.line(error) or 'no error'}: Step Functions gave the execution up."
        after = "(services may be in the middle of a deployment)"
    parts = [title, notice.facts(release) if release else ""]
    if not cause.endswith(NOTICE_FAILED):
        parts[0] += " Services may be in the middle of a deployment."
    parts += [_what_went_wrong(cause), f"Execution: {notice.execution_page(arn)}"]
    key = f"executions/{_key(arn.rsplit(':', 1)[-1])}-{_key(str(execution.get('redriveCount') or 0))}"
    subject = notice.subject_text(f"{status or 'FAILED'}: release", known, after)
    return Notice(key, subject, _joined(parts))


def _of_action(failure: Failure, pipeline: str, *, is_unknown: bool) -> Notice:
    detail = failure.action or {}
    stage, execution = sanitize.line(str(detail.get("stage", "")), 100), str(detail.get("execution-id", ""))
    result = detail.get("execution-result")
    summary = str(result.get("external-execution-summary") or "") if isinstance(result, Mapping) else ""
    so = "it is not known whether anything was deployed" if is_unknown else "nothing was deployed"
    parts = [
        f"Release FAILED in stage {stage} of pipeline {sanitize.line(pipeline)}: {so}.",
        _what_went_wrong(summary),
        _HINTS.get(_category(detail), ""),
        f"Pipeline: {_pipeline_page(failure, pipeline, execution)}",
    ]
    action = str(detail.get("action-execution-id") or f"{execution}-{stage}")
    subject = notice.subject_text(f"FAILED: stage {stage} of pipeline", pipeline, f"({so})")
    return Notice(f"actions/{_key(action)}", subject, _joined(parts))


def _what_went_wrong(text: str) -> str:
    lines = sanitize.lines(text, _REASON_AT_MOST).splitlines()
    return "\n".join(["What went wrong", *(f"  {line}" for line in lines)]) if lines else ""


def _pipeline_page(failure: Failure, pipeline: str, execution: str) -> str:
    """The URL of the pipeline's execution in the console; its id where the partition has no known console."""
    domain = console(failure.partition)
    if domain is None:
        return sanitize.line(f"{pipeline}, execution {execution}")
    page = (
        f"codesuite/codepipeline/pipelines/{quote(pipeline, safe='')}/executions/{quote(execution, safe='')}/timeline"
    )
    return f"https://{failure.region}.{domain}/{page}?region={failure.region}"


def _joined(parts: list[str]) -> str:
    return "\n\n".join(filter(None, parts)) + "\n"


def _key(text: str) -> str:
    return _PART.sub("_", text)[:100]
