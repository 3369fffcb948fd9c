"""Functions fail, and see their surroundings, as on Lambda.

AWS: an exception's class name is the `errorType` (Step Functions' Retry and Catch match on it), and a function sees
its runtime, its code at the front and its layers, nothing else that the host may have installed. ministack calls each
exception `Runtime.HandlerError` and runs functions with all packages of its own Python.
"""

from __future__ import annotations

import shlex
import sys
import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_aws.settings import PLACE, SETTINGS

_REPORT = '"error": str(e), "trace": traceback.format_exc()'
_TYPED_REPORT = '"error": str(e), "error_type": type(e).__name__, "trace": traceback.format_exc()'


def apply() -> None:
    """Report the class name; start Python functions in isolated mode."""
    if _REPORT not in lambda_runtime._PYTHON_WORKER_SCRIPT:
        raise RuntimeError("ministack's Lambda worker is not the one that this mend was written for")
    lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(_REPORT, _TYPED_REPORT)
    seen = threading.local()
    invoke, execute, detect = (
        lambda_runtime.Worker.invoke,
        lambda_svc._execute_function_warm,
        lambda_runtime._detect_runtime_binary,
    )

    def invoke_and_remember(self: Any, *args: Any, **options: Any) -> Any:
        result = invoke(self, *args, **options)
        seen.response = result
        return result

    def execute_function(func: Any, event: Any, request_id: str) -> Any:
        seen.response = {}
        result = execute(func, event, request_id)
        error_type = seen.response.get("error_type")
        if error_type and result.get("error") and isinstance(result.get("body"), dict):
            trace = str(seen.response.get("trace", "")).splitlines()
            result["body"] = {**result["body"], "errorType": error_type, "requestId": request_id, "stackTrace": trace}
        return result

    def detect_binary(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        if runtime.startswith("python") and SETTINGS.lambda_isolated:
            return _isolated_python(), script
        return binary, script

    lambda_runtime.Worker.invoke = invoke_and_remember
    lambda_svc._execute_function_warm = execute_function
    lambda_runtime._detect_runtime_binary = detect_binary


def _isolated_python() -> str:
    """A program that is this Python without site-packages, PYTHONPATH or the user's own directories."""
    program = PLACE.state_dir / "isolated-python"
    if not program.exists():
        partial = program.with_suffix(f".{threading.get_ident()}")
        partial.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S "$@"\n', encoding="utf-8")
        partial.chmod(0o755)
        partial.rename(program)
    return str(program)
