"""A plan as Markdown, for the comment on a pull request. Pure.

Hosts limit the length of a comment, so it is made of parts, the most important first; what does not fit is counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.notify import plan_lines
from ecs_gitops.plan.preview import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_gitops.plan.preview import PlannedItem, ReleasePlan

# GitHub's limit is 65,536 characters, CodeCommit's 10,240.
AT_MOST = 65_000
# What a sentence about the rest needs, with a link.
_REST_AT_MOST = 600
_FIRST = (Action.BLOCKED, Action.UPDATE, Action.HELD, Action.NOT_CHECKED)
# Characters that Markdown gives a meaning to.
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~@&])")


@dataclass(frozen=True, slots=True)
class Document:
    """``is_cut``: whether the text has not all of the plan."""

    text: str
    is_cut: bool


def document(
    plan: ReleasePlan,
    home: tuple[str, str],
    head: Sequence[str] = (),
    *,
    at_most: int = AT_MOST,
    whole: str = "",
    show_values: bool = False,
) -> Document:
    """The plan in at most ``at_most`` characters. ``head`` are lines below the title, ``whole`` is a sentence that says
    where all of the plan is."""
    top = [f"### ecs-gitops plan: {plan_lines.summary(plan)}", "", escaped(plan_lines.consequence(plan)), "", *head]
    notes = [f"- {escaped(line)}" for line in [*plan_lines.memory_notes(plan), *_unmanaged(plan)]]
    end, more = _fitting(notes, at_most // 4)
    shown = sorted((each for each in plan.items if each.action in _FIRST), key=lambda each: _FIRST.index(each.action))
    room = at_most - _REST_AT_MOST - len("\n".join([*top, *end]))
    rows, left = _fitting([_row(each, home) for each in shown], room - len(_TABLE))
    room -= len(_TABLE) + sum(len(row) + 1 for row in rows)
    names = {each.item.number: each.item.name for each in plan.items}
    details, short = _fitting([_details(each, home, names, show_values=show_values) for each in shown], room)
    missing = [
        f"{count} {what}" for count, what in ((left, "items"), (short, "items' details"), (more, "notes")) if count
    ]
    cut = [f"Not shown here for want of room: {', '.join(missing)}. {whole}".rstrip(), ""] if missing else []
    table = ["", _TABLE, *rows] if rows else []
    text = "\n".join([*top, *table, "", *cut, *details, *end]).rstrip() + "\n"
    return Document(text[:at_most], bool(missing))


_TABLE = "| | item | change | deployment |\n|---|---|---|---|"


def escaped(text: str) -> str:
    """The text without meaning for Markdown, HTML or mentions of people."""
    return _SPECIAL.sub(r"\\\1", text)


def _fitting(parts: Sequence[str], room: int) -> tuple[list[str], int]:
    """The parts that fit, and the number of those left out. One that is too long hides none of those after it."""
    kept = []
    for part in parts:
        if len(part) < room:
            room -= len(part) + 1
            kept.append(part)
    return kept, len(parts) - len(kept)


def _row(planned: PlannedItem, home: tuple[str, str]) -> str:
    changed = plan_lines.changes(planned)
    change = escaped(changed[0].removeprefix("~ ")) if changed else ""
    change += f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    effect = plan_lines.strategy(planned.comparison) if planned.comparison.starts_deployment else "none"
    effect = effect if planned.action is Action.UPDATE else ""
    return f"| **{planned.action}** | {escaped(plan_lines.target(planned, home))} | {change} | {effect} |"


def _details(planned: PlannedItem, home: tuple[str, str], names: dict[int, str], *, show_values: bool) -> str:
    lines = [
        *plan_lines.changes(planned, show_values=show_values),
        *plan_lines.effects(planned, names),
        *plan_lines.notes(planned),
    ]
    summary = escaped(plan_lines.target(planned, home))
    # A fence that no line can end.
    body = "\n".join(line.replace("`", "'") for line in lines)
    return f"<details><summary>{planned.action} {summary}</summary>\n\n```diff\n{body}\n```\n</details>"


def _unmanaged(plan: ReleasePlan) -> list[str]:
    count = len(plan.unmanaged)
    noun = "service" if count == 1 else "services"
    return [f"live in these clusters, and not in the manifest: {count} {noun}"] if count else []
