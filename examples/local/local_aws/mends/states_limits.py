"""Step Functions' limits.

AWS: an execution that runs longer than the machine's `TimeoutSeconds` becomes TIMED_OUT; a state's input or output
above 256 KiB is `States.DataLimitExceeded`; StartExecution refuses such an input; a path in Parameters, ItemSelector,
ResultSelector, ItemsPath or InputPath that finds nothing is `States.Runtime`. ministack has none of these.
"""

from __future__ import annotations

import contextvars
import json
import threading
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

from local_aws.wire import AwsError, error_reply

PAYLOAD_LIMIT = 262_144
_NOTHING = object()


def check_size(value: object, state: str) -> None:
    """Raise States.DataLimitExceeded when `value` is too big to pass between states."""
    if len(json.dumps(value, ensure_ascii=False).encode()) > PAYLOAD_LIMIT:
        raise stepfunctions._ExecutionError(
            "States.DataLimitExceeded",
            f"The state/task '{state}' returned a result with a size exceeding the maximum number of bytes service "
            "limit.",
        )


def check_paths(template: Any, data: Any, context: Any) -> None:
    """Raise States.Runtime for a `"x.$": "$..."` member of `template` whose path finds nothing."""
    if isinstance(template, list):
        for item in template:
            check_paths(item, data, context)
    elif isinstance(template, dict):
        for name, value in template.items():
            if not name.endswith(".$"):
                check_paths(value, data, context)
            elif isinstance(value, str) and value.startswith("$"):
                source = (value[1:], context or {}) if value.startswith("$$.") else (value, data)
                _check_path(name, value, *source)


def _check_path(name: str, written: str, path: str, data: Any) -> None:
    tokens = stepfunctions._parse_jsonpath_tokens(path) if path != "$" else []
    if tokens is None or any(kind not in ("field", "index") for kind, _ in tokens):
        return
    found = data
    for kind, key in tokens:
        if kind == "field":
            found = found.get(key, _NOTHING) if isinstance(found, dict) else _NOTHING
        else:
            found = found[key] if isinstance(found, list) and key < len(found) else _NOTHING
        if found is _NOTHING:
            raise stepfunctions._ExecutionError(
                "States.Runtime",
                f"The JSONPath '{written}' specified for the field '{name}' could not be found in the input "
                f"'{json.dumps(data, default=str)[:500]}'",
            )


def _limit_time() -> None:
    run, fail = stepfunctions._run_execution, stepfunctions._fail_execution

    def time_out(arn: str) -> None:
        execution = stepfunctions._executions.get(arn)
        if execution and execution["status"] == "RUNNING":
            execution.update(status="TIMED_OUT", stopDate=now_iso(), error="States.Timeout")
            stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
            stepfunctions._emit_execution_status_event(execution)

    def run_execution(arn: str) -> None:
        execution = stepfunctions._executions.get(arn)
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) if execution else None
        seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
        timer = None
        if seconds:
            timer = threading.Timer(seconds, contextvars.copy_context().run, args=(time_out, arn))
            timer.daemon = True
            timer.start()
        try:
            run(arn)
        finally:
            if timer:
                timer.cancel()

    def fail_execution(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    stepfunctions._run_execution = run_execution
    stepfunctions._fail_execution = fail_execution


def apply() -> None:
    """Enforce the time limit, the payload limit and that paths exist."""
    _limit_time()
    resolve_params, start = stepfunctions._resolve_params_obj, stepfunctions._start_execution
    input_path, items = stepfunctions._apply_input_path, stepfunctions._run_map_items

    def resolve_params_obj(template: Any, data: Any, ctx: Any = None) -> Any:
        check_paths(template, data, ctx)
        return resolve_params(template, data, ctx)

    def apply_input_path(state_def: Any, data: Any, ctx: Any = None) -> Any:
        path = state_def.get("InputPath")
        if isinstance(path, str) and path.startswith("$."):
            _check_path("InputPath", path, path, data)
        return input_path(state_def, data, ctx)

    def run_map_items(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        path = state_def.get("ItemsPath", "$")
        if path.startswith("$."):
            _check_path("ItemsPath", path, path, input_path(state_def, raw_input, ctx))
        return items(state_def, raw_input, execution, ctx)

    def start_execution(data: dict[str, Any]) -> Any:
        if len(str(data.get("input", "{}")).encode()) > PAYLOAD_LIMIT:
            message = f"'input' exceeded the maximum allowed size of {PAYLOAD_LIMIT} bytes."
            return error_reply(AwsError("InvalidExecutionInput", message))
        return start(data)

    stepfunctions._resolve_params_obj = resolve_params_obj
    stepfunctions._apply_input_path = apply_input_path
    stepfunctions._run_map_items = run_map_items
    stepfunctions._start_execution = start_execution
