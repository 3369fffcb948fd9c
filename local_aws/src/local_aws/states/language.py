"""The limits of Step Functions and of the Amazon States Language.

AWS: ``States.ALL`` and ``States.TaskFailed`` do not catch ``States.Runtime`` and ``States.DataLimitExceeded``; what a
state passes on, and an execution's input, is at most 256 KiB; a path that finds nothing is ``States.Runtime``; an
execution that is over does nothing more, nor changes its end; the history has the states inside Map and Parallel; the
SNS integration takes ``MessageAttributes``. ministack has none of these.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from __future__ import annotations

import contextvars
import json
import threading
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import sns
from ministack.services import stepfunctions as sfn

PAYLOAD_BYTES = 262_144
_UNCAUGHT = ("States.Runtime", "States.DataLimitExceeded")
_NOTHING = object()
_inside: contextvars.ContextVar[bool] = contextvars.ContextVar("inside", default=False)
_history = threading.Lock()


def mend() -> None:
    """Apply every mend of this module."""
    for kind in ("Pass", "Task", "Choice", "Wait", "Parallel", "Map"):
        name = f"_execute_{kind.lower()}"
        setattr(sfn, name, _watched(kind, getattr(sfn, name)))
    _mend_errors()
    _mend_paths()
    _mend_history()
    start, publish = sfn._start_execution, sns._publish

    def start_execution(data: dict[str, Any]) -> Any:
        if len(str(data.get("input", "")).encode()) > PAYLOAD_BYTES:
            message = f"'input' exceeded the maximum allowed size of {PAYLOAD_BYTES} bytes."
            return error_response_json("InvalidExecutionInput", message, 400)
        return start(data)

    sfn._start_execution = start_execution
    sns._publish = lambda parameters: publish(_with_flat_attributes(parameters))


def _watched(kind: str, execute: Callable[..., Any]) -> Callable[..., Any]:
    """A state's function: not when the execution is over, not with too much, and told in the history."""

    def watched(definition: Any, data: Any, *rest: Any) -> Any:
        context = rest[-1] or {}
        name = context.get("State", {}).get("Name", "")
        execution = sfn._executions.get(context.get("Execution", {}).get("Id", ""))
        if execution and execution["status"] != "RUNNING":
            raise sfn._ExecutionError("States.Timeout", "The execution is over.")
        _tell(execution, f"{kind}StateEntered", "stateEnteredEventDetails", name, "input", data)
        output, following = execute(definition, data, *rest)
        if len(json.dumps(output, ensure_ascii=False).encode()) > PAYLOAD_BYTES:
            raise sfn._ExecutionError(
                "States.DataLimitExceeded",
                f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes "
                "service limit.",
            )
        _tell(execution, f"{kind}StateExited", "stateExitedEventDetails", name, "output", output)
        return output, following

    return watched


def _tell(execution: Any, event: str, details: str, name: str, member: str, value: object) -> None:
    """ministack itself tells of the outermost states."""
    if execution and _inside.get():
        sfn._add_event(execution, event, {details: {"name": name, member: json.dumps(value)}})


def _mend_errors() -> None:
    matches, fail = sfn._error_matches, sfn._fail_execution

    def error_matches(names: list[str], error: str) -> bool:
        return error in names if error in _UNCAUGHT else bool(matches(names, error))

    def fail_execution(execution: Any, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    sfn._error_matches, sfn._fail_execution = error_matches, fail_execution


def _mend_paths() -> None:
    resolve, input_path, items = sfn._resolve_params_obj, sfn._apply_input_path, sfn._run_map_items

    def resolve_params(template: Any, data: Any, ctx: Any = None) -> Any:
        _check_template(template, data, ctx or {})
        return resolve(template, data, ctx)

    def apply_input_path(definition: Any, data: Any, ctx: Any = None) -> Any:
        path = definition.get("InputPath")
        if isinstance(path, str) and path.startswith("$."):
            _check_path("InputPath", path, path, data)
        return input_path(definition, data, ctx)

    def run_map_items(definition: Any, raw: Any, execution: Any, ctx: Any) -> Any:
        path = definition.get("ItemsPath", "$")
        if path.startswith("$."):
            _check_path("ItemsPath", path, path, input_path(definition, raw, ctx))
        return items(definition, raw, execution, ctx)

    sfn._resolve_params_obj, sfn._apply_input_path = resolve_params, apply_input_path
    sfn._run_map_items = run_map_items


def _check_template(template: Any, data: Any, context: Any) -> None:
    if isinstance(template, list):
        for item in template:
            _check_template(item, data, context)
    elif isinstance(template, dict):
        for name, value in template.items():
            if not name.endswith(".$"):
                _check_template(value, data, context)
            elif isinstance(value, str) and value.startswith("$$."):
                _check_path(name, value, value[1:], context)
            elif isinstance(value, str) and value.startswith("$."):
                _check_path(name, value, value, data)


def _check_path(name: str, written: str, path: str, data: Any) -> None:
    tokens = sfn._parse_jsonpath_tokens(path)
    if tokens is None or any(kind not in ("field", "index") for kind, _ in tokens):
        return
    found = data
    for kind, key in tokens:
        if kind == "field":
            found = found.get(key, _NOTHING) if isinstance(found, dict) else _NOTHING
        else:
            found = found[key] if isinstance(found, list) and key < len(found) else _NOTHING
        if found is _NOTHING:
            given = json.dumps(data, default=str)[:500]
            raise sfn._ExecutionError(
                "States.Runtime",
                f"The JSONPath '{written}' specified for the field '{name}' could not be found in the input '{given}'",
            )


def _mend_history() -> None:
    run, add = sfn._run_sub_machine, sfn._add_event

    def run_sub_machine(*arguments: Any) -> Any:
        token = _inside.set(True)
        try:
            return run(*arguments)
        finally:
            _inside.reset(token)

    def add_event(*arguments: Any) -> Any:
        with _history:
            return add(*arguments)

    sfn._run_sub_machine, sfn._add_event = run_sub_machine, add_event


def _with_flat_attributes(parameters: dict[str, Any]) -> dict[str, Any]:
    """Attributes as SNS's query protocol has them, which is the form that ministack reads."""
    attributes = parameters.get("MessageAttributes")
    if not isinstance(attributes, dict):
        return parameters
    flat = {name: value for name, value in parameters.items() if name != "MessageAttributes"}
    for number, (name, attribute) in enumerate(attributes.items(), 1):
        entry = f"MessageAttributes.entry.{number}"
        flat[f"{entry}.Name"] = name
        flat[f"{entry}.Value.DataType"] = attribute.get("DataType", "String")
        flat[f"{entry}.Value.StringValue"] = str(attribute.get("StringValue", ""))
    return flat
