"""The notice ahead of the report: something failed, and the release goes on, most often to roll it back. Pure.

A rollback takes as long as a rollout, and nobody should learn of a failure only after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_gitops import clean, work
from ecs_gitops.notice import execution_link, known_as, subject_text

if TYPE_CHECKING:
    from ecs_gitops.batch import Batch
    from ecs_gitops.provenance import Release
    from ecs_gitops.types import Json
    from ecs_gitops.work import Item

_ITEMS_SHOWN = 10
_REASON_AT_MOST = 1_000


def alert(release: Release, before: Batch, after: Batch) -> Json | None:
    """``{"subject", "message"}`` when one turn made ``after`` of ``before``, an item failed in it, and more is to
    come than the report, as far as a batch can know. None else, and when people were told of the batch in this stage
    already."""
    if before.mode == "CHECK" or any(map(_is_in_trouble, before.items)):
        return None
    failed = [item for item in after.items if _is_in_trouble(item)]
    if not failed:
        return None
    is_last = after.next == "DONE" and after.of_batches == 1
    if is_last and not any(item.on_failure == work.ROLL_BACK_RELEASE for item in failed):
        return None
    names = work.listed([item.name for item in failed], 3)
    known = known_as(release)
    where = f"account {after.account}, Region {after.region}"
    lines = [f"Release {known} is failing in {where}. A report follows when all of it is over.", ""]
    lines += [line for item in failed[:_ITEMS_SHOWN] for line in _told(item)]
    if len(failed) > _ITEMS_SHOWN:
        lines.append(f"  ... and {len(failed) - _ITEMS_SHOWN} more")
    lines += ["", f"Execution: {execution_link(release)}", ""]
    return {"subject": subject_text("FAILING: release", known, f"({names})"), "message": "\n".join(lines)}


def _is_in_trouble(item: Item) -> bool:
    return item.phase == work.ROLLBACK or item.status in work.BAD


def _told(item: Item) -> list[str]:
    place = f"{item.cluster}/{item.name}" if item.cluster else item.name
    return [f"  {clean.line(place)}: {clean.line(item.reason or '', _REASON_AT_MOST)}", f"    {_what_follows(item)}"]


def _what_follows(item: Item) -> str:
    if item.phase == work.ROLLBACK and not item.is_final:
        more = ", then the whole release" if item.on_failure == work.ROLL_BACK_RELEASE else ""
        return f"It is being rolled back to {item.previous_task_def}{more}."
    if item.on_failure == work.ROLL_BACK_RELEASE:
        return "What this release changed is going to be rolled back."
    return "It is not tried again; the others go on."
