"""The output of the commands: lines for people, in colour on a terminal, or one JSON object for machines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from ecs_gitops.model import sanitize

if TYPE_CHECKING:
    from ecs_gitops.model.errors import InvalidManifest
    from ecs_gitops.model.problem import Problem
    from ecs_gitops.model.types import Json

AUTO, ALWAYS, NEVER = "auto", "always", "never"
COLORS = (AUTO, ALWAYS, NEVER)
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_PROBLEMS_AT_MOST = 100
_PLACE = re.compile(r"(?P<place>.*?:\d+:\d+:) (?P<message>.*)")


class Paint:
    """Colours for one stream. ``choice`` is the value of `--color`. ``auto`` means colours on a terminal, unless the
    environment refuses them (https://no-color.org)."""

    def __init__(self, stream: TextIO, choice: str, environment: Mapping[str, str]) -> None:
        refused = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
        self._is_on = choice == ALWAYS or (choice == AUTO and not refused and stream.isatty())

    def __call__(self, text: str, *styles: str) -> str:
        """``text`` in these styles: bold, dim, red, green, yellow."""
        if not self._is_on:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def problems(error: InvalidManifest, paint: Paint, then: str = "") -> str:
    """A line for each problem, and one with their number and ``then``."""
    lines = [_problem(line, paint) for line in str(error).splitlines()]
    return "\n".join([*lines, f"{error.file}: {paint(count(len(error.problems), 'problem'), 'bold', 'red')}{then}"])


def _problem(line: str, paint: Paint) -> str:
    match = _PLACE.match(line)
    if match is None:
        return line
    message, separator, accepted = match["message"].partition("; accepted: ")
    rest = paint(separator + accepted, "dim") if separator else ""
    return f"{paint(match['place'], 'bold')} {paint(message, 'red')}{rest}"


def warning(file: str, text: str, paint: Paint) -> str:
    """A warning, on one line."""
    return f"{file}: {paint('warning:', 'bold', 'yellow')} {text}"


def failure(error: OSError) -> str:
    """Why a file could not be read or written."""
    return f"{sanitize.escaped(str(error.filename or 'output'))}: {error.strerror or error}"


def result(
    file: str, *, valid: bool, found: Sequence[Problem] = (), warning: str | None = None, error: str | None = None
) -> Json:
    """The JSON for one file: ``file``, ``valid``, ``problems`` (at most a hundred) and ``total``, their number. Where
    there are any: ``warnings``, and ``error``, the reason why the file could not be read."""
    data: Json = {
        "file": file,
        "valid": valid,
        "problems": [problem.to_json() for problem in found[:_PROBLEMS_AT_MOST]],
        "total": len(found),
    }
    return data | ({"warnings": [warning]} if warning else {}) | ({"error": error} if error else {})


def count(number: int, noun: str) -> str:
    """``2 problems``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
