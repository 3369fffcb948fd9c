"""Lambda as AWS reports: a handler's error is named after its exception class, and logs are JSON with all fields.

ministack calls every error ``Runtime.HandlerError``; Step Functions' ``Retry`` and ``Catch`` match on the class. A
process that ends in an invocation is ``Runtime.ExitError``. Its functions have no logging set up; AWS's JSON format
writes each record with its ``extra`` fields. Here the level is always DEBUG, so that a test sees whatever could be
logged. A function lives by the simulated clock and may meet faults: :mod:`local_aws.functions.clock` and
:mod:`local_aws.functions.faults` run in its process.
"""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_aws.control import clock
from local_aws.control.settings import settings
from local_aws.functions.faults import AIMS, KINDS
from local_aws.states import machine

_REPORTED = '"error": str(e), "trace": traceback.format_exc()'
_REPORTED_WITH_CLASS = '"error": str(e), "class": type(e).__name__, "trace": traceback.format_exc()'
_TAKEN = '        event = _ms_msg["event"]\n        _ms_ctx = _ms_msg.get("ctx") or {}\n'
_BEGUN = '        _begin((_ms_ctx.get("durable") or {}).get("_LOCAL_AWS") or {})\n'
_DIED = "Worker process died"
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
# The two modules are loaded from their text, as a package of their own: the function sees nothing else of ours.
_OURS = """
import sys as _sys, types as _types
_sys.modules["local_aws"] = _types.ModuleType("local_aws")
_sys.modules["local_aws.functions"] = _package = _types.ModuleType("local_aws.functions")
for _name, _text in {texts!r}.items():
    _module = _sys.modules["local_aws.functions." + _name] = _types.ModuleType("local_aws.functions." + _name)
    setattr(_package, _name, _module)
    exec(compile(_text, _name + ".py", "exec"), vars(_module))
_package.clock.install()


def _begin(sent):
    _package.clock.begin(sent)
    _package.faults.begin(sent)
"""
_MEMBERS = ("seed", "rate", "kinds", "timeoutSeconds", "only", "endless")
_numbers: dict[str, Iterator[int]] = defaultdict(itertools.count)


def mend() -> None:
    """Apply the mend of this module."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _REPORTED not in script or _TAKEN not in script:
        raise RuntimeError("this version of ministack runs a function in another way; see functions/runtime.py")
    names = ("clock", "faults")
    texts = {name: Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8") for name in names}
    script = script.replace(_REPORTED, _REPORTED_WITH_CLASS).replace(_TAKEN, _TAKEN + _BEGUN)
    lambda_runtime._PYTHON_WORKER_SCRIPT = _OURS.format(texts=texts) + _JSON_LOGS + script
    seen = threading.local()
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def invoke_and_remember(self: Any, event: Any, request_id: str, **options: Any) -> Any:
        options["durable"] = {**(options.get("durable") or {}), "_LOCAL_AWS": _sent(self.func_name, request_id)}
        result = invoke(self, event, request_id, **options)
        if result.get("error") == _DIED:
            result["error"] = f"RequestId: {request_id} Error: Runtime exited with error: exit status 1"
            result["class"] = "Runtime.ExitError"
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


def use_faults(wanted: Any) -> None:
    """``{"seed": 7, "rate": 0.1, "kinds": […]}`` from the next invocations on, whose numbers begin anew; None: none."""
    if wanted is not None:
        unknown = {*wanted} - {*_MEMBERS} | {*wanted.get("kinds", ())} - {*KINDS}
        unknown |= {name for aim in wanted.get("only") or () for name in {*aim} - {*AIMS}}
        if unknown or "seed" not in wanted:
            raise ValueError(
                f"faults take {', '.join(_MEMBERS)}, the seed at least; kinds {', '.join(KINDS)}; "
                f"only {', '.join(AIMS)}; not {', '.join(sorted(unknown)) or 'nothing'}"
            )
    _numbers.clear()
    settings.faults = wanted


def _sent(function: str, request_id: str) -> dict[str, Any]:
    """What the function's process is told beside the event; what ministack sends for durable executions takes it."""
    return {
        "clock": astuple(clock.line()),
        "faults": settings.faults,
        "function": function,
        "invocation": next(_numbers[function]) + 1,
        "request_id": request_id,
        "late": machine.is_late_retry(),
    }
