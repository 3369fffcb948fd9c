"""Whether a target was changed between the check and the deployment. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_gitops.model.change import Change


def change_since_check(checked: Change, now: Change, is_ours: bool) -> str | None:
    """The message where the target has changed since the check. None where it has not, where there was no check, and
    where this release changed it (``is_ours``)."""
    if checked.kind is None or is_ours or (checked.kind, checked.replaced) == (now.kind, now.replaced):
        return None
    if checked.replaced != now.replaced:
        return f"changed by someone else since the check, from {checked.replaced} to {now.replaced}"
    return f"changed by someone else since the check: the plan was {checked.kind}, and is {now.kind}"
