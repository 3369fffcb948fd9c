"""Logs and traces, set up in one place.

Logs are the standard library's; Lambda's own JSON format turns ``extra=`` into fields. Tracing is AWS X-Ray's SDK,
imported only when ``ECS_GITOPS_TRACING`` is ``true``: replacing it touches this file alone.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache

# These log request bodies and signing material below WARNING: container environments and credentials.
_TALKATIVE = ("botocore", "urllib3", "aws_xray_sdk")


def set_up() -> None:
    """Keep other people's loggers from writing secrets, whatever level the function is set to."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


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
        self._fields = {
            "release": release.get("release"),
            "commit": release.get("commitId"),
            "execution": release.get("executionName"),
            **item,
        }

    def info(self, message: str, **fields: object) -> None:
        self._logger.info(message, extra={**self._fields, **fields})

    def warning(self, message: str, **fields: object) -> None:
        self._logger.warning(message, extra={**self._fields, **fields})
