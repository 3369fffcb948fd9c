"""Whether a target was changed between the check and the deployment. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_gitops.model.change import Change


def rechecked(checked: Change, now: Change, is_ours: bool) -> Change:
    """``now``, with a warning where the target has changed since the check: warnings are kept whatever becomes of the
    item. There is none where there was no check, and where this release changed the target (``is_ours``)."""
    if checked.kind is None or is_ours or (checked.kind, checked.replaced) == (now.kind, now.replaced):
        return now
    if checked.replaced != now.replaced:
        warning = f"changed by someone else since the check, from {checked.replaced} to {now.replaced}"
    else:
        warning = f"changed by someone else since the check: the plan was {checked.kind}, and is {now.kind}"
    return replace(now, warnings=(*now.warnings, warning))
