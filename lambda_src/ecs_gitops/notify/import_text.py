"""What an import says to people: the manifest it writes, and what it left out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ecs_gitops.desired.importing import common, without
from ecs_gitops.manifest.writer import Entry, document
from ecs_gitops.model import sanitize
from ecs_gitops.model.item import join_names
from ecs_gitops.plan.preview import Action

if TYPE_CHECKING:
    from ecs_gitops.desired.imported_values import Imported, ImportedItem, Skipped
    from ecs_gitops.plan.preview import ReleasePlan

_NAMES_SHOWN = 40
_HEADER = (
    "What is live, written by `ecs-gitops init`. A release of this file as it is changes nothing.",
    "Change an image and push: that service is deployed. docs/manifest.md has all fields.",
)


def text(imported: Imported) -> str:
    """The manifest as YAML."""
    defaults = common(imported.items)
    lines = [*left(imported), *unread(imported)]
    header = [*_HEADER, *(["", "Not in this file:"] if lines else []), *(f"- {line}" for line in lines)]
    return document(
        header,
        {
            "defaults": defaults,
            "tasks": entries((item for item in imported.items if item.kind == "tasks"), defaults),
            "services": entries((item for item in imported.items if item.kind == "services"), defaults),
        },
    )


def entries(items: Iterable[ImportedItem], defaults: dict[str, str] | None = None) -> list[Entry]:
    """The items as they are written beside ``defaults``."""
    return [Entry(without(item.values, defaults or {}), item.comments) for item in items]


def left(imported: Imported) -> list[str]:
    """What is live and not in the manifest, a line for each reason."""
    places = {each.region for each in imported.skipped} | {item.place[2] for item in imported.items}
    found: dict[str, list[str]] = {}
    for each in imported.skipped:
        found.setdefault(each.why, []).append(_name(each, several=len(places) > 1))
    return [sanitize.line(f"{join_names(names, _NAMES_SHOWN)}: {why}") for why, names in found.items()]


def unread(imported: Imported) -> list[str]:
    """What could not be read, a line each."""
    return [sanitize.line(f"not read: {text}") for text in imported.unread]


def report(imported: Imported) -> list[str]:
    """What is left out and what could not be read, for people at a terminal."""
    return [*(f"not in the manifest: {line}" for line in left(imported)), *unread(imported)]


def _name(skipped: Skipped, *, several: bool) -> str:
    return f"{skipped.name} in {skipped.region}" if several else skipped.name


def concerns(items: Iterable[ImportedItem]) -> list[str]:
    """The items whose plan may be a change, although nothing differs: a line for each."""
    return [sanitize.line(f"{item.name}: {text}") for item in items for text in item.concerns]


def is_as_live(plan: ReleasePlan) -> bool:
    """Whether a release of the plan would change nothing, and everything was checked."""
    return not plan.has_changes and not plan.is_blocked


def verdict(plan: ReleasePlan, items: Sequence[ImportedItem]) -> str:
    """``0 changes``, or how many there are, and why that is so where it is known."""
    changes = plan.counts.get(Action.UPDATE, 0)
    rest = ", ".join(
        f"{plan.counts[action]} {word}"
        for action, word in (
            (Action.UNCHANGED, "unchanged"),
            (Action.HELD, "held"),
            (Action.BLOCKED, "blocked"),
            (Action.NOT_CHECKED, "not checked"),
        )
        if action in plan.counts
    )
    counted = f"{changes} change{'' if changes == 1 else 's'}" + (f", {rest}" if rest else "")
    pinned = sum(bool(item.pinned) for item in items)
    if pinned and changes:
        return (
            f"{counted}. --pin: {pinned} items run a tag, and this file names its digest. The first release registers "
            "revisions with the digests and rolls them out; the images stay the same"
        )
    return counted
