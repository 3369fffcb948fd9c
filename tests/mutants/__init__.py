"""Ways to break the rules of what is remembered, each alone. :mod:`mutations` runs the model against each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Break = Callable[[pytest.MonkeyPatch], None]
# The rule of those that break something of rules and schedules, which have a model of their own.
OF_TRIGGERS = "tasks"
# By rule and name.
MUTANTS: dict[str, Break] = {}


def mutant(rule: str) -> Callable[[Break], Break]:
    """Register a way to break a rule; its name is the function's."""

    def register(function: Break) -> Break:
        MUTANTS[f"{rule:<5} {function.__name__.replace('_', ' ')}"] = function
        return function

    return register
