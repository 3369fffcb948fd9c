"""The notice ahead of the report: something failed and the release goes on, or a deployment waits for a person. Pure.

A rollback takes as long as a rollout, and nobody should learn of a failure only after it. A PAUSE hook waits for
somebody who has to know of it.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from ecs_gitops.model import sanitize
from ecs_gitops.model.desired import DesiredService
from ecs_gitops.model.item import join_names
from ecs_gitops.model.status import Mode, Next, OnFailure
from ecs_gitops.notify.notice import execution_link, known_as, subject_text

if TYPE_CHECKING:
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

_ITEMS_SHOWN = 10
_REASON_AT_MOST = 1_000

# The notice's attribute `status`.
FAILING = "FAILING"
AWAITING_ACTION = "AWAITING_ACTION"


def alert_for(release: Release, before: Batch, after: Batch) -> Json | None:
    """``{"subject", "message", "status"}`` when an item failed in the turn that made ``after`` of ``before``, and more
    is to come than the report, as far as a batch can know; once for a batch in a stage. And when an item came to a
    PAUSE hook: once for each hook. None else."""
    if before.mode is Mode.CHECK:
        return None
    failed, waiting = _failed(before, after), _waiting(before, after)
    if not failed and not waiting:
        return None
    known = known_as(release)
    where = f"account {after.account}, Region {after.region}"
    lines = []
    if failed:
        lines += [f"Release {known} is failing in {where}. A report follows when all of it is over.", ""]
        lines += _shown([_told(item) for item in failed])
    if waiting:
        lines += [""] if failed else []
        lines += [f"Release {known} waits for a person in {where}.", ""]
        lines += _shown([_how_to_go_on(after, item, hooks) for item, hooks in waiting])
    lines += ["", f"Execution: {execution_link(release)}", ""]
    status = FAILING if failed else AWAITING_ACTION
    names = join_names([item.name for item in failed or [item for item, _ in waiting]], 3)
    return {
        "subject": subject_text(f"{status}: release", known, f"({names})"),
        "message": "\n".join(lines),
        "status": status,
    }


def _failed(before: Batch, after: Batch) -> list[Item]:
    """The items of which people are to know now that they failed."""
    if any(map(_is_in_trouble, before.items)):
        return []
    failed = [item for item in after.items if _is_in_trouble(item)]
    is_last = after.next is Next.DONE and after.batches_in_release == 1
    return (
        failed if not is_last or any(item.desired.on_failure == OnFailure.ROLL_BACK_RELEASE for item in failed) else []
    )


def _waiting(before: Batch, after: Batch) -> list[tuple[Item, list[str]]]:
    """The items that came to PAUSE hooks, with the ids of these."""
    known = {item.number: item.progress.paused for item in before.items}
    found = (
        (item, [hook for hook in item.progress.paused if hook not in known.get(item.number, ())])
        for item in after.items
    )
    return [(item, hooks) for item, hooks in found if hooks]


def _shown(told: list[list[str]]) -> list[str]:
    lines = [line for each in told[:_ITEMS_SHOWN] for line in each]
    return lines + ([f"  ... and {len(told) - _ITEMS_SHOWN} more"] if len(told) > _ITEMS_SHOWN else [])


def _how_to_go_on(batch: Batch, item: Item, hooks: list[str]) -> list[str]:
    """The deployment that waits, and the commands that end the wait.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html"""
    lines = [f"  {item.cluster}/{item.name}: {sanitize.line(item.progress.text or AWAITING_ACTION, _REASON_AT_MOST)}"]
    deployment = quote(batch.service_deployment_arn(item) or "")
    for hook in hooks:
        command = f"aws ecs continue-service-deployment --service-deployment-arn {deployment} --hook-id {quote(hook)}"
        for label, action in (("To go on:    ", "CONTINUE"), ("To roll back:", "ROLLBACK")):
            lines.append(f"    {label} {command} --action {action} --region {batch.region}")
    return lines


def _is_in_trouble(item: Item) -> bool:
    return (item.step is not None and item.step.is_rollback) or (item.status is not None and item.status.is_bad)


def _told(item: Item) -> list[str]:
    place = f"{item.cluster}/{item.name}" if isinstance(item.desired, DesiredService) else item.name
    return [
        f"  {sanitize.line(place)}: {sanitize.line(item.reason or '', _REASON_AT_MOST)}",
        f"    {_what_follows(item)}",
    ]


def _what_follows(item: Item) -> str:
    if item.step is not None and item.step.is_rollback:
        more = ", then the whole release" if item.desired.on_failure == OnFailure.ROLL_BACK_RELEASE else ""
        return f"It is being rolled back to {item.change.previous}{more}."
    if item.desired.on_failure == OnFailure.ROLL_BACK_RELEASE:
        return "What this release changed is going to be rolled back."
    return "It is not tried again; the others go on."
