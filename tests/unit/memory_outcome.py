"""What came of an item that did not end well, by the facts alone. Nothing here is of the package."""

from __future__ import annotations

from unit.memory_item import Item


def outcome_of(item: Item) -> str:
    """What came of an item that is FAILED or ROLLED_BACK: ``Tried.outcome``."""
    if (
        not item.is_left_alone
        or item.is_moved
        or item.facts.push.faults
        or item.facts.push.refused
        or item.facts.was_aborted
    ):
        return "unclear"
    if any(done.act.kind in ("down_for", "unwritable", "memory_down") for done in item.facts.during):
        return "unclear"
    if "hook preDeploy" in item.reason:
        return "untouched"
    if item.reason.startswith("rolled back with the release"):
        return "returned"
    pulled = {digest for one in item.deployed for digest in one.digests.values()}
    has_broken = any(item.facts.words.get(each) in ("bad", "never") for each in pulled & {*item.digests.values()})
    return "failed" if has_broken or ("hook postDeploy" in item.reason and item.hook_fails()) else "unclear"
