"""What is wrong with a manifest, as data: the deployment.json of a build whose manifest cannot be released. Pure.

The build writes it instead of a manifest and goes on, so that the release fails where all releases are told of:
InitConfig raises what is in it, and the notice has each problem with its place, the commit and its author. Nothing is
ever deployed of data with the member ``problems``.
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
# Of the 262,144 bytes that Step Functions carries. The state after a failure holds them twice: as input and as error.
# A notice shows all of them: its own limit is larger.
PROBLEMS_AT_MOST = 40_000
_TEXT_AT_MOST = 1_000
_FILE_AT_MOST = 300
_LINE_AT_MOST = 10**9
_NOT_READABLE = "the input's problems are none that a build writes"


def to_text(error: InvalidManifest, source: Source) -> str:
    """deployment.json: ``schemaVersion``, ``source``, ``problems``, each with ``file``, ``line`` and ``column`` (where
    it has a place), ``path``, ``message`` and ``accepted``; and ``total``, their number, where not all fit."""
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
    """The error that :func:`to_text` wrote down; None for data without problems, as that of a manifest is.

    What is not as a build writes it, but by hand, is an error of its own: it is never taken for a manifest."""
    if not isinstance(deployment, Mapping) or PROBLEMS not in deployment:
        return None
    try:
        found = [_problem(each) for each in deployment[PROBLEMS]]
        file = _one_line(deployment[PROBLEMS][0]["file"], _FILE_AT_MOST)
        return InvalidManifest(file, found, _total(deployment, len(found)))
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
