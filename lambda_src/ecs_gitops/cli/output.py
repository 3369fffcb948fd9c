"""What the command line says: lines for people, in colour where that is read, and one JSON object for machines."""

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
_PLACE = re.compile(r"(?P<place>.*?:\d+:\d+:) (?P<told>.*)")


class Paint:
    """Colours for one stream. ``choice`` is what `--color` says; by itself only a terminal gets colours, and only
    where the environment does not refuse them (https://no-color.org)."""

    def __init__(self, stream: TextIO, choice: str, environment: Mapping[str, str]) -> None:
        refused = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
        self._is_on = choice == ALWAYS or (choice == AUTO and not refused and stream.isatty())

    def __call__(self, text: str, *styles: str) -> str:
        """``text`` in these styles: bold, dim, red, green, yellow."""
        if not self._is_on:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def problems(error: InvalidManifest, paint: Paint, then: str = "") -> str:
    """A line for each problem and one with their number, with ``then`` after it."""
    lines = [_problem(line, paint) for line in str(error).splitlines()]
    return "\n".join([*lines, f"{error.file}: {paint(count(len(error.problems), 'problem'), 'bold', 'red')}{then}"])


def _problem(line: str, paint: Paint) -> str:
    found = _PLACE.match(line)
    if found is None:
        return line
    told, separator, accepted = found["told"].partition("; accepted: ")
    rest = paint(separator + accepted, "dim") if separator else ""
    return f"{paint(found['place'], 'bold')} {paint(told, 'red')}{rest}"


def warning(file: str, text: str, paint: Paint) -> str:
    """One line."""
    return f"{file}: {paint('warning:', 'bold', 'yellow')} {text}"


def failure(error: OSError) -> str:
    """Why a file could not be read or written."""
    return f"{sanitize.escaped(str(error.filename or 'output'))}: {error.strerror or error}"


def result(
    file: str, *, valid: bool, found: Sequence[Problem] = (), warning: str | None = None, error: str | None = None
) -> Json:
    """What machines get of one file: ``file``, ``valid``, ``problems`` (at most a hundred) and ``total``, their number;
    ``warnings`` and ``error``, why the file could not be read, where there are any."""
    told: Json = {
        "file": file,
        "valid": valid,
        "problems": [problem.to_json() for problem in found[:_PROBLEMS_AT_MOST]],
        "total": len(found),
    }
    return told | ({"warnings": [warning]} if warning else {}) | ({"error": error} if error else {})


def count(number: int, noun: str) -> str:
    """``2 problems``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
