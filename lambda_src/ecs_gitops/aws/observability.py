"""Logs and traces.

Logs use Python's logging; Lambda's JSON format turns ``extra=`` into fields. Tracing uses the AWS X-Ray SDK, which is
imported only if ``ECS_GITOPS_TRACING`` is ``true``. No other file knows the SDK.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache

from ecs_gitops.model import sanitize

# Below WARNING these log request bodies and signatures, with container environments and credentials.
_LOG_SECRETS = ("botocore", "urllib3", "aws_xray_sdk")


def set_up() -> None:
    """Clean all log lines, and keep libraries from logging secrets, at any log level of the function."""
    for name in _LOG_SECRETS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        if _clean not in handler.filters:
            handler.addFilter(_clean)


# The members that every log record has. All others come from ``extra=``.
_STANDARD_MEMBERS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _clean(record: logging.LogRecord) -> bool:
    """A filter that cleans a record's message and fields, and lets every record through."""
    record.msg, record.args = sanitize.lines(record.getMessage()), None
    for name, value in vars(record).items():
        if name not in _STANDARD_MEMBERS and isinstance(value, str):
            setattr(record, name, sanitize.line(value))
    return True


@cache
def trace_aws_calls() -> None:
    """With tracing on, record every AWS call from now on as a subsegment. With tracing off, import nothing."""
    if os.environ.get("ECS_GITOPS_TRACING") != "true":
        return
    from aws_xray_sdk.core import patch, xray_recorder

    xray_recorder.configure(context_missing="IGNORE_ERROR")
    patch(("botocore",))


class ItemLog:
    """A logger that adds the release and the item to every line, and nothing from a task definition."""

    def __init__(self, logger: logging.Logger, release: Mapping[str, object], **item: object) -> None:
        self._logger = logger
        known = {
            "release": release.get("release"),
            "commit": release.get("commitId"),
            "execution": release.get("executionName"),
        }
        self._fields = _cleaned({**known, **item})

    def info(self, message: str, **fields: object) -> None:
        self._logger.info(sanitize.line(message), extra={**self._fields, **_cleaned(fields)})

    def warning(self, message: str, **fields: object) -> None:
        self._logger.warning(sanitize.line(message), extra={**self._fields, **_cleaned(fields)})


def _cleaned(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: sanitize.line(value) if isinstance(value, str) else value for name, value in fields.items()}
