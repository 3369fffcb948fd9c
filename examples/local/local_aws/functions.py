"""Lambda as AWS reports: a handler's error is named after its exception class, and logs are JSON with all fields.

ministack calls every error ``Runtime.HandlerError``; Step Functions' ``Retry`` and ``Catch`` match on the class. Its
functions have no logging set up; AWS's JSON format writes each record with its ``extra`` fields. Here the level is
always DEBUG, so that a test sees whatever could be logged.
"""

from __future__ import annotations

import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_REPORTED = '"error": str(e), "trace": traceback.format_exc()'
_REPORTED_WITH_CLASS = '"error": str(e), "class": type(e).__name__, "trace": traceback.format_exc()'
_JSON_LOGS = """
import json as _json, logging as _logging, sys as _sys


class _JsonFormatter(_logging.Formatter):
    def format(self, record):
        usual = set(vars(_logging.makeLogRecord({})))
        fields = {key: value for key, value in vars(record).items() if key not in usual}
        return _json.dumps(
            {"level": record.levelname, "logger": record.name, "message": record.getMessage(), **fields}, default=str
        )


_handler = _logging.StreamHandler(_sys.stderr)
_handler.setFormatter(_JsonFormatter())
_logging.basicConfig(level=_logging.DEBUG, handlers=[_handler])
"""


def mend() -> None:
    """Apply the mend of this module."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _REPORTED not in script:
        raise RuntimeError("this version of ministack reports a function's error in another way; see functions.py")
    lambda_runtime._PYTHON_WORKER_SCRIPT = _JSON_LOGS + script.replace(_REPORTED, _REPORTED_WITH_CLASS)
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
