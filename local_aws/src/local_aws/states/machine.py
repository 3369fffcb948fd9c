"""Step Functions as AWS runs it: the machine's own role, retries' limits, redrive count, time limit; and a trace."""

from __future__ import annotations

import builtins
import json
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import stepfunctions as sfn

from local_aws.control.trace import trace
from local_aws.iam.roles import Denied, NotTrusted, assume, require

_running: ContextVar[tuple[dict[str, Any], dict[str, Any]] | None] = ContextVar("running", default=None)
_LATE = 3


def mend() -> None:
    """Apply every mend of this module."""
    for kind in ("pass", "task", "choice", "wait", "parallel", "map"):
        _trace(kind)
    sfn.min = _min_without_cap
    execute, invoke, run = sfn._execute_task, sfn._invoke_resource, sfn._run_execution

    def execute_task(definition: Any, data: Any, execution: Any, context: Any) -> Any:
        context["Execution"].setdefault("RedriveCount", execution.get("redriveCount", 0))
        token = _running.set((execution, context))
        try:
            return execute(definition, data, execution, context)
        finally:
            _running.reset(token)

    def invoke_resource(resource: str, data: Any) -> Any:
        running = _running.get()
        if running is not None:
            _authorize(running[0], resource, data)
        return invoke(resource, data)

    def run_execution(arn: str, *arguments: Any, **options: Any) -> Any:
        _limit_time(arn)
        return run(arn, *arguments, **options)

    create = sfn._create_state_machine

    def create_state_machine(data: Any) -> Any:
        """A machine's tracing configuration is kept and described."""
        answer = create(data)
        if answer[0] == 200:
            machine = sfn._state_machines[json.loads(answer[2])["stateMachineArn"]]
            machine["tracingConfiguration"] = data.get("tracingConfiguration", {"enabled": False})
        return answer

    sfn._create_state_machine = create_state_machine
    sfn._execute_task, sfn._invoke_resource, sfn._run_execution = execute_task, invoke_resource, run_execution


def is_late_retry() -> bool:
    """Whether a task is run that was retried three times already."""
    running = _running.get()
    return running is not None and running[1]["State"].get("RetryCount", 0) >= _LATE


def _trace(kind: str) -> None:
    """Tell of every state, also those inside Map, which ministack's history leaves out."""
    name = f"_execute_{kind}"
    inner: Callable[..., Any] = getattr(sfn, name)

    def traced(definition: Any, data: Any, *rest: Any) -> Any:
        context = rest[-1] if rest else {}
        what = {
            "execution": (context or {}).get("Execution", {}).get("Name"),
            "state": (context or {}).get("State", {}).get("Name"),
            "type": kind,
            "item": (context or {}).get("Map", {}).get("Item", {}).get("Index"),
        }
        trace.add("state-entered", **what)
        done = False
        try:
            result = inner(definition, data, *rest)
            done = True
            return result
        finally:
            trace.add("state-left", ok=done, **what)

    setattr(sfn, name, traced)


def _min_without_cap(first: Any, second: Any, *rest: Any) -> Any:
    """A retry waits as long as its retrier says, at most ``MaxDelaySeconds``; ministack waits 60 s at most."""
    if second == 60 and not rest:
        retrier = sys._getframe(1).f_locals.get("retrier") or {}
        return builtins.min(first, retrier.get("MaxDelaySeconds", first))
    return builtins.min(first, second, *rest)


def _authorize(execution: dict[str, Any], resource: str, data: Any) -> None:
    """A task's call is made as the machine's role. ministack makes it as nobody in particular."""
    arn, region = execution["stateMachineArn"], execution["stateMachineArn"].split(":")[3]
    machine = sfn._state_machines.get(arn) or {}
    calls = {
        "states:::lambda:invoke": ("lambda:InvokeFunction", "FunctionName"),
        "states:::sns:publish": ("sns:Publish", "TopicArn"),
    }
    for part, (action, member) in calls.items():
        if part in resource:
            try:
                session = assume(machine.get("roleArn", ""), "states.amazonaws.com", execution["name"], arn)
                require(session, action, data.get(member, "*"), region)
            except (Denied, NotTrusted) as error:
                prefix = (
                    "Lambda.AWSLambdaException" if action.startswith("lambda") else "SNS.AuthorizationErrorException"
                )
                raise sfn._ExecutionError(prefix, str(error)) from None


def _limit_time(arn: str) -> None:
    """A machine's ``TimeoutSeconds`` ends its execution as TIMED_OUT."""
    execution = sfn._executions.get(arn)
    if not execution:
        return
    machine = sfn._state_machines.get(execution["stateMachineArn"]) or {}
    seconds = json.loads(machine.get("definition", "{}")).get("TimeoutSeconds")
    if not seconds:
        return

    def end() -> None:
        if execution["status"] == "RUNNING":
            execution.update(status="TIMED_OUT", stopDate=sfn.now_iso(), error="States.Timeout", cause="")
            sfn._emit_execution_status_event(execution)

    # The event is sent in the scope of the execution's account and Region.
    import contextvars

    timer = threading.Timer(seconds * sfn._SFN_WAIT_SCALE, contextvars.copy_context().run, [end])
    timer.daemon = True
    timer.start()
