"""The comment on a pull request: its plan, or why there is none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_gitops.notify import plan_markdown

if TYPE_CHECKING:
    from ecs_gitops.plan.preview import ReleasePlan

# CodeCommit's limit: https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html
AT_MOST = 10_240
_PROBLEMS_SHOWN = 50
_LINE_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Review:
    """What came of the review of a request: a plan; or a conflict; or problems of the manifest; or a failure that is
    not the request's."""

    plan: ReleasePlan | None = None
    conflict: str | None = None
    problems: Sequence[str] = ()
    failure: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether a release of the merge would pass its check."""
        return self.plan is not None and not self.plan.is_blocked


@dataclass(frozen=True, slots=True)
class Comment:
    """``is_cut``: whether not all of the plan is in the text."""

    text: str
    is_cut: bool = False


def marker(instance: str) -> str:
    """What our comment has in it, by which it is found again."""
    return f"`ecs-gitops plan of {instance}`"


def commits(source: str, destination: str) -> str:
    """How a comment names the commits that it is about."""
    return f"`{source}` `{destination}`"


def comment(
    review: Review,
    head: Sequence[str],
    end: str,
    home: tuple[str, str],
    *,
    at_most: int | None = AT_MOST,
    whole: str = "",
) -> Comment:
    """The comment. ``head`` are lines below its title, ``end`` is its last line. ``at_most`` is the most characters
    that it may have, None for any number. ``whole`` says where all of it is."""
    end = f"\n---\n{end}\n"
    room = (at_most or 1_000_000_000) - len(end)
    if review.plan is not None:
        made = plan_markdown.document(review.plan, home, head, at_most=room, whole=whole)
        return Comment(made.text + end, made.is_cut)
    lines, title = _without_plan(review)
    shown = [_cut(line) for line in lines[:_PROBLEMS_SHOWN]]
    more = [f"and {len(lines) - _PROBLEMS_SHOWN} more"] if len(lines) > _PROBLEMS_SHOWN else []
    body = "\n".join(f"- {plan_markdown.escaped(line)}" for line in [*shown, *more])
    text = "\n".join([f"### ecs-gitops plan: {title}", "", *head, "", body])
    return Comment(text[:room] + end)


def _without_plan(review: Review) -> tuple[Sequence[str], str]:
    if review.conflict is not None:
        return [review.conflict], "there is none, as the branch cannot be merged"
    if review.problems:
        return review.problems, "the manifest is not valid"
    return [review.failure or "unknown"], "it could not be made"


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_AT_MOST else line[: _LINE_AT_MOST - 3] + "..."
