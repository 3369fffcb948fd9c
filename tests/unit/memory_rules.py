"""The rules on one item of one push: each yields what is not so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from unit.memory_account import HAND
from unit.memory_item import GOOD, SEEN, Item, Known, Tried, settings_of

Rule = Callable[[Item, Known], Iterator[str]]


def good_runs(item: Item, known: Known) -> Iterator[str]:
    """DEPLOYED and UNCHANGED: what Git asks for runs, with the digests of now."""
    if item.status not in GOOD or not item.is_left_alone:
        return
    may_not_look = bool(item.facts.push.refused) or any(done.act.kind == "tag" for done in item.facts.during)
    # What nothing is remembered of is taken over with the digest that it runs, also where its settings are written.
    is_taken_over = known.is_new and item.before.revision == item.after.revision
    if not item.has_images(item.after) or not item.after.is_settled:
        yield f"it does not run what Git asks for: {item.after}"
    elif not item.runs(item.after) and not may_not_look and not is_taken_over:
        yield f"it runs another digest: {item.after.digests}, asked {item.digests}"


def good_is_checked(item: Item, known: Known) -> Iterator[str]:
    """What Git asks for was proven by its hook, or adopted."""
    if item.status not in GOOD or not item.has_hook() or not item.is_left_alone:
        return
    revision, result = item.after.revision, item.last_check(item.after.revision)
    if result is False:
        yield f"the last hook postDeploy on {revision} failed"
    elif result is None and item.is_in_doubt(known, revision):
        yield f"{revision} was in doubt, and no hook judged it"
    elif result is None and any(d.revision == revision for d in item.deployed):
        yield f"this release deployed {revision}, and no hook judged it"
    elif result is None and known.tried == Tried(item.text, tuple(item.digests.values()), "failed"):
        yield f"its last attempt failed, and {revision} was not judged by its hook"


def rolled_back(item: Item, known: Known) -> Iterator[str]:
    """ROLLED_BACK: a settled revision that is not known as bad runs, as it was before."""
    if item.status != "ROLLED_BACK" or not item.is_left_alone:
        return
    before, after = item.before, item.after
    if not after.is_settled:
        yield f"it is not settled: {after}"
    if item.is_in_doubt(known, after.revision) and not item.is_judged_and_returned:
        yield f"{after.revision} failed before, or was never proven"
    may_stand = item.is_settled_in_sight and before.revision not in known.marked
    # Without it, what a tag named is not known.
    may_stand = may_stand and "describe_service_revisions" not in item.facts.push.refused
    if may_stand and not item.is_in_doubt(known, before.revision) and after.digests != before.digests:
        yield f"it does not run what it ran: {before} {after}"


def forced(item: Item, known: Known) -> Iterator[str]:
    """``forceNewDeployment`` deploys, always."""
    # It comes after what it depends on, as every item.
    is_begun = item.status in (*GOOD, "HELD", "ROLLED_BACK") and not item.reason.startswith("waits for")
    is_begun = is_begun and "LedgerUnavailable" not in item.reason
    # Somebody may have deployed its revision first, and that was followed.
    revision = str(item.result.get("deployedTaskDefArn", "")).rpartition("/")[2]
    is_theirs = any(done.deployment and done.revision == revision for done in item.hands)
    is_theirs = is_theirs or item.says("was deployed by someone else a moment ago")
    is_begun = is_begun and item.facts.alone and item.facts.push.abort is None and not is_theirs
    if item.is_forced and is_begun and not item.deployed:
        yield "forceNewDeployment is set, and nothing was deployed"


def intent_before_act(item: Item, known: Known) -> Iterator[str]:
    """What a release is about to do is written down before it does it."""
    if any(done.act.kind in ("lose", "corrupt") for done in item.facts.during):
        return
    earlier = {d.revision for d in item.facts.deployed if d.at < item.facts.began}
    target = str(item.result.get("previousTaskDefArn", "")).rpartition("/")[2]
    # Run again, it may go back to the revision itself after its copy, whose digests are the same.
    copies = {d.revision for d in item.deployed if dict(d.digests) == dict(item.after.digests)}
    if item.status == "ROLLED_BACK" and {d.revision for d in item.deployed} - earlier <= {target, *copies}:
        # What ran was judged again, and is taken back: a rollback writes nothing.
        return
    for each in item.deployed:
        if not each.has_intent and each.revision not in earlier:
            yield f"{each.revision} was deployed, and no intent was written"


def never_back_to_what_failed(item: Item, known: Known) -> Iterator[str]:
    """No release deploys a revision again that failed before."""
    for each in item.deployed:
        if each.revision in known.bad:
            yield f"{each.revision} failed before, and was deployed again"


def left_alone(item: Item, known: Known) -> Iterator[str]:
    """What somebody deploys while the hook preDeploy runs is left."""
    if item.facts.push.faults or item.facts.push.abort is not None:
        return
    ours = next(iter(item.deployed), None)
    its = [c for c in item.facts.checked if c.revision.startswith(f"{item.name}:") and c.at >= item.facts.began]
    tried = [c.at for c in its if c.hook == "preDeploy"]
    for done in item.hands:
        if ours is None or not done.deployment or not tried or not item.facts.alone:
            continue
        if done.revision == item.before.revision:
            # The same again is replaced as it would have been: nothing of it is lost.
            continue
        if tried[-1] < done.at and ours.at - done.at > SEEN + item.facts.stale and done.deployment != ours.deployment:
            yield f"{done.revision} was deployed while the hook ran, and was replaced"


def settings_stand(item: Item, known: Known) -> Iterator[str]:
    """The settings are those from before, or Git's."""
    if not item.facts.alone or item.may_see_old_settings:
        return
    live, owned = settings_of(item.after.settings), item.asked.get("deployment", {})
    before, of_git = known.settings, settings_of(known.settings, owned)
    deployed = [done for done in item.hands if done.act.kind == "settings"]
    is_told = item.names("set `deployment` to have others")
    if item.status in GOOD and not known.settings_may_be(live, owned) and not deployed and not is_told:
        yield f"the settings are {live}, and not {of_git}"
    if item.status in ("ROLLED_BACK", "HELD", "SKIPPED") and not known.settings_may_be(live):
        is_left = item.status == "SKIPPED" and settings_of(item.before.settings) == live
        # Of what waits for one that is HELD, nothing is put back.
        is_unchanged = live in (of_git, settings_of(item.before.settings))
        is_left = is_left or (item.reason.startswith("waits for") and is_unchanged)
        if not is_left and "put back by the next release" not in item.reason and not deployed:
            yield f"the settings are {live}, and not {before}"


def settings_by_hand_stand(item: Item, known: Known) -> Iterator[str]:
    """Settings that somebody wrote in mid-release stand, where Git does not own them, or the report has a word."""
    for done in item.hands:
        if done.act.kind == "settings" and "settings" not in item.reason and item.facts.alone:
            owned, live = item.asked.get("deployment", {}), item.after.settings
            lost = [name for name, value in done.act.value.items() if name not in owned and live.get(name) != value]
            if lost and live.get("strategy") == "ROLLING" and not item.was_too_late(done.at, done.act.value):
                yield f"somebody set {done.act.value}, and the settings are {live}"


def held(item: Item, known: Known) -> Iterator[str]:
    """HELD exactly where the same failed by itself before, nothing was changed, and something else runs."""
    tried, facts = known.tried, item.facts
    if item.is_moved or (facts.stale and not item.is_settled_in_sight):
        return
    is_same = tried.text == item.text and tried.digests == tuple(item.digests.values())
    if item.status == "HELD" and not item.reason.startswith("waits for"):
        is_read = item.text not in known.unread
        if not item.could_fail and is_read:
            yield "nothing of it can fail"
        if tried.outcome != "unclear" and is_read and not (is_same and tried.outcome == "failed"):
            yield f"the last attempt was {tried}"
        if item.is_forced:
            yield "forceNewDeployment is set"
        settings, owned = item.before.settings, item.asked.get("deployment", {})
        has_settings = settings_of(settings, owned) == settings_of(settings)
        if item.is_left_alone and item.runs(item.before) and item.before.is_settled and has_settings:
            yield "what Git asks for runs"
        return
    is_clear = item.is_left_alone and not facts.push.refused and not facts.push.faults and not item.is_forced
    if is_clear and is_same and tried.outcome == "failed" and not item.has_images(item.before):
        # An item that waits for one that is HELD is left, too.
        is_refused = item.status in ("SKIPPED", "HELD") or (facts.report or {}).get("error") == "CheckFailed"
        if not is_refused and "ledger" not in item.reason:
            yield f"it is not HELD, though it failed: {tried}, runs {item.before}"


def not_silently(item: Item, known: Known) -> Iterator[str]:
    """What somebody deployed is not replaced without a word."""
    is_step_lost = any(done.act.kind == "lose_step" for done in item.facts.during)
    if item.facts.push.faults or item.facts.push.abort is not None or is_step_lost:
        # The answer that shows it may be lost, or the warning that was made of it.
        return
    those = [d for d in item.facts.deployed if d.service == item.name]
    for theirs, ours in pairwise(those):
        if theirs.by != HAND or ours.by != item.facts.name or theirs.has_given_up:
            continue
        if dict(item.after.digests) == dict(theirs.digests):
            # A copy of it runs.
            continue
        if not item.names(theirs.revision, theirs.deployment, "someone else", "joined the deployment"):
            yield f"{theirs.revision} ({theirs.deployment}), which somebody deployed, was replaced"


def at_the_same_moment(item: Item, known: Known) -> Iterator[str]:
    """A release reads right before UpdateService: only what nobody could see is replaced."""
    # Another execution asks three times, ten seconds apart, whether this one is over.
    slowest = SEEN + item.facts.stale + 2 * item.facts.slow + 20 * len(item.facts.rivals)
    for theirs, ours in pairwise([d for d in item.facts.deployed if d.service == item.name]):
        text = f"deployment {theirs.deployment} of {theirs.revision}, which someone else started at the same moment"
        is_told = any(each.startswith(text) for each in item.result.get("warnings", ()))
        if is_told and ours.by == item.facts.name and ours.at - theirs.at > slowest:
            yield f"{theirs.deployment} was there for {ours.at - theirs.at:.0f} seconds, and was replaced"


def unchanged_where_said(item: Item, known: Known) -> Iterator[str]:
    """SKIPPED, HELD, and FAILED where nothing was changed."""
    says = "not changed" in item.reason or "nothing was changed" in item.reason
    if not item.is_left_alone or not (item.status in ("SKIPPED", "HELD") or (item.status == "FAILED" and says)):
        return
    if item.deployed:
        yield f"it deployed {item.deployed[0].revision}"


def failed_says_what_runs(item: Item, known: Known) -> Iterator[str]:
    if item.status != "FAILED" or item.after.revision == item.before.revision or not item.facts.alone:
        return
    if "unknown" in item.reason:
        return
    those = [d for d in item.facts.deployed if d.service == item.name and d.revision == item.before.revision]
    is_others = [d for d in those if d.by != item.facts.name and d.changed >= item.facts.began]
    if not item.deployed and any(d.has_given_up or d.status.startswith("ROLLBACK") for d in is_others):
        # It deployed nothing. ECS took back what somebody else, or an earlier release, had begun.
        return
    if not item.names(item.after.revision, str(item.after.deployment)) and not any(d.deployment for d in item.hands):
        yield f"it does not say that {item.after.revision} runs"


def good_is_remembered_truly(item: Item, known: Known) -> Iterator[str]:
    """``good`` in the ledger was proven or adopted."""
    memory: dict[str, Any] = (item.facts.memory_after or {}).get(f"service shop/{item.name}") or {}
    good = memory.get("good")
    if good is None or not item.facts.alone:
        return
    revision = good["revision"]
    those = [d for d in item.facts.deployed if d.service == item.name and d.revision == revision]
    if not any(d.status == "SUCCESSFUL" for d in those):
        yield f"good is {revision}, which never came up"
    is_marked = any(each["revision"] == revision for each in memory.get("notGood", ()))
    # With the ledger, it was lost that a hook failed.
    if item.last_check(revision) is False and not is_marked and revision not in known.marked:
        yield f"good is {revision}, whose hook failed"
    if good.get("digests") and not any(good["digests"].items() <= d.digests.items() for d in those):
        yield f"good has digests that {revision} never ran: {good}"


RULES: tuple[Rule, ...] = (
    good_runs,
    good_is_checked,
    rolled_back,
    forced,
    intent_before_act,
    never_back_to_what_failed,
    left_alone,
    settings_stand,
    settings_by_hand_stand,
    held,
    not_silently,
    at_the_same_moment,
    unchanged_where_said,
    failed_says_what_runs,
    good_is_remembered_truly,
)
