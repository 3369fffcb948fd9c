"""Write down what came of a release: verdicts after each slice, and the rest with the report.

Nothing here may delay or fail a release. What cannot be written is told, and the next release judges again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ecs_gitops.ecs.revision_tags import FAILED, execution_tag
from ecs_gitops.ecs.service import Service
from ecs_gitops.flow.conclusion import concluded
from ecs_gitops.flow.transitions import is_rolling_back
from ecs_gitops.live import services
from ecs_gitops.live.service_state import running_digests
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, FenceLost, LedgerRefused, LedgerUnavailable
from ecs_gitops.model.item import join_texts
from ecs_gitops.model.memory import NOTHING
from ecs_gitops.model.status import ChangeKind, Judgement, Kind, Status, Step

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ledger import Ledger
    from ecs_gitops.ledger.targets import Memories, Targets
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release

log = logging.getLogger(__name__)

# A slice waits for the ledger, and for a tag, no longer than this. Seconds.
_SECONDS = 20.0
_LEFT_OUT = (Status.HELD, Status.SKIPPED)


def after_slice(aws: Aws, ledger: Ledger, release: Release, before: Batch, after: Batch, budget: TimeBudget) -> Batch:
    """The batch, after the verdicts that are new in it were written. Raises :class:`FenceLost` where another release
    has taken over: its memory is not written."""
    if after.kind is not Kind.SERVICE:
        return after
    known = {item.number: item for item in before.items}
    new = [item for item in after.items if _is_new(known[item.number], item)]
    if not new:
        return after
    ran = _running(aws, new, after, budget)
    failure = _written(ledger, new, release, ran, budget)
    _tag_failed(aws, [item for item in new if _has_failed(item)], release, after, budget)
    return after.updated(_with_note(item, failure) for item in new) if failure else after


def at_the_end(
    targets: Callable[[Batch], Targets],
    release: Release,
    batches: Iterable[Batch],
    taken_over: Callable[[], str | None],
) -> str | None:
    """Write what is known of all items of a release that is over, also of those that it left unchanged. Returns why
    something could not be written: ``taken_over`` says why nothing may be."""
    for batch in batches:
        items = [item for item in batch.items if item.is_final and (item.status not in _LEFT_OUT or _is_held(item))]
        if batch.kind is not Kind.SERVICE or not items:
            continue

        def change(memories: Memories, items: Sequence[Item] = items) -> Memories:
            after = _concluded(memories, items, release)
            if after != memories and (why := taken_over()) is not None:
                raise FenceLost(why)
            return after

        try:
            targets(batch).update(change)
        except (FenceLost, LedgerUnavailable, LedgerRefused) as error:
            return str(error)
    return None


def _is_new(before: Item, after: Item) -> bool:
    if before == after or after.status in _LEFT_OUT:
        return False
    is_begun = after.change.revision != before.change.revision
    is_begun = is_begun or (before.watched.deployment is None and after.watched.deployment is not None)
    # What was good goes back with the release: its settings are those of a rollback until that is over.
    is_returned = after.progress.judgement is Judgement.RETURNED and after.step is Step.ROLLING_BACK
    is_begun = is_begun or (is_returned and before.step is not Step.ROLLING_BACK)
    return is_begun or after.is_final != before.is_final or is_rolling_back(after) != is_rolling_back(before)


def _is_held(item: Item) -> bool:
    """Whether it is held because of its own last attempt, and not of one that it depends on."""
    return item.status is Status.HELD and item.change.kind is ChangeKind.HELD


def _has_failed(item: Item) -> bool:
    judgement = item.result.judgement if item.result is not None else item.progress.judgement
    return judgement is Judgement.FAILED and (item.is_final or is_rolling_back(item))


def _running(aws: Aws, items: Sequence[Item], batch: Batch, budget: TimeBudget) -> dict[int, Mapping[str, str]]:
    """The digests of what good items run now, by the item's number, as far as ECS tells."""
    good = [item for item in items if item.status is Status.DEPLOYED and item.change.revision is not None]
    try:
        answers = services.describe_services(aws, good, budget.at_most(_SECONDS))
        found = {number: each for number, each in answers.items() if isinstance(each, Service)}
        digests = running_digests(aws, list(found.values()))
    except AwsUnavailable:
        return {}
    revisions = {item.number: batch.task_definition_arn(item.change.revision or "") for item in good}
    return {number: digests.get(revisions[number], {}) for number in found}


def _written(
    ledger: Ledger,
    items: Sequence[Item],
    release: Release,
    ran: Mapping[int, Mapping[str, str]],
    budget: TimeBudget,
) -> str | None:
    limited = budget.at_most(_SECONDS)

    def change(memories: Memories) -> Memories:
        # After the object was read: what a later release writes to it from here on makes this write fail.
        ledger.fence.require(is_rollback=True, within=0.0)
        return _concluded(memories, items, release, ran)

    def write() -> None:
        try:
            ledger.targets.update(change)
        except LedgerUnavailable as error:
            raise AwsUnavailable(str(error)) from None

    try:
        limited.retry(write)
    except (AwsUnavailable, LedgerRefused) as error:
        log.warning("what came of items could not be remembered", extra={"cause": str(error)})
        return f"this could not be remembered, so the next release judges it again: {error}"
    return None


def _concluded(
    memories: Memories, items: Iterable[Item], release: Release, ran: Mapping[int, Mapping[str, str]] | None = None
) -> Memories:
    found: Mapping[str, Item] = {item.desired.identity: item for item in items}
    known = ran or {}
    made = {
        name: concluded(memories.get(name, NOTHING), item, release, known.get(item.number))
        for name, item in found.items()
    }
    return {**memories, **{name: memory for name, memory in made.items() if memory != NOTHING}}


def _with_note(item: Item, note: str) -> Item:
    if item.result is not None:
        return replace(item, result=replace(item.result, reason=join_texts(item.result.reason, note)))
    return item


def _tag_failed(aws: Aws, items: Iterable[Item], release: Release, batch: Batch, budget: TimeBudget) -> None:
    """Tag revisions that failed, so that whoever loses the ledger still knows of them. At best effort: the ledger has
    it already, and ECS takes no tag for a revision that is not ACTIVE."""
    limited = budget.at_most(_SECONDS)
    for item in items:
        if item.change.revision is None:
            continue
        revision, mark = batch.task_definition_arn(item.change.revision), execution_tag(release.mark)
        try:
            limited.retry(partial(aws.tag_task_definition, revision, FAILED, mark))
        except (AwsRefused, AwsUnavailable) as error:
            log.info("a revision that failed could not be tagged", extra={"cause": str(error)})
