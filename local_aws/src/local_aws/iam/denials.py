"""Permissions taken away, to see what misses them: a role's policies as if they did not have an action.

Allow statements lose the action, whether they name it or a wildcard matches it; the rest of the evaluation is AWS's
own. It reaches every place that reads a role's policies: calls, ``iam:PassRole``, what services do as a role, and
SimulatePrincipalPolicy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ministack.core import iam_evaluator

# Role name, and account or "": lower-case actions.
_lost: dict[tuple[str, str], set[str]] = {}


class _Without(list[str]):
    """Patterns of actions that match anything but what was lost."""

    def __init__(self, patterns: Iterable[str], lost: set[str]) -> None:
        super().__init__(patterns)
        self.lost = lost


def use(wanted: Any) -> None:
    """``[{"role": NAME, "action": "ecs:RunTask"}]``, optionally with an ``account``; [] takes nothing away."""
    lost: dict[tuple[str, str], set[str]] = {}
    for each in wanted or []:
        if not isinstance(each, dict) or not {"role", "action"} <= each.keys() <= {"role", "action", "account"}:
            raise ValueError(f"deny takes role, action and account, not {each}")
        lost.setdefault((each["role"], each.get("account", "")), set()).add(each["action"].lower())
    _lost.clear()
    _lost.update(lost)


def mend() -> None:
    """Apply the mend of this module."""
    gather, matches = iam_evaluator._gather_role_policies, iam_evaluator._action_matches

    def gather_role_policies(role: str, account: str) -> Any:
        policies = gather(role, account)
        lost = _lost.get((role, ""), set()) | _lost.get((role, account), set())
        return [[_less(each, lost) for each in statements] for statements in policies] if lost else policies

    def action_matches(action: str, actions: list[str], others: list[str]) -> bool:
        lost: set[str] = getattr(actions, "lost", set()) | getattr(others, "lost", set())
        return action.lower() not in lost and bool(matches(action, actions, others))

    iam_evaluator._gather_role_policies, iam_evaluator._action_matches = gather_role_policies, action_matches


def _less(statement: Any, lost: set[str]) -> Any:
    if statement.effect != "Allow":
        return statement
    return replace(
        statement, actions=_Without(statement.actions, lost), not_actions=_Without(statement.not_actions, lost)
    )
