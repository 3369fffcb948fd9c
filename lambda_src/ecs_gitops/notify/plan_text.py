"""A plan as text for a terminal. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops.model import sanitize
from ecs_gitops.model.item import join_names
from ecs_gitops.notify import plan_lines
from ecs_gitops.plan.preview import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ecs_gitops.plan.preview import PlannedItem, ReleasePlan

_NAMES_SHOWN = 10
_STYLES = {
    Action.UPDATE: ("bold", "green"),
    Action.HELD: ("bold", "yellow"),
    Action.BLOCKED: ("bold", "red"),
    Action.NOT_CHECKED: ("bold", "yellow"),
    Action.UNCHANGED: ("dim",),
}


def text(
    plan: ReleasePlan,
    home: tuple[str, str],
    paint: Callable[..., str] = lambda text, *_: text,
    *,
    verbose: bool = False,
    show_values: bool = False,
) -> str:
    """The whole plan. ``home`` is the account and Region that need not be named; ``paint`` adds colours."""
    names = {each.item.number: each.item.name for each in plan.items}
    shown = [each for each in plan.items if verbose or each.action is not Action.UNCHANGED or _notes(each)]
    lines = [line for each in shown for line in _item(each, names, home, paint, show_values=show_values)]
    quiet = [each.item.name for each in plan.items if each not in shown]
    if quiet:
        lines.append(paint(f"unchanged: {join_names(quiet, _NAMES_SHOWN)}", "dim"))
    lines += [paint(line, "yellow") for line in plan_lines.memory_notes(plan)]
    lines += _unmanaged(plan, verbose=verbose)
    conclusion = f"Plan: {plan_lines.summary(plan)}. {plan_lines.consequence(plan)}"
    return "\n".join([*lines, *([""] if lines else []), paint(conclusion, "bold")]) + "\n"


def _item(
    planned: PlannedItem,
    names: dict[int, str],
    home: tuple[str, str],
    paint: Callable[..., str],
    *,
    show_values: bool,
) -> Iterator[str]:
    yield f"{paint(planned.action, *_STYLES[planned.action])} {plan_lines.target(planned, home)}"
    yield from (f"    {line}" for line in plan_lines.changes(planned, show_values=show_values))
    yield from (f"    {line}" for line in plan_lines.effects(planned, names))
    yield from (f"    {paint(line, 'yellow')}" for line in _notes(planned))


def _notes(planned: PlannedItem) -> list[str]:
    return plan_lines.notes(planned)


def _unmanaged(plan: ReleasePlan, *, verbose: bool) -> list[str]:
    """What is live and not in the manifest."""
    lines = []
    if plan.unmanaged:
        count = len(plan.unmanaged)
        noun = "service" if count == 1 else "services"
        named = ": " + sanitize.line(", ".join(plan.unmanaged)) if verbose else " (--verbose names them)"
        lines.append(f"live in these clusters, and not in the manifest: {count} {noun}{named}")
    if plan.unlisted:
        lines.append(f"not checked: what else is live in {join_names(plan.unlisted, _NAMES_SHOWN)} (ecs:ListServices)")
    return lines
