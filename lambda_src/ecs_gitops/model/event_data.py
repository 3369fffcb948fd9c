"""Shapes of the members of the state machine's data, checked before anything is done with them. Pure.

Our own state machine writes the events. A wrong event is refused at once, with the member's name, and not somewhere in
the middle of a release.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from ecs_gitops.model import sanitize

# Far above everything that is counted or measured here, and no calculation with it overflows.
_NUMBER_AT_MOST = 10**15
# Limit of numbers that are only passed on: Python refuses to write one with thousands of digits.
_PASSED_ON_BELOW = 10**100
_COUNT_AT_MOST = 10**9
_DEPTH_AT_MOST = 20
_SHOWN = 80
_ERROR_AT_MOST = 400


# What reading data of another shape raises.
WRONG = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Shape:
    """``fits`` is the check; ``accepted`` describes for people what passes it."""

    accepted: str
    fits: Callable[[Any], bool]


def require(data: Any, shapes: Mapping[str, Shape], path: str = "") -> Mapping[str, Any]:
    """``data`` itself. Raises :class:`TypeError` when it is no object, and :class:`ValueError` for the first member of
    another shape. Missing members are not checked here."""
    if not isinstance(data, Mapping):
        raise TypeError(f"{path or 'it'} is {_shown(data)}; accepted: an object")
    for member, shape in shapes.items():
        if member in data and not shape.fits(data[member]):
            where = f"{path}.{member}" if path else member
            raise ValueError(f"{where} is {_shown(data[member])}; accepted: {shape.accepted}")
    return data


def error_text(error: Exception) -> str:
    """The text of an error about an event, cut to a limit."""
    return sanitize.line(repr(error) if isinstance(error, KeyError) else str(error), _ERROR_AT_MOST)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return ascii(value[:_SHOWN])
    return str(value) if value is None or isinstance(value, bool | float) else f"of type {type(value).__name__}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and sanitize.is_whole(value)


def _is_number(value: Any) -> bool:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and abs(value) <= _NUMBER_AT_MOST and isfinite(value)


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and least <= value <= _COUNT_AT_MOST


def _is_list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(fits, value))


def _is_json(value: Any, depth: int = 0) -> bool:
    if depth > _DEPTH_AT_MOST:
        return False
    if isinstance(value, Mapping):
        return all(_is_text(key) and _is_json(child, depth + 1) for key, child in value.items())
    if isinstance(value, list | tuple):
        return all(_is_json(child, depth + 1) for child in value)
    if isinstance(value, int | float):
        return -_PASSED_ON_BELOW < value < _PASSED_ON_BELOW
    return value is None or _is_text(value)


def _has(data: Any, fits: Mapping[str, Callable[[Any], bool]]) -> bool:
    """Whether ``data`` is an object whose members, as far as they are there and not null, fit."""
    return isinstance(data, Mapping) and all(
        data.get(member) is None or fit(data[member]) for member, fit in fits.items()
    )


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


_CONFIGURATION: Mapping[str, Callable[[Any], bool]] = {
    "strategy": _is_text,
    "bakeTimeInMinutes": _is_number,
    "canaryConfiguration": lambda value: _has(value, {"canaryBakeTimeInMinutes": _is_number}),
    "linearConfiguration": lambda value: _has(
        value, {"stepPercent": lambda step: _is_number(step) and step >= 1, "stepBakeTimeInMinutes": _is_number}
    ),
    "alarms": lambda value: _has(value, {"alarmNames": _is_list_of(_is_text)}),
    "deploymentCircuitBreaker": _is_object,
    "minimumHealthyPercent": _is_number,
    "maximumPercent": _is_number,
    "lifecycleHooks": _is_list_of(
        lambda hook: (
            _is_object(hook)
            and _has(
                hook,
                {
                    "lifecycleStages": _is_list_of(_is_text),
                    "timeoutConfiguration": lambda value: _has(value, {"timeoutInMinutes": _is_number}),
                },
            )
        )
    ),
    "earlySuccessCriteria": _is_object,
}


def _is_hook(value: Any) -> bool:
    known = {
        "command": lambda words: _is_list_of(_is_text)(words) and len(words) > 0,
        "container": _is_text,
        "timeoutMinutes": _is_count,
    }
    return _is_json(value) and _has(value, known) and "command" in value


def _are_hooks(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        name in ("preDeploy", "postDeploy") and _is_hook(hook) for name, hook in value.items()
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_is_text(key) and _is_text(child) for key, child in value.items())


def one_of(*words: str) -> Shape:
    """One of a few words."""
    return Shape(" or ".join(words), lambda value: isinstance(value, str) and value in words)


def like(pattern: str, accepted: str) -> Shape:
    """A text that the whole pattern matches."""
    return Shape(accepted, lambda value: _is_text(value) and re.fullmatch(pattern, value) is not None)


TEXT = Shape("a text of whole characters", _is_text)
TEXT_OR_NONE = Shape("a text of whole characters, or null", lambda value: value is None or _is_text(value))
SWITCH = Shape("true or false", lambda value: isinstance(value, bool))
NUMBER = Shape("a number", _is_number)
COUNT = Shape("a whole number that is not negative", _is_count)
WAVE = Shape("a whole number from -1", lambda value: _is_count(value, -1))
COUNTS = Shape("a list of whole numbers that are not negative", _is_list_of(_is_count))
LIST = Shape("a list", lambda value: isinstance(value, list | tuple))
LIST_OR_NONE = Shape("a list, or null", lambda value: value is None or isinstance(value, list | tuple))
TEXTS = Shape("a list of texts", _is_list_of(_is_text))
TEXTS_BY_NAME = Shape("an object of texts", _are_texts)
MEMBERS = Shape("an object", lambda value: isinstance(value, Mapping))
OBJECT = Shape("an object of plain values", lambda value: isinstance(value, Mapping) and _is_json(value))
CONFIGURATION = Shape("a deploymentConfiguration of ECS", lambda value: _is_json(value) and _has(value, _CONFIGURATION))
CONFIGURATIONS = Shape("a list of such", _is_list_of(CONFIGURATION.fits))
HOOKS = Shape("an object with preDeploy and postDeploy, each with a command", _are_hooks)
