"""Lambda as AWS reports: a handler's error is named after its exception class.

ministack calls every one of them ``Runtime.HandlerError``; Step Functions' ``Retry`` and ``Catch`` match on the class.
"""

from __future__ import annotations

import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_REPORTED = '"error": str(e), "trace": traceback.format_exc()'
_REPORTED_WITH_CLASS = '"error": str(e), "class": type(e).__name__, "trace": traceback.format_exc()'


def mend() -> None:
    """Apply the mend of this module."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _REPORTED not in script:
        raise RuntimeError("this version of ministack reports a function's error in another way; see functions.py")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_REPORTED, _REPORTED_WITH_CLASS)
    seen = threading.local()
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def invoke_and_remember(self: Any, *arguments: Any, **options: Any) -> Any:
        result = invoke(self, *arguments, **options)
        seen.error_class = result.get("class")
        return result

    def execute_with_class(*arguments: Any, **options: Any) -> Any:
        seen.error_class = None
        result = execute(*arguments, **options)
        body = result.get("body")
        if result.get("error") and seen.error_class and isinstance(body, dict):
            body["errorType"] = seen.error_class
        return result

    lambda_runtime.Worker.invoke = invoke_and_remember
    lambda_svc._execute_function_warm = execute_with_class
