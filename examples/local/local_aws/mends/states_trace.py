"""Every state that an execution enters can be seen, also inside Map and Parallel.

AWS: the execution history has the states inside a Map, and an execution that is over enters no further state.
ministack records only the outermost states and lets a Map run on. Beside the history, each entry and exit goes to
`TRACE` (file `trace.jsonl`, endpoint `GET /_local/trace?after=N`), which the demo follows.
"""

from __future__ import annotations

import contextvars
import json
import threading
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from local_aws.journal import Journal
from local_aws.settings import PLACE

from .states_limits import check_size

TRACE = Journal()
_nested: contextvars.ContextVar[bool] = contextvars.ContextVar("nested", default=False)
_event_lock = threading.Lock()

_PLAIN = {"Pass": "_execute_pass", "Choice": "_execute_choice", "Wait": "_execute_wait"}
_WITH_EXECUTION = {"Task": "_execute_task", "Parallel": "_execute_parallel", "Map": "_execute_map"}


def _note(phase: str, kind: str, ctx: dict[str, Any], **more: object) -> None:
    execution = ctx.get("Execution", {})
    index = ctx.get("Map", {}).get("Item", {}).get("Index") if _nested.get() else None
    TRACE.add(
        phase=phase,
        state=ctx.get("State", {}).get("Name", ""),
        type=kind,
        execution=execution.get("Id", ""),
        mapIndex=index,
        **more,
    )


def _history(kind: str, phase: str, ctx: dict[str, Any], name: str, value: object) -> None:
    execution = stepfunctions._executions.get(ctx.get("Execution", {}).get("Id", ""))
    if execution and _nested.get():
        member, what = (
            ("stateEnteredEventDetails", "input")
            if phase == "Entered"
            else (
                "stateExitedEventDetails",
                "output",
            )
        )
        stepfunctions._add_event(execution, f"{kind}State{phase}", {member: {"name": name, what: json.dumps(value)}})


def _traced(kind: str, execute: Callable[..., Any]) -> Callable[..., Any]:
    def traced(state_def: Any, raw_input: Any, *rest: Any) -> Any:
        ctx = rest[-1]
        name = ctx.get("State", {}).get("Name", "")
        execution = stepfunctions._executions.get(ctx.get("Execution", {}).get("Id", ""))
        if execution and execution["status"] != "RUNNING":
            raise stepfunctions._ExecutionError("States.Timeout", "the execution is over")
        _note("entered", kind, ctx, resource=state_def.get("Resource"))
        _history(kind, "Entered", ctx, name, raw_input)
        try:
            output, following = execute(state_def, raw_input, *rest)
            check_size(output, name)
        except stepfunctions._ExecutionError as error:
            ctx["State"] = {**ctx.get("State", {}), "Name": name}
            _note("failed", kind, ctx, error=error.error, cause=error.cause)
            raise
        ctx["State"] = {**ctx.get("State", {}), "Name": name}
        _note("left", kind, ctx, next=following)
        _history(kind, "Exited", ctx, name, output)
        return output, following

    return traced


def apply() -> None:
    """Wrap the functions that run one state each."""
    TRACE.file = PLACE.state_dir / "trace.jsonl"
    for kind, attribute in (_PLAIN | _WITH_EXECUTION).items():
        setattr(stepfunctions, attribute, _traced(kind, getattr(stepfunctions, attribute)))
    sub_machine, fail, add_event = (
        stepfunctions._run_sub_machine,
        stepfunctions._fail_state_error,
        stepfunctions._add_event,
    )
    run = stepfunctions._run_execution

    def run_sub_machine(*args: Any) -> Any:
        token = _nested.set(True)
        try:
            return sub_machine(*args)
        finally:
            _nested.reset(token)

    def fail_state_error(state_def: Any, raw_input: Any, ctx: Any = None) -> Any:
        error, cause = fail(state_def, raw_input, ctx)
        _note("entered", "Fail", ctx or {}, error=error, cause=cause)
        return error, cause

    def add_event_safely(*args: Any) -> Any:
        with _event_lock:
            return add_event(*args)

    def run_execution(arn: str) -> None:
        TRACE.add(phase="started", state="", type="Execution", execution=arn)
        run(arn)
        execution = stepfunctions._executions.get(arn) or {}
        TRACE.add(phase="ended", state="", type="Execution", execution=arn, status=execution.get("status"))

    stepfunctions._run_sub_machine = run_sub_machine
    stepfunctions._fail_state_error = fail_state_error
    stepfunctions._add_event = add_event_safely
    stepfunctions._run_execution = run_execution
