"""Logs and traces, set up in one place.

Logs are the standard library's; Lambda's own JSON format turns ``extra=`` into fields. Tracing is AWS X-Ray's SDK,
imported only when ``ECS_GITOPS_TRACING`` is ``true``: replacing it touches this file alone.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache

from ecs_gitops.model import sanitize

# These log request bodies and signing material below WARNING: container environments and credentials.
_TALKATIVE = ("botocore", "urllib3", "aws_xray_sdk")


def set_up() -> None:
    """Keep other people's loggers from writing secrets, whatever level the function is set to."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        if _clean not in handler.filters:
            handler.addFilter(_clean)


# Members of every log record. What a call adds with ``extra=`` stands beside them.
_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _clean(record: logging.LogRecord) -> bool:
    """Clean what a line of the log says, its own text and its fields; a filter that lets every line through."""
    record.msg, record.args = sanitize.lines(record.getMessage()), None
    for name, value in vars(record).items():
        if name not in _RECORD and isinstance(value, str):
            setattr(record, name, sanitize.line(value))
    return True


@cache
def trace_aws_calls() -> None:
    """With tracing on, give every AWS call from now on a subsegment; with tracing off, import nothing."""
    if os.environ.get("ECS_GITOPS_TRACING") != "true":
        return
    from aws_xray_sdk.core import patch, xray_recorder

    xray_recorder.configure(context_missing="IGNORE_ERROR")
    patch(("botocore",))


class ItemLog:
    """A logger whose lines carry the release and the item they are about, and nothing from a task definition."""

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
