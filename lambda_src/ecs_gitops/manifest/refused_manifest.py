"""The deployment.json of a build whose manifest is invalid: its problems in place of the manifest. Pure.

A failed build would notify nobody. So the build succeeds with this input, and the release fails: InitConfig raises
:class:`InvalidManifest`, and the notice has each problem with its place, the commit and its author. Data with the
member ``problems`` is never deployed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ecs_gitops.manifest.fields import SCHEMA_VERSION
from ecs_gitops.model import sanitize
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.problem import Problem

if TYPE_CHECKING:
    from ecs_gitops.model.source import Source

PROBLEMS = "problems"
# Bytes, of the 262,144 that Step Functions carries: the state after a failure has the problems twice, as input and as
# error. A notice has room for all of them.
PROBLEMS_AT_MOST = 40_000
_TEXT_AT_MOST = 1_000
_FILE_AT_MOST = 300
_LINE_AT_MOST = 10**9
_NOT_READABLE = "the member `problems` does not have the format that a build writes"


def to_text(error: InvalidManifest, source: Source) -> str:
    """deployment.json: ``schemaVersion``, ``source``, ``problems``, each with ``file``, ``line`` and ``column`` (where
    the place is known), ``path``, ``message`` and ``accepted``. ``total`` is the number of problems, if not all fit."""
    shown, size = [], 0
    for problem in error.problems:
        each = {"file": error.file, **problem.to_json()}
        each = {key: _cut(value, _FILE_AT_MOST if key == "file" else _TEXT_AT_MOST) for key, value in each.items()}
        size += len(json.dumps(each)) + 2
        if size > PROBLEMS_AT_MOST:
            break
        shown.append(each)
    more = {"total": len(error.problems)} if len(shown) < len(error.problems) else {}
    data = {"schemaVersion": SCHEMA_VERSION, "source": source.to_json(), PROBLEMS: shown, **more}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


def from_data(deployment: object) -> InvalidManifest | None:
    """The error that :func:`to_text` wrote; None if the data has no member ``problems``, so is a manifest.

    Problems in another format, such as ones written by hand, are an error too."""
    if not isinstance(deployment, Mapping) or PROBLEMS not in deployment:
        return None
    try:
        problems = [_problem(each) for each in deployment[PROBLEMS]]
        file = _one_line(deployment[PROBLEMS][0]["file"], _FILE_AT_MOST)
        return InvalidManifest(file, problems, _total(deployment, len(problems)))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return InvalidManifest("input", [Problem(0, 0, PROBLEMS, _NOT_READABLE, "the content of deployment.json")])


def _problem(data: Mapping[str, Any]) -> Problem:
    line, column = data.get("line", 0), data.get("column", 0)
    if type(line) is not int or type(column) is not int or not (0 <= line <= _LINE_AT_MOST >= column >= 0):
        raise ValueError(line, column)
    path, message, accepted = (_one_line(data.get(key, ""), _TEXT_AT_MOST) for key in ("path", "message", "accepted"))
    return Problem(line, column, path, message, accepted)


def _total(deployment: Mapping[str, Any], at_least: int) -> int:
    total = deployment.get("total")
    return total if type(total) is int and at_least <= total <= _LINE_AT_MOST else at_least


def _one_line(value: object, at_most: int) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return sanitize.escaped(value[:at_most])


def _cut(value: object, at_most: int) -> object:
    if not isinstance(value, str) or len(value) <= at_most:
        return value
    return value[: at_most - 1] + "…"
